//! What the loop knows of each child: its reply token, which it has exactly while it is ready.

use crate::policy::CHILDREN;
use cedo_abi::Token;

/// Tokens by child.
pub(super) struct Book {
    tokens: [u64; CHILDREN],
    known: usize,
}

impl Book {
    /// `known` children (at most [`CHILDREN`]), none of them ready.
    pub(super) const fn new(known: usize) -> Book {
        Book { tokens: [0; CHILDREN], known: if known < CHILDREN { known } else { CHILDREN } }
    }

    /// The child with this cookie.
    #[inline]
    pub(super) fn child(&self, cookie: u64) -> Option<usize> {
        let child = cookie.wrapping_sub(1) as usize;
        (child < self.known).then_some(child)
    }

    /// Makes room for one more child, if there is room.
    pub(super) fn add(&mut self) -> Option<usize> {
        let child = self.known;
        (child < CHILDREN).then(|| {
            self.known += 1;
            child
        })
    }

    /// The child is ready with this token.
    #[inline]
    pub(super) fn put(&mut self, child: usize, token: Token) {
        if let Some(place) = self.tokens.get_mut(child) {
            *place = token.0;
        }
    }

    /// The child is no longer ready; its token, if it was.
    #[inline]
    pub(super) fn take(&mut self, child: usize) -> Option<Token> {
        let token = core::mem::take(self.tokens.get_mut(child)?);
        (token != 0).then_some(Token(token))
    }

    /// True if the child is ready.
    #[inline]
    pub(super) fn is_ready(&self, child: usize) -> bool {
        self.tokens.get(child).is_some_and(|token| *token != 0)
    }
}
