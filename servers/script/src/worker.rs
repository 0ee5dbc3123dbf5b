//! A worker: calls, sends, receives, answers, yields, as its numbers say.

use crate::call;
use crate::cast::{Slots, WORKERS, Who};
use crate::entry::Deed;
use crate::random::Random;
use cedo_abi::call::{Call, ipc};
use cedo_abi::name::{ANY, SELF};
use cedo_abi::registers::{Answer, Request};

/// Callers that a worker remembers; it answers the oldest of more.
const CALLERS: usize = 3;
const WINNERS: [u64; 4] =
    [ipc::WINNER_SELF, ipc::WINNER_SEND, ipc::WINNER_RECEIVE, ipc::WINNER_SCHEDULER];

#[derive(Clone, Copy, Debug)]
pub struct Worker {
    who: Who,
    /// Tokens of calls that it has not answered, oldest first; 0: none.
    callers: [u64; CALLERS],
}

impl Worker {
    pub fn new(who: Who) -> Worker {
        Worker { who, callers: [0; CALLERS] }
    }

    pub fn next(
        &mut self,
        answer: &Answer,
        slots: &Slots,
        random: &mut Random,
        begun: bool,
    ) -> (Deed, Request) {
        if !begun {
            return (Deed::Receive, call::receive());
        }
        if answer.status().is_done() && answer.kernel_label().is_none() && answer.token != 0 {
            self.remember(answer.token);
        }
        let is_full = self.callers[CALLERS - 1] != 0;
        let choice = if is_full { random.below(4) } else { random.below(16) };
        let others = WORKERS.map(|other| if other == self.who { None } else { Some(other) });
        let partner = random.choose(&others).flatten().unwrap_or(Who::A);
        let partner = if partner == self.who { Who::V } else { partner };
        let gate = slots.gates[partner as usize];
        let winner = random.choose(&WINNERS).unwrap_or(ipc::WINNER_SELF);
        let (send, receive) = (ipc::SEND, ipc::RECEIVE);
        match choice {
            0..=2 if self.callers[0] != 0 => {
                (Deed::ReplyAndWait, call::ipc(send | receive | winner, self.take(), ANY))
            }
            3 if self.callers[0] != 0 => (Deed::Reply, call::ipc(send | winner, self.take(), 0)),
            0..=5 => (Deed::Receive, call::ipc(receive | winner, 0, ANY)),
            6 => (Deed::ReceiveNow, call::ipc(receive | ipc::RECEIVE_ZERO, 0, ANY)),
            7 => (Deed::ReceiveFrom(partner), call::ipc(receive, 0, gate)),
            8..=10 => (Deed::Call(partner), call::ipc(send | receive | ipc::CALL, gate, 0)),
            11 => (Deed::Send(partner), call::ipc(send | winner, gate, 0)),
            12 => (Deed::SendNow(partner), call::ipc(send | winner | ipc::SEND_ZERO, gate, 0)),
            13 => (Deed::SendAndReceive(partner), call::ipc(send | receive | winner, gate, ANY)),
            14 => (
                Deed::Lend(partner),
                call::ipc(send | receive | ipc::CALL | ipc::NO_DONATION, gate, 0),
            ),
            _ => (Deed::Yield, call::other(Call::Yield, 0, SELF, 0)),
        }
    }

    fn remember(&mut self, token: u64) {
        if let Some(free) = self.callers.iter_mut().find(|caller| **caller == 0) {
            *free = token;
        }
    }

    fn take(&mut self) -> u64 {
        let oldest = self.callers[0];
        self.callers.rotate_left(1);
        self.callers[CALLERS - 1] = 0;
        oldest
    }
}
