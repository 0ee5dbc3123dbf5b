//! The page-table walker: the same for every format of entries.
//!
//! A leaf entry is in one of three states:
//!
//! ```text
//!              map                      unmap
//!   0 (empty) -----> present leaf ----------------> zombie
//!       ^                                             |
//!       +------- bury: every core has flushed --------+
//!
//!   zombie   63 ..... 12 | 11 .. 3 | 2       | 1 | 0
//!            frame       | 0       | counted | 1 | 0 (not present)
//! ```
//!
//! A zombie is a page that nobody can reach any more but by a cached translation: it still counts as
//! a mapping of its frame, and nothing is mapped over it. Only the call that made it buries it.
//!
//! Callers hold the Space's lock. Intermediate tables come from the Space's stock and stay until the
//! Space is destroyed.

use crate::kernel::Kernel;
use crate::object::KernelTypes;
use crate::object::space::Space;
use cedo_abi::Status;
use cedo_floor::{FrameKind, FrameTable, Objects, Words};
use cedo_machine::atomic::{AtomicU64, Ordering};
use cedo_machine::{Access, Frame, Machine, PageFormat, UserAddress};

/// Mark of a zombie.
const ZOMBIE: u64 = 1 << 1;
/// The zombie's frame counts a mapping less when it is buried.
const COUNTED: u64 = 1 << 2;
/// Frames of stock that one step of tearing down gives back.
const STOCK_PER_STEP: usize = 64;

/// The page table of a Space whose lock the caller holds.
pub struct Tables<'a, M: Machine> {
    objects: &'a Objects<KernelTypes<M>>,
    space: &'a Space,
    no_execute: bool,
}

impl<M: Machine> Kernel<M> {
    /// The page table of `space`; the caller holds its lock.
    pub fn tables<'a>(&'a self, space: &'a Space) -> Tables<'a, M> {
        Tables { objects: &self.objects, space, no_execute: self.shared.no_execute }
    }
}

impl<'a, M: Machine> Tables<'a, M> {
    /// Maps user memory or device registers. Memory counts the mapping. Errors: `NoStock`,
    /// `Occupied`; `FramesBusy` if the frame holds an object or is mapped too often.
    pub fn map_page(
        &self,
        address: UserAddress,
        frame: Frame,
        access: Access,
    ) -> Result<(), Status> {
        let leaf = self.vacant(address)?;
        let device = match self.table().entry(frame).kind() {
            FrameKind::Absent => true,
            _ if self.table().count_mapping(frame) => false,
            _ => return Err(Status::FramesBusy),
        };
        let access = Access { device, ..access };
        leaf.store(M::Pages::leaf(frame, access, self.no_execute), Ordering::Release);
        Ok(())
    }

    /// Maps a frame of the kernel's: a UTCB or the information page. Errors: `NoStock`, `Occupied`.
    pub fn map_object(
        &self,
        address: UserAddress,
        frame: Frame,
        write: bool,
    ) -> Result<(), Status> {
        let access = Access { write, execute: false, device: false };
        let leaf = M::Pages::leaf(frame, access, self.no_execute);
        self.vacant(address)?.store(leaf, Ordering::Release);
        Ok(())
    }

    /// Makes a zombie of a mapped page. False if nothing is mapped there.
    pub fn unmap_page(&self, address: UserAddress) -> bool {
        let Some(leaf) = self.walk(address) else { return false };
        let Some(frame) = M::Pages::frame(leaf.load(Ordering::Acquire)) else { return false };
        let is_memory = self.table().entry(frame).kind() == FrameKind::Ram;
        let counted = if is_memory { COUNTED } else { 0 };
        leaf.store(u64::from(frame.0) << 12 | counted | ZOMBIE, Ordering::Release);
        true
    }

    /// Ends a zombie that the caller made: every core has flushed since.
    pub fn bury_page(&self, address: UserAddress) {
        if let Some(leaf) = self.walk(address)
            && M::Pages::frame(leaf.load(Ordering::Acquire)).is_none()
        {
            self.empty(leaf);
        }
    }

    /// Forgets the mapping of a UTCB that is being destroyed, if `frame` is still mapped there.
    pub fn clear_page(&self, address: UserAddress, frame: Frame) {
        if let Some(leaf) = self.walk(address)
            && M::Pages::frame(leaf.load(Ordering::Acquire)) == Some(frame)
        {
            leaf.store(0, Ordering::Release);
        }
    }

    /// The leaf entry for an address, if the tables reach that far.
    pub fn walk(&self, address: UserAddress) -> Option<&'a AtomicU64> {
        let mut words = self.objects.words(self.space.page_table)?;
        for level in (2..=M::Pages::LEVELS).rev() {
            let entry = words.get(M::Pages::index(address, level))?.load(Ordering::Acquire);
            words = self.objects.words(M::Pages::frame(entry)?)?;
        }
        words.get(M::Pages::index(address, 1))
    }

    /// The leaf entry for an address; missing tables are made of the stock. Errors: `NoStock`,
    /// `BadAddress` where a user can map nothing.
    pub fn table_for(&self, address: UserAddress) -> Result<&'a AtomicU64, Status> {
        let mut words = self.objects.words(self.space.page_table).ok_or(Status::BadAddress)?;
        for level in (2..=M::Pages::LEVELS).rev() {
            let index = M::Pages::index(address, level);
            if level == M::Pages::LEVELS && M::Pages::is_kernel_entry(index) {
                return Err(Status::BadAddress);
            }
            let entry = words.get(index).ok_or(Status::BadAddress)?;
            let table = match M::Pages::frame(entry.load(Ordering::Acquire)) {
                Some(table) => table,
                None => {
                    let table = self.take_table()?;
                    entry.store(M::Pages::table(table), Ordering::Release);
                    table
                }
            };
            words = self.objects.words(table).ok_or(Status::BadAddress)?;
        }
        words.get(M::Pages::index(address, 1)).ok_or(Status::BadAddress)
    }

    /// Puts a frame that was claimed as *Stock* into the stock.
    pub fn push_stock(&self, frame: Frame) {
        if let Some(words) = self.objects.words(frame) {
            let next = self.space.stock.load(Ordering::Relaxed);
            words[0].store(u64::from(next), Ordering::Relaxed);
            self.space.stock.store(frame.0, Ordering::Relaxed);
        }
    }

    /// One step of tearing down a page table that no core has loaded: one leaf table with what it
    /// maps, or one empty table, or some of the stock. False if nothing is left but the top level.
    pub fn tear_down_step(&self) -> bool {
        let Some(mut words) = self.objects.words(self.space.page_table) else { return false };
        let mut level = M::Pages::LEVELS;
        let mut parent: Option<(&AtomicU64, Frame)> = None;
        loop {
            let next = self.first_table(words, level).filter(|_| level > 1);
            match (next, parent) {
                (Some((entry, table)), _) => {
                    let Some(lower) = self.objects.words(table) else { return false };
                    (words, parent, level) = (lower, Some((entry, table)), level - 1);
                }
                (None, Some((entry, table))) => {
                    if level == 1 {
                        words.iter().for_each(|leaf| self.empty(leaf));
                    }
                    entry.store(0, Ordering::Release);
                    self.table().turn(table, FrameKind::PageTable, FrameKind::Ram);
                    return true;
                }
                (None, None) => return self.give_stock_back(),
            }
        }
    }

    /// The entry for a page where nothing is mapped.
    fn vacant(&self, address: UserAddress) -> Result<&'a AtomicU64, Status> {
        let leaf = self.table_for(address)?;
        if leaf.load(Ordering::Acquire) == 0 { Ok(leaf) } else { Err(Status::Occupied) }
    }

    /// Empties a leaf entry; a mapping of memory no longer counts.
    fn empty(&self, leaf: &AtomicU64) {
        let entry = leaf.swap(0, Ordering::AcqRel);
        match M::Pages::frame(entry) {
            // Counts memory only: device registers, UTCBs and the information page are never *Ram*.
            Some(frame) => _ = self.table().uncount_mapping(frame),
            None if entry & COUNTED != 0 => {
                _ = self.table().uncount_mapping(Frame((entry >> 12) as u32));
            }
            None => {}
        }
    }

    /// The first table that the user part of a table leads to.
    fn first_table(&self, words: &'a Words, level: u32) -> Option<(&'a AtomicU64, Frame)> {
        let is_user = |index| level < M::Pages::LEVELS || !M::Pages::is_kernel_entry(index);
        let user = words.iter().enumerate().filter(|(index, _)| is_user(*index));
        user.map(|(_, entry)| entry)
            .find_map(|entry| Some((entry, M::Pages::frame(entry.load(Ordering::Acquire))?)))
    }

    /// A table of zeroes from the stock.
    fn take_table(&self) -> Result<Frame, Status> {
        let frame = self.pop_stock().ok_or(Status::NoStock)?;
        if self.table().turn(frame, FrameKind::Stock, FrameKind::PageTable) {
            Ok(frame)
        } else {
            Err(Status::NoStock)
        }
    }

    /// Takes a frame out of the stock; all of it is zero.
    fn pop_stock(&self) -> Option<Frame> {
        let frame = Frame(self.space.stock.load(Ordering::Relaxed));
        if frame.0 == 0 {
            return None;
        }
        let next = self.objects.words(frame)?[0].swap(0, Ordering::Relaxed);
        self.space.stock.store(next as u32, Ordering::Relaxed);
        Some(frame)
    }

    fn give_stock_back(&self) -> bool {
        let mut any = false;
        for _ in 0..STOCK_PER_STEP {
            let Some(frame) = self.pop_stock() else { break };
            self.table().turn(frame, FrameKind::Stock, FrameKind::Ram);
            any = true;
        }
        any
    }

    fn table(&self) -> FrameTable {
        self.objects.table()
    }
}
