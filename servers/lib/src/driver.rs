//! Interrupt drivers: an open wait that acknowledges the last interrupt as it starts.
//!
//! An interrupt's message carries a token. Replying to it acknowledges the interrupt: a level line
//! is let through again, an edge that came meanwhile is delivered at once. The reply and the next
//! wait are one call. A client's call is answered in the same way, so a driver is one loop:
//!
//! ```ignore
//! let mut next = Next::Wait;
//! loop {
//!     let message = next.wait();
//!     next = match message.kernel_label() {
//!         Some(Label::Irq) => { device.handle(); Next::acknowledge(&message) }
//!         _ => Next::answer(&message, DONE, 0, [0; 7]),
//!     };
//! }
//! ```

use crate::ipc::{Ipc, Message, Partner, Words};
use cedo_abi::{Status, Token};

/// What the next wait starts with.
#[derive(Clone, Copy, Debug)]
pub enum Next {
    /// Nothing.
    Wait,
    /// A reply: the acknowledgement of an interrupt, or an answer.
    Reply {
        /// To what.
        token: Token,
        /// The answer's label.
        label: u32,
        /// Words of the answer that count.
        count: usize,
        /// The answer.
        words: Words,
    },
}

impl Next {
    /// Acknowledges the interrupt of `message` as the next wait starts.
    #[inline]
    pub fn acknowledge(message: &Message) -> Next {
        Next::answer(message, 0, 0, [0; 7])
    }

    /// Answers `message`, if it expects an answer, as the next wait starts.
    #[inline]
    pub fn answer(message: &Message, label: u32, count: usize, words: Words) -> Next {
        match message.token() {
            Some(token) => Next::Reply { token, label, count, words },
            None => Next::Wait,
        }
    }

    /// Makes the reply, if any, and waits for whoever comes. A client that is gone when its answer
    /// comes is no concern of the driver's: it just waits.
    pub fn wait(self) -> Message {
        if let Next::Reply { token, label, count, words } = self {
            let message = Ipc::reply_and_wait(token).message(label, count, words).make();
            if message.arrived() {
                return message;
            }
        }
        loop {
            let message = Ipc::receive(Partner::ANY).make();
            if message.arrived() {
                return message;
            }
        }
    }
}

/// Answers a client without waiting; an answer never blocks.
pub fn reply(token: Token, label: u32, count: usize, words: Words) -> Status {
    Ipc::send(token).send_zero().message(label, count, words).make().status
}
