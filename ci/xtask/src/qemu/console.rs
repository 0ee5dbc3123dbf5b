//! What the guest prints, as plain text: firmware and boot loaders draw screens, logs want lines.

/// Removes terminal control sequences from a byte stream that arrives in pieces.
#[derive(Default)]
pub struct Plain {
    state: State,
    column: usize,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Text,
    Escape,
    Control,
}

const ESCAPE: u8 = 0x1b;

impl Plain {
    /// The plain text in `bytes`.
    pub fn filter(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes.len());
        for byte in bytes {
            self.step(*byte, &mut text);
        }
        text
    }

    fn step(&mut self, byte: u8, text: &mut Vec<u8>) {
        match (self.state, byte) {
            (_, ESCAPE) => self.state = State::Escape,
            (State::Escape, b'[') => self.state = State::Control,
            (State::Escape, _) => self.state = State::Text,
            // ECMA-48, 5.4: parameters and intermediates, then one final byte from 0x40.
            (State::Control, 0x20..0x40) => {}
            (State::Control, b'H' | b'J') => {
                self.state = State::Text;
                if self.column > 0 {
                    self.put(b'\n', text);
                }
            }
            (State::Control, _) => self.state = State::Text,
            (State::Text, b'\n' | b'\t' | b' '..=0x7e | 0x80..) => self.put(byte, text),
            (State::Text, _) => {}
        }
    }

    fn put(&mut self, byte: u8, text: &mut Vec<u8>) {
        self.column = if byte == b'\n' { 0 } else { self.column + 1 };
        text.push(byte);
    }
}

/// The last `count` lines that say something, indented.
pub fn tail(transcript: &str, count: usize) -> String {
    let lines: Vec<_> = transcript.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return "  (nothing was printed)".to_string();
    }
    let first = lines.len().saturating_sub(count);
    lines[first..].iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Plain, tail};

    #[test]
    fn screens_become_lines() {
        let mut plain = Plain::default();
        let mut text = plain.filter(b"BdsDxe: start\x1b[0");
        text.extend(plain.filter(b"1;01H\x1b[2J\x1b[mcedo: up\r\n\x00ok\r\n"));
        assert_eq!(String::from_utf8(text).unwrap(), "BdsDxe: start\ncedo: up\nok\n");
    }

    #[test]
    fn the_tail_skips_empty_lines() {
        assert_eq!(tail("a\n\nb\n \nc\n", 2), "  | b\n  | c");
        assert_eq!(tail("\n\n", 2), "  (nothing was printed)");
    }
}
