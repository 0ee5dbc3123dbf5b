//! Which frames hold what an origin is known of: objects, and frames of stock.
//!
//! One bit per frame; behind those, one bit per word of them, which stays once it is set. So a walk
//! over all objects takes a look at one word for 4096 frames that never held one.

use cedo_machine::Frame;
use cedo_machine::atomic::{AtomicU64, Ordering};

/// Frames of a word.
const FRAMES: u32 = 64;

/// The map of all frames. Copies name the same map.
#[derive(Clone, Copy, Debug)]
pub struct ObjectMap {
    words: &'static [AtomicU64],
    summary: &'static [AtomicU64],
}

/// What a walk over the map has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Walk {
    /// This frame is marked.
    At(Frame),
    /// Looked at as many words as was allowed; goes on from here.
    Pause(Frame),
    /// There are no more.
    End,
}

impl ObjectMap {
    /// The map that boot code zeroed, of [`cedo_machine::object_map_words`] words for `frames`
    /// frames. A shorter one finds less.
    pub fn new(map: &'static [AtomicU64], frames: usize) -> ObjectMap {
        let (words, summary) = map.split_at(frames.div_ceil(FRAMES as usize).min(map.len()));
        ObjectMap { words, summary }
    }

    /// Marks a frame.
    pub fn mark(self, frame: Frame) {
        let index = (frame.0 / FRAMES) as usize;
        if let Some(word) = self.words.get(index) {
            word.fetch_or(bit(frame.0), Ordering::AcqRel);
        }
        if let Some(word) = self.summary.get(index / FRAMES as usize)
            && word.load(Ordering::Relaxed) & bit(index as u32) == 0
        {
            word.fetch_or(bit(index as u32), Ordering::AcqRel);
        }
    }

    /// Takes the mark off.
    pub fn unmark(self, frame: Frame) {
        if let Some(word) = self.words.get((frame.0 / FRAMES) as usize) {
            word.fetch_and(!bit(frame.0), Ordering::AcqRel);
        }
    }

    /// True if the frame is marked.
    pub fn is_marked(self, frame: Frame) -> bool {
        let word = self.words.get((frame.0 / FRAMES) as usize);
        word.is_some_and(|word| word.load(Ordering::Acquire) & bit(frame.0) != 0)
    }

    /// The first marked frame from `from` on. Each word it looks at takes one off `looks`.
    pub fn next(self, from: Frame, looks: &mut u32) -> Walk {
        let mut index = from.0 / FRAMES;
        let mut wanted = u64::MAX << (from.0 % FRAMES);
        while let Some(word) = self.words.get(index as usize) {
            let found = word.load(Ordering::Acquire) & wanted;
            if found != 0 {
                return Walk::At(Frame(index * FRAMES + found.trailing_zeros()));
            }
            *looks = looks.saturating_sub(1);
            let Some(next) = self.next_word(index + 1, looks) else { return Walk::End };
            (index, wanted) = (next, u64::MAX);
            if *looks == 0 {
                return Walk::Pause(Frame(index.saturating_mul(FRAMES)));
            }
        }
        Walk::End
    }

    /// The first word from `index` on that ever held a mark, or, if `looks` runs out, one before it.
    fn next_word(self, index: u32, looks: &mut u32) -> Option<u32> {
        let mut at = index / FRAMES;
        let mut wanted = u64::MAX << (index % FRAMES);
        while *looks > 0 {
            let found = self.summary.get(at as usize)?.load(Ordering::Acquire) & wanted;
            if found != 0 {
                return Some(at * FRAMES + found.trailing_zeros());
            }
            *looks -= 1;
            (at, wanted) = (at + 1, u64::MAX);
        }
        Some((at * FRAMES).max(index))
    }
}

const fn bit(number: u32) -> u64 {
    1 << (number % FRAMES)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use cedo_machine::object_map_words;
    use std::vec::Vec;

    fn map(frames: usize) -> ObjectMap {
        let words: Vec<_> = (0..object_map_words(frames)).map(|_| AtomicU64::new(0)).collect();
        ObjectMap::new(words.leak(), frames)
    }

    fn all(map: ObjectMap, looks_per_step: u32) -> Vec<u32> {
        let (mut from, mut found) = (Frame(0), Vec::new());
        loop {
            match map.next(from, &mut looks_per_step.clone()) {
                Walk::At(frame) => {
                    found.push(frame.0);
                    from = frame.plus(1);
                }
                Walk::Pause(next) => {
                    assert!(next > from, "a walk gets on");
                    from = next;
                }
                Walk::End => return found,
            }
        }
    }

    #[test]
    fn a_walk_finds_exactly_what_is_marked_however_little_it_may_look_at() {
        // An interpreter takes minutes for the longer way.
        let (frames, far): (_, &[u32]) =
            if cfg!(miri) { (9000, &[8999]) } else { (300_000, &[100_000, 262_144, 299_999]) };
        let map = map(frames);
        let marked = [&[1, 63, 64, 65, 4095, 4096, 8000], far].concat();
        let last = frames as u32 - 1;
        assert_eq!(all(map, 1), []);
        marked.iter().for_each(|frame| map.mark(Frame(*frame)));
        for looks in [1, 2, 3, 1000] {
            assert_eq!(all(map, looks), marked, "{looks}");
        }
        map.unmark(Frame(64));
        map.unmark(Frame(last));
        assert!(!map.is_marked(Frame(64)) && map.is_marked(Frame(65)));
        for looks in [1, 2, 3, 1000] {
            let left: Vec<u32> =
                marked.iter().copied().filter(|it| ![64, last].contains(it)).collect();
            assert_eq!(all(map, looks), left, "{looks}");
        }
    }

    #[test]
    fn what_is_outside_is_never_marked() {
        let map = map(100);
        map.mark(Frame(1 << 20));
        assert!(!map.is_marked(Frame(1 << 20)));
        assert_eq!(map.next(Frame(u32::MAX), &mut 10), Walk::End);
        assert_eq!(all(map, 1), []);
    }
}
