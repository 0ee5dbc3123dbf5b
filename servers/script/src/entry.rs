//! One line of the story: who did what, and what it came to.

use crate::cast::{COUNT, FIRST_BADGE, Slots, Who};
use cedo_abi::registers::Answer;
use cedo_abi::{Label, Status};
use core::fmt;

/// What a thread did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Any receive from anyone.
    Receive,
    /// The same with timeout zero.
    ReceiveNow,
    /// A closed receive.
    ReceiveFrom(Who),
    /// A call that lends its time.
    Call(Who),
    /// A call that does not.
    Lend(Who),
    /// A send.
    Send(Who),
    /// A send with timeout zero.
    SendNow(Who),
    /// Both phases.
    SendAndReceive(Who),
    /// An answer.
    Reply,
    /// An answer, and an open receive.
    ReplyAndWait,
    /// Gives the processor up.
    Yield,
    /// A grant.
    Dispatch(Who),
    /// Asks for registers and epoch.
    Read(Who),
    /// Ends a wait.
    Abort(Who),
    /// Stops.
    Suspend(Who),
    /// Starts.
    Resume(Who),
}

/// Where a message is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// There is none.
    None,
    /// The kernel, about a child.
    Kernel(Label, Option<Who>),
    /// A thread.
    Thread(Who),
}

/// One line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Who.
    pub who: Who,
    /// Did what.
    pub deed: Deed,
    /// How it ended.
    pub status: Status,
    /// The message that came.
    pub source: Source,
}

impl Entry {
    /// What `deed` of `who` came to.
    pub fn new(who: Who, deed: Deed, answer: &Answer, slots: &Slots) -> Entry {
        let status = answer.status();
        let source = match answer.kernel_label() {
            _ if !brings_message(deed) || !(status.is_done() || status == Status::News) => {
                Source::None
            }
            Some(label) => Source::Kernel(label, child(who, answer.badge, slots)),
            None => {
                let place = answer.badge.wrapping_sub(FIRST_BADGE) as usize;
                Who::at(place).map_or(Source::None, Source::Thread)
            }
        };
        Entry { who, deed, status, source }
    }
}

/// True for what leaves a message in the registers, unless it fails. An answer to a call has no badge.
fn brings_message(deed: Deed) -> bool {
    !matches!(
        deed,
        Deed::Call(_)
            | Deed::Lend(_)
            | Deed::Send(_)
            | Deed::SendNow(_)
            | Deed::Reply
            | Deed::Yield
            | Deed::Read(_)
            | Deed::Abort(_)
            | Deed::Suspend(_)
            | Deed::Resume(_)
    )
}

/// The child of `who` with this cookie.
fn child(who: Who, cookie: u64, slots: &Slots) -> Option<Who> {
    let below: &[usize] = match who {
        Who::Root => &[1, 2],
        Who::S => &[3, 4],
        Who::T => &[5, 6],
        _ => &[],
    };
    let found = below.iter().find(|place| slots.cookies[**place] == cookie)?;
    debug_assert!(*found < COUNT);
    Who::at(*found)
}

impl fmt::Display for Deed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, whom) = match self {
            Deed::Receive => ("receive", None),
            Deed::ReceiveNow => ("receive now", None),
            Deed::ReceiveFrom(whom) => ("receive from", Some(whom)),
            Deed::Call(whom) => ("call", Some(whom)),
            Deed::Lend(whom) => ("call without donation", Some(whom)),
            Deed::Send(whom) => ("send", Some(whom)),
            Deed::SendNow(whom) => ("send now", Some(whom)),
            Deed::SendAndReceive(whom) => ("send and receive", Some(whom)),
            Deed::Reply => ("reply", None),
            Deed::ReplyAndWait => ("reply and wait", None),
            Deed::Yield => ("yield", None),
            Deed::Dispatch(whom) => ("dispatch", Some(whom)),
            Deed::Read(whom) => ("read", Some(whom)),
            Deed::Abort(whom) => ("abort", Some(whom)),
            Deed::Suspend(whom) => ("suspend", Some(whom)),
            Deed::Resume(whom) => ("resume", Some(whom)),
        };
        match whom {
            Some(whom) => write!(to, "{what} {}", whom.name()),
            None => write!(to, "{what}"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {}: {:?}", self.who.name(), self.deed, self.status)?;
        match self.source {
            Source::None => Ok(()),
            Source::Thread(from) => write!(to, ", from {}", from.name()),
            Source::Kernel(label, None) => write!(to, ", {label:?}"),
            Source::Kernel(label, Some(child)) => write!(to, ", {label:?} {}", child.name()),
        }
    }
}
