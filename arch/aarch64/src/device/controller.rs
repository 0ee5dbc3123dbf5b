//! The interrupt controller, of whatever kind.

use super::bcm::Bcm;
use super::gic::{Accepted, Gic, SIGNAL, STOP};
use super::legacy_controller;
use crate::core_area::CoreRecord;
use crate::registers::complete_writes;
use cedo_machine::{Line, Trigger};

/// The controller.
pub enum Controller {
    /// A GICv2 or GICv3.
    Gic(Gic),
    /// Those of a Raspberry Pi 3.
    Bcm(Bcm),
}

impl Controller {
    /// What it is, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Controller::Gic(gic) => gic.name(),
            Controller::Bcm(_) => "BCM2836",
        }
    }

    /// Lines of devices.
    pub fn lines(&self) -> u32 {
        match self {
            Controller::Gic(gic) => gic.lines(),
            Controller::Bcm(_) => legacy_controller::LINES,
        }
    }

    /// Masks all device lines and switches the controller on. Once, by core 0.
    pub fn initialise(&self) {
        match self {
            Controller::Gic(gic) => gic.initialise(),
            Controller::Bcm(bcm) => bcm.initialise(),
        }
    }

    /// Accepts interrupts on the calling core: signals, and its timer. False if the controller has no part
    /// for this core.
    pub fn initialise_core(&self, record: &CoreRecord, timer: u32) -> bool {
        match self {
            Controller::Gic(gic) => gic.initialise_core(record, timer),
            Controller::Bcm(bcm) => bcm.initialise_core(record, timer),
        }
    }

    /// Accepts the interrupt that is pending on the calling core, if any.
    #[inline]
    pub fn accept(&self, record: &CoreRecord) -> Option<Accepted> {
        match self {
            Controller::Gic(gic) => gic.accept(),
            Controller::Bcm(bcm) => bcm.accept(record),
        }
    }

    /// The same can come again.
    #[inline]
    pub fn end(&self, interrupt: Accepted) {
        match self {
            Controller::Gic(gic) => gic.end(interrupt),
            Controller::Bcm(_) => complete_writes(),
        }
    }

    /// Signals a core. Orders all earlier writes before it.
    pub fn signal(&self, core: &CoreRecord) {
        self.send(core, SIGNAL);
    }

    /// Stops a core when it next has its interrupts open.
    pub fn stop_core(&self, core: &CoreRecord) {
        self.send(core, STOP);
    }

    fn send(&self, core: &CoreRecord, number: u32) {
        complete_writes();
        match self {
            Controller::Gic(gic) => gic.send(core, number),
            Controller::Bcm(bcm) => bcm.send(core, number),
        }
    }

    /// Sends `line` to `core`, masked. False if there is no such line, or it cannot signal in this way.
    pub fn route(&self, line: Line, trigger: Trigger, core: &CoreRecord) -> bool {
        match self {
            Controller::Gic(gic) => gic.route(line, trigger, core),
            Controller::Bcm(bcm) => bcm.route(line, trigger, core),
        }
    }

    /// Masks or unmasks a device's line.
    pub fn set_masked(&self, line: Line, masked: bool) {
        match self {
            Controller::Gic(gic) => gic.set_masked(line, masked),
            Controller::Bcm(bcm) => bcm.set_masked(line, masked),
        }
        complete_writes();
    }

    /// Masks or unmasks a line that the calling core has for itself.
    pub fn set_own_masked(&self, line: u32, masked: bool, core: &CoreRecord) {
        match self {
            Controller::Gic(gic) => gic.set_own_masked(line, masked, core),
            Controller::Bcm(bcm) => bcm.set_own_masked(line, masked, core),
        }
        complete_writes();
    }

    /// True if the line was routed as a level.
    pub fn is_level(&self, line: Line) -> bool {
        match self {
            Controller::Gic(gic) => gic.is_level(line),
            Controller::Bcm(_) => true,
        }
    }
}
