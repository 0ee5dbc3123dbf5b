//! What `to` and `from` can say: a slot, a reserved name, or a reply token.

/// Names that are not slots. A capability table has fewer slots than the lowest of them.
pub mod reserved {
    /// The caller itself, or its Space.
    pub const SELF: u64 = 0xffff_fff0;
    /// The caller's scheduler.
    pub const MY_SCHEDULER: u64 = 0xffff_fff1;
    /// The caller's fault handler.
    pub const MY_HANDLER: u64 = 0xffff_fff2;
    /// Whoever comes: an open receive.
    pub const ANY: u64 = 0xffff_fff3;
    /// Nobody.
    pub const NOBODY: u64 = 0xffff_fff4;
}

pub use reserved::*;

/// A word that names a partner, taken apart. Still untrusted: a slot may be empty, a token stale.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Name {
    /// A slot of the caller's capability table.
    Slot(u32),
    /// The caller.
    Myself,
    /// The caller's scheduler.
    MyScheduler,
    /// The caller's fault handler.
    MyHandler,
    /// Whoever comes.
    Any,
    /// Nobody.
    Nobody,
    /// A reply token.
    Token(Token),
}

impl Name {
    /// Takes a word apart; nothing if it can name nothing.
    #[inline]
    pub const fn from_word(word: u64) -> Option<Name> {
        if let Some(token) = Token::of_word(word) {
            return Some(Name::Token(token));
        }
        if word < SELF {
            return Some(Name::Slot(word as u32));
        }
        Some(match word {
            SELF => Name::Myself,
            MY_SCHEDULER => Name::MyScheduler,
            MY_HANDLER => Name::MyHandler,
            ANY => Name::Any,
            NOBODY => Name::Nobody,
            _ => return None,
        })
    }
}

/// The right to answer one wait once: `1 | frame (31 bits) | sequence (32 bits)`.
///
/// A token is no secret. It counts only if the object in that frame is in exactly the wait with
/// that sequence number, and that wait is owed to the presenter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Token(pub u64);

impl Token {
    /// The token for the wait `sequence` of the object in `frame`.
    #[inline]
    pub const fn new(frame: u32, sequence: u32) -> Token {
        Token(1 << 63 | (frame as u64) << 32 | sequence as u64)
    }

    /// The token that a word is, if it is one.
    #[inline]
    pub const fn of_word(word: u64) -> Option<Token> {
        if word >> 63 != 0 { Some(Token(word)) } else { None }
    }

    /// Frame number of the thread or interrupt object.
    #[inline]
    pub const fn frame(self) -> u32 {
        (self.0 >> 32 & 0x7fff_ffff) as u32
    }

    /// Which wait of that object.
    #[inline]
    pub const fn sequence(self) -> u32 {
        self.0 as u32
    }
}
