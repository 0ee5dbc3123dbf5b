//! Gives back tables that no core can reach any more, with what they map: those of a dying Space, and
//! those that were taken back.

use super::stock::free_pair;
use super::{Pair, Table, Tables, table_in};
use cedo_floor::FrameKind;
use cedo_machine::atomic::Ordering;
use cedo_machine::{Frame, Machine, PageFormat};

/// Pairs of stock that one step gives back.
const STOCK_PER_STEP: usize = 32;
/// Pages that one step gives back.
const PAGES_PER_STEP: usize = 64;

impl<'a, M: Machine> Tables<'a, M> {
    /// One step of tearing down a page table that no core has loaded: pages of one leaf table, or one
    /// empty table, or some of the stock. False if nothing is left but the top level.
    pub fn tear_down_step(&self) -> bool {
        let Some(top) = self.table_at(self.space.page_table) else { return false };
        match self.first_table(top, M::Pages::LEVELS) {
            Some((place, lower)) => {
                self.tear_down_below(place, lower, M::Pages::LEVELS - 1);
                true
            }
            None => self.free_stock(STOCK_PER_STEP),
        }
    }

    /// One step of tearing down the table `at` of `level`, which only `place` leads to: pages of one
    /// leaf table below it, or one empty table, perhaps itself.
    pub(super) fn tear_down_below(&self, place: Pair<'a>, at: Frame, level: u32) {
        let (mut place, mut at) = (place, at);
        for level in (1..=level).rev() {
            let Some(table) = self.table_at(at) else { return };
            if level == 1 && !self.empty_some(table) {
                return;
            }
            let lower = if level > 1 { self.first_table(table, level) } else { None };
            match lower {
                Some(lower) => (place, at) = lower,
                None => {
                    place.entry.store(0, Ordering::Release);
                    place.origin.store(0, Ordering::Relaxed);
                    free_pair(self.objects, at, FrameKind::PageTable);
                    return;
                }
            }
        }
    }

    /// Empties entries of a leaf table. False if there are more.
    fn empty_some(&self, table: Table<'_>) -> bool {
        let mut pairs = (0..512).filter_map(|index| table.pair(index));
        let mut full = pairs.by_ref().filter(|pair| pair.entry.load(Ordering::Acquire) != 0);
        full.by_ref().take(PAGES_PER_STEP).for_each(|pair| self.empty(pair));
        full.next().is_none()
    }

    /// The first table that the user part of an upper table leads to.
    fn first_table(&self, table: Table<'a>, level: u32) -> Option<(Pair<'a>, Frame)> {
        let is_user =
            |index: &usize| level < M::Pages::LEVELS || !M::Pages::is_kernel_entry(*index);
        let pairs = (0..512).filter(is_user).filter_map(|index| table.pair(index));
        pairs
            .into_iter()
            .find_map(|pair| Some((pair, table_in::<M>(pair.entry.load(Ordering::Acquire))?)))
    }
}
