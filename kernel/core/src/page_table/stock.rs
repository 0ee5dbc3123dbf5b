//! The frames that a Space's page tables are made of: pairs of neighbours, for table and twin.
//!
//! The first frame of a pair is linked into the Space's stock, marked in the map of objects, and says
//! in its first words where it is and where it came from; everything else in both is zero.
//!
//! ```text
//! word 0   next pair or 0      word 2, 3   origin
//! word 1   previous pair or 0  word 4      frame of the Space
//! ```

use super::{Pair, Tables};
use crate::kernel::Kernel;
use crate::object::KernelTypes;
use crate::object::origin::{self, Origin};
use cedo_abi::Status;
use cedo_floor::{FrameKind, Objects, SpaceId, Words};
use cedo_machine::atomic::Ordering;
use cedo_machine::{Frame, Machine, PageFormat};

/// Frames of a page table: itself and its twin.
pub const PAIR: u32 = 2;
/// Words that are not zero while a pair is stock.
const USED_WORDS: usize = 5;

/// Claims unused memory as a pair of stock of nobody. False, and nothing is claimed, if it is in use.
pub fn claim_pair<M: Machine>(objects: &mut Objects<KernelTypes<M>>, first: Frame) -> bool {
    if !objects.claim_words(first, FrameKind::Stock) {
        return false;
    }
    let both = objects.claim_words(first.plus(1), FrameKind::Twin);
    if !both {
        objects.table().turn(first, FrameKind::Stock, FrameKind::Ram);
    }
    both
}

/// Makes memory of a pair that nobody reaches any more: of stock, or of a table.
pub fn free_pair<M: Machine>(objects: &Objects<KernelTypes<M>>, first: Frame, kind: FrameKind) {
    objects.table().turn(first, kind, FrameKind::Ram);
    objects.table().turn(first.plus(1), FrameKind::Twin, FrameKind::Ram);
}

impl<M: Machine> Tables<'_, M> {
    /// Puts a pair from [`claim_pair`] into the stock.
    pub fn push_stock(&self, first: Frame, origin: Option<Origin>) {
        let Some(words) = self.objects.words(first) else { return };
        let next = self.space.stock.load(Ordering::Relaxed);
        let [place, stamp] = Origin::to_words(origin);
        let owner = u64::from(self.space.frame().0);
        let values = [u64::from(next), 0, place, stamp, owner];
        words.iter().zip(values).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
        self.link(Frame(next), 1, first);
        self.space.stock.store(first.0, Ordering::Relaxed);
        self.table().map().mark(first);
    }

    /// Makes a table of the stock and puts it at `place`, an empty entry. Errors: `NoStock`.
    pub(super) fn take_table(&self, place: Pair<'_>) -> Result<Frame, Status> {
        let first = self.first_stock().ok_or(Status::NoStock)?;
        let origin = self.unlink(first).ok_or(Status::NoStock)?;
        if !self.table().turn(first, FrameKind::Stock, FrameKind::PageTable) {
            return Err(Status::NoStock);
        }
        place.origin.store(Origin::packed(origin), Ordering::Relaxed);
        place.entry.store(M::Pages::table(first), Ordering::Release);
        Ok(first)
    }

    /// Makes memory of some pairs of the stock. False if there were none.
    pub(super) fn free_stock(&self, most: usize) -> bool {
        for done in 0..most {
            let Some(first) = self.first_stock() else { return done > 0 };
            self.unlink(first);
            free_pair(self.objects, first, FrameKind::Stock);
        }
        true
    }

    fn first_stock(&self) -> Option<Frame> {
        Some(Frame(self.space.stock.load(Ordering::Relaxed))).filter(|first| first.0 != 0)
    }

    /// Takes a pair out of the stock: all of it is zero again. Returns its origin.
    fn unlink(&self, first: Frame) -> Option<Option<Origin>> {
        let words = self.objects.words(first)?;
        self.table().map().unmark(first);
        let mut values = [0; USED_WORDS];
        for (value, word) in values.iter_mut().zip(words) {
            *value = word.swap(0, Ordering::Relaxed);
        }
        let [next, previous, place, stamp, _] = values;
        let (next, previous) = (Frame(next as u32), Frame(previous as u32));
        self.link(next, 1, previous);
        if previous.0 == 0 {
            self.space.stock.store(next.0, Ordering::Relaxed);
        } else {
            self.link(previous, 0, next);
        }
        Some(Origin::from_words(place, stamp))
    }

    /// Sets a link of the pair `at`, if there is one.
    fn link(&self, at: Frame, word: usize, to: Frame) {
        if at.0 != 0
            && let Some(words) = self.objects.words(at)
        {
            words[word].store(u64::from(to.0), Ordering::Relaxed);
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// Takes a pair out of its Space's stock and makes memory of it, if it is dead.
    pub fn collect_stock(&self, first: Frame) {
        let Some(words) = self.objects.words(first) else { return };
        let owner = |words: &Words| SpaceId::from_number(words[4].load(Ordering::Acquire) as u32);
        let Some(id) = owner(words) else { return };
        if self.objects.table().entry(id.frame()).kind() != FrameKind::Space {
            return;
        }
        let space = self.space(id);
        let _held = space.lock.lock(M::relax);
        let table = self.objects.table();
        // With the lock held the stock of this Space stands still.
        let is_stock = table.entry(first).kind() == FrameKind::Stock
            && table.map().is_marked(first)
            && owner(words) == Some(id);
        let word = |index: usize| words[index].load(Ordering::Relaxed);
        if is_stock && !origin::is_alive(&self.objects, Origin::from_words(word(2), word(3))) {
            self.tables(space).unlink(first);
            free_pair(&self.objects, first, FrameKind::Stock);
        }
    }
}
