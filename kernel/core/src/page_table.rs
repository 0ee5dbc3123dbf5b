//! The page-table walker: the same for every format of entries.
//!
//! | file | contents |
//! |---|---|
//! | this one | map, unmap, bury, walk |
//! | [`stock`] | the frames that page tables are made of |
//! | [`sweep`] | takes back what is dead |
//! | [`tear_down`] | gives back what no core can reach any more |
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
//! An entry of an upper table is empty, leads to the next lower table, or names a table that was
//! taken back: a zombie whose bit 2 says that every core has flushed since.
//!
//! The frame behind a page table is its twin: word n says by means of which slot the page that entry n
//! maps, or the table that it leads to, came here (`object::origin`).
//!
//! Callers hold the Space's lock. Tables come from the Space's stock and stay until the Space is
//! destroyed, or what they were made of is taken back.

pub mod stock;
pub mod sweep;
pub mod tear_down;

use crate::kernel::Kernel;
use crate::object::KernelTypes;
use crate::object::origin::Origin;
use crate::object::space::Space;
use cedo_abi::Status;
use cedo_floor::{FrameKind, FrameTable, Objects, Words};
use cedo_machine::atomic::{AtomicU64, Ordering};
use cedo_machine::{Access, Frame, Machine, PageFormat, UserAddress};

/// Mark of a zombie.
const ZOMBIE: u64 = 1 << 1;
/// The zombie's frame counts a mapping less when it is buried.
const COUNTED: u64 = 1 << 2;
/// Of a zombie that is a table: every core has flushed since.
const QUIET: u64 = 1 << 2;

/// The page table of a Space whose lock the caller holds.
pub struct Tables<'a, M: Machine> {
    objects: &'a Objects<KernelTypes<M>>,
    space: &'a Space,
    no_execute: bool,
}

/// An entry of a page table, and the word beside it that says where it came from.
#[derive(Clone, Copy)]
struct Pair<'a> {
    entry: &'a AtomicU64,
    origin: &'a AtomicU64,
}

/// A page table and its twin.
#[derive(Clone, Copy)]
struct Table<'a> {
    entries: &'a Words,
    origins: &'a Words,
}

impl<'a> Table<'a> {
    fn pair(self, index: usize) -> Option<Pair<'a>> {
        Some(Pair { entry: self.entries.get(index)?, origin: self.origins.get(index)? })
    }
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
        origin: Option<Origin>,
    ) -> Result<(), Status> {
        let leaf = self.vacant(address)?;
        let device = match self.table().entry(frame).kind() {
            FrameKind::Absent => true,
            _ if self.table().count_mapping(frame) => false,
            _ => return Err(Status::FramesBusy),
        };
        let access = Access { device, ..access };
        leaf.origin.store(Origin::packed(origin), Ordering::Relaxed);
        leaf.entry.store(M::Pages::leaf(frame, access, self.no_execute), Ordering::Release);
        M::publish_entries();
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
        self.vacant(address)?.entry.store(leaf, Ordering::Release);
        M::publish_entries();
        Ok(())
    }

    /// Makes a zombie of a mapped page. False if nothing is mapped there.
    pub fn unmap_page(&self, address: UserAddress) -> bool {
        self.walk(address).is_some_and(|leaf| self.kill(leaf))
    }

    /// Makes a zombie of a present leaf entry. False if it is none.
    fn kill(&self, leaf: &AtomicU64) -> bool {
        let Some(frame) = M::Pages::frame(leaf.load(Ordering::Acquire)) else { return false };
        let is_memory = self.table().entry(frame).kind() == FrameKind::Ram;
        let counted = if is_memory { COUNTED } else { 0 };
        leaf.store(u64::from(frame.0) << 12 | counted | ZOMBIE, Ordering::Release);
        true
    }

    /// Ends a zombie that the caller made: every core has flushed since.
    pub fn bury_page(&self, address: UserAddress) {
        if let Some(leaf) = self.pair_for(address, M::Pages::frame)
            && M::Pages::frame(leaf.entry.load(Ordering::Acquire)).is_none()
        {
            self.empty(leaf);
        }
    }

    /// Forgets the mapping of a UTCB that is being destroyed, if `frame` is still mapped there.
    pub fn clear_page(&self, address: UserAddress, frame: Frame) {
        if let Some(leaf) = self.pair_for(address, table_in::<M>)
            && M::Pages::frame(leaf.entry.load(Ordering::Acquire)) == Some(frame)
        {
            leaf.entry.store(0, Ordering::Release);
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

    /// The same with its twin word, through the tables that `lower` finds.
    fn pair_for(
        &self,
        address: UserAddress,
        lower: impl Fn(u64) -> Option<Frame>,
    ) -> Option<Pair<'a>> {
        let mut table = self.space.page_table;
        for level in (2..=M::Pages::LEVELS).rev() {
            let words = self.objects.words(table)?;
            let entry = words.get(M::Pages::index(address, level))?.load(Ordering::Acquire);
            table = lower(entry)?;
        }
        self.table_at(table)?.pair(M::Pages::index(address, 1))
    }

    /// The leaf entry for an address; missing tables are made of the stock. Errors: `NoStock`;
    /// `BadAddress` where a user can map nothing; `Occupied` where a table is being taken back.
    fn leaf_for(&self, address: UserAddress) -> Result<Pair<'a>, Status> {
        let mut table = self.table_at(self.space.page_table).ok_or(Status::BadAddress)?;
        for level in (2..=M::Pages::LEVELS).rev() {
            let index = M::Pages::index(address, level);
            if level == M::Pages::LEVELS && M::Pages::is_kernel_entry(index) {
                return Err(Status::BadAddress);
            }
            let place = table.pair(index).ok_or(Status::BadAddress)?;
            let entry = place.entry.load(Ordering::Acquire);
            let lower = match M::Pages::frame(entry) {
                Some(lower) => lower,
                None if entry != 0 => return Err(Status::Occupied),
                None => self.take_table(place)?,
            };
            table = self.table_at(lower).ok_or(Status::BadAddress)?;
        }
        table.pair(M::Pages::index(address, 1)).ok_or(Status::BadAddress)
    }

    /// The entry for a page where nothing is mapped.
    fn vacant(&self, address: UserAddress) -> Result<Pair<'a>, Status> {
        let leaf = self.leaf_for(address)?;
        if leaf.entry.load(Ordering::Acquire) == 0 { Ok(leaf) } else { Err(Status::Occupied) }
    }

    /// Empties a leaf entry; a mapping of memory no longer counts.
    fn empty(&self, leaf: Pair<'_>) {
        let entry = leaf.entry.swap(0, Ordering::AcqRel);
        leaf.origin.store(0, Ordering::Relaxed);
        match M::Pages::frame(entry) {
            // Counts memory only: device registers, UTCBs and the information page are never *Ram*.
            Some(frame) => _ = self.table().uncount_mapping(frame),
            None if entry & COUNTED != 0 => {
                _ = self.table().uncount_mapping(Frame((entry >> 12) as u32));
            }
            None => {}
        }
    }

    fn table_at(&self, frame: Frame) -> Option<Table<'a>> {
        let origins = self.objects.words(frame.plus(1))?;
        Some(Table { entries: self.objects.words(frame)?, origins })
    }

    fn table(&self) -> FrameTable {
        self.objects.table()
    }
}

/// The table that an entry of an upper table leads to, or did before that was taken back.
fn table_in<M: Machine>(entry: u64) -> Option<Frame> {
    match M::Pages::frame(entry) {
        None if entry & ZOMBIE != 0 => Some(Frame((entry >> 12) as u32)),
        present => present,
    }
}
