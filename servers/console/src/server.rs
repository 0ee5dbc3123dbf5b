//! What is answered when.
//!
//! Text goes through the client's line into the queue, and from there to the device as the device
//! empties. Where the queue is full the server waits for the device: slower, and nothing is lost.

use crate::lines::{Client, LINE, Lines};
use crate::queue::Queue;
use crate::uart::{FIFO_BYTES, Line};
use cedo_api::console::{DONE, FLUSH, MAX_BYTES, READ, REFUSED, WRITE};
use cedo_lib::driver::{Next, reply};
use cedo_lib::{Message, Token, UtcbPage, text};

/// Bytes on their way out.
const OUT: usize = 4096;
/// Bytes that nobody has read yet; what comes beyond is dropped.
const IN: usize = 64;
/// Clients that wait until everything is out.
const FLUSHING: usize = 8;

// The runtime prints, and waits for its panics to be out, with the same labels.
const _: () = assert!(WRITE == text::LABEL && FLUSH == text::FLUSH_LABEL);

/// The state of the console.
pub struct Server<L> {
    line: L,
    lines: Lines,
    out: Queue<OUT>,
    received: Queue<IN>,
    reader: Option<Token>,
    flushing: [Option<Token>; FLUSHING],
}

impl<L: Line> Server<L> {
    /// A console that nobody has used.
    pub const fn new(line: L) -> Server<L> {
        Server {
            line,
            lines: Lines::new(),
            out: Queue::new(),
            received: Queue::new(),
            reader: None,
            flushing: [None; FLUSHING],
        }
    }

    /// The device interrupted: takes what it received, gives it more to send.
    pub fn interrupt(&mut self) {
        loop {
            // Read first: what comes later interrupts again.
            let again = self.line.interrupted();
            while let Some(byte) = self.line.receive() {
                self.received.push(byte);
            }
            self.send();
            if !again {
                break;
            }
        }
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
                    self.lines.flush(|text| queue(text, &mut self.out, &mut self.line));
                    self.send();
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
                self.lines.push(client, byte, |text| queue(text, &mut self.out, &mut self.line));
            }
        }
        self.send();
        true
    }

    fn send(&mut self) {
        send(&mut self.out, &mut self.line);
        self.line.want_empty(!self.out.is_empty());
    }

    fn answer_reader(&mut self) {
        if self.reader.is_some()
            && let Some(byte) = self.received.pop()
            && let Some(token) = self.reader.take()
        {
            // A reader that was aborted meanwhile takes this byte with it.
            reply(token, DONE, 1, [u64::from(byte), 0, 0, 0, 0, 0, 0]);
        }
    }

    fn answer_flushing(&mut self) {
        if !self.out.is_empty() || self.flushing.iter().all(Option::is_none) {
            return;
        }
        // What is left is in the device: at most one FIFO, which empties by itself.
        while !self.line.all_sent() {}
        for token in self.flushing.iter_mut().filter_map(Option::take) {
            reply(token, DONE, 0, [0; 7]);
        }
    }
}

/// Puts text into the queue, with a carriage return before each line's end. Waits for the device
/// while there is no room.
fn queue(text: &[u8], out: &mut Queue<OUT>, line: &mut impl Line) {
    const { assert!(2 * LINE <= OUT) }
    for byte in text {
        while out.room() < 2 {
            send(out, line);
        }
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
}

/// Fills the device's FIFO if it is empty.
fn send(out: &mut Queue<OUT>, line: &mut impl Line) {
    if out.is_empty() || !line.can_send() {
        return;
    }
    for _ in 0..FIFO_BYTES {
        match out.pop() {
            Some(byte) => line.send(byte),
            None => break,
        }
    }
}

#[cfg(test)]
mod tests;
