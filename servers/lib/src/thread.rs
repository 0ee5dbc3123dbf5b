//! Threads: make, start, stop, inspect.

use crate::call::{Arguments, done};
use crate::capability::{Capability, Gate, Region, Space, Thread};
use crate::ipc::Winner;
use cedo_abi::Status;
use cedo_abi::call::{Call, object, thread};
use cedo_abi::name::{NOBODY, Token};

/// What a new thread is made of. It is born suspended.
#[derive(Clone, Copy, Debug)]
pub struct NewThread {
    /// Where it lives.
    pub space: Space,
    /// Its home core.
    pub core: u32,
    /// Address of its UTCB in that Space, where the kernel maps it.
    pub utcb: u64,
    /// Its first instruction.
    pub instruction: u64,
    /// Its first stack pointer.
    pub stack: u64,
    /// What it finds in message word 0; by convention the address of its UTCB.
    pub argument: u64,
}

/// Frames that a thread takes.
pub const FRAMES: u64 = 2;

/// Makes a thread out of [`FRAMES`] frames of `region` from page `first` on; its capability goes to
/// `slot`.
pub fn create(region: Region, first: u64, slot: u32, new: &NewThread) -> Result<Thread, Status> {
    let words = [
        first,
        new.space.name(),
        u64::from(new.core),
        new.utcb,
        new.instruction,
        new.stack,
        new.argument,
    ];
    let arguments = Arguments::new(Call::Object, object::CREATE_THREAD).to(region.name());
    done(&arguments.from(u64::from(slot)).words(&words).make())?;
    Ok(Thread::at(slot))
}

/// Registers of a thread that [`Thread::read`] returns besides those in the UTCB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// IPC operations that it has started.
    pub epoch: u64,
    /// Its instruction pointer.
    pub instruction: u64,
    /// Its stack pointer.
    pub stack: u64,
}

/// Why [`Thread::migrate`] did not do all of what it was to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotMigrated {
    /// The reason.
    pub status: Status,
    /// The thread is on the new core, suspended, without a scheduler: SET_SCHEDULER can give it one
    /// there. Otherwise nothing has changed.
    pub has_moved: bool,
}

impl Thread {
    /// Stops the thread wherever it is. Needs CONTROL.
    pub fn suspend(self) -> Result<(), Status> {
        done(&self.operation(thread::SUSPEND).make())
    }

    /// Starts a suspended thread; `winner` says who goes on. A thread that never ran is *new* at its
    /// scheduler. Needs CONTROL.
    pub fn resume(self, winner: Winner) -> Result<(), Status> {
        done(&self.operation(thread::RESUME).flags(winner as u64).make())
    }

    /// Cancels the wait that is the thread's operation number `epoch`. [`Status::Stale`] if that is
    /// over. Needs CONTROL.
    pub fn abort(self, epoch: u64) -> Result<(), Status> {
        done(&self.operation(thread::ABORT).words(&[epoch]).make())
    }

    /// Reads registers: the groups in `mask` (bits of `cedo_abi::state`) go to the caller's UTCB,
    /// see [`cedo_rt::UtcbPage::received`]. Needs STATE.
    pub fn read(self, mask: u64) -> Result<Position, Status> {
        let answer = self.operation(thread::READ).words(&[mask]).make();
        done(&answer)?;
        let [epoch, instruction, stack, ..] = answer.words;
        Ok(Position { epoch, instruction, stack })
    }

    /// Installs the registers in the reply area of the caller's UTCB ([`cedo_rt::UtcbPage::set_reply`]).
    /// Needs STATE; the thread must not be running.
    pub fn write(self) -> Result<(), Status> {
        done(&self.operation(thread::WRITE).make())
    }

    /// Makes `scheduler` (needs ADOPT) the scheduler of this suspended thread (needs CONTROL).
    /// `cookie` comes back in every message about it; `edge` = bits EDGE_STATE and EDGE_BLOCKED of
    /// [`cedo_abi::call::thread`].
    pub fn set_scheduler(self, scheduler: Thread, cookie: u64, edge: u64) -> Result<(), Status> {
        let arguments = self.operation(thread::SET_SCHEDULER).from(scheduler.name());
        done(&arguments.words(&[cookie, edge]).make())
    }

    /// Moves this suspended thread (needs CONTROL) to the core of `scheduler` (needs ADOPT), which becomes
    /// its scheduler; `cookie` and `edge` as for [`set_scheduler`](Self::set_scheduler). The thread
    /// schedules nobody and handles no interrupts. Who waits for it hears [`Status::Aborted`]; what is
    /// under way to it follows it. [`Status::NotReady`]: a call of its own is on another core; try again.
    pub fn migrate(self, scheduler: Thread, cookie: u64, edge: u64) -> Result<(), NotMigrated> {
        let arguments = self.operation(thread::MIGRATE).from(scheduler.name());
        let answer = arguments.words(&[cookie, edge]).make();
        let has_moved = answer.words[0] == 1;
        done(&answer).map_err(|status| NotMigrated { status, has_moved })
    }

    /// Sends this thread's faults through `gate`; to nobody if there is none. Needs CONTROL.
    pub fn set_handler(self, gate: Option<Gate>) -> Result<(), Status> {
        let handler = gate.map_or(NOBODY, Capability::name);
        done(&self.operation(thread::SET_HANDLER).from(handler).make())
    }

    /// Sets the options of the calling thread as a scheduler ([`thread::ASK_BLOCKED`],
    /// [`thread::AUTO`]).
    pub fn set_my_options(options: u64) -> Result<(), Status> {
        done(&Thread::MYSELF.operation(thread::SET_OPTIONS).words(&[options]).make())
    }

    /// Sets, as its scheduler, the cookie of the child that `token` names.
    pub fn set_cookie(token: Token, cookie: u64) -> Result<(), Status> {
        let arguments = Thread::MYSELF.operation(thread::SET_COOKIE).from(token.0);
        done(&arguments.words(&[cookie]).make())
    }

    /// Sets, as its scheduler, the rank of the child that `token` names: what [`thread::AUTO`] goes by.
    pub fn set_rank(token: Token, rank: u32) -> Result<(), Status> {
        let arguments = Thread::MYSELF.operation(thread::SET_RANK).from(token.0);
        done(&arguments.words(&[rank.into()]).make())
    }

    /// Makes all system calls of this thread exceptions, or no longer. Needs CONTROL.
    pub fn set_foreign(self, foreign: bool) -> Result<(), Status> {
        done(&self.operation(thread::SET_FOREIGN).words(&[foreign.into()]).make())
    }

    /// Destroys the thread; its frames return to their owner. Needs CONTROL.
    pub fn destroy(self) -> Result<(), Status> {
        crate::memory::destroy(self)
    }

    fn operation(self, sub_operation: u8) -> Arguments {
        Arguments::new(Call::Thread, sub_operation).to(self.name())
    }
}
