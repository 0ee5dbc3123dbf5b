//! The device with the bytes that go in and out.
//!
//! Text waits in a queue and goes to the device as the device empties. Where the queue is full,
//! [`Wire::put`] waits for the device's interrupts.

use crate::line::Line;
use crate::queue::Queue;

/// Bytes on their way out.
const OUT: usize = 4096;
/// Bytes that nobody has read yet; what comes beyond is dropped.
const IN: usize = 64;

/// A serial line with its queues.
pub struct Wire<L> {
    pub(crate) line: L,
    out: Queue<OUT>,
    received: Queue<IN>,
}

impl<L: Line> Wire<L> {
    /// Nothing on its way.
    pub const fn new(line: L) -> Wire<L> {
        Wire { line, out: Queue::new(), received: Queue::new() }
    }

    /// The device interrupted: takes what it received, gives it more to send.
    pub fn serve(&mut self) {
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
    }

    /// Puts text into the queue, with a carriage return before each line's end.
    pub fn put(&mut self, text: &[u8]) {
        for byte in text {
            while self.out.room() < 2 {
                self.send();
                if self.out.room() < 2 {
                    self.line.wait();
                    self.serve();
                }
            }
            if *byte == b'\n' {
                self.out.push(b'\r');
            }
            self.out.push(*byte);
        }
        self.line.acknowledge();
    }

    /// Fills the device's FIFO if it is empty. An empty FIFO interrupts as long as there is anything
    /// on its way.
    pub fn send(&mut self) {
        if !self.out.is_empty() {
            let room = self.line.room();
            for byte in core::iter::from_fn(|| self.out.pop()).take(room) {
                self.line.send(byte);
            }
        }
        let idle = self.is_idle();
        self.line.want_empty(!idle);
    }

    /// True if nothing is in the queue or the device's FIFO.
    pub fn is_idle(&mut self) -> bool {
        self.out.is_empty() && self.line.room() > 0
    }

    /// True if everything has left the machine. Where the FIFO is empty, the last byte's bits may be
    /// on the line still, of which no interrupt tells: that byte is waited for.
    pub fn is_all_out(&mut self) -> bool {
        if !self.is_idle() {
            return false;
        }
        while !self.line.is_all_sent() {}
        true
    }

    /// The next byte that was received.
    pub fn take(&mut self) -> Option<u8> {
        self.received.pop()
    }
}
