//! Who takes part, and where everybody's capabilities are in the table of the main Space.
//!
//! The driver fills this in from its environment before the first test; the other threads of the
//! Space share its table, so a slot means the same to all of them.

use cedo_lib::abi::read::environment::Reader;
use cedo_lib::abi::system::grant;
use cedo_lib::alarm::Alarm;
use cedo_lib::environment::PortRange;
use cedo_lib::{Ports, clock};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A thread of the suite, by its name in the system description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Who {
    /// Runs most tests.
    Driver,
    /// Servants of core 0 in the driver's Space, more urgent than the driver.
    A,
    B,
    C,
    /// The same, less urgent than the driver.
    Low,
    /// Handler of the suite's interrupt line, the most urgent one.
    Handler,
    /// Handles page faults and exceptions of all servants and of the driver.
    Pager,
    /// A servant of core 0 in another Space.
    Far,
    /// Root scheduler of core 0.
    Root,
    /// A scheduler below it, and its children.
    Nested,
    N1,
    N2,
    /// Root scheduler of core 1 and servants there, in the driver's Space and in the other one.
    Root1,
    R1,
    Far1,
}

/// All of them with their names.
const ALL: [(Who, &str); COUNT] = [
    (Who::Driver, "driver"),
    (Who::A, "a"),
    (Who::B, "b"),
    (Who::C, "c"),
    (Who::Low, "low"),
    (Who::Handler, "handler"),
    (Who::Pager, "pager"),
    (Who::Far, "far"),
    (Who::Root, "root"),
    (Who::Nested, "nested"),
    (Who::N1, "n1"),
    (Who::N2, "n2"),
    (Who::Root1, "root1"),
    (Who::R1, "r1"),
    (Who::Far1, "far1"),
];
const COUNT: usize = 15;

static GATES: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];
static THREADS: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];

/// Servants that tests on core 0 give orders to.
pub const SERVANTS: [Who; 6] = [Who::A, Who::B, Who::C, Who::Low, Who::Handler, Who::Far];
/// Servants of core 1.
pub const REMOTE_SERVANTS: [Who; 2] = [Who::R1, Who::Far1];

/// Reads the slots of all gates and threads from the driver's environment.
pub fn read(environment: &Reader<'_>) {
    for (who, name) in ALL {
        let slot = |kind| environment.grant(name, kind).map_or(0, |grant| u64::from(grant.slot));
        GATES[who as usize].store(slot(grant::GATE), Ordering::SeqCst);
        THREADS[who as usize].store(slot(grant::THREAD), Ordering::SeqCst);
    }
}

/// Slot of the timer's interrupt: the handler's, who tells it here before it waits for orders.
pub static TIMER_IRQ: AtomicU64 = AtomicU64::new(0);

/// Says where a gate to `who` is that the description did not give.
pub fn set_gate(who: Who, slot: u64) {
    GATES[who as usize].store(slot, Ordering::SeqCst);
}

/// Slots of the ports of the serial port, and of the clock that keeps the date (0: no such device), which
/// the driver has.
pub static SERIAL_PORTS: AtomicU64 = AtomicU64::new(0);
pub static CLOCK_PORTS: AtomicU64 = AtomicU64::new(0);

/// The roots of this system chose chain mode.
static CHAIN: AtomicBool = AtomicBool::new(false);

/// Says which protocol the roots chose.
pub fn set_chain(chain: bool) {
    CHAIN.store(chain, Ordering::SeqCst);
}

/// True under roots that chose chain mode, where schedulers hear otherwise (docs/protocols.md).
pub fn is_chain() -> bool {
    CHAIN.load(Ordering::SeqCst)
}

/// The line of that interrupt.
pub static TIMER_LINE: AtomicU64 = AtomicU64::new(0);

/// Slot of the ports of that timer, which the driver has, and the first of them.
pub static TIMER_PORTS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Says where the ports of the timer are.
pub fn set_timer(slot: u64, first: u64) {
    for (place, value) in TIMER_PORTS.iter().zip([slot, first]) {
        place.store(value, Ordering::SeqCst);
    }
}

/// The timer.
pub fn timer() -> Option<Alarm> {
    let [slot, first] = TIMER_PORTS.each_ref().map(|word| word.load(Ordering::SeqCst));
    let range = PortRange { ports: Ports::at(slot as u32), first: first as u16, count: 4 };
    Alarm::at(range, clock::information())
}

impl Who {
    /// Slot of the gate to this thread with all rights, or 0 if the system has no such thread.
    pub fn gate(self) -> u64 {
        GATES[self as usize].load(Ordering::SeqCst)
    }

    /// Slot of the capability for this thread.
    pub fn thread(self) -> u64 {
        THREADS[self as usize].load(Ordering::SeqCst)
    }

    /// The badge of messages that come through [`Who::gate`], by the system description.
    pub const fn badge(self) -> u64 {
        0x100 + self as u64
    }

    /// The thread with this name.
    pub fn named(name: &str) -> Option<Who> {
        ALL.iter().find(|(_, other)| *other == name).map(|(who, _)| *who)
    }
}
