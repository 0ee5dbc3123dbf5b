//! What one call of a servant came to, and how the servant reports it.

use crate::op::Out;
use cedo_lib::abi::Tag;

/// What one call came to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub out: Out,
    /// Message words that were one higher than the word before, counted from word 0.
    pub in_order: u64,
    /// When it ended, among all steps of the Space.
    pub stamp: u64,
}

/// Words of a packed outcome.
pub const WORDS: usize = 13;

impl Outcome {
    pub const NOTHING: Outcome = Outcome { out: Out::NOTHING, in_order: 0, stamp: 0 };

    /// As message words.
    pub const fn pack(&self) -> [u64; WORDS] {
        let Outcome { out, in_order, stamp } = self;
        let [w0, w1, w2, w3, w4, w5, w6] = out.words;
        let Out { result, badge, token, tag, .. } = *out;
        [result, badge, token, tag.0, *in_order, *stamp, w0, w1, w2, w3, w4, w5, w6]
    }

    /// Out of message words.
    pub const fn unpack(packed: [u64; WORDS]) -> Outcome {
        let [result, badge, token, tag, in_order, stamp, words @ ..] = packed;
        Outcome { out: Out { result, badge, token, tag: Tag(tag), words }, in_order, stamp }
    }
}
