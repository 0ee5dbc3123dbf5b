//! Simulated cores with a tree of threads each, built by calls of the first server.

use cedo_abi::call::{Call, capability, core, object, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::{INIT_BOOT_INFO, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_abi::utcb::Utcb;
use cedo_abi::{Rights, Status, state};
use cedo_arch_host::context::Resume;
use cedo_arch_host::{Roles, Setup, image};
use cedo_core::kernel::Protocol;
use cedo_core::object::unusual::NEW;
use cedo_floor::{IrqId, SpaceId, ThreadId};
use cedo_machine::{Context, CoreNumber, Frame, Ticks};
use cedo_simulated::{Simulated, Simulation};
use std::mem::offset_of;

/// The core of the first server.
const FIRST: CoreNumber = CoreNumber(0);
const CODE: u64 = 0x20_0000;
const AREA: u64 = 0x4000_0000;
/// Slot of thread 0; the others follow.
pub const THREADS: u64 = 64;
/// Slot of the gate to thread 0 with all rights.
pub const GATES: u64 = 80;
/// Slot of the gate to thread 0 without DONATE and HANDOVER, of that without DONATE alone, and of that
/// without HANDOVER alone.
pub const WEAK_GATES: u64 = 96;
pub const KEEPING_GATES: u64 = 144;
pub const LOSING_GATES: u64 = 160;
/// Slot of the first interrupt object.
const IRQS: u64 = 112;
/// Slot of another Space, and its first page in the Region of RAM.
const SPACE: u64 = 120;
const SPACE_PAGE: u64 = FIRST_PAGE + 40;
/// Time that passes before each step.
pub const STEP_TICKS: u64 = 7;
/// First page of the threads' frames in the Region of RAM.
const FIRST_PAGE: u64 = 4;

/// What to build. Threads are named by their place in `names`; 0 is the root of core 0.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Short names, for traces.
    pub names: Vec<&'static str>,
    /// The scheduler of each thread; a root is its own.
    pub parent: Vec<usize>,
    /// The core of each thread.
    pub homes: Vec<u8>,
    /// Handler of each interrupt line.
    pub lines: Vec<usize>,
    /// The lines signal by a level.
    pub by_level: bool,
    /// Threads without a scheduler that may become a root; suspended.
    pub spare_roots: Vec<usize>,
    /// Options of the roots ([`cedo_abi::call::core::SET_OPTIONS`]).
    pub options: u64,
    /// Who handles whose faults: (faulter, handler).
    pub fault_handlers: Vec<(usize, usize)>,
    /// Threads that have been started; the others wait in an open receive.
    pub started: Vec<usize>,
    /// Schedulers ask to be told when a child blocks.
    pub asks: bool,
    /// Schedulers set *auto*, and these are the ranks of their children; empty: they do not.
    pub ranks: Vec<u32>,
    pub protocol: Protocol,
    /// Each entry handles one waiter or child only when a thread stops or ends.
    pub small_steps: bool,
}

impl Plan {
    /// A tree on core 0 in direct mode, whose schedulers ask; no lines, nobody has been started.
    pub fn new(names: &[&'static str], parent: &[usize]) -> Plan {
        Plan {
            names: names.to_vec(),
            parent: parent.to_vec(),
            homes: vec![0; parent.len()],
            lines: Vec::new(),
            by_level: false,
            spare_roots: Vec::new(),
            options: 0,
            fault_handlers: Vec::new(),
            started: Vec::new(),
            asks: true,
            ranks: Vec::new(),
            protocol: Protocol::Direct,
            small_steps: false,
        }
    }
}

/// A machine built from a [`Plan`].
pub struct System {
    pub world: Simulation,
    pub plan: Plan,
    pub ids: Vec<ThreadId>,
    /// The core whose step it is.
    pub core: CoreNumber,
    /// By thread: its core.
    pub homes: Vec<CoreNumber>,
    /// By thread: the generation of its frame as long as it can be named.
    pub generations: Vec<u32>,
    pub irqs: Vec<IrqId>,
    region: u64,
    /// Instruction pointers that have been given out.
    instructions: u64,
}

impl System {
    pub fn build(plan: &Plan) -> System {
        let homes: Vec<_> = plan.homes.iter().map(|core| CoreNumber(*core)).collect();
        let cores = plan.homes.iter().max().expect("a thread") + 1;
        let archive = image::minimal(CODE);
        let setup = Setup { cores, ram: vec![160], archive, ..Setup::default() };
        let mut world = Simulation::boot(&setup).expect("boots");
        let region = world.load(FIRST, INIT_BOOT_INFO + 24 + 24 + 16).expect("boot information");
        let root = world.kernel(FIRST).local.root.expect("the first server is the root");
        let mut system = System {
            world,
            plan: plan.clone(),
            ids: vec![root],
            core: FIRST,
            homes,
            generations: Vec::new(),
            irqs: Vec::new(),
            region: region & 0xffff_ffff,
            instructions: 0,
        };
        system.make_threads();
        system.make_irqs();
        system.start();
        let table = system.kernel().objects.table();
        let generation = |id: &ThreadId| table.entry(id.frame()).generation();
        system.generations = system.ids.iter().map(generation).collect();
        system
    }

    fn make_threads(&mut self) {
        let copy = [SELF, Rights::ALL.0.into()];
        let own = slot::THREAD.into();
        self.call(Call::Capability, capability::COPY, (own, THREADS), &copy);
        let first = self.call(Call::Capability, capability::IDENTIFY, (self.region, 0), &[])[2];
        for index in 1..self.plan.names.len() as u64 {
            let page = FIRST_PAGE + 2 * index;
            let home = self.plan.homes[index as usize].into();
            let words = [page, SELF, home, AREA + index * PAGE_SIZE, CODE, 0, 0];
            let to = (self.region, THREADS + index);
            self.call(Call::Object, object::CREATE_THREAD, to, &words);
            let id = ThreadId::new(Frame((first + page) as u32)).expect("not frame 0");
            self.ids.push(id);
        }
        for index in 0..self.plan.names.len() as u64 {
            let basic = Rights::SEND.or(Rights::CALL);
            for (first, rights) in [
                (GATES, Rights::ALL),
                (WEAK_GATES, basic),
                (KEEPING_GATES, basic.or(Rights::HANDOVER)),
                (LOSING_GATES, basic.or(Rights::DONATE)),
            ] {
                let words = [SELF, rights.0.into(), 100 + index];
                let to = (THREADS + index, first + index);
                self.call(Call::Capability, capability::MAKE_GATE, to, &words);
            }
        }
        let plan = self.plan.clone();
        let (roots, others): (Vec<_>, Vec<_>) =
            (1..plan.names.len()).partition(|at| plan.parent[*at] == *at);
        for root in roots.into_iter().filter(|root| !plan.spare_roots.contains(root)) {
            let core = u64::from(slot::CORE_0) + u64::from(plan.homes[root]);
            let to = (core, THREADS + root as u64);
            self.call(Call::Core, core::SET_ROOT, to, &[core::DIRECT]);
        }
        for index in others {
            let to = (THREADS + index as u64, THREADS + self.plan.parent[index] as u64);
            self.call(Call::Thread, thread::SET_SCHEDULER, to, &[10 + index as u64, 0]);
        }
        for (faulter, handler) in self.plan.fault_handlers.clone() {
            let to = (THREADS + faulter as u64, GATES + handler as u64);
            self.call(Call::Thread, thread::SET_HANDLER, to, &[]);
        }
    }

    fn make_irqs(&mut self) {
        let first = self.call(Call::Capability, capability::IDENTIFY, (self.region, 0), &[])[2];
        let trigger = u64::from(self.plan.by_level);
        for (line, handler) in (0..).zip(self.plan.lines.clone()) {
            let page = FIRST_PAGE + 24 + line;
            let words =
                [page, slot::LINES.into(), line, THREADS + handler as u64, 200 + line, trigger, 0];
            self.call(Call::Object, object::CREATE_IRQ, (self.region, IRQS + line), &words);
            self.irqs.push(IrqId::new(Frame((first + page) as u32)).expect("not frame 0"));
        }
    }

    /// Every second thread has the page table of another Space: so switches change it.
    #[allow(dead_code, reason = "for the short cut")]
    pub fn give_page_tables(&mut self) {
        let identify = |system: &mut Self, slot| {
            system.call(Call::Capability, capability::IDENTIFY, (slot, 0), &[])[2]
        };
        let first = identify(self, self.region);
        let words = [SPACE_PAGE, object::SPACE_FRAMES + 1];
        self.call(Call::Object, object::CREATE_SPACE, (self.region, SPACE), &words);
        let space = SpaceId::new(Frame((first + SPACE_PAGE) as u32)).expect("not frame 0");
        let page_table = self.kernel().space(space).page_table;
        for id in self.ids.clone().into_iter().skip(1).step_by(2) {
            self.kernel().thread(id).page_table = page_table;
        }
    }

    /// Those that were not started wait, as if they had run to their first receive.
    fn start(&mut self) {
        let plan = self.plan.clone();
        let ids = self.ids.clone();
        for core in self.world.cores() {
            let local = &mut self.world.kernel_mut(core).local;
            local.protocol = plan.protocol;
            local.options = plan.options;
            if plan.small_steps {
                local.losers_per_entry = 1;
            }
        }
        for (index, id) in ids.iter().enumerate() {
            let thread = self.world.kernel_mut(self.homes[index]).thread(*id);
            let is_root = plan.parent[index] == index;
            let is_scheduler = plan.parent.contains(&index);
            thread.unusual.set(NEW, false);
            thread.scheduler.ask_blocked = is_scheduler && plan.asks;
            thread.scheduler.auto = is_scheduler && !plan.ranks.is_empty();
            thread.branch.rank = plan.ranks.get(index).copied().unwrap_or(0);
            if !is_root && !plan.started.contains(&index) {
                thread.state = cedo_core::object::thread::State::Open;
                thread.context.set_resume(Resume::Short);
            }
        }
        for index in plan.started {
            self.call(Call::Thread, thread::RESUME, (THREADS + index as u64, 0), &[]);
        }
    }

    /// A call of the root that succeeds; its result words.
    fn call(&mut self, call: Call, sub: u8, (to, from): (u64, u64), words: &[u64]) -> [u64; 7] {
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
        let caller = self.world.current(FIRST).expect("the first server runs");
        self.world.system_call(FIRST, &roles).expect("runs");
        while self.world.current(FIRST) != Some(caller) {
            let cores: Vec<_> = self.world.cores().collect();
            for (core, source) in cores
                .into_iter()
                .flat_map(|core| {
                    self.world.pending(core).into_iter().map(move |source| (core, source))
                })
                .collect::<Vec<_>>()
            {
                self.world.interrupt(core, source).expect("is pending");
            }
        }
        let context = self.world.context(caller);
        assert_eq!(context.status(), Status::Ok, "{call:?} {sub} {to} {from} {words:x?}");
        context.words()
    }

    /// Puts registers into the UTCB of `thread` that lead where nobody has been: a state does not say
    /// where its threads are.
    pub fn prepare_registers(&mut self, thread: usize) {
        self.instructions += 1;
        let utcb = AREA + thread as u64 * PAGE_SIZE + offset_of!(Utcb, reply) as u64;
        let place = utcb + 8 * (1 + state::INSTRUCTION as u64);
        for (place, word) in [(utcb, state::GENERAL), (place, CODE + 0x10 * self.instructions)] {
            self.world.store(self.core, place, word).expect("its UTCB");
        }
    }

    /// Lets [`STEP_TICKS`] pass, of which nothing has been charged. The time before.
    pub fn pass_time(&mut self) -> Ticks {
        let before = self.world.now();
        self.kernel().local.charged = before;
        self.world.advance(Ticks(STEP_TICKS));
        before
    }

    /// The kernel of the core whose step it is.
    pub fn kernel(&mut self) -> &mut Simulated {
        self.world.kernel_mut(self.core)
    }
}
