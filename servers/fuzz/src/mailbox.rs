//! What a thread remembers of its answers.

use crate::spec::Registers;
use cedo_abi::call::{Call, thread};
use cedo_abi::{Name, Status, Tag, notice};

/// Tokens kept.
const TOKENS: usize = 8;

/// The last tokens, epoch and event number of one thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    tokens: [u64; TOKENS],
    newest: usize,
    epoch: u64,
    event: u64,
}

impl Mailbox {
    /// Nothing was received.
    pub const EMPTY: Mailbox = Mailbox { tokens: [0; TOKENS], newest: 0, epoch: 0, event: 0 };

    /// Takes an answer in. `operation` is the word that the call was made with. Returns the token
    /// that came with it, if one did.
    pub fn note(&mut self, operation: u64, answer: &Registers) -> Option<u64> {
        self.event = answer.operation >> 16;
        let status = Status::of_result(answer.operation);
        if operation as u8 == Call::Thread as u8 && operation >> 8 & 0xff == thread::READ.into() {
            if status == Status::Ok {
                self.epoch = answer.words[0];
            }
            return None;
        }
        if operation as u8 != Call::Ipc as u8 || !status.is_done() {
            return None;
        }
        let second = answer.words[notice::PREEMPTER_TOKEN];
        if Tag(answer.tag).kernel_label().is_some() && is_token(second) {
            self.keep(second);
        }
        let token = answer.from;
        is_token(token).then(|| {
            self.keep(token);
            token
        })
    }

    fn keep(&mut self, token: u64) {
        self.newest = (self.newest + 1) % TOKENS;
        self.tokens[self.newest] = token;
    }

    /// The token received `age` tokens ago; 0 if there was none.
    pub const fn token(&self, age: u8) -> u64 {
        self.tokens[(self.newest + TOKENS - age as usize % TOKENS) % TOKENS]
    }

    /// The epoch of the last READ.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The event number of the last answer.
    pub const fn event(&self) -> u64 {
        self.event
    }
}

const fn is_token(word: u64) -> bool {
    matches!(Name::from_word(word), Some(Name::Token(_)))
}
