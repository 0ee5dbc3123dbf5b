//! Messages: send, receive, call, send and receive, reply and wait, with every option.
//!
//! ```ignore
//! let answer = Ipc::call(gate).message(LABEL, 2, [a, b, 0, 0, 0, 0, 0]).make();
//! let next = Ipc::reply_and_wait(token).message(DONE, 0, [0; 7]).make();
//! let polled = Ipc::receive(Partner::ANY).receive_zero().make();
//! ```
//!
//! Strings, memory and capabilities go with a message by [`crate::items`].
//!
//! Words 0 to 6 travel in registers. Longer messages put the rest into the UTCB with
//! [`Ipc::long`], and the receiver takes it from there with [`Message::copy`]; the next receive
//! overwrites it.

use crate::capability::{Capability, Gate};
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::name::{self, Token};
use cedo_abi::{Label, MESSAGE_WORDS, REGISTER_WORDS, Status, Tag};
use cedo_rt::UtcbPage;
use cedo_rt::raw::{Answer, Request, invoke};

/// Message words in registers.
pub type Words = [u64; REGISTER_WORDS];

/// Whom a message is for, or from whom it may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partner(u64);

impl Partner {
    /// Whoever comes.
    pub const ANY: Partner = Partner(name::ANY);
    /// The caller's scheduler.
    pub const MY_SCHEDULER: Partner = Partner(name::MY_SCHEDULER);
    /// The caller's fault handler.
    pub const MY_HANDLER: Partner = Partner(name::MY_HANDLER);
    /// The caller itself. (The kernel refuses; for tests.)
    pub const MYSELF: Partner = Partner(name::SELF);
    /// Nobody.
    pub const NOBODY: Partner = Partner(name::NOBODY);

    /// Any word, valid or not. (For tests.)
    pub const fn from_word(word: u64) -> Partner {
        Partner(word)
    }
}

impl From<Gate> for Partner {
    #[inline]
    fn from(gate: Gate) -> Partner {
        Partner(gate.name())
    }
}

impl From<Token> for Partner {
    #[inline]
    fn from(token: Token) -> Partner {
        Partner(token.0)
    }
}

/// Who goes on where more than one could (DESIGN.md section 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Winner {
    /// The caller.
    Caller = ipc::WINNER_SELF,
    /// The partner of the send phase.
    SendPartner = ipc::WINNER_SEND,
    /// The partner of the receive phase.
    ReceivePartner = ipc::WINNER_RECEIVE,
    /// None of them: the caller's scheduler decides.
    Scheduler = ipc::WINNER_SCHEDULER,
}

/// One operation, made by [`Ipc::make`]. Timeouts are *never* unless set to zero.
#[derive(Clone, Copy, Debug)]
#[must_use = "`make` makes the call"]
pub struct Ipc {
    request: Request,
}

impl Ipc {
    /// Send a message.
    #[inline]
    pub fn send(to: impl Into<Partner>) -> Ipc {
        Ipc::new(ipc::SEND, to.into(), Partner::NOBODY)
    }

    /// Wait for a message.
    #[inline]
    pub fn receive(from: impl Into<Partner>) -> Ipc {
        Ipc::new(ipc::RECEIVE, Partner::NOBODY, from.into())
    }

    /// Send a message and wait for the answer.
    #[inline]
    pub fn call(to: impl Into<Partner>) -> Ipc {
        Ipc::new(ipc::SEND | ipc::RECEIVE | ipc::CALL, to.into(), Partner::NOBODY)
    }

    /// Send a message to one, wait for a message from another.
    #[inline]
    pub fn send_and_receive(to: impl Into<Partner>, from: impl Into<Partner>) -> Ipc {
        Ipc::new(ipc::SEND | ipc::RECEIVE, to.into(), from.into())
    }

    /// Answer, acknowledge or dispatch, and wait for whoever comes.
    #[inline]
    pub fn reply_and_wait(token: Token) -> Ipc {
        Ipc::send_and_receive(token, Partner::ANY)
    }

    /// Pass the call that `token` names on to another server, which owes the reply from then on.
    #[inline]
    pub fn forward(token: Token, to: impl Into<Partner>) -> Ipc {
        Ipc::new(ipc::SEND | ipc::FORWARD, to.into(), token.into())
    }

    #[inline]
    fn new(flags: u64, to: Partner, from: Partner) -> Ipc {
        let operation = operation(Call::Ipc, 0, flags);
        Ipc { request: Request { operation, to: to.0, from: from.0, ..Request::default() } }
    }

    /// The message: its label, the number of words that count, and the words.
    #[inline]
    pub fn message(mut self, label: u32, count: usize, words: Words) -> Ipc {
        self.request.tag = Tag::new(label, count).0;
        self.request.words = words;
        self
    }

    /// A message of up to [`MESSAGE_WORDS`] words; what is beyond is cut.
    pub fn long(mut self, label: u32, words: &[u64], utcb: &mut UtcbPage) -> Ipc {
        let words = &words[..words.len().min(MESSAGE_WORDS)];
        self.request.tag = Tag::new(label, words.len()).0;
        for (place, word) in self.request.words.iter_mut().zip(words) {
            *place = *word;
        }
        utcb.set_tail(words);
        self
    }

    /// Any tag, valid or not. (For tests.)
    #[inline]
    pub fn tag(mut self, tag: Tag) -> Ipc {
        self.request.tag = tag.0;
        self
    }

    /// The words alone.
    #[inline]
    pub fn words(mut self, words: Words) -> Ipc {
        self.request.words = words;
        self
    }

    /// Any flags of [`cedo_abi::call::ipc`].
    #[inline]
    pub fn flags(mut self, flags: u64) -> Ipc {
        self.request.operation |= flags;
        self
    }

    /// Do not wait for the partner of the send phase.
    #[inline]
    pub fn send_zero(self) -> Ipc {
        self.flags(ipc::SEND_ZERO)
    }

    /// Do not wait for a message.
    #[inline]
    pub fn receive_zero(self) -> Ipc {
        self.flags(ipc::RECEIVE_ZERO)
    }

    /// Who goes on.
    #[inline]
    pub fn winner(self, winner: Winner) -> Ipc {
        self.flags(winner as u64)
    }

    /// Do not lend the processor with this call.
    #[inline]
    pub fn no_donation(self) -> Ipc {
        self.flags(ipc::NO_DONATION)
    }

    /// The answer installs the register state in the UTCB's reply area.
    #[inline]
    pub fn with_state(self) -> Ipc {
        self.flags(ipc::STATE)
    }

    /// The kernel's message shall bring the register state of the thread it is about.
    #[inline]
    pub fn want_state(self) -> Ipc {
        self.flags(ipc::WANT_STATE)
    }

    /// What the call is made with, its message having so many typed items.
    #[inline]
    pub(crate) fn with_items(self, items: usize) -> Request {
        Request { tag: Tag(self.request.tag).with_items(items).0, ..self.request }
    }

    /// Makes the call.
    #[inline]
    pub fn make(self) -> Message {
        Message::of(invoke(self.request))
    }
}

/// What an operation came to, and the message that arrived if it had a receive phase and
/// [`Message::arrived`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// What the operation came to.
    pub status: Status,
    /// The caller's event number as a scheduler.
    pub event: u64,
    /// Badge of the gate it came through; of a kernel message about a thread, the child's cookie.
    pub badge: u64,
    token: u64,
    /// Label and length.
    pub tag: Tag,
    /// The words in registers.
    pub words: Words,
}

impl Message {
    #[inline]
    pub(crate) fn of(answer: Answer) -> Message {
        Message {
            status: Status::of_result(answer.result),
            event: answer.result >> 16,
            badge: answer.badge,
            token: answer.token,
            tag: Tag(answer.tag),
            words: answer.words,
        }
    }

    /// The status as a result.
    #[inline]
    pub fn done(&self) -> Result<(), Status> {
        if self.status.is_done() { Ok(()) } else { Err(self.status) }
    }

    /// True if there is a message (of an operation with a receive phase).
    #[inline]
    pub fn arrived(&self) -> bool {
        self.status.is_done()
    }

    /// What to answer to, if an answer is expected.
    #[inline]
    pub fn token(&self) -> Option<Token> {
        (self.token != 0).then_some(Token(self.token))
    }

    /// The label.
    #[inline]
    pub fn label(&self) -> u32 {
        self.tag.label()
    }

    /// The label if the kernel wrote the message.
    #[inline]
    pub fn kernel_label(&self) -> Option<Label> {
        self.tag.kernel_label()
    }

    /// Copies the words that count to `words`, as many as fit; returns how many.
    pub fn copy(&self, utcb: &UtcbPage, words: &mut [u64]) -> usize {
        let count = self.tag.words().min(MESSAGE_WORDS).min(words.len());
        for (index, place) in words.iter_mut().enumerate().take(count) {
            *place = match self.words.get(index) {
                Some(word) => *word,
                None => utcb.word(index),
            };
        }
        count
    }
}

/// Gives the rest of this grant back to the caller's scheduler, which hears *yielded*.
#[inline]
pub fn yield_processor() -> Status {
    crate::call::done(&crate::call::Arguments::new(Call::Yield, 0).make())
        .err()
        .unwrap_or(Status::Ok)
}
