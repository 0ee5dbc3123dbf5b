//! The first comparator of an HPET, as a device that interrupts once (IA-PC HPET specification 1.0a,
//! section 2.3). It needs a line that it can use: here that of a PC's interval timer, which is silent then.

use crate::counters::Counter;
use cedo_lib::{Environment, View};

// Registers, counted in half-words.
const CONFIGURATION: usize = 0x100 / 4;
/// The upper half of the same: bit by line, those that it can interrupt.
const LINES: usize = 0x104 / 4;
const COMPARATOR: usize = 0x108 / 4;

/// CONFIGURATION: interrupts.
const ENABLE: u32 = 1 << 2;
/// CONFIGURATION: compares 32 bits.
const NARROW: u32 = 1 << 8;
/// CONFIGURATION: where its line is. All other bits: an edge, once, by a line.
const LINE_SHIFT: u32 = 9;
/// The interval timer's line, as `bsp/pc/board.toml` has it.
const LINE: u32 = 2;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// The comparator.
#[derive(Clone, Copy, Debug)]
pub struct Comparator {
    view: View,
    counter: Counter,
    hertz: u64,
}

impl Comparator {
    /// That of the device "hpet". Nothing if there is none, or it cannot use the line.
    pub fn of(environment: &Environment) -> Option<Comparator> {
        let view = environment.memory("hpet")?.view()?;
        let counter = Counter::Hpet(view);
        let hertz = counter.hertz()?;
        (view.half(LINES) >> LINE & 1 == 1).then_some(Comparator { view, counter, hertz })
    }

    /// Interrupts after so many nanoseconds. It is off until it has its new time: QEMU's (7.2,
    /// `hw/timer/hpet.c`) interrupts at once when it is switched on with one that has passed.
    pub fn set(&self, time_ns: u64) {
        let counts = time_ns * self.hertz / NANOSECONDS_PER_SECOND;
        self.silence();
        self.view.set_half(COMPARATOR, self.counter.read().wrapping_add(counts as u32));
        self.view.set_half(CONFIGURATION, NARROW | LINE << LINE_SHIFT | ENABLE);
    }

    /// Ends it.
    pub fn silence(&self) {
        self.view.set_half(CONFIGURATION, NARROW | LINE << LINE_SHIFT);
    }
}
