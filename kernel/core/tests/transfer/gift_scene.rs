//! A sender with all kinds of things to give, and what is in the tables of both sides.
//!
//! Everything on the scene is made by means of three capabilities of the first server: when those have
//! been revoked, both sides have to be as they were.

use crate::gift_rule::{Before, Case, Kind, Room, Source};
use crate::stage::{DATA, SPACES, Stage, THREADS};
use crate::ways::{Carry, Way};
use cedo_abi::call::{Call, capability, memory, object, operation};
use cedo_abi::item::{CONTINUES, Item, MAX_PAGES};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::SELF;
use cedo_abi::{Kind as Object, Rights, Status};
use cedo_arch_host::{HostPages, Roles};
use cedo_core::object::capability::{Capability, look_up};
use cedo_machine::{Frame, PageFormat};
use core::sync::atomic::Ordering;
use std::collections::BTreeMap;

/// Pages of the Region that is given.
pub const REGION_PAGES: u64 = 40;
/// Pages of memory items, and first of them in the Region.
pub const PAGES: u64 = 4;
pub const FIRST: u64 = 3;
/// Where the receiver's windows for memory are: over the end of what one page table maps.
pub const ROOM: u64 = 0x5000_0000 - 2 * PAGE_SIZE;
/// Slots of the sender's.
pub const GOOD: u32 = 16;
const WEAK: u32 = 17;
pub const GATE: u32 = 18;
const EMPTY: u32 = 19;
const STALE: u32 = 20;
const USED: u32 = 21;
const COPY_OF_USED: u32 = 22;
/// A gate that is given before something else.
const FIRST_GATE: u32 = 23;
const CHAIN: u32 = 30;
/// Slots of the receiver's: for what comes before, and for what is given.
pub const FIRST_SLOT: u32 = 60;
pub const SLOT: u32 = 62;
/// Slots of either table.
const TABLE: u32 = 128;
/// Slots of the first server's that everything depends on.
pub const REGION: u64 = 170;
const GATE_ABOVE: u64 = 171;
pub const TAKEN: u64 = 172;
const DESTROYED: u64 = 173;
/// The string that comes before.
pub const STRING: u64 = 2 * PAGE_SIZE + 5;

/// Rights that are given, where the item says so: fewer than there are.
pub const GIVEN: Rights = Rights::READ.or(Rights::WRITE);

/// What somebody has: capabilities by slot, pages in the window by number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Has {
    pub slots: BTreeMap<u32, Thing>,
    pub pages: BTreeMap<u64, (Frame, bool)>,
}

/// A capability: what, rights, first frame, count.
pub type Thing = (Object, Rights, Frame, u64);

/// What there is to give.
pub struct Scene {
    /// First page of the Region that is given, in the first server's.
    page: u64,
}

impl Scene {
    /// Once for each stage.
    pub fn build(stage: &mut Stage) -> Scene {
        let page = stage.take_pages(REGION_PAGES);
        let frames = stage.take_pages(object::SPACE_FRAMES + 1);
        let words = [frames, object::SPACE_FRAMES + 1];
        let region = stage.region;
        stage.setup_call(Call::Object, object::CREATE_SPACE, (region, DESTROYED), &words);
        let space = SPACES + stage.user(0) as u64;
        stage.copy(DESTROYED, space, STALE, Rights::ALL);
        while stage.setup_call(Call::Object, object::DESTROY, (DESTROYED, 0), &[])[0] != 0 {}
        Scene { page }
    }

    /// The sender gets what it may give in this case.
    pub fn set(&self, stage: &mut Stage, case: Case) {
        let (sender, receiver) = (stage.user(0), stage.user(1));
        let [from, to] = [sender, receiver].map(|user| SPACES + user as u64);
        stage.divide(self.page, REGION_PAGES, REGION);
        stage.divide(self.page, REGION_PAGES, TAKEN);
        let gate = [SELF, Rights::ALL.0.into(), 7];
        let thread = THREADS + stage.user(2) as u64;
        stage.setup_call(Call::Capability, capability::MAKE_GATE, (thread, GATE_ABOVE), &gate);
        stage.copy(REGION, from, GOOD, Rights::ALL);
        stage.copy(REGION, from, WEAK, Rights::READ);
        stage.copy(GATE_ABOVE, from, GATE, Rights::ALL);
        stage.copy(GATE_ABOVE, from, FIRST_GATE, Rights::ALL);
        match case.source {
            Source::Used => {
                stage.copy(REGION, from, USED, Rights::ALL);
                assert_eq!(stage.user_copies(sender, USED, COPY_OF_USED), Status::Ok);
            }
            Source::Deep => {
                assert_eq!(stage.user_copies(sender, GOOD, CHAIN), Status::Ok);
                let links = CHAIN..TABLE;
                let deep = links
                    .clone()
                    .take_while(|slot| stage.user_copies(sender, *slot, slot + 1) == Status::Ok);
                assert_eq!(CHAIN + deep.count() as u32, deepest(), "the end of the chain");
            }
            _ => {}
        }
        if case.room == Room::Taken {
            stage.copy(TAKEN, to, SLOT, Rights::READ);
            let words = [0, ROOM + 2 * PAGE_SIZE, 1, Rights::READ.0.into()];
            stage.setup_call(Call::Memory, memory::MAP, (to, TAKEN), &words);
        }
    }

    /// Takes everything back.
    pub fn clear(stage: &mut Stage) {
        for slot in [REGION, GATE_ABOVE, TAKEN] {
            while stage.setup_call(Call::Capability, capability::REVOKE, (slot, 0), &[])[0] != 0 {}
            stage.setup_call(Call::Capability, capability::DROP, (SELF, slot), &[SELF]);
        }
    }

    /// First frame of the Region that is given.
    pub fn frame(&self, stage: &Stage) -> Frame {
        stage.frame_of(self.page)
    }

    /// What arrives in the slot for it.
    pub fn thing(&self, stage: &Stage, case: Case) -> Thing {
        let frame = self.frame(stage);
        let rights = item(case).rights();
        if case.source == Source::Gate {
            let thread = stage.actors[stage.user(2)].id.frame();
            return (Object::Gate, rights, thread, 0);
        }
        let had = if case.source == Source::Weak { Rights::READ } else { Rights::ALL };
        // What a Region of the first server's allows.
        let had = had.and(look(stage, stage.user(0), GOOD).expect("it has one").rights);
        let [_, _, first, count] = item(case).0;
        match case.kind {
            Kind::Part => (Object::Region, rights.and(had), frame.plus(first as u32), count),
            _ => (Object::Region, rights.and(had), frame, REGION_PAGES),
        }
    }
}

/// The deepest slot of the chain: 15 above it, of which the first server has three.
fn deepest() -> u32 {
    CHAIN + capability::MAX_DERIVATIONS as u32 - 3
}

/// The item that a case is about.
pub fn item(case: Case) -> Item {
    let slot = match case.source {
        Source::Weak => WEAK,
        Source::Gate => GATE,
        Source::Empty => EMPTY,
        Source::Stale => STALE,
        Source::Used => USED,
        Source::Deep => deepest(),
        _ => GOOD,
    };
    let rights = match case.source {
        Source::NoRead => Rights::WRITE,
        Source::Gate if matches!(case.kind, Kind::Copy | Kind::Move) => Rights::SEND,
        _ => GIVEN,
    };
    let (first, count) = match case.source {
        Source::Beyond => (REGION_PAGES - PAGES + 1, PAGES),
        Source::TooMany => (0, MAX_PAGES + 1),
        _ => (FIRST, PAGES),
    };
    let mut item = match case.kind {
        Kind::Map => Item::memory(slot, first, count, rights),
        Kind::Copy => Item::capability(slot, rights),
        Kind::Move => Item::capability(slot, rights).moves(),
        Kind::Part => Item::part(slot, first, count, rights),
    };
    match case.source {
        Source::MovesPart if case.kind == Kind::Map => item = item.moves(),
        Source::MovesPart => item = Item::part(slot, first, count, rights).moves(),
        Source::Flag => item.0[0] |= CONTINUES,
        Source::Reserved => item.0[1] = SELF,
        _ => {}
    }
    item
}

/// Pages that the item of a case maps.
pub fn pages(case: Case) -> u64 {
    item(case).0[3]
}

/// The windows of a case.
pub fn windows(case: Case) -> Vec<Item> {
    let mut windows = Vec::new();
    match case.before {
        Before::Nothing => {}
        Before::String => windows.push(Item::string(DATA, STRING)),
        Before::Gate => windows.push(Item::capability_window(FIRST_SLOT, 1)),
    }
    let is_map = case.kind == Kind::Map;
    let room = |less: u64, more: u64| match is_map {
        true => Item::memory_window(ROOM, PAGES + more - less),
        false => Item::capability_window(SLOT, 1 + more - less),
    };
    match case.room {
        Room::Fits | Room::Taken => windows.push(room(0, 0)),
        Room::Larger => windows.push(room(0, 3)),
        Room::Behind => {
            windows.push(Item::string(DATA, 9));
            windows.push(Item::capability_window(SLOT + 9, 0));
            windows.push(room(0, 0));
        }
        Room::Missing => {}
        Room::OtherKind if is_map => windows.push(Item::capability_window(SLOT, 9)),
        Room::OtherKind => windows.push(Item::memory_window(ROOM, 9)),
        Room::Small => windows.push(room(1, 0)),
        Room::Nowhere if is_map => windows.push(Item::memory_window(ROOM + 8, 9)),
        Room::Nowhere => windows.push(Item::capability_window(TABLE, 9)),
        Room::Nobodys if is_map => windows.push(Item::memory_window(0xffff_8000_0000_0000, 9)),
        Room::Nobodys => windows.push(Item::capability_window(SELF as u32, 9)),
    }
    windows
}

/// All items of a case.
pub fn items(case: Case) -> Vec<Item> {
    let mut items = match case.before {
        Before::Nothing => Vec::new(),
        Before::String => vec![Item::string(DATA + 1, STRING)],
        Before::Gate => vec![Item::capability(FIRST_GATE, Rights::ALL)],
    };
    items.push(item(case));
    items
}

impl Stage {
    /// Copies a capability of the first server's to a slot of a Space of its.
    pub fn copy(&mut self, from: u64, space: u64, slot: u32, rights: Rights) {
        let words = [space, rights.0.into()];
        self.setup_call(Call::Capability, capability::COPY, (from, slot.into()), &words);
    }

    /// Part of the first server's Region in a slot of its.
    pub fn divide(&mut self, first: u64, count: u64, slot: u64) {
        let words = [SELF, Rights::ALL.0.into(), first, count];
        let region = self.region;
        self.setup_call(Call::Capability, capability::DIVIDE, (region, slot), &words);
    }

    /// A user copies a capability within its table.
    pub fn user_copies(&mut self, user: usize, from: u32, to: u32) -> Status {
        let words = [SELF, Rights::ALL.0.into()];
        self.user_call(user, Call::Capability, capability::COPY, (from.into(), to.into()), &words)
    }

    /// A call of a user's that is no IPC.
    pub fn user_call(
        &mut self,
        user: usize,
        call: Call,
        sub: u8,
        (to, from): (u64, u64),
        words: &[u64],
    ) -> Status {
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
        self.bring(user);
        self.call(user, &roles);
        self.finish(user).status()
    }

    /// What an actor has.
    pub fn has(&self, actor: usize) -> Has {
        let of = |found: Capability| (found.kind, found.rights, found.frame, found.count);
        let slots = (0..TABLE).filter_map(|slot| Some((slot, of(look(self, actor, slot)?))));
        let pages = (0..PAGES + 4).filter_map(|page| Some((page, self.page_at(actor, page)?)));
        Has { slots: slots.collect(), pages: pages.collect() }
    }

    /// What is mapped at a page of the window: the frame, and whether it can be written.
    fn page_at(&self, actor: usize, page: u64) -> Option<(Frame, bool)> {
        let kernel = self.world.kernel(self.actors[actor].core);
        let address = HostPages::user_address(ROOM + page * PAGE_SIZE, PAGE_SIZE)?;
        let space = kernel.space(self.look(actor).space);
        let entry = kernel.tables(space).walk(address)?.load(Ordering::Relaxed);
        Some((HostPages::frame(entry)?, HostPages::access(entry).write))
    }
}

/// What is in a slot of an actor's table.
fn look(stage: &Stage, actor: usize, slot: u32) -> Option<Capability> {
    let kernel = stage.world.kernel(stage.actors[actor].core);
    look_up(&kernel.objects, kernel.space(stage.look(actor).space), slot).ok()
}

impl Carry {
    /// Cancels what is left of a message that its sender alone heard of. Both others go on.
    pub fn give_up(&self, stage: &mut Stage, way: Way) {
        assert!(self.is_in_call(stage, self.to), "{way:?}: the receiver heard of it");
        for actor in [self.to, self.other] {
            if self.is_in_call(stage, actor) {
                assert_eq!(stage.abort(actor), Status::Ok, "{way:?}");
                let got = stage.got(actor);
                assert_eq!(got.status, Status::Aborted, "{way:?}");
            }
        }
    }
}
