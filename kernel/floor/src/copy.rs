//! Bytes from one frame to another, as words: user memory that anybody may write meanwhile.

use crate::objects::Words;
use cedo_machine::atomic::{AtomicU64, Ordering::Relaxed};

const WORD: usize = 8;

/// Copies `count` bytes. Both ranges end within their frames; what lies beyond is not copied. Bytes
/// beside the target range keep what others write there at the same time.
pub fn copy_bytes(
    (source, source_offset): (&Words, usize),
    (target, target_offset): (&Words, usize),
    count: usize,
) {
    let (mut from, mut to, end) = (source_offset, target_offset, target_offset + count);
    while to < end {
        if from % WORD == 0 && to % WORD == 0 && end - to >= WORD {
            let whole = (end - to) / WORD;
            let words = source.iter().skip(from / WORD).zip(target.iter().skip(to / WORD));
            words.take(whole).for_each(|(from, to)| to.store(from.load(Relaxed), Relaxed));
            (from, to) = (from + whole * WORD, to + whole * WORD);
            continue;
        }
        let within = to % WORD;
        let bytes = (WORD - within).min(end - to);
        let Some(word) = target.get(to / WORD) else { return };
        put(word, within, bytes, unaligned(source, from));
        (from, to) = (from + bytes, to + bytes);
    }
}

/// The eight bytes that start at `offset`; zeroes beyond the end of the frame.
#[inline]
fn unaligned(words: &Words, offset: usize) -> u64 {
    let word = |index: usize| words.get(index).map_or(0, |word| word.load(Relaxed));
    let shift = (offset % WORD) as u32 * u8::BITS;
    let low = word(offset / WORD) >> shift;
    if shift == 0 { low } else { low | word(offset / WORD + 1) << (u64::BITS - shift) }
}

/// Replaces `bytes` bytes of a word, from byte `within` on, by the lowest ones of `value`.
#[inline]
fn put(word: &AtomicU64, within: usize, bytes: usize, value: u64) {
    if bytes == WORD {
        return word.store(value, Relaxed);
    }
    let mask = ((1 << (bytes as u32 * u8::BITS)) - 1) << (within as u32 * u8::BITS);
    let value = value << (within as u32 * u8::BITS) & mask;
    // Two steps rather than a loop, which a user could keep from ending.
    word.fetch_and(!mask, Relaxed);
    word.fetch_or(value, Relaxed);
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::boxed::Box;
    use std::vec;
    use std::vec::Vec;

    fn frame(byte: impl Fn(usize) -> u8) -> Box<Words> {
        let word = |word: usize| u64::from_le_bytes(core::array::from_fn(|at| byte(word * 8 + at)));
        Box::new(core::array::from_fn(|index| AtomicU64::new(word(index))))
    }

    fn bytes(words: &Words) -> Vec<u8> {
        words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect()
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes long")]
    fn every_alignment_and_length_copies_these_bytes_and_no_others() {
        let source = frame(|at| at as u8 ^ (at >> 8) as u8);
        for from in 0..9 {
            for to in 0..9 {
                for count in (0..40).chain([4096 - 9]) {
                    let target = frame(|_| 0xa5);
                    copy_bytes((&source, from), (&target, to), count);
                    let mut expected = vec![0xa5; 4096];
                    expected[to..to + count].copy_from_slice(&bytes(&source)[from..from + count]);
                    assert_eq!(bytes(&target), expected, "{from} {to} {count}");
                }
            }
        }
    }

    #[test]
    fn the_last_bytes_of_a_frame_can_be_copied() {
        let (source, target) = (frame(|at| at as u8), frame(|_| 0));
        copy_bytes((&source, 4093), (&target, 4090), 3);
        assert_eq!(bytes(&target)[4090..], [253, 254, 255, 0, 0, 0]);
        copy_bytes((&source, 0), (&target, 0), 4096);
        assert_eq!(bytes(&source), bytes(&target));
    }
}
