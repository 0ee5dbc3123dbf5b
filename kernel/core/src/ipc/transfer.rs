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
//!               +--> no room, malformed, nobody may be waited for: an error to both
//! ```
//!
//! The partner stays in the wait it is in. If that wait is over when the call is made again, what was
//! moved is void.

use super::items::{Cursor, Piece};
use super::receive::Taken;
use super::send::Sender;
use crate::call::Answer;
use crate::cross::Post;
use crate::kernel::Kernel;
use crate::object::thread::{GateTo, State};
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::item::{BYTES_PER_ENTRY, MAX_ITEMS};
use cedo_abi::{Rights, Status, Tag};
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::{Context, Frame, Machine};

/// The call that a thread makes again, and how far it got.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Repeat {
    /// Its operation word.
    pub operation: u64,
    /// What has been moved; nothing if the call has not begun to.
    pub progress: Option<Progress>,
}

/// How far a transfer got.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Progress {
    partner: ThreadId,
    /// Which of the partner's waits this is for.
    wait: u64,
    cursor: Cursor,
}

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    /// Everything is at the receiver's: commit.
    All,
    /// The call will be made again.
    Later,
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
    /// its own call. An error is for both; the partner has not been told. Without `may_wait` a page of
    /// the partner's that is missing is an error.
    pub fn move_items(
        &mut self,
        from: ThreadId,
        to: ThreadId,
        may_wait: bool,
    ) -> Result<Moved, Status> {
        let caller = self.local.caller.unwrap_or(from);
        let partner = if from == caller { to } else { from };
        let count = self.tag_of(from).typed_items();
        let wait = self.wait_of(partner);
        let found = self.local.repeated.take().and_then(|repeat| repeat.progress);
        let found = found.filter(|found| found.partner == partner && found.wait == wait);
        let mut progress = found.unwrap_or(Progress { partner, wait, cursor: Cursor::START });
        let (Some(source), Some(target)) = (self.side(from), self.side(to)) else {
            return Err(Status::PartnerGone);
        };
        self.check_items(source.utcb, count)?;
        let mut budget = BYTES_PER_ENTRY;
        loop {
            match self.move_piece(&source, &target, count, &mut progress.cursor, &mut budget) {
                Piece::Moved if budget > 0 => {}
                Piece::Moved => {
                    self.go_on_later(caller, progress);
                    return Ok(Moved::Later);
                }
                Piece::End => return Ok(Moved::All),
                Piece::NoRoom => return Err(self.cut_short(caller, partner, &progress.cursor)),
                Piece::Malformed => return Err(Status::BadArgument),
                Piece::Fault(fault, of_source) => {
                    self.go_on_later(caller, progress);
                    if (from == caller) == of_source {
                        self.faulted(caller, fault);
                        return Ok(Moved::Later);
                    }
                    if may_wait && self.faulted_for(caller, partner, fault) {
                        return Ok(Moved::Later);
                    }
                    self.end_repeat(caller);
                    return Err(Status::PartnerFault);
                }
            }
        }
    }

    /// The current thread `id` takes the items of queued `sender`. Nothing if all are moved and the
    /// message can be taken, else what the receive came to.
    pub(super) fn take_items(
        &mut self,
        id: ThreadId,
        sender: ThreadId,
        kind: Sender,
    ) -> Option<Taken> {
        if kind.is_fault() || self.tag_of(sender).typed_items() == 0 {
            return None;
        }
        if self.local.caller != Some(id) || self.local.current != Some(id) || self.local.has_sent {
            self.receive_again(id);
            return Some(Taken::Later);
        }
        match self.move_items(sender, id, !self.is_root(id)) {
            Ok(Moved::All) => None,
            Ok(Moved::Later) => Some(Taken::Later),
            Err(status) => {
                self.refuse_sender(id, sender, status);
                if status == Status::BadArgument {
                    // Nobody's fault but the sender's: the receiver goes on as if it had not come.
                    self.receive_again(id);
                    return Some(Taken::Later);
                }
                self.thread(id).context.set_message(0, 0, 0);
                self.answer(id, status.into());
                Some(Taken::Message)
            }
        }
    }

    /// `id`, which waits or runs, makes its receive once more, alone.
    pub fn receive_again(&mut self, id: ThreadId) {
        let operation = match self.local.caller {
            Some(caller) if caller == id => self.local.operation,
            _ => receive_operation(0, self.look(id).want_state),
        };
        self.repeat(id, Repeat { operation, progress: None });
    }

    /// The send phase of the current call is over: from now on it is a receive.
    #[inline]
    pub fn has_sent(&mut self, flags: u64) {
        self.local.has_sent = true;
        let wants_state = flags & ipc::WANT_STATE != 0;
        self.local.operation = receive_operation(flags & ipc::RECEIVE_ZERO, wants_state);
    }

    /// `id` is in the middle of a call and no longer goes on with it: whoever ends it answers.
    pub fn end_repeat(&mut self, id: ThreadId) {
        let thread = self.thread(id);
        if thread.repeat.take().is_some() {
            thread.context.skip();
        }
    }

    /// `id` does something else than the call it was to make again.
    pub fn forget_repeat(&mut self, id: ThreadId) {
        self.thread(id).repeat = None;
    }

    fn go_on_later(&mut self, caller: ThreadId, progress: Progress) {
        let operation = self.local.operation;
        self.repeat(caller, Repeat { operation, progress: Some(progress) });
    }

    fn repeat(&mut self, id: ThreadId, repeat: Repeat) {
        let thread = self.thread(id);
        if thread.repeat.replace(repeat).is_none() {
            thread.context.repeat(repeat.operation);
        }
    }

    /// The items do not fit: how far they got, for both. The status.
    fn cut_short(&mut self, caller: ThreadId, partner: ThreadId, cursor: &Cursor) -> Status {
        let words = cursor.amounts();
        self.thread(caller).context.set_words(&words);
        if self.objects.is_here(partner) {
            self.thread(partner).context.set_words(&words);
        } else {
            self.mail(partner).words.iter().zip(words).for_each(|(word, value)| word.set(value));
        }
        Status::Overflow
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

    fn side(&self, id: ThreadId) -> Option<Side> {
        if self.objects.is_here(id) {
            let thread = self.look(id);
            return Some(Side { space: thread.space, utcb: thread.utcb });
        }
        let mail = self.mail(id);
        Some(Side { space: SpaceId::from_number(mail.space.get())?, utcb: Frame(mail.utcb.get()) })
    }

    /// Who hears of faults of `id`, if that still exists.
    pub(super) fn handler_of(&self, id: ThreadId) -> Option<GateTo> {
        if self.objects.is_here(id) {
            return self.look(id).handler.filter(|gate| self.is_live(gate));
        }
        let mail = self.mail(id);
        let gate = GateTo {
            thread: ThreadId::from_number(mail.handler.get())?,
            generation: mail.handler_generation.get(),
            badge: mail.handler_badge.get(),
            rights: Rights(mail.handler_rights.get() as u16),
        };
        Some(gate).filter(|gate| self.is_live(gate))
    }

    /// Writes into the mail of `id` what another core needs to move items on its behalf.
    pub(super) fn lend_space(&self, id: ThreadId) {
        let (thread, mail) = (self.look(id), self.mail(id));
        mail.space.set(thread.space.number().get());
        mail.epoch.set(thread.epoch);
        mail.handler.set(thread.handler.map_or(0, |gate| gate.thread.number().get()));
        if let Some(gate) = thread.handler {
            mail.handler_generation.set(gate.generation);
            mail.handler_rights.set(u32::from(gate.rights.0));
            mail.handler_badge.set(gate.badge);
        }
    }

    /// The call of `id` that was interrupted in the middle of a transfer is cancelled. False if it is
    /// in none.
    pub fn abort_repeat(&mut self, id: ThreadId) -> bool {
        let thread = self.look(id);
        let Some(repeat) = thread.repeat.filter(|_| thread.state == State::Ready) else {
            return false;
        };
        let words = repeat.progress.map_or([0; _], |progress| progress.cursor.amounts());
        self.end_repeat(id);
        self.answer(id, Answer::Words(Status::Aborted, words));
        true
    }
}

/// The operation word of an open or closed receive: `from` is in its register still.
const fn receive_operation(flags: u64, wants_state: bool) -> u64 {
    let state = if wants_state { ipc::WANT_STATE } else { 0 };
    operation(Call::Ipc, 0, ipc::RECEIVE | flags | state)
}

const _: () = assert!(MAX_ITEMS <= u8::MAX as usize);
