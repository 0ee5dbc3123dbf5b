//! The machine: an acting thread on each core, each the root of its core in a Space of its own.

use crate::act::{Pending, Tally};
use crate::model::{BLANK, Id, Model, Place, What};
use cedo_abi::call::object::{CREATE_SPACE, CREATE_THREAD, SPACE_FRAMES};
use cedo_abi::call::{Call, capability, core as core_call, memory, operation};
use cedo_abi::info::slot;
use cedo_abi::layout::{INIT_BOOT_INFO, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_abi::{Rights, Status};
use cedo_arch_host::{Random, Roles, Setup, image};
use cedo_core::object::capability::{Capability, look_up};
use cedo_floor::{Entry, FrameKind, SpaceId};
use cedo_machine::{Context, CoreNumber, Frame};
use cedo_simulated::Simulation;

const CODE: u64 = 0x20_0000;
/// Where the tests map.
pub const AREA: u64 = 0x4000_0000;
/// Pages that the tests map at.
pub const PAGES: u64 = 80;
/// Where UTCBs are.
pub const UTCBS: u64 = 0x5000_0000;
/// Slots of each Space that the tests use.
pub const SLOTS: u32 = 10;
/// The first of them, by Space: in the first server's others come before.
const FIRST_SLOTS: [u32; 2] = [64, 1];
/// Slots that keep what the stage itself needs.
const SPACE_SLOT: u64 = 100;
const THREAD_SLOT: u64 = 101;
/// In the second actor's Space: the Region of RAM, for stock.
pub const REGION_SLOT: u64 = 40;
/// The first pages of the Region of RAM are the stage's; then come those of the tests, by Region.
const FIRST_PAGE: u64 = 64;
pub const REGION_PAGES: u64 = 40;
const REGIONS: u64 = 3;
/// Pages that Spaces get as stock.
pub const STOCK_PAGES: u64 = FIRST_PAGE + REGIONS * REGION_PAGES;
/// Turns of both actors after which what they do must be over.
const LONGEST: u32 = 10_000;
pub const CORES: [CoreNumber; 2] = [CoreNumber(0), CoreNumber(1)];

pub struct Stage {
    pub world: Simulation,
    pub model: Model,
    /// By core: what its actor waits for.
    pub pending: [Option<Pending>; 2],
    /// Slot of the Region of RAM in the first actor's table.
    pub region: u64,
    /// By core: the frame of the actor.
    pub actors: [Frame; 2],
    /// Objects whose destruction nobody goes on with, since the capability for it is gone or moved.
    pub left: Vec<Id>,
    /// UTCBs handed out.
    pub utcbs: u64,
    before: Vec<Entry>,
}

impl Stage {
    pub fn build(random: &mut Random) -> Stage {
        let archive = image::minimal(CODE);
        let setup = Setup { cores: 2, ram: vec![500], archive, ..Setup::default() };
        let mut world = Simulation::boot(&setup).expect("boots");
        let region = world.load(CORES[0], INIT_BOOT_INFO + 24 + 24 + 16).expect("told");
        let first = world.current(CORES[0]).expect("runs");
        let mut stage = Stage {
            world,
            model: Model::default(),
            pending: [None, None],
            region: region & 0xffff_ffff,
            actors: [first; 2],
            left: Vec::new(),
            utcbs: 0,
            before: Vec::new(),
        };
        stage.make_second_actor();
        stage.before = stage.entries();
        stage.make_sources(random);
        stage
    }

    /// A thread on core 1 with a Space of its own, its root from now on.
    fn make_second_actor(&mut self) {
        let region = self.region;
        let object = |sub, slot| (Call::Object, sub, (region, slot));
        self.prepare(object(CREATE_SPACE, SPACE_SLOT), &[0, SPACE_FRAMES + 1]);
        self.prepare((Call::Memory, memory::STOCK, (SPACE_SLOT, region)), &[12, 32]);
        let words = [44, SPACE_SLOT, 1, UTCBS - PAGE_SIZE, CODE, 0, 0];
        self.prepare(object(CREATE_THREAD, THREAD_SLOT), &words);
        let all = Rights::ALL.0.into();
        let copy = |from, to| (Call::Capability, capability::COPY, (from, to));
        self.prepare(copy(region, REGION_SLOT), &[SPACE_SLOT, all]);
        // Tables of its own that stay: later the frame table is compared.
        for (space, page) in [(SELF, 46), (SPACE_SLOT, 47)] {
            for address in [AREA, UTCBS] {
                let words = [page, address, 1, Rights::READ.0.into()];
                self.prepare((Call::Memory, memory::MAP, (space, region)), &words);
                self.prepare((Call::Memory, memory::UNMAP, (space, 0)), &[address, 1]);
            }
        }
        let spaces = [SELF, SPACE_SLOT].map(|slot| self.space_in(slot));
        self.model.spaces.extend(spaces.map(|id| Place { id, node: None }));
        self.actors[1] = self.own(THREAD_SLOT).frame;
        let core = u64::from(slot::CORE_0) + 1;
        self.prepare((Call::Core, core_call::SET_ROOT, (core, THREAD_SLOT)), &[0]);
    }

    /// What everything is made of: Regions, a gate, lines.
    fn make_sources(&mut self, random: &mut Random) {
        let all = u64::from(Rights::ALL.0);
        let (region, lines) = (self.region, u64::from(slot::LINES));
        let mut slot = u64::from(FIRST_SLOTS[0]);
        for number in 0..REGIONS {
            let first = FIRST_PAGE + number * REGION_PAGES;
            let words = [SELF, all, first, REGION_PAGES];
            self.prepare((Call::Capability, capability::DIVIDE, (region, slot)), &words);
            slot += 1;
        }
        let words = [SELF, all, random.below(4) as u64, 3];
        self.prepare((Call::Capability, capability::DIVIDE, (lines, slot)), &words);
        let words = [SELF, all, 7];
        self.prepare((Call::Capability, capability::MAKE_GATE, (SELF, slot + 1)), &words);
        for slot in FIRST_SLOTS[0]..=slot as u32 + 1 {
            let capability = self.own(slot.into());
            self.model.add(What::Slot(0, slot), &[], capability, None);
        }
    }

    /// A call of the first actor that succeeds, in as many steps as it takes.
    fn prepare(&mut self, (call, sub, (to, from)): (Call, u8, (u64, u64)), words: &[u64]) {
        self.call(0, (call, sub, to, from), words);
        while self.world.current(CORES[0]) != Some(self.actors[0]) {
            self.deliver_all();
        }
        let status = self.world.context(self.actors[0]).status();
        assert_eq!(status, Status::Ok, "{call:?} {sub} {to} {from} {words:x?}");
    }

    /// The actor of a core makes a call.
    pub fn call(
        &mut self,
        core: usize,
        (call, sub, to, from): (Call, u8, u64, u64),
        words: &[u64],
    ) {
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
        assert_eq!(self.world.current(CORES[core]), Some(self.actors[core]));
        self.world.system_call(CORES[core], &roles).expect("runs");
    }

    /// The answer of the last call of a core's actor, if it is there.
    pub fn answer(&self, core: usize) -> Option<(Status, [u64; 7])> {
        let frame = self.world.current(CORES[core])?;
        assert_eq!(frame, self.actors[core], "somebody else runs");
        let context = self.world.context(frame);
        Some((context.status(), context.words()))
    }

    pub fn deliver(&mut self, core: usize) -> bool {
        let pending = self.world.pending(CORES[core]);
        let Some(source) = pending.first() else { return false };
        self.world.interrupt(CORES[core], *source).expect("is pending");
        true
    }

    fn deliver_all(&mut self) {
        let any = [0, 1].map(|core| self.deliver(core));
        assert!(any.contains(&true), "waits for ever");
    }

    /// What one actor or interrupt does next.
    pub fn step(&mut self, random: &mut Random, tally: &mut Tally) {
        let core = random.below(2);
        if random.below(3) > 0 && self.deliver(core) {
            self.completed(core, tally);
        } else if self.pending[core].is_none() {
            self.act(core, random, tally);
        } else if !self.deliver(core) {
            self.deliver(1 - core);
            self.completed(1 - core, tally);
        }
        self.completed(core, tally);
        if self.is_idle() {
            self.verify();
            self.model.settle();
        }
    }

    /// Nothing is half done.
    pub fn is_idle(&self) -> bool {
        self.pending.iter().all(Option::is_none)
            && !self.left.iter().any(|object| self.is_there(*object))
    }

    /// True if the kernel has this very object.
    pub fn is_there(&self, object: Id) -> bool {
        let node = &self.model.nodes[object];
        let kind = match node.what {
            What::Space(_) => FrameKind::Space,
            What::Thread(_) => FrameKind::Thread,
            What::Irq(_) => FrameKind::Irq,
            What::Slot(..) | What::Page(..) => return false,
        };
        let entry = self.world.shared().table.entry(node.capability.frame);
        entry.kind() == kind && entry.generation() == node.capability.generation
    }

    /// Everything comes to an end, and is taken back.
    pub fn end(&mut self) {
        let mut tally = Tally::default();
        self.finish(&mut tally);
        // Sources may have moved, to the other actor too, or into a Space that goes with what it is in.
        for core in [0, 1] {
            for slot in self.slots(core) {
                let source = self.model.slot(core, slot).map(|id| &self.model.nodes[id]);
                if source.is_some_and(|source| source.by.is_empty()) {
                    self.start_revoke(core, slot, &mut tally);
                    self.finish(&mut tally);
                }
            }
        }
        assert!(self.is_idle(), "taken back, and still there: {:?}", self.left);
        for (number, (now, before)) in self.entries().iter().zip(&self.before).enumerate() {
            let same = (now.kind(), now.map_count()) == (before.kind(), before.map_count());
            assert!(same, "frame {number:#x}: {now:?}, before {before:?}");
        }
    }

    fn finish(&mut self, tally: &mut Tally) {
        let mut turns = 0;
        while self.pending.iter().any(Option::is_some) {
            turns += 1;
            assert!(turns < LONGEST, "taking back does not end: {:?}", self.pending);
            for core in [0, 1] {
                self.deliver(core);
                self.completed(core, tally);
            }
            self.verify();
        }
        self.verify();
        if self.is_idle() {
            self.model.settle();
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let table = self.world.shared().table;
        (0..table.len()).map(|frame| table.entry(Frame(frame))).collect()
    }

    fn space_in(&self, slot: u64) -> SpaceId {
        let kernel = self.world.kernel(CORES[0]);
        let own = kernel.look(kernel.local.root.expect("a root")).space;
        if slot == SELF { own } else { SpaceId::new(self.own(slot).frame).expect("a Space") }
    }

    /// What is in a slot of the first actor.
    fn own(&self, slot: u64) -> Capability {
        let id = self.space_in(SELF);
        self.seen(id, slot as u32).unwrap_or(BLANK)
    }

    /// What the kernel finds in a slot.
    pub fn seen(&self, id: SpaceId, slot: u32) -> Option<Capability> {
        let kernel = self.world.kernel(CORES[0]);
        look_up(&kernel.objects, kernel.objects.space(id), slot).ok()
    }

    /// The slots of a Space that the tests use.
    pub fn slots(&self, space: usize) -> std::ops::Range<u32> {
        let first = FIRST_SLOTS.get(space).copied().unwrap_or(1);
        first..first + SLOTS
    }
}
