//! Steps of a run, as data: with some left out a run still means something.

use crate::program::Choice;
use cedo_abi::state::Cause;
use cedo_fuzz::Spec;
use cedo_machine::{CoreNumber, Interrupt, Line};
use std::fmt;

/// One step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Step {
    /// If a hostile thread runs there, it makes this call.
    Hostile(CoreNumber, Spec),
    /// If a hostile thread runs there, it reads or writes memory.
    Touch(CoreNumber, u64, bool),
    /// If a hostile thread runs there, it makes an exception.
    Fault(CoreNumber, Cause),
    /// If a trusted thread runs there, it goes on; a root does what was chosen, if it can.
    Trusted(CoreNumber, Option<Choice>),
    /// If it is pending there, it arrives.
    Interrupt(CoreNumber, Interrupt),
    /// It arrives though nobody asked for it.
    Spurious(CoreNumber, Interrupt),
    /// A device raises a line.
    Raise(Line),
    /// A device lowers a line.
    Lower(Line),
    /// Ticks pass.
    Advance(u64),
}

impl fmt::Display for Step {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Hostile(_, spec) => write!(to, "{spec}"),
            Step::Touch(_, address, true) => write!(to, "writes {address:#x}"),
            Step::Touch(_, address, false) => write!(to, "reads {address:#x}"),
            Step::Fault(_, cause) => write!(to, "faults: {}", cause.text()),
            Step::Trusted(..) => write!(to, "goes on"),
            Step::Interrupt(core, source) => write!(to, "core {}: {source:?}", core.0),
            Step::Spurious(core, source) => write!(to, "core {}: {source:?}, spurious", core.0),
            Step::Raise(line) => write!(to, "line {} goes up", line.0),
            Step::Lower(line) => write!(to, "line {} goes down", line.0),
            Step::Advance(ticks) => write!(to, "{ticks} ticks pass"),
        }
    }
}

impl Step {
    /// The core whose current thread acts.
    pub fn actor(&self) -> Option<CoreNumber> {
        match self {
            Step::Hostile(core, _)
            | Step::Touch(core, ..)
            | Step::Fault(core, _)
            | Step::Trusted(core, _) => Some(*core),
            _ => None,
        }
    }
}
