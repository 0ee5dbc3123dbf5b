//! Calls that are made again.
//!
//! A call that cannot be finished in one entry leaves its thread where it made it: the thread's next
//! step is the same call, with an operation word that says what is left. In between it is like any
//! thread that runs user code: it is interrupted, preempted, suspended, and its registers can be
//! changed. Whoever ends its call meanwhile puts it behind the call again.

use super::transfer::Progress;
use crate::call::Answer;
use crate::kernel::Kernel;
use crate::object::thread::State;
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::{REGISTER_WORDS, Status, name};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Machine};

/// The call that a thread makes again, and how far it got.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Repeat {
    /// Its operation word.
    pub operation: u64,
    /// What has been moved; nothing if the call has not begun to.
    pub progress: Option<Progress>,
}

impl<M: Machine> Kernel<M> {
    /// `id`, which waits or runs, makes its receive once more, alone. `flags`: what its operation word
    /// says besides, if this is not its own call.
    pub fn receive_again(&mut self, id: ThreadId, flags: u64) {
        let operation = if self.local.caller == Some(id) {
            self.local.operation
        } else {
            if self.is_root(id) {
                // It waits for whoever comes, and may have said so by *idle*.
                self.thread(id).context.set_message(0, name::ANY, 0);
            }
            receive_operation(flags, self.look(id).unusual.wanted())
        };
        self.repeat(id, Repeat { operation, progress: None });
    }

    /// The send phase of the current call is over: from now on it is a receive.
    #[inline]
    pub fn has_sent(&mut self, flags: u64) {
        self.local.has_sent = true;
        let wants = ipc::wanted_groups(flags) as u8;
        let winner = match flags & ipc::WINNER_MASK {
            ipc::WINNER_RECEIVE => ipc::WINNER_RECEIVE,
            _ => 0,
        };
        self.local.operation = receive_operation(flags & ipc::RECEIVE_ZERO | winner, wants);
    }

    /// The current call of `caller` goes on from here.
    pub(super) fn go_on_later(&mut self, caller: ThreadId, progress: Progress) {
        let operation = self.local.operation;
        self.repeat(caller, Repeat { operation, progress: Some(progress) });
    }

    fn repeat(&mut self, id: ThreadId, repeat: Repeat) {
        let thread = self.thread(id);
        if thread.set_repeat(Some(repeat)).is_none() {
            thread.context.repeat(repeat.operation);
        }
    }

    /// `id` no longer goes on with the call that it was to make again: whoever ends it answers. How
    /// far the call got.
    pub fn end_repeat(&mut self, id: ThreadId) -> [u64; REGISTER_WORDS] {
        let thread = self.thread(id);
        let Some(repeat) = thread.set_repeat(None) else { return [0; REGISTER_WORDS] };
        thread.context.skip();
        self.refuse_impatient(id);
        repeat.progress.map_or([0; REGISTER_WORDS], |progress| progress.amounts())
    }

    /// `id` has got other registers: it does something else than the call it was to make again.
    pub fn forget_repeat(&mut self, id: ThreadId) {
        if self.thread(id).set_repeat(None).is_some() {
            self.refuse_impatient(id);
        }
    }

    /// The call of `id` that was interrupted in the middle is cancelled. False if it is in none.
    pub fn abort_repeat(&mut self, id: ThreadId) -> bool {
        let thread = self.look(id);
        let interrupted = matches!(thread.state, State::Ready | State::Running);
        if !interrupted || thread.repeat.is_none() {
            return false;
        }
        let words = self.end_repeat(id);
        self.answer(id, Answer::Words(Status::Aborted, words));
        true
    }
}

/// The operation word of an open or closed receive: `from` is in its register still.
const fn receive_operation(flags: u64, wants: u8) -> u64 {
    operation(Call::Ipc, 0, ipc::RECEIVE | flags | (wants as u64) << ipc::WANT_SHIFT)
}
