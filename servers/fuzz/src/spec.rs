//! One call with symbolic words, and the registers that it comes to.

use crate::mailbox::Mailbox;
use cedo_abi::REGISTER_WORDS;
use cedo_abi::call::{Call, operation};

/// What a register will hold when the call is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Word {
    /// This number.
    Plain(u64),
    /// The token that the caller received `age` tokens ago, with these bits flipped.
    Token {
        /// 0: the newest.
        age: u8,
        /// Bits that are wrong.
        flip: u64,
    },
    /// A token that some thread of the program received, with these bits flipped.
    Foreign {
        /// Where in the program's collection.
        place: u8,
        /// Bits that are wrong.
        flip: u64,
    },
    /// The epoch that the caller's last READ returned.
    Epoch,
    /// The event number in the caller's last answer.
    Event,
}

impl Word {
    /// The newest token.
    pub const NEWEST: Word = Word::Token { age: 0, flip: 0 };
    /// Zero.
    pub const ZERO: Word = Word::Plain(0);
}

/// A call to make.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Spec {
    /// The operation word.
    pub operation: u64,
    /// The role `to`.
    pub to: Word,
    /// The role `from`.
    pub from: Word,
    /// The tag.
    pub tag: u64,
    /// Message words.
    pub words: [Word; REGISTER_WORDS],
    /// Seed of what is written into the UTCB before ([`crate::state`]); 0: nothing is.
    pub fill: u64,
}

/// The registers of a call, or of its answer, by role (`cedo_abi::call`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Registers {
    /// The operation word; the result word.
    pub operation: u64,
    /// `to`; the badge.
    pub to: u64,
    /// `from`; the token.
    pub from: u64,
    /// The tag.
    pub tag: u64,
    /// Words.
    pub words: [u64; REGISTER_WORDS],
}

impl Spec {
    /// A call without arguments.
    pub const fn new(call: Call, sub_operation: u8, flags: u64) -> Spec {
        Spec {
            operation: operation(call, sub_operation, flags),
            to: Word::ZERO,
            from: Word::ZERO,
            tag: 0,
            words: [Word::ZERO; REGISTER_WORDS],
            fill: 0,
        }
    }

    /// With these words in the roles `to` and `from`.
    pub const fn between(mut self, to: Word, from: Word) -> Spec {
        self.to = to;
        self.from = from;
        self
    }

    /// With these numbers as words, from word 0 on.
    pub fn words(mut self, words: &[u64]) -> Spec {
        for (place, word) in self.words.iter_mut().zip(words) {
            *place = Word::Plain(*word);
        }
        self
    }

    /// The call byte.
    pub const fn call(&self) -> u8 {
        self.operation as u8
    }

    /// The sub-operation byte.
    pub const fn sub_operation(&self) -> u8 {
        (self.operation >> 8) as u8
    }

    /// The registers, as of now. `foreign` gives tokens that other threads of the program received.
    pub fn resolve(&self, mailbox: &Mailbox, foreign: impl Fn(u8) -> u64) -> Registers {
        let word = |word: Word| match word {
            Word::Plain(number) => number,
            Word::Token { age, flip } => mailbox.token(age) ^ flip,
            Word::Foreign { place, flip } => foreign(place) ^ flip,
            Word::Epoch => mailbox.epoch(),
            Word::Event => mailbox.event(),
        };
        Registers {
            operation: self.operation,
            to: word(self.to),
            from: word(self.from),
            tag: self.tag,
            words: self.words.map(word),
        }
    }
}
