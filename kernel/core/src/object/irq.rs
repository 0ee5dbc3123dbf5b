//! One interrupt source bound to a handler thread of the same core.
//!
//! ```text
//!            fires, handler waits or not
//!   Armed ------------------------------> Pending ----> Delivered (token out)
//!     ^                                   (in the handler's list)    |
//!     +-----------------  reply to the token: acknowledge -----------+
//! ```
//!
//! An edge that comes while *Delivered* sets `again`, and acknowledging makes it *Pending* at once
//! (DESIGN.md section 10). A level line stays masked from delivery to acknowledge.

use cedo_floor::{IrqId, ThreadId};
use cedo_machine::{Line, Trigger};

/// Where an interrupt is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IrqState {
    /// Nothing has happened since the last acknowledge.
    Armed,
    /// Happened; in the list of its handler.
    Pending,
    /// The handler has the message and has not acknowledged.
    Delivered,
}

/// An interrupt object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Irq {
    /// The line.
    pub line: Line,
    /// How it signals.
    pub trigger: Trigger,
    /// Who hears of it.
    pub handler: ThreadId,
    /// Badge of its messages.
    pub badge: u64,
    /// Where it is in its life.
    pub state: IrqState,
    /// An edge came while it was *Delivered*.
    pub again: bool,
    /// Low half of the token that acknowledges it; raised by each delivery.
    pub sequence: u32,
    /// Next in the handler's list of pending interrupts.
    pub next: Option<IrqId>,
}
