//! What victims say to each other: every word of a message follows from who calls, the number of the
//! call, and the place of the word, so whoever gets it knows what it must be.

use cedo_abi::{MESSAGE_WORDS, Tag};

/// Label of calls.
pub const CALL: u32 = 3;
/// Label of answers.
pub const ANSWER: u32 = 4;

/// The tag of a call.
pub const fn tag(number: u64) -> Tag {
    Tag::new(CALL, length(number))
}

/// Words of a call, or of the answer to the call before.
pub const fn length(number: u64) -> usize {
    1 + (number * 7 % MESSAGE_WORDS as u64) as usize
}

/// Word `index` of a call.
pub const fn word(client: u64, number: u64, index: usize) -> u64 {
    match index {
        0 => number,
        _ => mix(client << 48 | number << 8 | index as u64),
    }
}

/// Word `index` of the answer.
pub const fn answer(client: u64, number: u64, index: usize) -> u64 {
    mix(word(client, number, index) ^ 0x55)
}

/// A word that looks like no other.
pub const fn mix(word: u64) -> u64 {
    (word ^ word >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
