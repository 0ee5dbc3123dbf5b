//! One random action of one actor, and whether what the kernel answers is right.

use crate::model::{BLANK, Flag, Id, Place, State, What};
use crate::stage::{AREA, CORES, PAGES, REGION_PAGES, REGION_SLOT, STOCK_PAGES, Stage, UTCBS};
use cedo_abi::call::object::{CREATE_IRQ, CREATE_SPACE, CREATE_THREAD, DESTROY, SPACE_FRAMES};
use cedo_abi::call::{Call, capability, memory};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::SELF;
use cedo_abi::{Kind, Rights, Status};
use cedo_arch_host::Random;
use cedo_core::call::give::Give;
use cedo_core::object::capability::Capability;
use cedo_core::object::source::marks;
use cedo_core::object::stamp::{self, REVOKING};
use cedo_floor::{FrameKind, SpaceId};
use std::collections::BTreeMap;

/// Frames of a Space of the tests.
const FRAMES: u64 = SPACE_FRAMES + 1;
/// Frames of stock that a new Space gets.
const STOCK: u64 = 16;

/// A call that is not over yet.
#[derive(Clone, Copy, Debug)]
pub enum Pending {
    /// Of this slot of the actor's own.
    Revoke(u32),
    /// Of this object, by means of the capability in this slot.
    Destroy(u32, Id),
    /// Of pages from this one on.
    Unmap(u64, u64),
    /// One that undoes what it could not do.
    Undo,
}

/// How often each action came to each status.
#[derive(Default)]
pub struct Tally(BTreeMap<(&'static str, &'static str), u32>);

impl Tally {
    fn count(&mut self, action: &'static str, status: Status) {
        let name = if status == Status::Ok { "done" } else { "refused" };
        *self.0.entry((action, name)).or_default() += 1;
    }

    /// Every action must have been done and refused now and then.
    pub fn expect_all(&self) {
        for action in [
            "copy", "divide", "move", "map", "space", "thread", "irq", "stock", "destroy", "drop",
            "revoke", "unmap",
        ] {
            let done = self.0.get(&(action, "done")).copied().unwrap_or(0);
            assert!(done > 20, "{action}: {:?}", self.0);
        }
        for action in ["copy", "divide", "move", "map", "drop"] {
            let refused = self.0.get(&(action, "refused")).copied().unwrap_or(0);
            assert!(refused > 20, "{action}: {:?}", self.0);
        }
    }
}

/// True if the kernel may make something by means of it.
fn can_be_source(state: State) -> bool {
    matches!(state, State::Alive | State::Fading | State::Doomed)
}

fn below(random: &mut Random, bound: u64) -> u64 {
    random.below(bound as usize) as u64
}

impl Stage {
    pub fn act(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        match random.below(21) {
            0..=6 => self.give(core, random, tally),
            7..=9 => self.map(core, random, tally),
            10 => self.unmap(core, random, tally),
            11 => self.create_space(core, random, tally),
            12 => self.create_thread(core, random, tally),
            13 => self.create_irq(core, random, tally),
            14 => self.destroy(core, random, tally),
            15 => self.stock(core, random, tally),
            16..=18 => self.drop_slot(core, random, tally),
            _ => {
                let slot = self.slot_of(core, random);
                self.start_revoke(core, slot, tally);
            }
        }
    }

    fn slot_of(&self, space: usize, random: &mut Random) -> u32 {
        let slots = self.slots(space);
        slots.start + random.below(slots.len()) as u32
    }

    /// A Space that the kernel still has.
    fn any_space(&self, random: &mut Random) -> usize {
        loop {
            let space = random.below(self.model.spaces.len());
            if self.exists(space) {
                return space;
            }
        }
    }

    /// True if this very Space is in its frame.
    pub fn exists(&self, space: usize) -> bool {
        let Place { id, node } = self.model.spaces[space];
        let entry = self.world.shared().table.entry(id.frame());
        node.is_none_or(|node| entry.generation() == self.model.nodes[node].capability.generation)
            && entry.kind() == FrameKind::Space
    }

    fn state(&self, id: Option<Id>) -> State {
        id.map_or(State::Gone, |id| self.model.nodes[id].state)
    }

    fn flag(&self, id: Option<Id>) -> Flag {
        id.map_or(Flag::No, |id| self.model.nodes[id].flag)
    }

    fn content(&self, id: Option<Id>) -> Capability {
        id.map_or(BLANK, |id| self.model.nodes[id].capability)
    }

    /// An attempt failed that the kernel may have noted before.
    fn attempted(&mut self, id: Option<Id>) {
        if let Some(id) = id {
            let flag = &mut self.model.nodes[id].flag;
            *flag = (*flag).max(Flag::Perhaps);
        }
    }

    fn give(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let (from, to) = (self.any_space(random), self.any_space(random));
        let (from, to) = ((from, self.slot_of(from, random)), (to, self.slot_of(to, random)));
        let how = if random.below(4) == 0 { Give::Move } else { Give::Copy };
        let part = (how == Give::Copy && random.below(3) == 0)
            .then(|| (below(random, 12), 1 + below(random, 24)));
        let rights =
            if random.below(4) == 0 { Rights::READ.or(Rights::OBJECTS) } else { Rights::ALL };
        let status = if (from.0, to.0) == (core, core) {
            self.give_by_call(core, from.1, to.1, part, rights, how)
        } else {
            let at = |(space, slot): (usize, u32)| (self.model.spaces[space].id, slot);
            let kernel = self.world.kernel(CORES[core]);
            kernel.give(at(from), part, rights, at(to), how).err().unwrap_or(Status::Ok)
        };
        self.gave(from, to, part, rights, how, status);
        let name = match (how, part) {
            (Give::Move, _) => "move",
            (Give::Copy, None) => "copy",
            (Give::Copy, Some(_)) => "divide",
        };
        tally.count(name, status);
    }

    fn give_by_call(
        &mut self,
        core: usize,
        from: u32,
        to: u32,
        part: Option<(u64, u64)>,
        rights: Rights,
        how: Give,
    ) -> Status {
        let (sub, (first, count)) = match (how, part) {
            (Give::Move, _) => (capability::MOVE, (0, 0)),
            (Give::Copy, None) => (capability::COPY, (0, 0)),
            (Give::Copy, Some(part)) => (capability::DIVIDE, part),
        };
        let words = [SELF, rights.0.into(), first, count];
        self.call(core, (Call::Capability, sub, from.into(), to.into()), &words);
        self.answer(core).expect("at once").0
    }

    fn gave(
        &mut self,
        from: (usize, u32),
        to: (usize, u32),
        part: Option<(u64, u64)>,
        rights: Rights,
        how: Give,
        status: Status,
    ) {
        let (source, there) = (self.model.slot(from.0, from.1), self.model.slot(to.0, to.1));
        let whole = self.content(source);
        let given = match part {
            None => Ok(Capability { rights: whole.rights.and(rights), ..whole }),
            Some((first, count)) => whole.part(first, count, rights),
        };
        let depth = source.map_or(0, |id| self.model.depth_below(id));
        let spaces_there = self.model.is_there(from.0) && self.model.is_there(to.0);
        match status {
            Status::Ok => {
                let source = source.expect("made of something");
                let state = self.state(Some(source));
                assert!(can_be_source(state), "made of what is {state:?}");
                // What is in a Space that was taken back goes with it.
                assert!(self.exists(to.0) && depth <= 16);
                let node = self.model.nodes[source].clone();
                let by = match how {
                    Give::Copy => vec![source],
                    Give::Move => node.by.clone(),
                };
                if how == Give::Move {
                    assert_ne!(node.flag, Flag::Yes, "moved from above its dependents");
                    self.model.remove(source);
                }
                let flags: Vec<Flag> = by.iter().map(|by| self.model.nodes[*by].flag).collect();
                let given = given.expect("fits");
                let new = self.model.add(What::Slot(to.0, to.1), &by, given, node.object);
                self.model.share_fate(new, to.0);
                if how == Give::Move {
                    // Nothing new depends on what was above.
                    by.iter().zip(flags).for_each(|(by, flag)| self.model.nodes[*by].flag = flag);
                }
            }
            Status::NoCapability => assert_ne!(self.state(source), State::Alive),
            Status::WrongState => assert!(!spaces_there),
            Status::Occupied => assert_ne!(self.state(there), State::Gone),
            Status::HasDependents => {
                let in_use = self.flag(source) != Flag::No || self.is_revoking(from.0, from.1);
                assert!(how == Give::Move && in_use);
            }
            Status::TooDeep => assert!(how == Give::Copy && depth >= 14, "{depth}"),
            Status::BadArgument | Status::WrongKind => assert_eq!(given, Err(status)),
            status => panic!("{how:?} {from:?} {to:?}: {status:?}"),
        }
    }

    fn map(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let (from, to) = (self.any_space(random), self.any_space(random));
        let slot = self.slot_of(from, random);
        let (first, count) = (below(random, REGION_PAGES), 1 + below(random, 6));
        let page = below(random, PAGES);
        let write = if random.below(2) == 0 { Rights::WRITE } else { Rights::NONE };
        let access = Rights::READ.or(write);
        let at = (self.model.spaces[from].id, slot);
        let (target, address) = (self.model.spaces[to].id, AREA + page * PAGE_SIZE);
        let kernel = self.world.kernel(CORES[core]);
        let (done, status) = kernel.map_part(at, (first, count), target, address, access);
        tally.count("map", if done > 0 { Status::Ok } else { status });
        let source = self.model.slot(from, slot);
        let region = self.content(source);
        for index in 0..done {
            assert!(can_be_source(self.state(source)), "mapped what was taken back");
            assert!(self.exists(to) && region.rights.has(access));
            let frame = region.frame.plus((first + index) as u32);
            let what = What::Page(to, page + index);
            let mapped = Capability { rights: access, frame, ..BLANK };
            let new = self.model.add(what, &[source.expect("alive")], mapped, None);
            self.model.share_fate(new, to);
        }
        let stopped = page + done;
        let frame = region.frame.plus((first + done) as u32);
        match status {
            Status::Ok => return,
            Status::NoCapability => assert_ne!(self.state(source), State::Alive),
            Status::WrongState => assert!(!self.model.is_there(from) || !self.model.is_there(to)),
            Status::Occupied => {
                let there = self.model.at(What::Page(to, stopped));
                assert!(there.is_some() || self.is_unmapping(to, stopped));
            }
            Status::FramesBusy => {
                assert_ne!(self.world.shared().table.entry(frame).kind(), FrameKind::Ram);
            }
            Status::WrongKind => assert_ne!(region.kind, Kind::Region),
            Status::NoRight => assert!(!region.rights.has(access)),
            Status::BadArgument => assert!(first + count > region.count),
            Status::NoStock => assert!(to > 1, "the actors have enough"),
            status => panic!("map: {status:?}"),
        }
        self.attempted(source);
    }

    fn is_revoking(&self, space: usize, slot: u32) -> bool {
        matches!(self.pending.get(space), Some(Some(Pending::Revoke(of))) if *of == slot)
    }

    fn is_unmapping(&self, space: usize, page: u64) -> bool {
        matches!(self.pending.get(space), Some(Some(Pending::Unmap(first, count)))
            if (*first..first + count).contains(&page))
    }

    fn unmap(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let (page, count) = (below(random, PAGES), 1 + below(random, 8));
        let words = [AREA + page * PAGE_SIZE, count];
        for page in page..page + count {
            if let Some(id) = self.model.at(What::Page(core, page))
                && self.model.nodes[id].state == State::Alive
            {
                self.model.remove(id);
            }
        }
        self.pending[core] = Some(Pending::Unmap(page, count));
        self.call(core, (Call::Memory, memory::UNMAP, SELF, 0), &words);
        tally.count("unmap", Status::Ok);
    }

    /// A Region of the actor's own and a page in it.
    fn frames(&self, core: usize, random: &mut Random) -> Option<(Id, u32, u64)> {
        let regions = self.model.find(core, Kind::Region);
        let (id, slot) = *random.choose(&regions)?;
        Some((id, slot, below(random, self.model.nodes[id].capability.count)))
    }

    /// Errors that any creation can come to, checked. True if it was done.
    fn created(&mut self, by: &[Id], core: usize, slot: u32, status: Status, frames: u64) -> bool {
        let [region, ..] = *by else { return false };
        let content = self.model.nodes[region].capability;
        match status {
            Status::Ok => {
                let alive = by.iter().all(|by| self.model.nodes[*by].state == State::Alive);
                assert!(alive, "made of what was taken back");
            }
            Status::NoRight => assert!(!content.rights.has(Rights::OBJECTS)),
            Status::BadArgument => assert!(content.count < REGION_PAGES, "{frames} frames fit"),
            Status::TooDeep => assert!(self.model.depth_below(region) >= 14),
            Status::Occupied | Status::FramesBusy | Status::NoStock | Status::WrongState => {}
            status => panic!("create: {status:?}"),
        }
        if status != Status::Ok {
            by.iter().for_each(|by| self.attempted(Some(*by)));
        }
        let taken = self.model.slot(core, slot).is_some();
        assert!(status != Status::Ok || self.state(self.model.slot(core, slot)) != State::Alive);
        assert!(status != Status::Occupied || taken || frames == 1, "nothing is there");
        status == Status::Ok
    }

    /// The object that was made, and the capability for it.
    fn add_object(&mut self, what: What, by: &[Id], core: usize, slot: u32) -> Id {
        let id = self.model.spaces[core].id;
        let capability = self.seen(id, slot).expect("a capability for the new object");
        let object = self.model.add(what, by, capability, None);
        self.model.add(What::Slot(core, slot), &by[..1], capability, Some(object));
        if let What::Thread(space) = what {
            self.model.share_fate(object, space);
        }
        object
    }

    fn create_space(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let Some((region, at, page)) = self.frames(core, random) else { return };
        let slot = self.slot_of(core, random);
        self.call(core, (Call::Object, CREATE_SPACE, at.into(), slot.into()), &[page, FRAMES]);
        let (status, _) = self.answer(core).expect("at once");
        tally.count("space", status);
        let end = page + FRAMES > self.model.nodes[region].capability.count;
        if end {
            return assert!(matches!(status, Status::BadArgument | Status::NoRight), "{status:?}");
        }
        if !self.created(&[region], core, slot, status, FRAMES) {
            return;
        }
        let space = self.model.spaces.len();
        let node = self.add_object(What::Space(space), &[region], core, slot);
        let frame = self.model.nodes[node].capability.frame;
        let id = SpaceId::new(frame).expect("not frame 0");
        self.model.spaces.push(Place { id, node: Some(node) });
        let from = if core == 0 { self.region } else { REGION_SLOT };
        let first = STOCK_PAGES + STOCK * below(random, 12);
        self.call(core, (Call::Memory, memory::STOCK, slot.into(), from), &[first, STOCK]);
    }

    fn create_thread(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let Some((region, at, page)) = self.frames(core, random) else { return };
        let slot = self.slot_of(core, random);
        let spaces = self.model.find(core, Kind::Space);
        let choice = random.choose(&spaces).copied().filter(|_| random.below(2) == 0);
        let home = choice.and_then(|(id, _)| self.model.nodes[id].object);
        let lives_in = match home.map(|home| self.model.nodes[home].what) {
            Some(What::Space(space)) => space,
            _ => core,
        };
        let space = choice.filter(|_| home.is_some()).map_or(SELF, |(_, slot)| slot.into());
        let utcb = UTCBS + self.utcbs * PAGE_SIZE;
        let words = [page, space, below(random, 2), utcb, AREA, 0, 0];
        self.call(core, (Call::Object, CREATE_THREAD, at.into(), slot.into()), &words);
        let Some((status, _)) = self.answer(core) else {
            self.attempted(Some(region));
            self.pending[core] = Some(Pending::Undo);
            return;
        };
        tally.count("thread", status);
        if status == Status::NoRight && choice.is_some()
            || page + 2 > self.content(Some(region)).count
        {
            return assert_ne!(status, Status::Ok);
        }
        if self.created(&[region], core, slot, status, 2) {
            self.utcbs += 1;
            self.add_object(What::Thread(lives_in), &[region], core, slot);
        }
    }

    fn create_irq(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let Some((region, at, page)) = self.frames(core, random) else { return };
        let lines = self.model.find(core, Kind::Lines);
        let Some((lines, lines_at)) = random.choose(&lines).copied() else { return };
        let slot = self.slot_of(core, random);
        let range = self.model.nodes[lines].capability;
        let line = range.badge + below(random, range.count);
        let words = [page, lines_at.into(), line, SELF, 0, 0, 0];
        self.call(core, (Call::Object, CREATE_IRQ, at.into(), slot.into()), &words);
        let (status, _) = self.answer(core).expect("at once");
        tally.count("irq", status);
        if self.created(&[region, lines], core, slot, status, 1) {
            self.add_object(What::Irq(line), &[region, lines], core, slot);
        }
    }

    /// Frames for page tables that are never made: those that the actor's Space needs are there.
    fn stock(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let Some((region, at, page)) = self.frames(core, random) else { return };
        self.call(core, (Call::Memory, memory::STOCK, SELF, at.into()), &[page, 2]);
        let (status, words) = self.answer(core).expect("at once");
        let done = words[0] > 0 && status == Status::Ok;
        tally.count("stock", if done { Status::Ok } else { status });
        let content = self.model.nodes[region].capability;
        match status {
            Status::Ok | Status::FramesBusy => {}
            Status::NoRight => assert!(!content.rights.has(Rights::OBJECTS)),
            Status::BadArgument => assert!(page + 2 > content.count),
            status => panic!("stock: {status:?}"),
        }
        if done {
            self.model.nodes[region].flag = Flag::Yes;
        } else {
            self.attempted(Some(region));
        }
    }

    fn destroy(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let kinds = [Kind::Thread, Kind::Space, Kind::Irq];
        let targets: Vec<_> = kinds.iter().flat_map(|kind| self.model.find(core, *kind)).collect();
        let Some((id, slot)) = random.choose(&targets).copied() else { return };
        let node = self.model.nodes[id].clone();
        let Some(object) = node.object else { return };
        if !node.capability.rights.has(Rights::CONTROL) {
            return;
        }
        let inhabited = |wanted: &dyn Fn(State) -> bool| match self.model.nodes[object].what {
            What::Space(space) => self
                .model
                .nodes
                .iter()
                .any(|other| other.what == What::Thread(space) && wanted(other.state)),
            _ => false,
        };
        let lived_in = inhabited(&|state| state == State::Alive);
        let perhaps = inhabited(&|state| state != State::Gone);
        self.pending[core] = Some(Pending::Destroy(slot, object));
        self.call(core, (Call::Object, DESTROY, slot.into(), 0), &[]);
        let refused = matches!(self.answer(core), Some((Status::WrongState, _)));
        assert!(if refused { perhaps } else { !lived_in });
        if refused {
            self.pending[core] = None;
        } else {
            self.model.destroy(object);
        }
        tally.count("destroy", if refused { Status::WrongState } else { Status::Ok });
    }

    fn drop_slot(&mut self, core: usize, random: &mut Random, tally: &mut Tally) {
        let slot = self.slot_of(core, random);
        self.call(core, (Call::Capability, capability::DROP, 0, slot.into()), &[SELF]);
        let (status, _) = self.answer(core).expect("at once");
        tally.count("drop", status);
        let there = self.model.slot(core, slot);
        match status {
            Status::Ok => {
                let in_use = self.state(there) == State::Alive && self.flag(there) == Flag::Yes;
                assert!(!in_use, "dropped from above its dependents");
                if let Some(id) = there {
                    self.model.remove(id);
                }
            }
            Status::HasDependents => {
                assert!(self.flag(there) != Flag::No || self.is_revoking(core, slot));
            }
            status => panic!("drop: {status:?}"),
        }
    }

    pub fn start_revoke(&mut self, core: usize, slot: u32, tally: &mut Tally) {
        self.pending[core] = Some(Pending::Revoke(slot));
        self.revoke_once(core, slot);
        tally.count("revoke", Status::Ok);
    }

    /// One call; the model knows when the kernel kills anew.
    fn revoke_once(&mut self, core: usize, slot: u32) {
        let kernel = self.world.kernel(CORES[core]);
        let space = kernel.objects.space(self.model.spaces[core].id);
        let (word, _) = marks(&kernel.objects, space, slot).expect("in range");
        let begins = stamp::read(word).flags() & REVOKING == 0;
        if let Some(id) = self.model.slot(core, slot).filter(|_| begins)
            && can_be_source(self.model.nodes[id].state)
        {
            self.model.revoke(id);
        }
        self.call(core, (Call::Capability, capability::REVOKE, slot.into(), 0), &[]);
    }

    /// Looks whether what an actor waits for is over, and goes on with what takes several calls.
    pub fn completed(&mut self, core: usize, _: &mut Tally) {
        let Some(pending) = self.pending[core] else { return };
        let Some((status, words)) = self.answer(core) else { return };
        match (pending, status, words[0]) {
            (Pending::Revoke(slot), Status::Ok, 1) => self.revoke_once(core, slot),
            (Pending::Destroy(slot, _), Status::Ok, 1) => {
                self.call(core, (Call::Object, DESTROY, slot.into(), 0), &[]);
            }
            (Pending::Revoke(slot), Status::NoCapability, _) => {
                assert_ne!(self.state(self.model.slot(core, slot)), State::Alive);
                self.pending[core] = None;
            }
            (Pending::Destroy(slot, object), Status::NoCapability, _) => {
                assert_ne!(self.state(self.model.slot(core, slot)), State::Alive);
                self.pending[core] = None;
                self.left.push(object);
            }
            (Pending::Undo, status, _) => {
                assert_ne!(status, Status::Ok);
                self.pending[core] = None;
            }
            (_, Status::Ok, _) => self.pending[core] = None,
            (pending, status, _) => panic!("{pending:?}: {status:?}"),
        }
    }
}
