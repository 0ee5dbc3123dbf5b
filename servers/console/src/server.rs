//! What is answered when.
//!
//! Text goes through the client's line to the wire, which waits for the device where its queue is
//! full; clients wait meanwhile.

use crate::line::Line;
use crate::lines::{Client, Lines};
use crate::wire::Wire;
use cedo_api::console::{DONE, FLUSH, MAX_BYTES, READ, REFUSED, WRITE};
use cedo_lib::driver::{Next, reply};
use cedo_lib::{Message, Token, UtcbPage, text};

/// Clients that wait until everything is out.
const FLUSHING: usize = 8;

// The runtime prints, and waits for its panics to be out, with the same labels.
const _: () = assert!(WRITE == text::LABEL && FLUSH == text::FLUSH_LABEL);

/// The state of the console.
pub struct Server<L> {
    wire: Wire<L>,
    lines: Lines,
    reader: Option<Token>,
    flushing: [Option<Token>; FLUSHING],
}

impl<L: Line> Server<L> {
    /// A console that nobody has used.
    pub const fn new(line: L) -> Server<L> {
        let flushing = [None; FLUSHING];
        Server { wire: Wire::new(line), lines: Lines::new(), reader: None, flushing }
    }

    /// The device interrupted.
    pub fn interrupt(&mut self) {
        self.wire.serve();
        self.answer_reader();
        self.answer_flushing();
    }

    /// A client's message; the answer that the next wait starts with.
    pub fn request(&mut self, message: &Message, utcb: &UtcbPage) -> Next {
        match message.label() {
            WRITE => {
                let done = self.write(message, utcb);
                Next::answer(message, if done { DONE } else { REFUSED }, 0, [0; 7])
            }
            READ if self.reader.is_none() => {
                self.reader = message.token();
                self.answer_reader();
                Next::Wait
            }
            FLUSH => match self.flushing.iter_mut().find(|place| place.is_none()) {
                Some(place) => {
                    *place = message.token();
                    self.lines.flush(|text| self.wire.put(text));
                    self.wire.send();
                    self.answer_flushing();
                    Next::Wait
                }
                None => Next::answer(message, REFUSED, 0, [0; 7]),
            },
            _ => Next::answer(message, REFUSED, 0, [0; 7]),
        }
    }

    /// Takes the text of a WRITE; false if its length makes no sense.
    fn write(&mut self, message: &Message, utcb: &UtcbPage) -> bool {
        let mut words = [0; cedo_lib::abi::MESSAGE_WORDS];
        let count = message.copy(utcb, &mut words);
        let length = words[0];
        if count == 0 || length > MAX_BYTES as u64 || length as usize > 8 * (count - 1) {
            return false;
        }
        let client: Client = (message.badge, message.token().map_or(0, Token::frame));
        for index in 0..length as usize {
            if let Some(byte) = text::byte(&words, index) {
                self.lines.push(client, byte, |text| self.wire.put(text));
            }
        }
        self.wire.send();
        true
    }

    fn answer_reader(&mut self) {
        if self.reader.is_some()
            && let Some(byte) = self.wire.take()
            && let Some(token) = self.reader.take()
        {
            // A reader that was aborted meanwhile takes this byte with it.
            reply(token, DONE, 1, [u64::from(byte), 0, 0, 0, 0, 0, 0]);
        }
    }

    fn answer_flushing(&mut self) {
        if self.flushing.iter().all(Option::is_none) || !self.wire.is_all_out() {
            return;
        }
        for token in self.flushing.iter_mut().filter_map(Option::take) {
            reply(token, DONE, 0, [0; 7]);
        }
    }
}

#[cfg(test)]
mod tests;
