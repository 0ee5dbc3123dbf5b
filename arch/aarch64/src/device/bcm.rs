//! The interrupt controllers of a Raspberry Pi 3 as one: local controllers for timers and signals, and
//! the legacy one behind core 0 for devices.
//!
//! Numbers are as a GIC's: 0 to 15 signals between cores, 16 and following a core's own timers. The legacy
//! controller's lines 32 to 63 keep their numbers; 0 to 31 are 64 to 95. A device's line is a level. It
//! interrupts core 0, which masks it and passes it on to the core it is routed to.

use super::gic::{Accepted, SIGNAL, STOP};
use super::legacy_controller::{LINES, LegacyController};
use super::local_controller::{CORES, LocalController, Source};
use super::{FIRST_DEVICE, FIRST_OWN};
use crate::core_area::CoreRecord;
use cedo_machine::{Line, Trigger};
use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering::Relaxed;

/// The core that devices interrupt.
const DEVICE_CORE: usize = 0;

/// Both kinds of controllers.
pub struct Bcm {
    local: LocalController,
    legacy: LegacyController,
    /// The core of each device's line.
    routes: [AtomicU8; LINES as usize],
}

impl Bcm {
    /// The controllers behind these registers.
    pub const fn new(local: LocalController, legacy: LegacyController) -> Bcm {
        Bcm { local, legacy, routes: [const { AtomicU8::new(0) }; LINES as usize] }
    }

    /// Masks all device lines. Once, by core 0.
    pub fn initialise(&self) {
        self.legacy.initialise();
        self.local.initialise();
    }

    /// Accepts signals and the timer on the calling core. False if the controller has no part for it.
    pub fn initialise_core(&self, record: &CoreRecord, timer: u32) -> bool {
        let core = record.affinity.load(Relaxed);
        if core >= CORES as u64 {
            return false;
        }
        record.target.store(core as u32, Relaxed);
        self.local.initialise_core(core as usize);
        self.set_own_masked(timer, false, record);
        true
    }

    /// Accepts the interrupt that is pending, if any.
    pub fn accept(&self, record: &CoreRecord) -> Option<Accepted> {
        let core = number(record);
        let number = match self.local.accept(core)? {
            Source::Signal(number) => number.clamp(SIGNAL, STOP),
            Source::Timer(timer) => FIRST_OWN + timer,
            Source::Line(line) => number_of(line),
            Source::Device => {
                let line = self.legacy.pending()?;
                self.legacy.set_masked(line, true);
                let route = usize::from(self.routes[line as usize].load(Relaxed));
                if route != DEVICE_CORE {
                    self.local.pass(route, line);
                    return None;
                }
                number_of(line)
            }
        };
        Some(Accepted::plain(number))
    }

    /// Sends a signal.
    pub fn send(&self, record: &CoreRecord, number: u32) {
        self.local.signal(self::number(record), number);
    }

    /// Sends `line` to `core`, masked. False if there is no such line, or it should be an edge.
    pub fn route(&self, line: Line, trigger: Trigger, record: &CoreRecord) -> bool {
        let Some(line) = device(line).filter(|_| trigger == Trigger::Level) else { return false };
        self.legacy.set_masked(line, true);
        self.routes[line as usize].store(number(record) as u8, Relaxed);
        true
    }

    /// Masks or unmasks a device's line.
    pub fn set_masked(&self, line: Line, masked: bool) {
        if let Some(line) = device(line) {
            self.legacy.set_masked(line, masked);
        }
    }

    /// Masks or unmasks a timer of the calling core.
    pub fn set_own_masked(&self, line: u32, masked: bool, record: &CoreRecord) {
        self.local.set_timer_masked(number(record), line - FIRST_OWN, masked);
    }
}

/// The controller's number of a core.
fn number(record: &CoreRecord) -> usize {
    record.target.load(Relaxed) as usize
}

/// The number of the legacy controller's `line`.
const fn number_of(line: u32) -> u32 {
    if line < FIRST_DEVICE { LINES + line } else { line }
}

/// The legacy controller's number of a device's line.
fn device(line: Line) -> Option<u32> {
    (FIRST_DEVICE..LINES + FIRST_DEVICE).contains(&line.0).then_some(line.0 % LINES)
}
