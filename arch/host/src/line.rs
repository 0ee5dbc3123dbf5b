//! Interrupt lines, behaving as an interrupt controller's inputs do.
//!
//! ```text
//! edge     raise -> latched, unless masked: then it is lost     delivery clears the latch
//! level    raise/lower follow the device                        delivery masks the line
//! ```

use cedo_machine::{CoreNumber, Trigger};

/// One line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LineState {
    /// Where it goes, once routed.
    pub core: Option<CoreNumber>,
    /// How it signals.
    pub trigger: Trigger,
    /// Stopped.
    pub masked: bool,
    /// The device asserts the line.
    pub asserted: bool,
    /// An edge waits for delivery.
    pub latched: bool,
}

impl LineState {
    /// A line that nobody routed.
    pub const IDLE: LineState = LineState {
        core: None,
        trigger: Trigger::Edge,
        masked: true,
        asserted: false,
        latched: false,
    };

    /// True if the line wants to interrupt this core.
    pub fn wants(&self, core: CoreNumber) -> bool {
        let active = match self.trigger {
            Trigger::Edge => self.latched,
            Trigger::Level => self.asserted,
        };
        self.core == Some(core) && active && !self.masked
    }

    /// The device raises the line; on an edge line each call is an edge.
    pub fn raise(&mut self) {
        self.asserted = true;
        self.latched |= self.trigger == Trigger::Edge && !self.masked;
    }

    /// The device lowers the line; an edge that was latched stays.
    pub fn lower(&mut self) {
        self.asserted = false;
    }

    /// The controller has delivered an interrupt.
    pub fn deliver(&mut self) {
        match self.trigger {
            Trigger::Edge => self.latched = false,
            Trigger::Level => self.masked = true,
        }
    }

    /// Connects the line, masked.
    pub fn route(&mut self, core: CoreNumber, trigger: Trigger) {
        *self = LineState { core: Some(core), trigger, masked: true, latched: false, ..*self };
    }
}
