//! The machine with everybody on it, built by calls of the first server.

use crate::cast::{Cast, Role};
use crate::config::Config;
use crate::play::NS_PER_TICK;
use cedo_abi::call::{Call, capability, core, memory, object, operation, thread};
use cedo_abi::info::{BootInfo, MemoryRange, slot};
use cedo_abi::layout::{INIT_BOOT_INFO, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_abi::{Rights, Status};
use cedo_arch_host::{Roles, Setup, image};
use cedo_floor::ThreadId;
use cedo_fuzz::{Slots, Surroundings, surroundings};
use cedo_machine::{Context, CoreNumber, Frame};
use cedo_simulated::Simulation;
use std::mem::offset_of;

pub type Machine = Simulation;

pub const CORE: CoreNumber = CoreNumber(0);
/// Where everybody starts.
pub const CODE: u64 = 0x20_0000;
/// Where the victims' data pages are, one per core.
pub const DATA: u64 = 0x5000_0000;
/// UTCBs of threads that the first server makes.
const UTCBS: u64 = 0x3000_0000;
/// Where the hostile Space maps.
const AREA: u64 = 0x4000_0000;
/// Frames of trusted memory.
const TRUSTED_FRAMES: u32 = 300 + 64;
/// Hostile threads on each core.
pub const HOSTILE: u64 = 4;

/// Slots of the hostile Space.
pub mod hostile {
    pub const SPACE: u64 = 1;
    pub const THREADS: u64 = 2;
    pub const GATES: u64 = 20;
    pub const REGION: u64 = 54;
    pub const PUBLISHED: u64 = 55;
    pub const LINES: u64 = 56;
    pub const PORTS: u64 = 57;
    pub const MADE: u64 = 64;
}

/// Interrupt lines of the hostile Space: first and count.
pub const LINES: (u64, u64) = (4, 4);
/// Its ports.
pub const PORTS: (u64, u64) = (0x80, 16);
/// Badges of gates to trusted threads that the hostile Space has.
pub const HOSTILE_BADGE: u64 = 0x1000;
/// Badge of client 0's gates; the others follow.
pub const CLIENT_BADGE: u64 = 0x2000;
/// Cookie of hostile thread 0 at its first scheduler.
const COOKIE: u64 = 0x300;
pub const NO_DONATION: Rights = Rights::SEND.or(Rights::CALL);
const DONATION: Rights = NO_DONATION.or(Rights::DONATE).or(Rights::HANDOVER);
pub const REGION_RIGHTS: Rights =
    Rights::READ.or(Rights::WRITE).or(Rights::EXECUTE).or(Rights::OBJECTS);

/// The first server at work.
pub struct Builder {
    pub world: Machine,
    config: Config,
    first: Frame,
    memory: MemoryRange,
    hostile: MemoryRange,
    next_slot: u64,
    next_page: u64,
    next_utcb: u64,
    pub cast: Cast,
}

/// A thread that was made.
#[derive(Clone, Copy)]
pub struct Made {
    pub slot: u64,
    pub frame: Frame,
}

/// Builds the machine; nobody but the first server has run.
pub fn build(config: Config) -> Builder {
    let setup = Setup {
        cores: config.cores,
        ram: vec![TRUSTED_FRAMES, surroundings::PAGES as u32],
        archive: image::minimal(CODE),
        ns_per_tick: NS_PER_TICK,
        keeps_translations: config.keeps_translations,
        ..Setup::default()
    };
    let mut world = Machine::boot(&setup).expect("boots");
    let ranges = memory_ranges(&mut world);
    let hostile = *ranges.last().expect("memory");
    assert_eq!(hostile.pages, surroundings::PAGES);
    let memory = ranges[ranges.len() - 2];
    let first = world.current(CORE).expect("the first server runs");
    let frames = (hostile.base >> 12, hostile.pages);
    let mut builder = Builder {
        world,
        config,
        first,
        memory,
        hostile,
        next_slot: 96,
        next_page: 0,
        next_utcb: UTCBS,
        cast: Cast::new(config, frames),
    };
    builder.build();
    builder
}

/// What the first server is told of memory.
fn memory_ranges(world: &mut Machine) -> Vec<MemoryRange> {
    let at = |world: &mut Machine, offset: usize| {
        world.load(CORE, INIT_BOOT_INFO + offset as u64).expect("boot information")
    };
    let count = at(world, offset_of!(BootInfo, memory_count)) as u32;
    let first = offset_of!(BootInfo, memory);
    (0..count as usize)
        .map(|index| {
            let entry = first + index * size_of::<MemoryRange>();
            let last = at(world, entry + 16);
            let (slot, kind) = (last as u32, (last >> 32) as u32);
            MemoryRange { base: at(world, entry), pages: at(world, entry + 8), slot, kind }
        })
        .collect()
}

impl Builder {
    fn build(&mut self) {
        let cores = u64::from(self.config.cores);
        let victims = self.make_space(2, 24);
        let enemies = self.make_space(2, 48);
        let mut roots = Vec::new();
        for core in 0..cores {
            let root = if core == 0 { self.first_as_root() } else { self.make_root(core) };
            roots.push(root);
        }
        let mut others = Vec::new();
        for core in 0..cores {
            let handler = self.make(SELF, core, Role::Handler);
            let server = self.make(victims, core, Role::Server);
            let lender = self.make(victims, core, Role::Donated);
            let client = self.make(victims, core, Role::Client);
            self.map_data(victims, core);
            others.push([handler, server, lender, client]);
        }
        self.give_client_gates(victims, &others);
        let mut threads = Vec::new();
        for index in 0..cores * HOSTILE {
            threads.push(self.make(enemies, index / HOSTILE, Role::Hostile));
        }
        self.give_hostile(enemies, &threads, &others);
        for core in 0..cores as usize {
            let root = roots[core];
            for (number, made) in others[core].into_iter().enumerate() {
                self.adopt(made, root, 0x200 + number as u64);
            }
            let mine = &threads[core * HOSTILE as usize..(core + 1) * HOSTILE as usize];
            // Two below the root, one below the first of them, one below that.
            for (number, above) in [root, root, mine[0], mine[2]].into_iter().enumerate() {
                self.adopt(mine[number], above, COOKIE + number as u64);
                let gate = self.gate(others[core][0], HOSTILE_BADGE, DONATION);
                self.call(Call::Thread, thread::SET_HANDLER, (mine[number].slot, gate), &[]);
            }
            self.cast.set_hostile_slots(core, mine);
        }
        for made in others.iter().flatten().chain(&threads) {
            self.call(Call::Thread, thread::RESUME, (made.slot, 0), &[]);
        }
        self.set_protocols();
    }

    /// The first server goes on as the root of core 0.
    fn first_as_root(&mut self) -> Made {
        let made = Made { slot: slot::THREAD.into(), frame: self.first };
        self.cast.add(self.first, CORE, Role::Root, u64::from(slot::CORE_0));
        made
    }

    fn make_root(&mut self, core: u64) -> Made {
        let root = self.make(SELF, core, Role::Root);
        let to = (u64::from(slot::CORE_0) + core, root.slot);
        self.call(Call::Core, core::SET_ROOT, to, &[core::DIRECT]);
        root
    }

    /// A protocol is chosen before anybody but the roots has run.
    fn set_protocols(&mut self) {
        for core in (0..self.config.cores).map(CoreNumber) {
            self.world.kernel_mut(core).local.protocol = self.config.protocol(core);
        }
    }

    fn make(&mut self, space: u64, core: u64, role: Role) -> Made {
        let (page, slot, utcb) = (self.pages(2), self.slot(), self.utcb());
        let words = [page, space, core, utcb, CODE, utcb + PAGE_SIZE, utcb];
        self.call(Call::Object, object::CREATE_THREAD, (self.memory.slot.into(), slot), &words);
        let frame = Frame((self.memory.base >> 12) as u32 + page as u32);
        let core_slot = u64::from(slot::CORE_0) + core;
        self.cast.add(frame, CoreNumber(core as u8), role, core_slot);
        Made { slot, frame }
    }

    fn make_space(&mut self, tables: u64, stock: u64) -> u64 {
        let frames = object::SPACE_FRAMES + tables;
        let (page, slot, first) = (self.pages(frames), self.slot(), self.pages(stock));
        let memory = self.memory.slot.into();
        self.call(Call::Object, object::CREATE_SPACE, (memory, slot), &[page, frames]);
        self.call(Call::Memory, memory::STOCK, (slot, memory), &[first, stock]);
        slot
    }

    /// A page for the victims of one core.
    fn map_data(&mut self, space: u64, core: u64) {
        let page = self.pages(1);
        let access = Rights::READ.or(Rights::WRITE).0.into();
        let words = [page, DATA + core * PAGE_SIZE, 1, access];
        self.call(Call::Memory, memory::MAP, (space, self.memory.slot.into()), &words);
        self.cast.data.push(Frame((self.memory.base >> 12) as u32 + page as u32));
    }

    /// Each client can call its own server (slot 1) and the next core's (slot 2).
    fn give_client_gates(&mut self, space: u64, others: &[[Made; 4]]) {
        for core in 0..others.len() {
            for (place, server) in [core, (core + 1) % others.len()].into_iter().enumerate() {
                let to = 1 + 2 * core as u64 + place as u64;
                let words = [space, DONATION.0.into(), CLIENT_BADGE + core as u64];
                let from = (others[server][1].slot, to);
                self.call(Call::Capability, capability::MAKE_GATE, from, &words);
            }
        }
    }

    fn give_hostile(&mut self, space: u64, threads: &[Made], others: &[[Made; 4]]) {
        let all: u64 = Rights::ALL.0.into();
        self.copy(space, space, hostile::SPACE, Rights::ALL);
        let mut gate = hostile::GATES;
        for (index, made) in (0..).zip(threads) {
            self.copy(space, made.slot, hostile::THREADS + index, Rights::ALL);
            let words = [space, all, 0x40 + index];
            self.call(Call::Capability, capability::MAKE_GATE, (made.slot, gate), &words);
            gate += 1;
        }
        for (core, [handler, server, lender, _]) in (0..).zip(others) {
            for (kind, (made, rights)) in
                (0..).zip([(handler, DONATION), (server, NO_DONATION), (lender, DONATION)])
            {
                let badge = HOSTILE_BADGE + 16 * kind + core;
                let words = [space, rights.0.into(), badge];
                self.call(Call::Capability, capability::MAKE_GATE, (made.slot, gate), &words);
                self.cast.given_gates.push((made.frame, badge, rights));
                gate += 1;
            }
        }
        self.cast.gates = Slots { first: hostile::GATES, count: gate - hostile::GATES };
        assert!(gate <= hostile::REGION && threads.len() as u64 <= 18);
        self.copy(space, self.hostile.slot.into(), hostile::REGION, REGION_RIGHTS);
        self.publish(space);
        self.divide(space, slot::LINES, hostile::LINES, LINES);
        self.divide(space, slot::PORTS, hostile::PORTS, PORTS);
    }

    /// Everybody may read the first victim's page.
    fn publish(&mut self, space: u64) {
        let page = u64::from(self.cast.data[0].0) - (self.memory.base >> 12);
        let words = [space, Rights::READ.0.into(), page, 1];
        let to = (self.memory.slot.into(), hostile::PUBLISHED);
        self.call(Call::Capability, capability::DIVIDE, to, &words);
    }

    fn divide(&mut self, space: u64, from: u32, to: u64, (first, count): (u64, u64)) {
        let words = [space, Rights::READ.or(Rights::WRITE).0.into(), first, count];
        self.call(Call::Capability, capability::DIVIDE, (from.into(), to), &words);
    }

    fn copy(&mut self, space: u64, from: u64, to: u64, rights: Rights) {
        self.call(Call::Capability, capability::COPY, (from, to), &[space, rights.0.into()]);
    }

    fn gate(&mut self, made: Made, badge: u64, rights: Rights) -> u64 {
        let slot = self.slot();
        let words = [SELF, rights.0.into(), badge];
        self.call(Call::Capability, capability::MAKE_GATE, (made.slot, slot), &words);
        slot
    }

    fn adopt(&mut self, made: Made, above: Made, cookie: u64) {
        let words = [cookie, thread::EDGE_STATE];
        self.call(Call::Thread, thread::SET_SCHEDULER, (made.slot, above.slot), &words);
    }

    fn pages(&mut self, count: u64) -> u64 {
        let first = self.next_page;
        self.next_page += count;
        assert!(self.next_page <= self.memory.pages, "too little trusted memory");
        first
    }

    fn slot(&mut self) -> u64 {
        self.next_slot += 1;
        self.next_slot - 1
    }

    fn utcb(&mut self) -> u64 {
        self.next_utcb += PAGE_SIZE;
        self.next_utcb - PAGE_SIZE
    }

    /// A call of the first server that succeeds, however many cores it takes.
    fn call(&mut self, call: Call, sub: u8, (to, from): (u64, u64), words: &[u64]) -> [u64; 7] {
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
        self.world.system_call(CORE, &roles).expect("the first server runs");
        for _ in 0..100 {
            if self.world.current(CORE) == Some(self.first) {
                break;
            }
            for core in self.world.cores().collect::<Vec<_>>() {
                for source in self.world.pending(core) {
                    self.world.interrupt(core, source).expect("is pending");
                }
            }
        }
        assert_eq!(self.world.current(CORE), Some(self.first), "{call:?} {sub} comes back");
        let context = self.world.context(self.first);
        let status = context.status();
        assert_eq!(status, Status::Ok, "{call:?} {sub} {to} {from} {words:x?}");
        context.words()
    }
}

/// What hostile programs have.
pub fn surroundings(cast: &Cast) -> Surroundings {
    let cores = u64::from(cast.config.cores);
    Surroundings {
        cores,
        threads: Slots { first: hostile::THREADS, count: cores * HOSTILE },
        gates: cast.gates,
        spaces: Slots { first: hostile::SPACE, count: 1 },
        regions: Slots { first: hostile::REGION, count: 2 },
        pages: surroundings::PAGES,
        ranges: Slots { first: hostile::LINES, count: 2 },
        lines: LINES,
        made: hostile::MADE,
        entry: CODE,
        stack_top: AREA + 0x100_0000,
        stack_bytes: PAGE_SIZE,
        area: AREA,
        spared: (0, 0),
        items: std::env::var("CEDO_FUZZ_ITEMS").map_or(true, |text| text != "0"),
    }
}

/// The thread in a frame.
pub fn id(frame: Frame) -> ThreadId {
    ThreadId::new(frame).expect("not frame 0")
}
