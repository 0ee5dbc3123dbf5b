//! Lines out of what arrives, whatever arrives: cut pieces, terminal screens, bytes that are no text.

use crate::qemu::console::Plain;
use std::time::Duration;

/// A line is cut here.
pub const LINE_BYTES: usize = 4096;
/// As many bytes without an end of a line are no text.
const ENDLESS_BYTES: usize = 4 * LINE_BYTES;
/// Fewer bytes than this say nothing about the line: firmware and switches make noise.
const NOISE_BYTES: usize = 64;

/// One line, and when it was complete (since the board was switched on).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamped {
    pub at: Duration,
    pub text: String,
}

/// Makes lines of bytes.
#[derive(Default)]
pub struct Lines {
    plain: Plain,
    /// The line that is not complete yet.
    open: Vec<u8>,
    bytes: usize,
    foreign: usize,
    since_end: usize,
}

impl Lines {
    /// Takes bytes; answers the lines that are complete with them.
    pub fn take(&mut self, bytes: &[u8], at: Duration) -> Vec<Stamped> {
        self.bytes += bytes.len();
        self.foreign += bytes.iter().filter(|byte| is_foreign(**byte)).count();
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => self.since_end = bytes.len() - last - 1,
            None => self.since_end += bytes.len(),
        }
        let mut lines = Vec::new();
        for byte in self.plain.filter(bytes) {
            if byte != b'\n' {
                self.open.push(byte);
            }
            if byte == b'\n' || self.open.len() == LINE_BYTES {
                lines.push(Stamped { at, text: self.cut() });
            }
        }
        lines
    }

    /// The line that was not completed, if there is one.
    pub fn rest(&mut self) -> Option<String> {
        (!self.open.is_empty()).then(|| self.cut())
    }

    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// True if what arrives is certainly no text, however long one waits.
    pub fn is_hopeless(&self) -> bool {
        self.since_end >= ENDLESS_BYTES || self.bytes >= LINE_BYTES && self.is_garbage()
    }

    /// True if most of what arrived is no text.
    pub fn is_garbage(&self) -> bool {
        self.bytes >= NOISE_BYTES && 2 * self.foreign > self.bytes
    }

    fn cut(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.open)).into_owned()
    }
}

/// True for bytes that no console prints: Cedo and boot firmware write ASCII.
fn is_foreign(byte: u8) -> bool {
    !matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x1b)
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES, Lines};
    use std::time::Duration;

    fn take(lines: &mut Lines, bytes: &[u8]) -> Vec<String> {
        lines.take(bytes, Duration::ZERO).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_come_in_pieces() {
        let mut lines = Lines::default();
        assert!(take(&mut lines, b"Ce").is_empty());
        assert_eq!(take(&mut lines, b"do\r\n\x1b[1mtwo\nrest"), ["Cedo", "two"]);
        assert_eq!(lines.rest().as_deref(), Some("rest"));
        assert_eq!(lines.rest(), None);
    }

    #[test]
    fn a_little_noise_is_no_garbage() {
        let mut lines = Lines::default();
        take(&mut lines, &[0xff; 30]);
        assert!(!lines.is_garbage());
        take(&mut lines, &[b'a'; 100]);
        assert!(!lines.is_garbage() && !lines.is_hopeless());
        take(&mut lines, &[0xf5; 5000]);
        assert!(lines.is_garbage() && lines.is_hopeless());
    }

    #[test]
    fn a_line_without_end_is_cut_and_given_up() {
        let mut lines = Lines::default();
        let pieces = take(&mut lines, &[b'x'; 2 * LINE_BYTES + 1]);
        assert_eq!(pieces.iter().map(String::len).collect::<Vec<_>>(), [LINE_BYTES; 2]);
        assert!(!lines.is_hopeless());
        take(&mut lines, &[b'x'; 2 * LINE_BYTES]);
        assert!(lines.is_hopeless());
    }
}
