//! The console server: text on the serial line, lines of different clients kept whole.
//!
//! The badge of a client's gate tells clients apart: what clients with one badge write is one
//! stream of text.

/// Write text. Word 0 = bytes, at most [`MAX_BYTES`]; words 1 on = the bytes, eight to a word, the
/// first in the low byte. Answer: label [`DONE`] when the server has taken the text; from then on
/// it is not lost. By `send` there is no answer, and the text is taken when the send succeeds.
pub const WRITE: u32 = 1;
/// Wait for a byte from the serial line. Answer: [`DONE`], word 0 = the byte.
pub const READ: u32 = 2;
/// Wait until everything taken so far has left the machine. Answer: [`DONE`].
pub const FLUSH: u32 = 3;

/// Answer: done.
pub const DONE: u32 = 0;
/// Answer: the request has no meaning: unknown label, too many bytes, or a second reader.
pub const REFUSED: u32 = 0x100;

/// Most bytes of one WRITE.
pub const MAX_BYTES: usize = 8 * (cedo_abi::MESSAGE_WORDS - 1);
