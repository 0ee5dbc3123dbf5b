//! The server against a line that takes as long as it likes.

use super::Server;
use crate::line::Line;
use cedo_api::console::{DONE, FLUSH, READ, REFUSED, WRITE};
use cedo_lib::driver::Next;
use cedo_lib::raw::{Answer, host};
use cedo_lib::{Ipc, Message, Partner, Tag, UtcbPage, text};

/// Bytes of the line's FIFO.
const FIFO_BYTES: usize = 16;
/// Looks at the device between two of its interrupts. Whoever looks more often polls.
const LOOKS: usize = 8;

/// A line whose FIFO empties when somebody waits for that.
#[derive(Default)]
struct SlowLine {
    sent: Vec<u8>,
    in_fifo: usize,
    looks: usize,
    wants_empty: bool,
    received: Vec<u8>,
    waits: usize,
    unacknowledged: bool,
}

impl SlowLine {
    /// The FIFO is empty, and that interrupts.
    fn empties(&mut self) {
        assert!(self.wants_empty, "nobody would hear of it");
        (self.in_fifo, self.looks) = (0, 0);
    }
}

impl Line for SlowLine {
    fn interrupted(&mut self) -> bool {
        false
    }

    fn receive(&mut self) -> Option<u8> {
        (!self.received.is_empty()).then(|| self.received.remove(0))
    }

    fn room(&mut self) -> usize {
        self.looks += 1;
        assert!(self.looks < LOOKS, "the server polls");
        if self.in_fifo == 0 { FIFO_BYTES } else { 0 }
    }

    fn send(&mut self, byte: u8) {
        self.in_fifo += 1;
        assert!(self.in_fifo <= FIFO_BYTES, "the FIFO overflows");
        self.sent.push(byte);
    }

    fn want_empty(&mut self, wanted: bool) {
        self.wants_empty = wanted;
    }

    fn is_all_sent(&mut self) -> bool {
        self.in_fifo == 0
    }

    fn wait(&mut self) {
        self.empties();
        self.waits += 1;
        self.unacknowledged = true;
    }

    fn acknowledge(&mut self) {
        self.unacknowledged = false;
    }
}

/// A message from `client` as the kernel would bring it.
fn message(client: u64, label: u32, written: &str) -> Message {
    let mut words = [0; 7];
    let count = text::pack(written.as_bytes(), &mut words);
    let tag = Tag::new(label, count).0;
    host::answer(Answer { result: 0, badge: client, token: 1 << 63 | client << 32, tag, words });
    let message = Ipc::receive(Partner::ANY).make();
    host::take_calls();
    message
}

fn label_of(next: Next) -> Option<u32> {
    match next {
        Next::Reply { label, .. } => Some(label),
        Next::Wait => None,
    }
}

#[test]
fn no_text_is_lost_however_slow_the_line_is() {
    let utcb = UtcbPage::for_tests();
    let mut server = Server::new(SlowLine::default());
    let mut expected = String::new();
    for number in 0..400 {
        for client in 1..4 {
            let line = format!("client {client} line {number}, thirty bytes\n");
            let (start, end) = line.split_at(20);
            for part in [start, end] {
                server.wire.line.looks = 0;
                let next = server.request(&message(client, WRITE, part), &utcb);
                assert_eq!(label_of(next), Some(DONE));
                assert!(!server.wire.line.unacknowledged, "the next interrupt would not come");
            }
            expected.push_str(&line.replace('\n', "\r\n"));
        }
    }
    assert!(server.wire.line.waits > 0, "the queue was never full");
    assert_eq!(label_of(server.request(&message(9, FLUSH, ""), &utcb)), None);
    while server.wire.line.in_fifo > 0 {
        assert_eq!(host::take_calls().len(), 0, "answered before everything was out");
        server.wire.line.empties();
        server.interrupt();
    }
    assert!(!server.wire.line.wants_empty, "the kernel's bytes would interrupt");
    assert_eq!(String::from_utf8_lossy(&server.wire.line.sent), expected);
    let calls = host::take_calls();
    assert_eq!(calls.len(), 1, "the flushing client is answered once");
    assert_eq!(calls[0].to, 1 << 63 | 9 << 32);
}

#[test]
fn what_comes_in_while_the_queue_is_full_is_kept() {
    let utcb = UtcbPage::for_tests();
    let mut server = Server::new(SlowLine::default());
    server.wire.line.received = b"typed".to_vec();
    for _ in 0..200 {
        server.wire.line.looks = 0;
        server.request(&message(1, WRITE, "a line that has forty bytes, or nearly\n"), &utcb);
    }
    assert!(server.wire.line.waits > 0);
    for expected in b"typed" {
        assert_eq!(label_of(server.request(&message(2, READ, ""), &utcb)), None);
        assert_eq!(host::take_calls()[0].words[0], u64::from(*expected));
    }
}

#[test]
fn a_reader_gets_the_next_byte_and_a_second_reader_is_refused() {
    let utcb = UtcbPage::for_tests();
    let mut server = Server::new(SlowLine::default());
    assert_eq!(label_of(server.request(&message(1, READ, ""), &utcb)), None);
    assert_eq!(label_of(server.request(&message(2, READ, ""), &utcb)), Some(REFUSED));
    server.wire.line.received = vec![b'k', b'l'];
    server.interrupt();
    let calls = host::take_calls();
    assert_eq!((calls.len(), calls[0].words[0]), (1, u64::from(b'k')));
    assert_eq!(label_of(server.request(&message(2, READ, ""), &utcb)), None);
    assert_eq!(host::take_calls()[0].words[0], u64::from(b'l'));
}

#[test]
fn lengths_that_lie_are_refused() {
    let utcb = UtcbPage::for_tests();
    let mut server = Server::new(SlowLine::default());
    for length in [41, 505, u64::MAX] {
        let mut lying = message(1, WRITE, "forty bytes or less");
        lying.words[0] = length;
        assert_eq!(label_of(server.request(&lying, &utcb)), Some(REFUSED));
    }
    assert_eq!(label_of(server.request(&message(1, 77, ""), &utcb)), Some(REFUSED));
    assert!(server.wire.line.sent.is_empty());
}
