//! What the loader said, copied before anything can overwrite it.
//!
//! Loaders leave their tables in low memory or even between the kernel's segments; nothing is
//! allocated before this copy exists.

pub use cedo_arch_common::memory::{Entry, Span};

use heapless::Vec;

/// Longest command line that is kept.
pub const COMMAND_LINE_BYTES: usize = 256;
/// Entries of the memory map that are kept.
pub const MEMORY_ENTRIES: usize = 128;

/// The loader's words.
#[derive(Default, Debug)]
pub struct Information {
    /// How the kernel was loaded, for the log.
    pub loader: &'static str,
    /// The command line, without a zero at the end.
    pub command_line: Vec<u8, COMMAND_LINE_BYTES>,
    /// The memory map, in the loader's order.
    pub memory: Vec<Entry, MEMORY_ENTRIES>,
    /// The boot archive: the first module.
    pub archive: Option<Span>,
    /// ACPI's root pointer.
    pub root_pointer: Option<RootPointer>,
}

/// Where ACPI's tables start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RootPointer {
    /// Physical address of the root pointer structure.
    Address(u64),
    /// The loader passed a copy of it.
    Copy([u8; 36]),
}

impl Information {
    /// True if `word` stands on the command line.
    pub fn has_word(&self, word: &str) -> bool {
        self.command_line.split(u8::is_ascii_whitespace).any(|found| found == word.as_bytes())
    }

    /// Keeps as much of the command line as fits.
    pub fn set_command_line(&mut self, text: &[u8]) {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        self.command_line.clear();
        self.command_line.extend(text.iter().copied().take(COMMAND_LINE_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_counts_as_a_whole() {
        let mut information = Information::default();
        information.set_command_line(b"cedo counter=instructions  quiet\0rest");
        assert!(information.has_word("counter=instructions"));
        assert!(information.has_word("quiet"));
        assert!(!information.has_word("counter"));
        assert!(!information.has_word("rest"));
    }

    #[test]
    fn a_long_command_line_is_cut() {
        let mut information = Information::default();
        information.set_command_line(&[b'x'; 1000]);
        assert_eq!(information.command_line.len(), COMMAND_LINE_BYTES);
    }
}
