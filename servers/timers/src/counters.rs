//! Counters of the machine besides the clock's, as the system description gives them.

use cedo_lib::abi::call::ports::CORE_TIMER;
use cedo_lib::environment::PortRange;
use cedo_lib::{Environment, View, clock};

/// A counter.
#[derive(Clone, Copy, Debug)]
pub enum Counter {
    /// IA-PC HPET specification 1.0a, section 2.3; the low half of its main counter.
    Hpet(View),
    /// ACPI 6.5, section 4.8.3.3; 24 bits.
    PowerTimer(PortRange),
    /// Intel 8254 data sheet, mode 0; channel 0 counts 16 bits down.
    IntervalTimer(PortRange),
    /// BCM2835 ARM peripherals, chapter 12; the low half of its counter of microseconds.
    SystemTimer(View),
    /// A core's physical timer ([`CORE_TIMER`]), which counts 31 bits down.
    CoreTimer(PortRange),
}

const INTERVAL_TIMER: u16 = 0x40;
const INTERVAL_TIMER_COMMAND: u16 = 0x43;
/// Command: channel 0, low byte then high byte, mode 0.
const COUNT_DOWN: u8 = 0x30;
/// Command: hold the count of channel 0 until it has been read.
const HOLD: u8 = 0;

// Registers of the HPET, counted in half-words.
const HPET_PERIOD: usize = 1;
const HPET_CONFIGURATION: usize = 4;
const HPET_COUNTER: usize = 0xf0 / 4;
const HPET_ENABLE: u32 = 1;
/// The specification's longest period.
const HPET_MOST_FEMTOSECONDS: u32 = 100_000_000;
/// The counter is set to so much before its low half wraps.
const BEFORE_WRAP: u32 = 500_000;

/// Low half of the system timer, counted in half-words.
const SYSTEM_TIMER_COUNTER: usize = 1;

/// The counters that a thread can reach itself, by the names of the description.
pub fn all(environment: &Environment) -> impl Iterator<Item = Counter> {
    let memory = |name| environment.memory(name).and_then(|memory| memory.view());
    let hpet = memory("hpet").map(Counter::Hpet);
    let power_timer = environment.ports("power-timer").map(Counter::PowerTimer);
    let system_timer = memory("system-timer").map(Counter::SystemTimer);
    [hpet, power_timer, system_timer].into_iter().flatten()
}

/// The device that interrupts, as a counter.
pub fn of_timer(range: PortRange) -> Option<Counter> {
    match range.first {
        INTERVAL_TIMER => Some(Counter::IntervalTimer(range)),
        CORE_TIMER => Some(Counter::CoreTimer(range)),
        _ => None,
    }
}

impl Counter {
    /// As it is printed.
    pub fn name(&self) -> &'static str {
        match self {
            Counter::Hpet(_) => "hpet",
            Counter::PowerTimer(_) => "acpi",
            Counter::IntervalTimer(_) => "pit",
            Counter::SystemTimer(_) => "bcm-system",
            Counter::CoreTimer(_) => "arm-physical",
        }
    }

    /// Counts per second. Nothing if there is no such device.
    pub fn hertz(&self) -> Option<u64> {
        match self {
            Counter::Hpet(view) => {
                let period = view.half(HPET_PERIOD);
                let is_period = period > 0 && period <= HPET_MOST_FEMTOSECONDS;
                is_period.then(|| 1_000_000_000_000_000 / u64::from(period))
            }
            Counter::PowerTimer(_) => Some(3_579_545),
            Counter::IntervalTimer(_) => Some(1_193_182),
            Counter::SystemTimer(_) => Some(1_000_000),
            Counter::CoreTimer(_) => Some(clock::information().clock_hz),
        }
    }

    /// The bits that count.
    pub fn mask(&self) -> u32 {
        match self {
            Counter::Hpet(_) | Counter::SystemTimer(_) => u32::MAX,
            Counter::PowerTimer(_) => 0xff_ffff,
            Counter::IntervalTimer(_) => 0xffff,
            Counter::CoreTimer(_) => 0x7fff_ffff,
        }
    }

    /// Nanoseconds between two readings that certainly lie within one round of it.
    pub fn window_ns(&self) -> u64 {
        match self {
            Counter::IntervalTimer(_) => 40_000_000,
            _ => 200_000_000,
        }
    }

    /// Starts what does not run by itself; what can be set is set near its wrap. True if it was.
    pub fn prepare(&self) -> bool {
        match self {
            Counter::Hpet(view) => {
                let configuration = view.half(HPET_CONFIGURATION);
                view.set_half(HPET_CONFIGURATION, configuration & !HPET_ENABLE);
                view.set_half(HPET_COUNTER, 0_u32.wrapping_sub(BEFORE_WRAP));
                view.set_half(HPET_COUNTER + 1, 0);
                view.set_half(HPET_CONFIGURATION, configuration | HPET_ENABLE);
                return true;
            }
            Counter::IntervalTimer(range) => {
                write(range, INTERVAL_TIMER_COMMAND, COUNT_DOWN);
                write(range, INTERVAL_TIMER, 0xff);
                write(range, INTERVAL_TIMER, 0xff);
            }
            Counter::CoreTimer(range) => {
                // A timer that cannot be set stands still, which is noticed.
                let _ = range.ports.write(CORE_TIMER, 4, self.mask());
            }
            Counter::PowerTimer(_) | Counter::SystemTimer(_) => {}
        }
        false
    }

    /// The count; one that counts down is turned round.
    pub fn read(&self) -> u32 {
        let count = match self {
            Counter::Hpet(view) => view.half(HPET_COUNTER),
            Counter::PowerTimer(range) => range.ports.read(range.first, 4).unwrap_or(0),
            Counter::SystemTimer(view) => view.half(SYSTEM_TIMER_COUNTER),
            Counter::IntervalTimer(range) => {
                write(range, INTERVAL_TIMER_COMMAND, HOLD);
                let byte = || u32::from(range.ports.read_byte(INTERVAL_TIMER).unwrap_or(0));
                let low = byte();
                !(low | byte() << 8)
            }
            Counter::CoreTimer(range) => !range.ports.read(CORE_TIMER, 4).unwrap_or(0),
        };
        count & self.mask()
    }
}

/// A port that was not granted does nothing: the counter stands still, which is noticed.
fn write(range: &PortRange, port: u16, value: u8) {
    let _ = range.ports.write_byte(port, value);
}
