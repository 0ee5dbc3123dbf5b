//! Copying and restoring the whole world, and fingerprints of it.
//!
//! A snapshot holds one reference per frame; equal contents are stored once for all snapshots of a
//! world. Both taking and restoring compare every frame with what is known and copy only what
//! differs, so a search through thousands of states pays for what a step has touched.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use cedo_machine::atomic::{AtomicU64, Ordering};
use cedo_machine::{Frame, Platform, Upcalls};

use crate::board::{Board, State};
use crate::memory::{FRAME_WORDS, Memory};
use crate::{HostMachine, World};

/// Contents of one frame, or of 512 words of the frame table or of the map of objects.
struct Image {
    hash: u64,
    words: Vec<u64>,
}

/// A world at one moment: frames, frame table and map of objects, machine, and `S`: what the caller
/// took from the
/// kernels.
pub struct Snapshot<S> {
    board: Rc<Board>,
    images: Vec<Rc<Image>>,
    state: State,
    kernels: S,
}

/// Everything that is known about the contents of memory.
pub(crate) struct Images {
    /// The frames, then the frame table and the map of objects in pieces.
    cells: Vec<&'static [AtomicU64]>,
    /// What each of `cells` was when last looked at.
    known: Vec<Rc<Image>>,
    /// All images that snapshots may share.
    by_hash: HashMap<u64, Vec<Rc<Image>>>,
    stored: usize,
    sweep_at: usize,
}

impl<K: Upcalls<Machine = HostMachine>> World<K> {
    /// Copies the world. `capture` copies what the kernels keep outside frames: in themselves, and
    /// in what they share.
    pub fn snapshot<S>(&mut self, capture: impl FnOnce(&[K], &K::Shared) -> S) -> Snapshot<S> {
        (0..self.images.cells.len()).for_each(|index| self.images.refresh(index));
        Snapshot {
            board: Rc::clone(&self.board),
            images: self.images.known.clone(),
            state: self.board.state.borrow().clone(),
            kernels: capture(&self.kernels, self.shared),
        }
    }

    /// Makes the world what it was. `restore` puts back what `capture` took; after a panic or
    /// [`cedo_machine::Machine::power`] the kernels may be in the middle of anything before.
    pub fn restore<S>(
        &mut self,
        snapshot: &Snapshot<S>,
        restore: impl FnOnce(&mut [K], &K::Shared, &S),
    ) {
        assert!(Rc::ptr_eq(&self.board, &snapshot.board), "a snapshot of another world");
        self.images.restore(&snapshot.images);
        self.board.state.borrow_mut().clone_from(&snapshot.state);
        restore(&mut self.kernels, self.shared, &snapshot.kernels);
    }

    /// A hash of the contents of these frames.
    pub fn fingerprint(&mut self, frames: &[Frame]) -> u64 {
        let mut mix = Mix::default();
        for frame in frames {
            self.images.refresh(frame.0 as usize);
            (frame, self.images.known[frame.0 as usize].hash).hash(&mut mix);
        }
        mix.finish()
    }

    /// Hashes the machine: modes, current threads, page tables, translations, pending interrupts
    /// and lines; the deadlines as time left. Not counters, console and time.
    pub fn hash_machine(&self, hasher: &mut impl Hasher) {
        self.board.hash_state(hasher);
    }
}

impl Images {
    pub fn new(memory: Memory, platform: &Platform) -> Images {
        let frames = (0..memory.frames()).map(|frame| &memory.words(Frame(frame))[..]);
        let tables = [platform.frame_table, platform.object_map];
        let tables = tables.into_iter().flat_map(|table| table.chunks(FRAME_WORDS));
        let cells: Vec<_> = frames.chain(tables).collect();
        let unknown = Rc::new(Image { hash: 0, words: Vec::new() });
        let known = vec![unknown; cells.len()];
        Images { cells, known, by_hash: HashMap::new(), stored: 0, sweep_at: 4096 }
    }

    /// Images kept.
    #[cfg(test)]
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// Looks at one frame again.
    fn refresh(&mut self, index: usize) {
        if self.known[index].is(self.cells[index]) {
            return;
        }
        let words: Vec<u64> = self.cells[index].iter().map(load).collect();
        let mut mix = Mix::default();
        words.iter().for_each(|word| mix.write_u64(*word));
        self.known[index] = self.intern(Image { hash: mix.finish(), words });
    }

    /// The stored image with these contents.
    fn intern(&mut self, image: Image) -> Rc<Image> {
        self.sweep();
        let same = self.by_hash.entry(image.hash).or_default();
        if let Some(stored) = same.iter().find(|stored| stored.words == image.words) {
            return Rc::clone(stored);
        }
        let image = Rc::new(image);
        same.push(Rc::clone(&image));
        self.stored += 1;
        image
    }

    /// Forgets, from time to time, images that no snapshot has any more.
    fn sweep(&mut self) {
        if self.stored < self.sweep_at {
            return;
        }
        self.by_hash.retain(|_, images| {
            images.retain(|image| Rc::strong_count(image) > 1);
            !images.is_empty()
        });
        self.stored = self.by_hash.values().map(Vec::len).sum();
        self.sweep_at = 2 * self.stored.max(2048);
    }

    fn restore(&mut self, images: &[Rc<Image>]) {
        for ((cells, known), image) in self.cells.iter().zip(&mut self.known).zip(images) {
            if !image.is(cells) {
                let pairs = cells.iter().zip(&image.words);
                pairs.for_each(|(cell, word)| cell.store(*word, Ordering::Relaxed));
            }
            *known = Rc::clone(image);
        }
    }
}

impl Image {
    /// True if the cells have these contents.
    fn is(&self, cells: &[AtomicU64]) -> bool {
        self.words.len() == cells.len()
            && cells.iter().zip(&self.words).all(|(cell, word)| load(cell) == *word)
    }
}

fn load(cell: &AtomicU64) -> u64 {
    cell.load(Ordering::Relaxed)
}

/// A fast hash for fingerprints, the same in every run: multiply and rotate, mixed at the end as in
/// S. Vigna's splitmix64. Not for hostile input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        mixed(self.0)
    }
}

/// The output function of splitmix64: every input bit reaches every output bit.
pub(crate) fn mixed(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
