//! Lines on the kernel's console, and the count of passes and failures.

use crate::op::Op;
use crate::verdict::Verdict;
use cedo_lib::abi::call::core as core_call;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU64, Ordering};

static PASSED: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);

/// Bytes of text in one call.
const CHUNK: usize = 48;

/// Text on its way to the kernel's console through a Core capability.
pub struct Console {
    core: u64,
    bytes: [u8; CHUNK],
    used: usize,
}

impl Console {
    pub const fn new(core: u64) -> Console {
        Console { core, bytes: [0; CHUNK], used: 0 }
    }

    fn flush(&mut self) {
        let mut op = Op::core(core_call::WRITE, self.core).word(0, self.used as u64);
        for (word, piece) in op.words[1..].iter_mut().zip(self.bytes.chunks_exact(8)) {
            *word = piece.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        op.run();
        self.used = 0;
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.bytes[self.used] = byte;
            self.used += 1;
            if self.used == CHUNK || byte == b'\n' {
                self.flush();
            }
        }
        Ok(())
    }
}

/// Counts and prints one verdict.
pub fn verdict(console: &mut Console, sentence: &str, verdict: &Verdict) {
    let (count, line) = match verdict {
        Ok(()) => (&PASSED, writeln!(console, "[test] ok: {sentence}")),
        Err(why) => (&FAILED, writeln!(console, "[test] FAILED: {sentence}: {why}")),
    };
    count.fetch_add(1, Ordering::SeqCst);
    // The console takes everything; a line that cannot be written is no reason to stop.
    let _ = line;
}

/// Prints the sum; true if nothing failed.
pub fn summary(console: &mut Console) -> bool {
    let (passed, failed) = (PASSED.load(Ordering::SeqCst), FAILED.load(Ordering::SeqCst));
    let _ = writeln!(console, "[suite] {passed} passed, {failed} failed");
    failed == 0
}

/// Prints one line.
pub fn line(console: &mut Console, text: &str) {
    let _ = writeln!(console, "{text}");
}

/// Counts and prints the verdict on a sentence with a subject of its own.
pub fn about(console: &mut Console, subject: &str, rest: &str, result: &Verdict) {
    cell(console, &[subject, " ", rest], result);
}

/// Counts and prints the verdict on a sentence in pieces.
pub fn cell(console: &mut Console, pieces: &[&str], result: &Verdict) {
    let (count, mark) =
        if result.is_ok() { (&PASSED, "[test] ok: ") } else { (&FAILED, "[test] FAILED: ") };
    count.fetch_add(1, Ordering::SeqCst);
    let _ = console.write_str(mark);
    for piece in pieces {
        let _ = console.write_str(piece);
    }
    let _ = match result {
        Ok(()) => writeln!(console),
        Err(why) => writeln!(console, ": {why}"),
    };
}
