//! What trusted threads do: pure functions of what they have heard so far.
//!
//! Each is asked what it does next whenever it runs; before it answers it looks at what its last
//! call came to. Anything that a correct kernel could not have answered is a violation.

mod client;
mod handler;
mod root;
mod server;

use crate::cast::{Cast, Member, Role};
use crate::violation::{Violation, broken};
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::name::{ANY, NOBODY};
use cedo_abi::utcb::Utcb;
use cedo_abi::{MESSAGE_WORDS, Name, REGISTER_WORDS, Status, Tag};
use cedo_arch_host::{HostContext, Roles};
use cedo_fuzz::Random;
use cedo_machine::{Context, Frame};
use std::mem::offset_of;

pub use client::Client;
use handler::Handler;
pub use root::{Choice, Root};
use server::Server;

/// A trusted thread.
#[derive(Clone, Debug)]
pub enum Program {
    Root(Root),
    Handler(Handler),
    Server(Server),
    Client(Client),
}

/// What a program sees of the machine.
pub struct Sight<'a> {
    /// Its registers.
    pub context: &'a HostContext,
    /// Its UTCB, as 512 words.
    pub utcb: &'a dyn Fn(usize) -> u64,
    pub now_ns: u64,
}

/// What a program does next.
#[derive(Clone, Debug, Default)]
pub struct Deed {
    pub roles: Roles,
    /// Words that it writes into its UTCB before: from this index on.
    pub utcb: Vec<(usize, u64)>,
    /// A word that it writes to this address before.
    pub store: Option<(u64, u64)>,
}

impl Program {
    pub fn new(cast: &Cast, member: &Member) -> Option<Program> {
        let core = u64::from(member.core.0);
        Some(match member.role {
            Role::Root => Program::Root(Root::new(cast, member)),
            Role::Handler => Program::Handler(Handler::new()),
            Role::Server => Program::Server(Server::new(cast.config.cores.into(), false)),
            Role::Donated => Program::Server(Server::new(cast.config.cores.into(), true)),
            Role::Client => Program::Client(Client::new(core, cast.config.cores.into())),
            Role::Hostile => return None,
        })
    }

    /// What it does next; nothing if it cannot do what a step chose for it.
    pub fn next(
        &mut self,
        sight: &Sight<'_>,
        choice: Option<Choice>,
    ) -> Result<Option<Deed>, Violation> {
        Ok(match (self, choice) {
            (Program::Root(root), Some(choice)) => {
                root.look(sight)?;
                root.next(choice, sight.now_ns)
            }
            (Program::Root(_), None) | (_, Some(_)) => None,
            (Program::Handler(handler), _) => Some(handler.next(sight)?),
            (Program::Server(server), _) => Some(server.next(sight)?),
            (Program::Client(client), _) => Some(client.next(sight)?),
        })
    }

    /// What a root could do next.
    pub fn propose(
        &mut self,
        sight: &Sight<'_>,
        random: &mut Random,
    ) -> Result<Option<Choice>, Violation> {
        match self {
            Program::Root(root) => {
                root.look(sight)?;
                Ok(Some(root.propose(random)))
            }
            _ => Ok(None),
        }
    }

    /// Rounds that a client has finished.
    pub fn rounds(&self) -> Option<u64> {
        match self {
            Program::Client(client) => Some(client.rounds()),
            _ => None,
        }
    }
}

impl Sight<'_> {
    pub fn status(&self) -> Status {
        self.context.status()
    }

    pub fn tag(&self) -> Tag {
        Tag(self.context.tag())
    }

    /// Word `index` of the message that arrived.
    pub fn word(&self, index: usize) -> u64 {
        if index < REGISTER_WORDS { self.context.words()[index] } else { (self.utcb)(index) }
    }
}

impl Deed {
    pub fn call(call: Call, sub: u8, to: u64, from: u64, words: &[u64]) -> Deed {
        let mut roles = Roles { operation: operation(call, sub, 0), to, from, ..Roles::default() };
        roles.words[..words.len()].copy_from_slice(words);
        Deed { roles, ..Deed::default() }
    }

    pub fn ipc(flags: u64, to: u64, from: u64) -> Deed {
        Deed::call(Call::Ipc, 0, to, from, &[]).flags(flags)
    }

    pub fn wait() -> Deed {
        Deed::ipc(ipc::RECEIVE, NOBODY, ANY)
    }

    pub fn reply_and_wait(token: u64) -> Deed {
        Deed::ipc(ipc::SEND | ipc::RECEIVE, token, ANY)
    }

    pub fn flags(mut self, flags: u64) -> Deed {
        self.roles.operation |= flags;
        self
    }

    /// A message of `count` words, word `n` being `word(n)`.
    pub fn message(mut self, label: u32, count: usize, word: impl Fn(usize) -> u64) -> Deed {
        self.roles.tag = Tag::new(label, count).0;
        for index in 0..count.min(MESSAGE_WORDS) {
            match self.roles.words.get_mut(index) {
                Some(place) => *place = word(index),
                None => self.utcb.push((index, word(index))),
            }
        }
        self
    }
}

/// Index of the word in the UTCB where the state to install starts.
pub const REPLY: usize = offset_of!(Utcb, reply) / 8;

/// The registers that the kernel must leave alone, as the thread left them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Untouched {
    stack: u64,
    flags: u64,
    bases: [u64; 2],
    instruction: u64,
}

impl Untouched {
    pub fn of(context: &HostContext) -> Untouched {
        Untouched {
            stack: context.stack(),
            flags: context.flags(),
            bases: context.bases(),
            instruction: context.instruction(),
        }
    }

    /// A trusted thread makes one call after the other, and nobody may write its registers.
    pub fn check(last: &mut Option<Untouched>, context: &HostContext) -> Result<(), Violation> {
        let now = Untouched::of(context);
        if let Some(last) = last {
            let moved = last.instruction.wrapping_add(cedo_arch_host::world::CALL_BYTES);
            let expected = Untouched { instruction: moved, ..*last };
            if now != expected {
                return broken("registers are their thread's", format!("{expected:x?} {now:x?}"));
            }
        }
        *last = Some(now);
        Ok(())
    }
}

/// The frame number in a token.
pub fn frame_of(token: u64) -> Frame {
    Frame(cedo_abi::Token(token).frame())
}

/// True for a word that is a token.
pub fn is_token(word: u64) -> bool {
    matches!(Name::from_word(word), Some(Name::Token(_)))
}

/// A receive that ended because its sender's items were no good.
pub fn failed_by_partner(status: Status) -> bool {
    matches!(
        status,
        Status::Overflow
            | Status::PageMissing
            | Status::BadAddress
            | Status::BadArgument
            | Status::Occupied
            | Status::NoStock
            | Status::FramesBusy
            | Status::WrongState
    )
}
