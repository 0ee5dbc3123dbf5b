//! Typed items: moved before the commit, in steps, by the current thread in its own call
//! (DESIGN.md section 3; docs/decisions/0004-typed-items.md).
//!
//! ```text
//!                 step done, more to do
//!               +------------------------+
//!               v                        |
//!   call ---> move ---> all moved ---> commit, as for words
//!               |
//!               +--> own page fault: the mover's fault handler, then the call again
//!               +--> partner's page fault: the partner's handler on the mover's time, then again
//!               +--> no room, malformed, nobody may be waited for: an error
//! ```
//!
//! The partner stays in the wait it is in. If that wait is over when the call is made again, or
//! somebody else has begun to fill its windows, what was moved is void.

use super::items::{Budget, Cursor, Piece};
use super::receive::Taken;
use super::send::Sender;
use crate::cross::Post;
use crate::kernel::Kernel;
use cedo_abi::call::ipc;
use cedo_abi::{REGISTER_WORDS, Status, Tag};
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::{Context, Fault, Frame, Machine};

/// How far a transfer got.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Progress {
    partner: ThreadId,
    /// Which of the partner's waits this is for.
    wait: u64,
    /// Which transfer into the receiver's windows this is, where that is of this core.
    filling: u64,
    cursor: Cursor,
}

impl Progress {
    /// Items moved, and how much of the next one.
    pub fn amounts(&self) -> [u64; REGISTER_WORDS] {
        self.cursor.amounts()
    }
}

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    /// Everything is at the receiver's: commit.
    All,
    /// The call will be made again.
    Later,
}

/// For whom a mover may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// The mover may wait for the handler of its own faults.
    pub own: bool,
    /// The mover may wait for the handler of the partner's.
    pub partner: bool,
}

/// One party, of this core or another: what is lent with its mail.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Where its addresses mean something.
    pub space: SpaceId,
    /// Where its items and windows are listed.
    pub utcb: Frame,
}

impl<M: Machine> Kernel<M> {
    /// Moves the items of the message of `from` to `to`, one of which is the current thread, making
    /// its own call. The partner has not been told of an error.
    pub fn move_items(
        &mut self,
        from: ThreadId,
        to: ThreadId,
        patience: Patience,
    ) -> Result<Moved, Status> {
        let caller = self.local.caller.unwrap_or(from);
        let partner = if from == caller { to } else { from };
        let count = self.tag_of(from).typed_items();
        let (Some(source), Some(target)) = (self.side(from), self.side(to)) else {
            return Err(Status::PageMissing);
        };
        let mut progress = self.progress(caller, partner, to);
        let mut budget = Budget::WHOLE;
        loop {
            match self.move_piece(&source, &target, count, &mut progress.cursor, &mut budget) {
                Piece::Moved => {}
                Piece::Enough => {
                    self.go_on_later(caller, progress);
                    return Ok(Moved::Later);
                }
                Piece::End => return Ok(Moved::All),
                Piece::Malformed => return Err(Status::BadArgument),
                Piece::Refused(status) => return Err(self.cut_short(&progress, caller, status)),
                Piece::Fault(fault, of_source) => {
                    let own = (from == caller) == of_source;
                    return self.page_missing(caller, &progress, fault, own, patience);
                }
            }
        }
    }

    /// How far `caller` got with `partner`; if that is void, or nothing, the beginning.
    fn progress(&mut self, caller: ThreadId, partner: ThreadId, receiver: ThreadId) -> Progress {
        let wait = self.wait_of(partner);
        // Of a receiver on another core nobody but the mover fills the windows.
        let here = self.objects.is_here(receiver);
        let filling = if here { self.look(receiver).filling } else { 0 };
        let found = self.local.repeated.take().and_then(|repeat| repeat.progress);
        let found = found.filter(|found| {
            found.partner == partner && found.wait == wait && found.filling == filling
        });
        if let Some(found) = found {
            return found;
        }
        if here {
            let receiver = self.thread(receiver);
            receiver.filling += 1;
            receiver.filled_by = Some(caller);
        }
        Progress { partner, wait, filling: filling + u64::from(here), cursor: Cursor::default() }
    }

    /// True if another thread than `sender` is in the middle of filling the windows of `receiver`.
    pub(super) fn is_being_filled(&self, receiver: ThreadId, sender: ThreadId) -> bool {
        let thread = self.look(receiver);
        let mover = thread.filled_by.filter(|id| *id != sender && self.objects.is_here(*id));
        let repeat = mover.and_then(|mover| self.look(mover).repeat);
        repeat.and_then(|repeat| repeat.progress).is_some_and(|progress| {
            progress.partner == receiver
                && progress.wait == thread.epoch
                && progress.filling == thread.filling
        })
    }

    /// The mover waits for whoever can bring the page, if it may.
    fn page_missing(
        &mut self,
        caller: ThreadId,
        progress: &Progress,
        fault: Fault,
        own: bool,
        patience: Patience,
    ) -> Result<Moved, Status> {
        if own && patience.own {
            self.go_on_later(caller, *progress);
            self.faulted(caller, fault);
            return Ok(Moved::Later);
        }
        if !own && patience.partner {
            let handler = self.handler_of(progress.partner);
            if let Some(gate) = self.expect_answer(handler, caller, progress.partner) {
                self.go_on_later(caller, *progress);
                self.faulted_for(caller, progress.partner, fault, &gate);
                return Ok(Moved::Later);
            }
        }
        Err(self.cut_short(progress, caller, Status::PageMissing))
    }

    /// The current thread `id` takes the items of queued `sender`. Nothing if all are moved and the
    /// message can be taken, else what the receive came to.
    pub(super) fn take_items(&mut self, id: ThreadId, sender: ThreadId) -> Option<Taken> {
        if !self.has_items(sender) {
            return None;
        }
        if self.local.caller != Some(id) || self.local.current != Some(id) || self.local.has_sent {
            self.receive_again(id, 0);
            return Some(Taken::Later);
        }
        let sender_waits = self.objects.is_here(sender) || self.mail(sender).status.get() == 0;
        let receiver_waits = !self.is_root(id) && self.local.operation & ipc::RECEIVE_ZERO == 0;
        let patience = Patience {
            own: !self.is_root(id) && sender_waits,
            partner: receiver_waits && sender_waits,
        };
        let moved = match self.check_message(sender) {
            Ok(()) => self.move_items(sender, id, patience),
            Err(status) => {
                self.refuse_sender(id, sender, status);
                self.receive_again(id, 0);
                return Some(Taken::Later);
            }
        };
        let status = match moved {
            Ok(Moved::All) => return None,
            Ok(Moved::Later) => return Some(Taken::Later),
            Err(status) => status,
        };
        self.refuse_sender(id, sender, status);
        if status == Status::BadArgument || status == Status::PageMissing && !sender_waits {
            // The receiver goes on as if it had not come.
            self.receive_again(id, 0);
            return Some(Taken::Later);
        }
        self.answer(id, status.into());
        Some(Taken::Failed)
    }

    /// Errors: what is wrong with the items of the message of `id`.
    pub(super) fn check_message(&self, id: ThreadId) -> Result<(), Status> {
        let count = self.tag_of(id).typed_items();
        match self.side(id) {
            Some(side) if count > 0 => self.check_items(&side, count),
            _ => Ok(()),
        }
    }

    /// True if the message of queued `sender` has typed items.
    pub fn has_items(&self, sender: ThreadId) -> bool {
        let kind = Sender::from_number(self.mail(sender).kind.get());
        self.tag_of(sender).typed_items() > 0 && !kind.is_some_and(Sender::is_fault)
    }

    /// The items do not all get there: how far they got, for both. The status.
    fn cut_short(&mut self, progress: &Progress, caller: ThreadId, status: Status) -> Status {
        let (words, partner) = (progress.amounts(), progress.partner);
        self.thread(caller).context.set_words(&words);
        if self.objects.is_here(partner) {
            self.thread(partner).context.set_words(&words);
        } else {
            self.mail(partner).words.iter().zip(words).for_each(|(word, value)| word.set(value));
        }
        status
    }

    /// Queued `sender` goes on with an error.
    fn refuse_sender(&mut self, receiver: ThreadId, sender: ThreadId, status: Status) {
        self.unqueue_sender(receiver, sender);
        if self.objects.is_here(sender) {
            self.answer(sender, status.into());
            self.wake_meanwhile(sender);
        } else {
            self.send_home(sender, Post::Verdict, status);
        }
    }

    /// The tag of the message of `id`, checked when it was sent.
    pub(super) fn tag_of(&self, id: ThreadId) -> Tag {
        let raw = if self.objects.is_here(id) {
            self.look(id).context.tag()
        } else {
            self.mail(id).tag.get()
        };
        Tag::from_user(raw).unwrap_or_default()
    }

    /// Which wait `id` is in: it never repeats.
    fn wait_of(&self, id: ThreadId) -> u64 {
        if self.objects.is_here(id) { self.look(id).epoch } else { self.mail(id).epoch.get() }
    }
}
