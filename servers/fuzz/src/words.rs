//! A call in words, for the trace of a failure.

use crate::spec::{Spec, Word};
use cedo_abi::call::{Call, ipc};
use cedo_abi::name::{ANY, MY_HANDLER, MY_SCHEDULER, NOBODY, SELF};
use core::fmt;

const THREAD: [&str; 12] = [
    "suspend",
    "resume",
    "abort",
    "read",
    "write",
    "set scheduler",
    "set handler",
    "set cookie",
    "set options",
    "set foreign",
    "set rank",
    "migrate",
];
const OBJECT: [&str; 4] = ["create thread", "create space", "create irq", "destroy"];
const CAPABILITY: [&str; 7] = ["copy", "make gate", "divide", "drop", "identify", "revoke", "move"];
const MEMORY: [&str; 3] = ["map", "unmap", "stock"];
const CORE: [&str; 7] =
    ["set root", "deadline", "idle", "kick", "power", "write text", "set root options"];
const PORTS: [&str; 2] = ["read port", "write port"];
const FLAGS: [(u64, &str); 13] = [
    (ipc::SEND, "send"),
    (ipc::RECEIVE, "receive"),
    (ipc::CALL, "call"),
    (ipc::SEND_ZERO, "send-zero"),
    (ipc::RECEIVE_ZERO, "receive-zero"),
    (ipc::WINNER_SEND, "winner-send"),
    (ipc::WINNER_RECEIVE, "winner-receive"),
    (ipc::STATE, "state"),
    (ipc::RESCHEDULE, "reschedule"),
    (ipc::DEADLINE, "deadline"),
    (ipc::NO_DONATION, "no-donation"),
    (ipc::WANT_STATE, "want-state"),
    (ipc::FORWARD, "forward"),
];

impl fmt::Display for Word {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flipped = |to: &mut fmt::Formatter<'_>, flip: u64| match flip {
            0 => Ok(()),
            flip => write!(to, "^{flip:#x}"),
        };
        match *self {
            Word::Plain(SELF) => write!(to, "self"),
            Word::Plain(MY_SCHEDULER) => write!(to, "my-scheduler"),
            Word::Plain(MY_HANDLER) => write!(to, "my-handler"),
            Word::Plain(ANY) => write!(to, "any"),
            Word::Plain(NOBODY) => write!(to, "nobody"),
            Word::Plain(number) if number < 4096 => write!(to, "{number}"),
            Word::Plain(number) => write!(to, "{number:#x}"),
            Word::Token { age, flip } => {
                write!(to, "token-{age}")?;
                flipped(to, flip)
            }
            Word::Foreign { place, flip } => {
                write!(to, "foreign-{place}")?;
                flipped(to, flip)
            }
            Word::Epoch => write!(to, "epoch"),
            Word::Event => write!(to, "event"),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        let flags = self.operation & !0xffff;
        match Call::from_byte(self.call()) {
            Some(Call::Ipc) if self.sub_operation() == 0 => write!(to, "ipc")?,
            _ if name.is_empty() => write!(to, "operation {:#x}", self.operation & 0xffff)?,
            _ => write!(to, "{name}")?,
        }
        let mut rest = flags;
        for (flag, text) in FLAGS {
            if flags & flag != 0 && self.call() == Call::Ipc as u8 {
                write!(to, " {text}")?;
                rest &= !flag;
            }
        }
        if rest != 0 {
            write!(to, " flags {rest:#x}")?;
        }
        write!(to, " to {} from {}", self.to, self.from)?;
        let end = self.words.iter().rposition(|word| *word != Word::ZERO).map_or(0, |at| at + 1);
        for word in &self.words[..end] {
            write!(to, " {word}")?;
        }
        if self.call() == Call::Ipc as u8 { write!(to, " tag {:#x}", self.tag) } else { Ok(()) }
    }
}

impl Spec {
    /// The operation's name; empty if there is no such operation.
    pub fn name(&self) -> &'static str {
        let names: &[&str] = match Call::from_byte(self.call()) {
            Some(Call::Ipc) => &["ipc"],
            Some(Call::Yield) => return "yield",
            Some(Call::Thread) => &THREAD,
            Some(Call::Object) => &OBJECT,
            Some(Call::Capability) => &CAPABILITY,
            Some(Call::Memory) => &MEMORY,
            Some(Call::Core) => &CORE,
            Some(Call::Ports) => &PORTS,
            None => &[],
        };
        names.get(usize::from(self.sub_operation())).copied().unwrap_or("")
    }
}
