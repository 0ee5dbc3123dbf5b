//! Inputs made of valid files: a few changes each, most of them where lengths, offsets and counts are.
#![expect(clippy::ptr_arg, reason = "all changes have one type")]

use crate::random::Random;

/// Longest input; longer ones are cut.
pub const MOST_BYTES: usize = 64 << 10;
/// Most changes of one input.
const MOST_CHANGES: usize = 6;
/// Numbers at which readers go wrong.
const NUMBERS: [u64; 20] = [
    0,
    1,
    2,
    7,
    8,
    0x7f,
    0xff,
    0xfff,
    0x1000,
    0x1001,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    1 << 47,
    i64::MAX as u64,
    u64::MAX - 0xfff,
    u64::MAX,
];

/// A change of bytes.
type Change = fn(&mut Vec<u8>, &mut Random, &Material<'_>);

const CHANGES: [Change; 10] = [
    flip_bit,
    set_byte,
    set_number,
    set_number,
    nudge_number,
    nudge_number,
    remove,
    repeat,
    cut,
    splice,
];

/// What inputs are made of.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// Valid files.
    pub files: &'a [Vec<u8>],
    /// Words of a format that is text; none for others.
    pub words: &'a [&'a str],
}

/// An input.
pub fn input(material: &Material<'_>, random: &mut Random) -> Vec<u8> {
    let mut bytes = material.files[random.below(material.files.len())].clone();
    for _ in 0..random.below(MOST_CHANGES + 1) {
        if !material.words.is_empty() && random.below(2) == 0 {
            insert_word(&mut bytes, random, material);
        } else {
            random.of(&CHANGES)(&mut bytes, random, material);
        }
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn flip_bit(bytes: &mut Vec<u8>, random: &mut Random, _: &Material<'_>) {
    let place = random.below(bytes.len());
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1 << random.below(8);
    }
}

fn set_byte(bytes: &mut Vec<u8>, random: &mut Random, _: &Material<'_>) {
    let place = random.below(bytes.len());
    if let Some(byte) = bytes.get_mut(place) {
        *byte = random.next() as u8;
    }
}

/// A field of 1, 2, 4 or 8 bytes on its own alignment, in the first part of the file more often.
fn field<'a>(bytes: &'a mut [u8], random: &mut Random) -> Option<&'a mut [u8]> {
    let size = 1 << random.below(4);
    let within = if random.below(2) == 0 { bytes.len().min(512) } else { bytes.len() };
    let start = random.below(within) & !(size - 1);
    bytes.get_mut(start..start + size)
}

fn set_number(bytes: &mut Vec<u8>, random: &mut Random, _: &Material<'_>) {
    let length = bytes.len() as u64;
    let number = match random.below(4) {
        0 => length.wrapping_add(random.below(9) as u64).wrapping_sub(4),
        1 => random.next() >> random.below(64),
        2 => random.below(bytes.len().max(1)) as u64 & !7,
        _ => random.of(&NUMBERS),
    };
    if let Some(field) = field(bytes, random) {
        field.copy_from_slice(&number.to_le_bytes()[..field.len()]);
    }
}

fn nudge_number(bytes: &mut Vec<u8>, random: &mut Random, _: &Material<'_>) {
    let by =
        random.of(&[1_u64, 2, 4, 8, 0x1000, 1 << 32, u64::MAX, u64::MAX - 7, u64::MAX - 0xfff]);
    if let Some(field) = field(bytes, random) {
        let mut number = [0; 8];
        number[..field.len()].copy_from_slice(field);
        let number = u64::from_le_bytes(number).wrapping_add(by).to_le_bytes();
        field.copy_from_slice(&number[..field.len()]);
    }
}

/// A short range somewhere.
fn range(bytes: &[u8], random: &mut Random) -> core::ops::Range<usize> {
    let start = random.below(bytes.len());
    let longest = random.of(&[4, 8, 64, 4096]);
    start..(start + 1 + random.below(longest)).min(bytes.len())
}

fn remove(bytes: &mut Vec<u8>, random: &mut Random, _: &Material<'_>) {
    let range = range(bytes, random);
    bytes.drain(range);
}

fn repeat(bytes: &mut Vec<u8>, random: &mut Random, _: &Material<'_>) {
    let copy = bytes[range(bytes, random)].to_vec();
    let place = random.below(bytes.len() + 1);
    bytes.splice(place..place, copy);
}

fn cut(bytes: &mut Vec<u8>, random: &mut Random, _: &Material<'_>) {
    bytes.truncate(random.below(bytes.len() + 1));
}

/// A part of another file over a part of this one.
fn splice(bytes: &mut Vec<u8>, random: &mut Random, material: &Material<'_>) {
    let other = &material.files[random.below(material.files.len())];
    let part = other[range(other, random)].to_vec();
    let place = range(bytes, random);
    bytes.splice(place, part);
}

fn insert_word(bytes: &mut Vec<u8>, random: &mut Random, material: &Material<'_>) {
    let word = random.of(material.words);
    let place = random.below(bytes.len() + 1);
    let replaced = if random.below(2) == 0 { place } else { range(bytes, random).end.max(place) };
    bytes.splice(place..replaced.min(bytes.len()), word.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_copes_with_every_length() {
        for length in [0, 1, 2, 3, 7, 8, 9, 5000] {
            let files = [vec![1; length], Vec::new()];
            let material = Material { files: &files, words: &["word"] };
            for case in 0..300 {
                let mut random = Random::new(1, case);
                for change in CHANGES {
                    change(&mut vec![2; length], &mut random, &material);
                }
                insert_word(&mut vec![2; length], &mut random, &material);
            }
        }
    }

    #[test]
    fn a_case_is_the_same_each_time() {
        let files = [b"some file".to_vec(), vec![0; 100]];
        let material = Material { files: &files, words: &[] };
        let make = |case| input(&material, &mut Random::new(7, case));
        assert!((0..100).all(|case| make(case) == make(case)));
        assert!((0..100).any(|case| make(case) != make(case + 1)));
    }
}
