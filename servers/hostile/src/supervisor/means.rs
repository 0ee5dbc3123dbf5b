//! What the description gives the supervisor, and the slots in which it makes things.

use super::layout::Layout;
use crate::board::{Broken, Place};
use crate::places::{CORES, ENEMIES};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::system::{PARAMETERS, grant, text};
use cedo_lib::environment::LineRange;
use cedo_lib::sched::sleep_until;
use cedo_lib::{Clock, Core, Environment, Gate, Ports, Region, Space, ThisThread, Thread, View};
use core::fmt::Write;
use core::ops::RangeInclusive;

/// Time between two looks.
const REST_NS: u64 = 1_000_000;
/// Trusted threads that count rounds all the time: root, server, client, steady, periodic.
const COUNTING: u64 = 5;
/// A victim that does not get on for so long is disturbed.
const PATIENCE_NS: u64 = 15_000_000_000;
/// Threads of the description.
const THREADS: usize = 64;

/// A gate to a trusted thread that enemies get.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Slot of the supervisor's.
    pub slot: u32,
    /// The gate.
    pub gate: Gate,
}

/// Slots of the supervisor's in which it makes things.
#[derive(Clone, Copy, Debug)]
pub struct Slots(u32);

impl Slots {
    /// The confined Space.
    pub fn space(self) -> u32 {
        self.0
    }

    /// The Space, all enemies and the inspector.
    pub fn all(self) -> RangeInclusive<u32> {
        self.0..=self.thread(ENEMIES)
    }

    /// An enemy, or the inspector.
    pub fn thread(self, thread: u64) -> u32 {
        let number = if thread < ENEMIES { thread } else { ENEMIES };
        self.0 + 1 + number as u32
    }

    /// The gate for the faults of an enemy, or of the inspector.
    pub fn fault_gate(self, thread: u64) -> u32 {
        self.thread(ENEMIES) + 1 + thread.min(ENEMIES) as u32
    }
}

/// Everything that the supervisor has.
pub struct Means {
    /// The supervisor itself.
    pub this: ThisThread,
    /// To print with and to switch off.
    pub core: Core,
    /// Its time.
    pub clock: Clock,
    /// Cores of the machine.
    pub cores: u64,
    /// From the description.
    pub parameters: [u64; PARAMETERS],
    /// Memory of the confined program.
    pub image_region: Region,
    /// The same as the supervisor sees it.
    pub image: View,
    image_address: u64,
    /// Where what is in it.
    pub layout: Layout,
    /// What the confined Space, its threads and tables are made of.
    pub objects: Region,
    /// What enemies own.
    pub loot: Region,
    /// Slots of loot, published page, ports and lines.
    pub given_slots: [u32; 4],
    /// A page of a victim's.
    pub published: Region,
    /// Ports.
    pub ports: Ports,
    /// Interrupt lines.
    pub lines: LineRange,
    /// Where it makes things.
    pub slots: Slots,
    /// By core.
    pub roots: [Option<Thread>; CORES as usize],
    /// By core.
    pub handlers: [Option<Thread>; CORES as usize],
    /// Gates that enemies get.
    pub gates: [Option<Given>; 3 * CORES as usize],
    /// By thread: rounds, and when they changed.
    progress: [(u64, u64); THREADS],
    since_ns: u64,
}

impl Means {
    /// From the environment.
    ///
    /// # Panics
    /// If the description lacks something.
    pub fn of(this: ThisThread) -> Means {
        let environment = Environment::of(&this);
        let memory = |name| environment.memory(name).expect("the description gives memory");
        let image = memory("image");
        let layout = Layout::new();
        assert!(image.pages >= layout.pages(), "memory `image`: {} pages", layout.pages());
        let view = image.view().expect("the image is mapped");
        layout.copy(view);
        let slot = |name: &str| {
            let found = environment.grants().find(|grant| text(&grant.name) == name);
            found.map_or(0, |grant| grant.slot)
        };
        let core = environment.my_core().expect("the supervisor has power");
        let clock = Clock::of_core(environment.core_number());
        let mut gates = [None; 3 * CORES as usize];
        let records = environment.grants().filter(|grant| grant.kind == grant::GATE);
        for (place, record) in gates.iter_mut().zip(records) {
            *place = Some(Given { slot: record.slot, gate: Gate::at(record.slot) });
        }
        Means {
            core,
            clock,
            cores: environment.cores().into(),
            parameters: environment.parameters(),
            image_region: image.region,
            image: view,
            image_address: image.address.unwrap_or(0),
            layout,
            objects: memory("objects").region,
            loot: memory("loot").region,
            given_slots: ["loot", "published", "ports", "lines"].map(slot),
            published: memory("published").region,
            ports: environment.ports("ports").expect("the description gives ports").ports,
            lines: environment.lines("lines").expect("the description gives lines"),
            slots: Slots(environment.first_free_slot()),
            roots: ["root0", "root1", "root2", "root3"].map(|name| environment.thread(name)),
            handlers: ["handler0", "handler1", "handler2", "handler3"]
                .map(|name| environment.thread(name)),
            gates,
            progress: [(0, 0); THREADS],
            since_ns: clock.now_ns(),
            this,
        }
    }

    /// The confined Space.
    pub fn space(&self) -> Space {
        Space::at(self.slots.space())
    }

    /// An enemy, or the inspector.
    pub fn thread(&self, thread: u64) -> Thread {
        Thread::at(self.slots.thread(thread))
    }

    /// A page of the confined program's memory.
    ///
    /// # Panics
    /// If it has no such page.
    pub fn image_page(&self, number: u64) -> View {
        let address = self.image_address + number * PAGE_SIZE;
        View::new(address, PAGE_SIZE as usize).expect("the image is where memories are")
    }

    /// Lets others run for a moment.
    pub fn rest(&self) {
        // A root that refuses returns at once: then this is a yield.
        let _ = sleep_until(self.clock.now_ns() + REST_NS);
    }

    /// Tells how far every victim got.
    pub fn tell(&self, to: &mut impl Write) -> core::fmt::Result {
        let now_ns = self.clock.now_ns();
        for (number, (_, changed_ns)) in self.progress.iter().enumerate() {
            let (place, ago_ms) = (Place::at(number), (now_ns - changed_ns) / 1_000_000);
            let (rounds, doing) = (place.rounds(), place.doing());
            if rounds != 0 || doing != 0 {
                writeln!(
                    to,
                    "[fuzz] thread {number}: {rounds} rounds, seen {ago_ms} ms ago, {doing:#x}"
                )?;
            }
        }
        Ok(())
    }

    /// Did anybody find anything broken, and does everybody get on?
    pub fn check_board(&mut self) -> Result<(), Broken> {
        let now_ns = self.clock.now_ns();
        let mut counting = 0;
        for (number, (rounds, changed_ns)) in self.progress.iter_mut().enumerate() {
            let place = Place::at(number);
            if let Some(broken) = place.found() {
                return Err(broken);
            }
            let now = place.rounds();
            if now != *rounds {
                (*rounds, *changed_ns) = (now, now_ns);
            }
            counting += u64::from(now != 0);
            if now != 0 && now_ns > *changed_ns + PATIENCE_NS {
                let numbers = [number as u64, now, place.doing()];
                return Err(Broken { rule: "victims get on", numbers });
            }
        }
        if counting < COUNTING * self.cores && now_ns > self.since_ns + PATIENCE_NS {
            return Err(Broken { rule: "victims start", numbers: [counting, self.cores, 0] });
        }
        Ok(())
    }
}
