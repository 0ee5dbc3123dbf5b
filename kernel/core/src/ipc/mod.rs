//! IPC: one operation, both phases optional (DESIGN.md section 4).
//!
//! | file | contents |
//! |---|---|
//! | this one | the operation word taken apart; one function per operation |
//! | [`short_cut`] | calls and replies that need nothing but a switch |
//! | [`send`] | the send phase to a gate: call, send, send and receive |
//! | [`answer`] | the send phase to a token: reply, acknowledge, dispatch |
//! | [`closed`] | receives from one thread only |
//! | [`receive`] | the receive phase; what a receiver takes, and in which order |
//! | [`forward`] | passing a call on to another server |
//! | [`message`] | words from one thread to another |
//! | [`transfer`] | typed items, moved before the commit, in steps |
//! | [`items`] | the lists of items and windows |
//! | [`string`] | one piece of a string |
//! | [`gift`] | memory to map, capabilities |
//! | [`lend`] | what the mover needs of the other party |
//! | [`repeat`] | calls that are made again |
//! | [`notice`] | the messages the kernel writes |
//! | [`registers`] | register state: told to others, installed by others |
//! | [`fault`] | exceptions as calls to a handler |

pub mod answer;
pub mod closed;
pub mod fault;
pub mod forward;
pub mod gift;
pub mod items;
pub mod lend;
pub mod message;
pub mod notice;
pub mod receive;
pub mod registers;
pub mod repeat;
pub mod send;
pub mod short_cut;
pub mod string;
pub mod transfer;

use crate::kernel::Kernel;
use crate::object::thread::Peer;
use crate::schedule::Winner;
use cedo_abi::call::ipc;
use cedo_abi::{Name, Status, name};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Machine};

/// The flags of an IPC operation, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags(u64);

impl Flags {
    /// From the words of an operation. Errors: `BadArgument` for what has no meaning.
    pub fn of(operation: u64) -> Result<Flags, Status> {
        let flags = operation & !0xffff;
        let known = flags & !ipc::KNOWN == 0 && operation & 0xff00 == 0;
        let phases = flags & (ipc::SEND | ipc::RECEIVE) != 0;
        let call = flags & ipc::CALL == 0 || flags & ipc::SEND != 0 && flags & ipc::RECEIVE != 0;
        if known && phases && call { Ok(Flags(flags)) } else { Err(Status::BadArgument) }
    }

    /// True if all bits of `flag` are set.
    #[inline]
    pub const fn has(self, flag: u64) -> bool {
        self.0 & flag == flag
    }

    /// As they are in an operation word.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The groups of register state that a receive phase asks for.
    #[inline]
    fn wanted_groups(self) -> u8 {
        ipc::wanted_groups(self.0) as u8
    }

    /// The winner bits. The partner of a phase that there is not cannot win.
    pub const fn winner(self) -> Winner {
        match self.0 & ipc::WINNER_MASK {
            ipc::WINNER_SEND if self.has(ipc::SEND) => Winner::SendPartner,
            ipc::WINNER_RECEIVE if self.has(ipc::RECEIVE) => Winner::ReceivePartner,
            ipc::WINNER_SCHEDULER => Winner::Scheduler,
            _ => Winner::Invoker,
        }
    }

    /// The winner bits of another operation's flags: its one partner is that of a send.
    pub const fn winner_of(flags: u64) -> Winner {
        Flags(flags & ipc::WINNER_MASK | ipc::SEND).winner()
    }
}

/// Whom a receive phase waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// Whoever comes.
    Anyone,
    /// This thread only; it may live on another core.
    Only(Peer),
}

impl<M: Machine> Kernel<M> {
    /// Carries out the IPC operation of `caller`, the current thread.
    pub fn ipc(&mut self, caller: ThreadId, operation: u64) {
        let again = self.local.repeated.is_some();
        let thread = self.thread(caller);
        thread.epoch = thread.epoch.wrapping_add(u64::from(!again));
        thread.set_fault(None);
        let result = Flags::of(operation).and_then(|flags| self.ipc_phases(caller, flags));
        if let Err(status) = result {
            self.answer(caller, status.into());
        }
    }

    fn ipc_phases(&mut self, caller: ThreadId, flags: Flags) -> Result<(), Status> {
        if flags.has(ipc::FORWARD) {
            return self.forward_phases(caller, flags);
        }
        let from = if flags.has(ipc::RECEIVE) && !flags.has(ipc::CALL) {
            let from = self.receive_partner(caller)?;
            if self.is_root(caller) && from != From::Anyone && !flags.has(ipc::RECEIVE_ZERO) {
                return Err(Status::MustStayOpen);
            }
            from
        } else {
            From::Anyone
        };
        self.thread(caller).unusual.set_wanted(flags.wanted_groups());
        if !flags.has(ipc::SEND) {
            return self.receive(caller, from, flags);
        }
        match Name::from_word(self.look(caller).context.to()) {
            Some(Name::Token(token)) => self.answer_token(caller, token, from, flags),
            Some(target) => self.send_to(caller, target, from, flags),
            None => Err(Status::BadArgument),
        }
    }

    fn forward_phases(&mut self, caller: ThreadId, flags: Flags) -> Result<(), Status> {
        self.thread(caller).unusual.set_wanted(flags.wanted_groups());
        match Name::from_word(self.look(caller).context.to()) {
            Some(target) => self.forward(caller, target, flags),
            None => Err(Status::BadArgument),
        }
    }

    /// Whom the word in the role `from` names.
    fn receive_partner(&self, caller: ThreadId) -> Result<From, Status> {
        let word = self.look(caller).context.from();
        if word == name::ANY {
            return Ok(From::Anyone);
        }
        let name = Name::from_word(word).ok_or(Status::BadArgument)?;
        let gate = self.gate(caller, name)?;
        let peer = Peer { thread: gate.thread, generation: gate.generation };
        if gate.thread == caller { Err(Status::NotOneself) } else { Ok(From::Only(peer)) }
    }
}
