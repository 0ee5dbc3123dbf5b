//! A thread as a child of its scheduler: what it must know of itself to use locks.

use super::Refused;
use super::word::Waiting;
use crate::clock::Clock;
use crate::environment::Environment;
use crate::ipc::{Ipc, Message, Partner};
use crate::sched::{DEADLOCK, DONE, HOLDER_STOPPED, JOIN, LATE, LEVEL, LOOK, RELEASE, WAIT};
use core::cell::Cell;
use core::marker::PhantomData;

/// The calling thread, as its scheduler knows it. It stays with the thread.
#[derive(Debug)]
pub struct Member {
    number: u64,
    family: u64,
    /// The level it is treated as one of; 0: its own.
    level: Cell<u64>,
    clock: Clock,
    stays: PhantomData<*mut ()>,
}

/// A thread that waits until a time.
#[derive(Debug)]
pub(super) struct Until<'a> {
    me: &'a Member,
    ns: u64,
}

impl Member {
    /// Asks the scheduler of the calling thread, whose environment this is, who the thread is.
    ///
    /// # Errors
    /// [`Refused::Unsupported`] if the scheduler is not of this library; [`Refused::Kernel`] if it
    /// cannot be called, as that of a root.
    pub fn join(environment: &Environment) -> Result<Member, Refused> {
        let answer = ask(JOIN, [0; 3])?;
        let clock = Clock::of_core(environment.core_number());
        let (number, family) = (answer.words[0], answer.words[1]);
        Ok(Member { number, family, level: Cell::new(0), clock, stays: PhantomData })
    }

    /// Its number among the scheduler's children, from 1 on.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// A number for its scheduler, the same for all its children.
    pub fn family(&self) -> u64 {
        self.family
    }

    pub(super) fn level(&self) -> u64 {
        self.level.get()
    }

    pub(super) fn set_level(&self, level: u64) -> Result<(), Refused> {
        ask(LEVEL, [level, 0, 0])?;
        self.level.set(level);
        Ok(())
    }

    pub(super) fn until(&self, patience_ns: u64) -> Until<'_> {
        Until { me: self, ns: self.clock.now_ns().saturating_add(patience_ns) }
    }
}

impl Waiting for Until<'_> {
    fn look(&self, lock: u64) -> Result<(), Refused> {
        ask(LOOK, [lock, 0, 0]).map(|_| ())
    }

    fn wait(&self, lock: u64, holder: u64) -> Result<(), Refused> {
        if self.me.clock.now_ns() >= self.ns {
            return Err(Refused::Late);
        }
        ask(WAIT, [lock, holder, self.ns]).map(|_| ())
    }

    fn released(&self, lock: u64) {
        // A scheduler that cannot be called has no child that waits for it either.
        let _ = ask(RELEASE, [lock, 0, 0]);
    }
}

/// A call to the scheduler.
fn ask(label: u32, [first, second, third]: [u64; 3]) -> Result<Message, Refused> {
    let words = [first, second, third, 0, 0, 0, 0];
    let answer = Ipc::call(Partner::MY_SCHEDULER).message(label, 3, words).make();
    answer.done().map_err(Refused::Kernel)?;
    match answer.label() {
        DONE => Ok(answer),
        LATE => Err(Refused::Late),
        HOLDER_STOPPED => Err(Refused::HolderStopped),
        DEADLOCK => Err(Refused::Deadlock),
        _ => Err(Refused::Unsupported),
    }
}
