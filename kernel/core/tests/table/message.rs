//! An IPC operation of the invoker, with everything that can be said about it: all combinations.

use crate::operation::{Timeout, Winner};
use crate::state::Snapshot;
use crate::system::{GATES, KEEPING_GATES, LOSING_GATES, System, THREADS, WEAK_GATES};
use cedo_abi::call::{Call, capability, ipc, operation};
use cedo_abi::name::{ANY, NOBODY, SELF};
use cedo_abi::{Rights, Status, Token};
use cedo_arch_host::Roles;
use cedo_machine::Upcalls;

/// Slots for gates to the destination without SEND, without CALL; one where nothing is.
const SILENT: u64 = 130;
const ONE_WAY: u64 = 131;
const EMPTY: u64 = 140;

/// The send phase.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sends {
    Nothing,
    Message,
    /// Its receive phase is part of it.
    Call,
    /// By the token of the destination's last call.
    Reply,
}

/// The receive phase.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Receives {
    Nothing,
    FromAnyone,
    FromDestination,
    FromSender,
}

/// How the destination is named, and what that allows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum By {
    AllRights,
    /// Neither DONATE nor HANDOVER.
    Weak,
    /// All rights, and a flag that lends nothing.
    NotDonating,
    WithoutDonate,
    WithoutHandover,
    WithoutSend,
    WithoutCall,
    ThreadCapability,
    EmptySlot,
}

pub const SENDS: [Sends; 4] = [Sends::Nothing, Sends::Message, Sends::Call, Sends::Reply];
pub const RECEIVES: [Receives; 4] =
    [Receives::Nothing, Receives::FromAnyone, Receives::FromDestination, Receives::FromSender];
pub const WINNERS: [Winner; 4] =
    [Winner::Oneself, Winner::SendPartner, Winner::ReceivePartner, Winner::Scheduler];
pub const TIMEOUTS: [Timeout; 2] = [Timeout::Never, Timeout::Zero];
pub const BY: [By; 9] = [
    By::AllRights,
    By::Weak,
    By::NotDonating,
    By::WithoutDonate,
    By::WithoutHandover,
    By::WithoutSend,
    By::WithoutCall,
    By::ThreadCapability,
    By::EmptySlot,
];

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Message {
    pub sends: Sends,
    pub by: By,
    pub receives: Receives,
    pub winner: Winner,
    pub send_timeout: Timeout,
    pub receive_timeout: Timeout,
}

/// Every operation that has a phase. What a phase that is not there would do, and how, is said once.
pub fn all() -> Vec<Message> {
    let mut all = Vec::new();
    for sends in SENDS {
        for receives in RECEIVES {
            for by in BY {
                for winner in WINNERS {
                    for send_timeout in TIMEOUTS {
                        for receive_timeout in TIMEOUTS {
                            let message = Message {
                                sends,
                                by,
                                receives,
                                winner,
                                send_timeout,
                                receive_timeout,
                            };
                            all.push(message);
                        }
                    }
                }
            }
        }
    }
    all.retain(Message::makes_sense);
    all
}

impl By {
    /// The destination of a call goes on instead of its caller, on its account.
    pub fn lends(self) -> bool {
        !matches!(self, By::Weak | By::NotDonating | By::WithoutDonate)
    }

    /// The destination may be the winner.
    pub fn hands_over(self) -> bool {
        !matches!(self, By::Weak | By::WithoutHandover)
    }
}

impl Message {
    fn makes_sense(&self) -> bool {
        let names_gate = matches!(self.sends, Sends::Message | Sends::Call);
        let waits_for_call = self.receives == Receives::FromAnyone;
        (self.sends != Sends::Nothing || self.receives != Receives::Nothing)
            && (self.sends != Sends::Call || waits_for_call)
            && (self.sends != Sends::Nothing || self.send_timeout == Timeout::Never)
            && (self.receives != Receives::Nothing || self.receive_timeout == Timeout::Never)
            && (names_gate || self.by == By::AllRights)
    }

    /// The registers. `to` is the destination, `sender` the other one.
    pub fn roles(&self, system: &System, state: &Snapshot, to: u8, sender: u8) -> Roles {
        let gate = |of: u8| GATES + u64::from(of);
        let only_if = |holds: bool, flag: u64| if holds { flag } else { 0 };
        let flags = only_if(self.sends != Sends::Nothing, ipc::SEND)
            | only_if(self.receives != Receives::Nothing, ipc::RECEIVE)
            | only_if(self.sends == Sends::Call, ipc::CALL)
            | only_if(self.by == By::NotDonating, ipc::NO_DONATION)
            | only_if(self.send_timeout == Timeout::Zero, ipc::SEND_ZERO)
            | only_if(self.receive_timeout == Timeout::Zero, ipc::RECEIVE_ZERO)
            | self.winner.bits();
        let sequence = state.mails[usize::from(to)].sequence();
        let named = match (self.sends, self.by) {
            (Sends::Nothing, _) => NOBODY,
            (Sends::Reply, _) => Token::new(system.ids[usize::from(to)].frame().0, sequence).0,
            (_, By::AllRights | By::NotDonating) => gate(to),
            (_, By::Weak) => WEAK_GATES + u64::from(to),
            (_, By::WithoutDonate) => KEEPING_GATES + u64::from(to),
            (_, By::WithoutHandover) => LOSING_GATES + u64::from(to),
            (_, By::WithoutSend) => SILENT,
            (_, By::WithoutCall) => ONE_WAY,
            (_, By::ThreadCapability) => THREADS + u64::from(to),
            (_, By::EmptySlot) => EMPTY,
        };
        let from = match self.receives {
            Receives::Nothing => NOBODY,
            Receives::FromAnyone => ANY,
            Receives::FromDestination => gate(to),
            Receives::FromSender => gate(sender),
        };
        Roles { operation: operation(Call::Ipc, 0, flags), to: named, from, tag: 0, words: [0; 7] }
    }
}

/// The current thread makes the gates that lack a right.
pub fn make_gates(system: &mut System, to: u8) {
    let copy = operation(Call::Capability, capability::COPY, 0);
    for (slot, lacks) in [(SILENT, Rights::SEND), (ONE_WAY, Rights::CALL)] {
        let kernel = system.kernel();
        let current = kernel.local.current.expect("the invoker runs");
        let words = [SELF, (Rights::ALL.0 & !lacks.0).into(), 0, 0, 0, 0, 0];
        let before = kernel.thread(current).context;
        let roles = Roles { operation: copy, to: GATES + u64::from(to), from: slot, tag: 0, words };
        kernel.thread(current).context.set_roles(&roles);
        kernel.system_call();
        let context = &mut kernel.thread(current).context;
        assert_eq!(context.status(), Status::Ok);
        *context = before;
    }
}
