//! A generic interrupt controller, of either version.

use super::distributor::Distributor;
use super::gic_v2::Interface;
use super::gic_v3;
use crate::core_area::CoreRecord;
use crate::lock::TicketLock;
use cedo_machine::{Line, Trigger};
use cedo_mmio::Registers;
use core::sync::atomic::Ordering::Relaxed;

/// Signal between cores: [`cedo_machine::Interrupt::Signal`].
pub const SIGNAL: u32 = 0;
/// Signal between cores: stop.
pub const STOP: u32 = 1;
/// First number that means "nothing is pending".
const NOTHING: u32 = 1020;

/// The controller.
pub struct Gic {
    distributor: Distributor,
    cores: Cores,
    /// Held while a line is routed: triggers of several lines share a register.
    routing: TicketLock<()>,
}

/// How cores talk to it.
enum Cores {
    V2(Interface),
    V3(Registers),
}

/// An interrupt that was accepted and has to be ended.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Its number.
    pub number: u32,
    /// What the controller wants back.
    word: u32,
}

impl Accepted {
    /// Of a controller that wants nothing back.
    pub const fn plain(number: u32) -> Accepted {
        Accepted { number, word: number }
    }
}

impl Gic {
    /// A GICv2: distributor and the interface that each core sees at the same address.
    pub fn v2(distributor: Registers, interface: Registers) -> Gic {
        Gic::new(distributor, Cores::V2(Interface::new(interface)))
    }

    /// A GICv3: distributor and the redistributors of all cores, one behind the other.
    pub fn v3(distributor: Registers, redistributors: Registers) -> Gic {
        Gic::new(distributor, Cores::V3(redistributors))
    }

    fn new(distributor: Registers, cores: Cores) -> Gic {
        Gic { distributor: Distributor::new(distributor), cores, routing: TicketLock::new(()) }
    }

    /// Which kind it is, for the log.
    pub fn name(&self) -> &'static str {
        match self.cores {
            Cores::V2(_) => "GICv2",
            Cores::V3(_) => "GICv3",
        }
    }

    /// Lines of devices.
    pub fn lines(&self) -> u32 {
        self.distributor.lines().saturating_sub(super::FIRST_DEVICE)
    }

    /// Masks all device lines and switches the distributor on. Once, by core 0.
    pub fn initialise(&self) {
        match self.cores {
            Cores::V2(_) => super::gic_v2::initialise(self.distributor),
            Cores::V3(_) => gic_v3::initialise(self.distributor),
        }
    }

    /// Accepts interrupts on this core: signals, and its timer. False if the controller has no part
    /// for this core.
    pub fn initialise_core(&self, record: &CoreRecord, timer: u32) -> bool {
        match self.cores {
            Cores::V2(interface) => {
                interface.initialise_core(self.distributor, record, timer);
                true
            }
            Cores::V3(redistributors) => gic_v3::initialise_core(redistributors, record, timer),
        }
    }

    /// Accepts the interrupt that is pending, if any.
    #[inline]
    pub fn accept(&self) -> Option<Accepted> {
        // A GICv2 names the sender of a signal above the number.
        let (word, numbers) = match self.cores {
            Cores::V2(interface) => (interface.accept(), 0x3ff),
            Cores::V3(_) => (gic_v3::accept(), 0xff_ffff),
        };
        let number = word & numbers;
        (number < NOTHING).then_some(Accepted { number, word })
    }

    /// The same can come again.
    #[inline]
    pub fn end(&self, interrupt: Accepted) {
        match self.cores {
            Cores::V2(interface) => interface.end(interrupt.word),
            Cores::V3(_) => gic_v3::end(interrupt.word),
        }
    }

    /// Sends a signal to a core.
    pub fn send(&self, core: &CoreRecord, number: u32) {
        match self.cores {
            Cores::V2(_) => super::gic_v2::send(self.distributor, core, number),
            Cores::V3(_) => gic_v3::send(core.affinity.load(Relaxed), number),
        }
    }

    /// Sends `line` to `core`, masked. False if there is no such line.
    pub fn route(&self, line: Line, trigger: Trigger, core: &CoreRecord) -> bool {
        if !self.distributor.is_device(line) {
            return false;
        }
        self.routing.with(|()| {
            self.distributor.set_masked(line.0, true);
            self.distributor.set_trigger(line.0, trigger);
            match self.cores {
                Cores::V2(_) => super::gic_v2::route(self.distributor, line.0, core),
                Cores::V3(_) => gic_v3::route(self.distributor, line.0, core),
            }
        });
        true
    }

    /// Masks or unmasks a device's line.
    pub fn set_masked(&self, line: Line, masked: bool) {
        if self.distributor.is_device(line) {
            self.distributor.set_masked(line.0, masked);
        }
    }

    /// Masks or unmasks a line that the calling core has for itself.
    pub fn set_own_masked(&self, line: u32, masked: bool, core: &CoreRecord) {
        match self.cores {
            Cores::V2(_) => self.distributor.set_masked(line, masked),
            Cores::V3(redistributors) => {
                gic_v3::lines(redistributors, core).set_masked(line, masked)
            }
        }
    }

    /// True if the line was routed as a level.
    pub fn is_level(&self, line: Line) -> bool {
        self.distributor.is_device(line) && self.distributor.is_level(line.0)
    }
}
