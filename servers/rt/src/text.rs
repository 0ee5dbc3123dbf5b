//! Text as message words: word 0 is the number of bytes, the bytes follow eight to a word, the first
//! in the low byte. `Core` WRITE and the console server both take it so.

use cedo_abi::{MESSAGE_WORDS, REGISTER_WORDS};

/// Label of a message of text: WRITE of the console server.
pub const LABEL: u32 = 1;
/// Label of a call that waits until all text has left: FLUSH of the console server.
pub const FLUSH_LABEL: u32 = 3;
/// Bytes of text that fit a message of the longest kind.
pub const MESSAGE_BYTES: usize = 8 * (MESSAGE_WORDS - 1);
/// Bytes of text that fit registers.
pub const REGISTER_BYTES: usize = 8 * (REGISTER_WORDS - 1);

/// Packs as much of `text` as fits `words`; returns the words used.
pub fn pack(text: &[u8], words: &mut [u64]) -> usize {
    let Some((length, places)) = words.split_first_mut() else { return 0 };
    let text = &text[..text.len().min(8 * places.len())];
    *length = text.len() as u64;
    for (place, piece) in places.iter_mut().zip(text.chunks(8)) {
        let mut bytes = [0; 8];
        bytes[..piece.len()].copy_from_slice(piece);
        *place = u64::from_le_bytes(bytes);
    }
    1 + text.len().div_ceil(8)
}

/// Byte `index` of text in `words`, where there is one.
#[inline]
pub fn byte(words: &[u64], index: usize) -> Option<u8> {
    let length = usize::try_from(*words.first()?).ok()?;
    let word = words.get(1 + index / 8)?;
    (index < length).then(|| word.to_le_bytes()[index % 8])
}

#[cfg(test)]
mod tests {
    use super::{byte, pack};
    use std::vec::Vec;

    #[test]
    fn text_comes_out_as_it_went_in_and_is_cut_where_the_words_end() {
        for length in 0..60 {
            let text: Vec<u8> = (0..length).collect();
            let mut words = [u64::MAX; 7];
            let used = pack(&text, &mut words);
            let kept = text.len().min(48);
            assert_eq!(used, 1 + kept.div_ceil(8));
            let back: Vec<u8> = (0..).map_while(|index| byte(&words, index)).collect();
            assert_eq!(back, text[..kept]);
        }
    }
}
