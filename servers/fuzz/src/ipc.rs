//! Sensible messages: calls, sends, receives, replies, dispatches.

use crate::generator::Source;
use crate::spec::{Spec, Word};
use cedo_abi::call::{Call, ipc};
use cedo_abi::name::{ANY, MY_HANDLER, MY_SCHEDULER, SELF};

const BOTH: u64 = ipc::SEND | ipc::RECEIVE;

impl Source<'_> {
    /// A message of any kind.
    pub(crate) fn ipc(&mut self) -> Spec {
        let mut spec = match self.random.below(16) {
            0..=2 => self.call(),
            3..=4 => self.send(),
            5..=6 => self.receive(),
            7 => self.receive_from_one(),
            8..=9 => self.send_and_receive(),
            10..=12 => self.reply_and_wait(),
            13 => self.reply(),
            14 if self.random.once_in(3) => self.forward(),
            14 => self.dispatch(),
            _ => self.reply_to_foreign(),
        };
        spec.tag = self.tag();
        for (index, word) in spec.words.iter_mut().enumerate().skip(2) {
            *word = Word::Plain(index as u64);
        }
        spec
    }

    fn partner(&mut self) -> Word {
        Word::Plain(match self.random.below(16) {
            0 => MY_SCHEDULER,
            1 => MY_HANDLER,
            2 => SELF,
            _ => self.around.gate(self.random),
        })
    }

    fn message(&mut self, flags: u64, to: Word, from: Word) -> Spec {
        Spec { fill: self.random.number(), ..Spec::new(Call::Ipc, 0, flags).between(to, from) }
    }

    /// `flag` once in `times`.
    fn some(&mut self, flag: u64, times: u64) -> u64 {
        if self.random.once_in(times) { flag } else { 0 }
    }

    fn winner(&mut self) -> u64 {
        self.random.below(4) << ipc::WINNER_SHIFT
    }

    pub(crate) fn call(&mut self) -> Spec {
        let flags = BOTH | ipc::CALL | self.some(ipc::NO_DONATION, 4);
        let flags = flags | self.some(ipc::SEND_ZERO, 2) | self.some(ipc::WANT_STATE, 8);
        let to = self.partner();
        self.message(flags, to, Word::Plain(ANY))
    }

    fn send(&mut self) -> Spec {
        let flags = ipc::SEND | self.winner();
        let flags = if self.random.once_in(4) { flags } else { flags | ipc::SEND_ZERO };
        let to = self.partner();
        self.message(flags, to, Word::ZERO)
    }

    fn receive(&mut self) -> Spec {
        let flags = ipc::RECEIVE | self.winner() | self.some(ipc::WANT_STATE, 4);
        let flags = if self.random.once_in(5) { flags } else { flags | ipc::RECEIVE_ZERO };
        self.message(flags, Word::ZERO, Word::Plain(ANY))
    }

    fn receive_from_one(&mut self) -> Spec {
        let flags = ipc::RECEIVE | self.winner();
        let flags = if self.random.once_in(3) { flags } else { flags | ipc::RECEIVE_ZERO };
        let from = self.partner();
        self.message(flags, Word::ZERO, from)
    }

    fn send_and_receive(&mut self) -> Spec {
        let flags = BOTH | self.winner() | self.some(ipc::SEND_ZERO, 2);
        let flags = flags | self.some(ipc::RECEIVE_ZERO, 2);
        let to = self.partner();
        let from = if self.random.once_in(2) { self.partner() } else { Word::Plain(ANY) };
        self.message(flags, to, from)
    }

    /// An own token, mostly the newest.
    fn token(&mut self) -> Word {
        let age = if self.random.once_in(3) { self.random.below(8) as u8 } else { 0 };
        Word::Token { age, flip: 0 }
    }

    fn reply_and_wait(&mut self) -> Spec {
        let flags = BOTH | self.winner() | self.some(ipc::RECEIVE_ZERO, 3);
        let flags = flags | self.some(ipc::STATE, 6) | self.some(ipc::WANT_STATE, 6);
        let to = self.token();
        let mut spec = self.message(flags, to, Word::Plain(ANY));
        spec.words[0] = Word::Event;
        spec
    }

    fn reply(&mut self) -> Spec {
        let flags = ipc::SEND | self.winner() | self.some(ipc::STATE, 6);
        let to = self.token();
        self.message(flags, to, Word::ZERO)
    }

    /// A dispatch, if the token is one of a preempted descendant.
    pub(crate) fn dispatch(&mut self) -> Spec {
        let flags = BOTH | self.some(ipc::RESCHEDULE, 4) | self.some(ipc::DEADLINE, 32);
        let flags = flags | self.some(ipc::STATE, 16) | self.some(ipc::WANT_STATE, 4);
        let to = self.token();
        let mut spec = self.message(flags, to, Word::Plain(ANY));
        spec.words[0] = Word::Event;
        spec
    }

    fn forward(&mut self) -> Spec {
        let flags = ipc::SEND | ipc::FORWARD | self.some(ipc::RECEIVE, 2);
        let flags = flags | self.some(ipc::NO_DONATION, 4) | self.some(ipc::WANT_STATE, 4);
        let (to, token) = (self.partner(), self.token());
        self.message(flags, to, token)
    }

    fn reply_to_foreign(&mut self) -> Spec {
        let flags = ipc::SEND | self.some(ipc::RECEIVE, 2) | self.winner();
        let place = self.random.below(16) as u8;
        let mut spec = self.message(flags, Word::Foreign { place, flip: 0 }, Word::Plain(ANY));
        spec.words[0] = Word::Event;
        spec
    }

    /// Looks for a message without waiting.
    pub(crate) fn poll(&mut self) -> Spec {
        let flags = ipc::RECEIVE | ipc::RECEIVE_ZERO | self.some(ipc::WANT_STATE, 4);
        self.message(flags, Word::ZERO, Word::Plain(ANY))
    }
}
