//! From the words of a call to its answer: one line per call.
//!
//! Every call has one shape: typed arguments ([`decode`]), look up, check rights, point of no return,
//! act, answer. What runs next is a consequence recorded in [`crate::kernel::Local`]; only
//! [`crate::exit`] switches.

pub mod capability;
pub mod core;
pub mod cursor;
pub mod decode;
pub mod destroy;
pub mod give;
pub mod irq;
pub mod memory;
pub mod migrate;
pub mod object;
pub mod ports;
pub mod revoke;
pub mod round;
pub mod sweep;
pub mod thread;

use crate::kernel::Kernel;
use crate::object::unusual::{FOREIGN, REPEATING};
use cedo_abi::call::{self, Call};
use cedo_abi::state::Cause;
use cedo_abi::{Label, REGISTER_WORDS, Status};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Fault, Machine};
use decode::Arguments;

/// Why an answer would do harm: it replaces an operation word.
pub(crate) const REPEATS: &str = "a thread that makes its call again has no answer yet";

/// What a call answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A status alone; the caller's words are left as they are.
    Status(Status),
    /// A status and result words.
    Words(Status, [u64; REGISTER_WORDS]),
    /// The answer has been written, or will be when a wait completes.
    Later,
}

impl From<Status> for Answer {
    fn from(status: Status) -> Answer {
        Answer::Status(status)
    }
}

impl From<Result<Answer, Status>> for Answer {
    fn from(result: Result<Answer, Status>) -> Answer {
        result.unwrap_or_else(Answer::Status)
    }
}

impl Answer {
    /// `Ok` with one result word.
    pub const fn word(word: u64) -> Answer {
        Answer::Words(Status::Ok, [word, 0, 0, 0, 0, 0, 0])
    }
}

impl<M: Machine> Kernel<M> {
    /// Carries out the call in the registers of `caller`, the current thread.
    pub fn call(&mut self, caller: ThreadId) {
        let thread = self.thread(caller);
        let operation = thread.context.operation();
        let (repeats, foreign) = (thread.unusual.has(REPEATING), thread.unusual.has(FOREIGN));
        if repeats {
            let repeat = thread.set_repeat(None);
            self.local.start_call(caller, operation, repeat);
        } else if foreign {
            return self.faulted(caller, Fault { cause: Cause::SystemCall, address: 0, code: 0 });
        } else {
            self.local.start_call(caller, operation, None);
        }
        let Some(number) = Call::from_byte(operation as u8) else {
            return self.answer(caller, Status::BadArgument.into());
        };
        if number == Call::Ipc {
            return self.ipc(caller, operation);
        }
        let arguments = Arguments::of(&self.look(caller).context);
        let answer = match number {
            Call::Ipc => Answer::Later,
            Call::Yield => self.yield_call(caller),
            Call::Thread => self.thread_call(caller, &arguments),
            Call::Object => self.object_call(caller, &arguments),
            Call::Capability => self.capability_call(caller, &arguments),
            Call::Memory => self.memory_call(caller, &arguments),
            Call::Core => self.core_call(caller, &arguments),
            Call::Ports => self.ports_call(caller, &arguments),
        };
        self.answer(caller, answer);
    }

    /// The rest of the grant goes back to the scheduler. A root keeps the processor.
    fn yield_call(&mut self, caller: ThreadId) -> Answer {
        if self.is_root(caller) {
            return Status::KeptProcessor.into();
        }
        self.answer(caller, Status::Ok.into());
        self.gave_up(caller, Label::Yielded);
        Answer::Later
    }

    fn object_call(&mut self, caller: ThreadId, arguments: &Arguments) -> Answer {
        match arguments.sub_operation {
            call::object::CREATE_THREAD => self.create_thread(caller, arguments).into(),
            call::object::CREATE_SPACE => self.create_space(caller, arguments).into(),
            call::object::CREATE_IRQ => self.create_irq(caller, arguments).into(),
            call::object::DESTROY => self.destroy(caller, arguments).into(),
            _ => Status::BadArgument.into(),
        }
    }

    fn capability_call(&mut self, caller: ThreadId, arguments: &Arguments) -> Answer {
        match arguments.sub_operation {
            call::capability::COPY => self.copy_capability(caller, arguments).into(),
            call::capability::MAKE_GATE => self.make_gate(caller, arguments).into(),
            call::capability::DIVIDE => self.divide(caller, arguments).into(),
            call::capability::DROP => self.drop_capability(caller, arguments).into(),
            call::capability::IDENTIFY => self.identify(caller, arguments).into(),
            call::capability::REVOKE => self.revoke(caller, arguments).into(),
            call::capability::MOVE => self.move_capability(caller, arguments).into(),
            _ => Status::BadArgument.into(),
        }
    }

    fn memory_call(&mut self, caller: ThreadId, arguments: &Arguments) -> Answer {
        match arguments.sub_operation {
            call::memory::MAP => self.map(caller, arguments).into(),
            call::memory::UNMAP => self.unmap(caller, arguments).into(),
            call::memory::STOCK => self.stock(caller, arguments).into(),
            _ => Status::BadArgument.into(),
        }
    }

    fn ports_call(&mut self, caller: ThreadId, arguments: &Arguments) -> Answer {
        match arguments.sub_operation {
            call::ports::READ => self.port_read(caller, arguments).into(),
            call::ports::WRITE => self.port_write(caller, arguments).into(),
            _ => Status::BadArgument.into(),
        }
    }

    /// Writes an answer into the caller's registers.
    pub fn answer(&mut self, caller: ThreadId, answer: Answer) {
        let thread = self.thread(caller);
        debug_assert!(answer == Answer::Later || thread.repeat.is_none(), "{REPEATS}");
        let event = thread.scheduler.event << 16;
        match answer {
            Answer::Status(status) => thread.context.set_result(event | status as u64),
            Answer::Words(status, words) => {
                thread.context.set_result(event | status as u64);
                thread.context.set_words(&words);
            }
            Answer::Later => {}
        }
    }
}
