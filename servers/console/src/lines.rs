//! What clients have written of lines that are not complete: a line leaves whole.

/// Clients with an incomplete line at a time.
const CLIENTS: usize = 16;
/// Bytes of a line; a longer one leaves in pieces.
pub const LINE: usize = 160;

/// Who writes: the badge of the gate, and which thread it is where it waits for an answer.
pub type Client = (u64, u32);

/// An incomplete line.
#[derive(Clone, Copy)]
struct Line {
    client: Client,
    used: usize,
    bytes: [u8; LINE],
    /// When it was begun: a running number.
    begun: u64,
}

/// The incomplete lines of all clients.
pub struct Lines {
    lines: [Line; CLIENTS],
    begun: u64,
}

impl Lines {
    /// None.
    pub const fn new() -> Lines {
        let line = Line { client: (0, 0), used: 0, bytes: [0; LINE], begun: 0 };
        Lines { lines: [line; CLIENTS], begun: 0 }
    }

    /// Adds a byte of `client`; hands what can leave now to `out`: a complete line, a full one, or
    /// the oldest incomplete one if more clients write than there is room for.
    pub fn push(&mut self, client: Client, byte: u8, mut out: impl FnMut(&[u8])) {
        let line = match self.lines.iter().position(|line| line.used > 0 && line.client == client) {
            Some(place) => &mut self.lines[place],
            None => self.begin(client, &mut out),
        };
        line.bytes[line.used] = byte;
        line.used += 1;
        if byte == b'\n' || line.used == LINE {
            out(&line.bytes[..line.used]);
            line.used = 0;
        }
    }

    /// Hands out all incomplete lines.
    pub fn flush(&mut self, mut out: impl FnMut(&[u8])) {
        for line in &mut self.lines {
            out(&line.bytes[..line.used]);
            line.used = 0;
        }
    }

    /// A line for a client that has none: an empty one, else the oldest, which leaves as it is.
    fn begin(&mut self, client: Client, out: &mut impl FnMut(&[u8])) -> &mut Line {
        let age = |line: &Line| if line.used == 0 { 0 } else { line.begun };
        let mut oldest = 0;
        for (place, line) in self.lines.iter().enumerate() {
            if age(line) < age(&self.lines[oldest]) {
                oldest = place;
            }
        }
        self.begun += 1;
        let line = &mut self.lines[oldest];
        if line.used > 0 {
            out(&line.bytes[..line.used]);
            out(b"\n");
        }
        (line.client, line.used, line.begun) = (client, 0, self.begun);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{CLIENTS, LINE, Lines};

    fn write(lines: &mut Lines, client: u64, text: &str, printed: &mut String) {
        for byte in text.bytes() {
            lines.push((client, 0), byte, |out| printed.push_str(&String::from_utf8_lossy(out)));
        }
    }

    #[test]
    fn lines_of_different_clients_are_not_mixed() {
        let (mut lines, mut printed) = (Lines::new(), String::new());
        write(&mut lines, 1, "one ", &mut printed);
        write(&mut lines, 2, "two\nand ", &mut printed);
        write(&mut lines, 1, "more\n", &mut printed);
        write(&mut lines, 2, "again\n", &mut printed);
        assert_eq!(printed, "two\none more\nand again\n");
    }

    #[test]
    fn long_lines_and_too_many_clients_lose_nothing() {
        let (mut lines, mut printed) = (Lines::new(), String::new());
        let long = "x".repeat(LINE + 7);
        write(&mut lines, 99, &long, &mut printed);
        assert_eq!(printed.len(), LINE);
        for client in 0..CLIENTS as u64 {
            write(&mut lines, client, "y", &mut printed);
        }
        assert_eq!(printed.len(), LINE + 8, "the oldest line left, and ends");
        lines.flush(|out| printed.push_str(&String::from_utf8_lossy(out)));
        assert_eq!(printed.matches('x').count(), LINE + 7);
        assert_eq!(printed.matches('y').count(), CLIENTS);
    }
}
