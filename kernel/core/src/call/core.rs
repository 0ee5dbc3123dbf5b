//! The processor itself: root scheduler, deadline, idle, kick, power, console.

use super::Answer;
use super::decode::Arguments;
use crate::kernel::{Kernel, Protocol};
use crate::object::thread::State;
use crate::object::unusual::{LEAVING, NEW};
use crate::operation::Operation;
use cedo_abi::call::core as sub;
use cedo_abi::{Kind, Label, REGISTER_WORDS, Rights, Status};
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{Machine, Power};

/// Longest text of one WRITE, in bytes.
const MAX_TEXT: usize = 48;

impl<M: Machine> Kernel<M> {
    pub(super) fn core_call(&mut self, caller: ThreadId, arguments: &Arguments) -> Answer {
        match arguments.sub_operation {
            sub::SET_ROOT => self.set_root(caller, arguments).into(),
            sub::DEADLINE => self.deadline(caller, arguments).into(),
            sub::IDLE => self.idle(caller, arguments).into(),
            sub::KICK => self.kick(caller, arguments).into(),
            sub::POWER => self.power(caller, arguments).into(),
            sub::WRITE => self.write_text(caller, arguments).into(),
            sub::SET_OPTIONS => self.set_root_options(caller, arguments).into(),
            _ => Status::BadArgument.into(),
        }
    }

    /// Errors: `WrongCore` if the thread lives elsewhere.
    fn set_root(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        let core = self.core_argument(caller, arguments.to)?;
        let thread = self.capability_of(caller, arguments.from, Kind::Thread, Rights::CONTROL)?;
        let protocol = arguments.words[0];
        if protocol > sub::CHAIN {
            return Err(Status::BadArgument);
        }
        if self.objects.table().entry(thread.frame).home() != core {
            return Err(Status::WrongCore);
        }
        let words = [u64::from(thread.frame.0), u64::from(thread.generation), protocol, 0, 0, 0, 0];
        if core != self.core() {
            self.post_operation(caller, core, Operation::SetRoot, &words);
            return Ok(Answer::Later);
        }
        Ok(self.set_root_here(&words).into())
    }

    /// A suspended thread becomes this core's root and runs; the old root becomes its child, *new*.
    /// Errors: `WrongState` if it is not suspended, has a scheduler, or the protocol would change
    /// under threads that run by it; `TooDeep`.
    pub fn set_root_here(&mut self, words: &[u64; REGISTER_WORDS]) -> Status {
        let Some(id) = ThreadId::from_number(words[0] as u32) else { return Status::NoCapability };
        let entry = self.objects.table().entry(id.frame());
        if entry.kind() != FrameKind::Thread || u64::from(entry.generation()) != words[1] {
            return Status::NoCapability;
        }
        if entry.home() != self.core() {
            return Status::WrongCore;
        }
        let thread = self.look(id);
        if thread.state != State::Suspended || !thread.is_own_scheduler() {
            return Status::WrongState;
        }
        let protocol = if words[2] == sub::CHAIN { Protocol::Chain } else { Protocol::Direct };
        match self.local.root {
            Some(old) if protocol != self.local.protocol && self.look(old).is_scheduler() => {
                return Status::WrongState;
            }
            Some(old) => {
                if let Err(status) = self.adopt(old, id) {
                    return status;
                }
            }
            None => {}
        }
        self.charge();
        let old = self.local.root.replace(id);
        self.local.protocol = protocol;
        self.local.options = 0;
        self.note_duties(id);
        if let Some(old) = old {
            self.note_duties(old);
            self.depose(old);
        }
        let thread = self.thread(id);
        thread.unusual.set(NEW, false);
        thread.unusual.set(LEAVING, false);
        thread.set_fault(None);
        self.run(id);
        Status::Ok
    }

    /// `old` was the root until now: what ran by its grace waits for a grant of the new root.
    fn depose(&mut self, old: ThreadId) {
        match self.local.current {
            Some(current) if self.local.protocol == Protocol::Chain && current != old => {
                self.chain_deposed(current);
            }
            Some(current) => {
                // Of a root that had granted its time, all that it granted it to is frozen.
                self.make_ready(current);
                self.queue_record(old, Label::New, None);
            }
            None => self.queue_notice(old, Label::New),
        }
    }

    fn expect_own_core(&self, caller: ThreadId, arguments: &Arguments) -> Result<(), Status> {
        let core = self.core_argument(caller, arguments.to)?;
        if core == self.core() { Ok(()) } else { Err(Status::WrongCore) }
    }

    fn deadline(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        self.expect_own_core(caller, arguments)?;
        self.set_deadline(arguments.words[0]);
        Ok(Status::Ok.into())
    }

    /// An open receive that halts the core. Errors: `NoRight` for everybody but the root.
    fn idle(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        self.expect_own_core(caller, arguments)?;
        if !self.is_root(caller) {
            return Err(Status::NoRight);
        }
        if arguments.flags & !sub::RUN_WOKEN != 0 {
            return Err(Status::BadArgument);
        }
        // It is an open receive, a wait of its own.
        let count = u64::from(self.local.repeated.is_none());
        let thread = self.thread(caller);
        thread.epoch = thread.epoch.wrapping_add(count);
        if !self.has_seen(caller, arguments.words[0]) || self.has_news(caller) {
            self.news(caller)?;
            return Ok(Answer::Later);
        }
        if arguments.words[1] != 0 {
            self.set_deadline(arguments.words[1]);
        }
        self.has_sent(0);
        self.thread(caller).state = State::Open;
        self.halt();
        self.local.run_woken = arguments.flags & sub::RUN_WOKEN != 0;
        Ok(Answer::Later)
    }

    fn kick(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        let core = self.core_argument(caller, arguments.to)?;
        let bits = arguments.words[0];
        if bits == 0 {
            return Err(Status::BadArgument);
        }
        if core != self.core() {
            let inbox = self.shared.inboxes.get(core.index()).ok_or(Status::WrongCore)?;
            if inbox.kick(bits) {
                self.machine.signal(core);
            }
            return Ok(Status::Ok.into());
        }
        self.answer(caller, Status::Ok.into());
        if let Some(root) = self.local.root {
            self.local.kicks |= bits;
            self.interrupted(root);
        }
        Ok(Answer::Later)
    }

    fn power(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        self.core_argument(caller, arguments.to)?;
        match arguments.words[0] {
            0 => self.machine.power(Power::Off(arguments.words[1] as u8)),
            1 => self.machine.power(Power::Reboot),
            _ => Err(Status::BadArgument),
        }
    }

    fn write_text(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        self.core_argument(caller, arguments.to)?;
        let [length, text @ ..] = arguments.words;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_TEXT {
            return Err(Status::BadArgument);
        }
        let mut bytes = [0; MAX_TEXT];
        for (bytes, word) in bytes.chunks_mut(8).zip(text) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        self.machine.console(&bytes[..length]);
        Ok(Status::Ok.into())
    }

    fn set_root_options(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        self.expect_own_core(caller, arguments)?;
        if arguments.words[0] & !(sub::ON_EMPTY_HALT | sub::RUN_WOKEN) != 0 {
            return Err(Status::BadArgument);
        }
        self.local.options = arguments.words[0];
        Ok(Status::Ok.into())
    }
}
