//! One atomic word per physical frame.
//!
//! ```text
//! 63 ......... 32 | 31 ...... 16 | 15 ..... 8 | 7 .... 0
//! generation      | map count    | home core  | kind
//! ```
//!
//! Life of a frame:
//!
//! ```text
//!          claim (count = 0)            retire: generation + 1
//!   Ram ---------------------> object --------------------------> Quiet
//!    ^                                                              |
//!    +------------- release: every core has left the kernel --------+
//! ```

use crate::object_map::ObjectMap;
use cedo_machine::atomic::{AtomicU64, Ordering};
use cedo_machine::{CoreNumber, Frame};

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum FrameKind {
    /// Not the kernel's to give: outside the table, or used by boot code.
    Absent = 0,
    /// Memory for users; mapped as often as the count says.
    Ram = 1,
    /// A thread (first half) and its mail (second half).
    Thread = 2,
    /// A Space.
    Space = 3,
    /// An interrupt object.
    Irq = 4,
    /// A thread's UTCB.
    Utcb = 5,
    /// A page table.
    PageTable = 6,
    /// Part of a capability table.
    Table = 7,
    /// In a Space's stock.
    Stock = 8,
    /// Destroyed; some core may still look at it.
    Quiet = 9,
    /// The same, of a Space: a core that looked it up before may still read it.
    QuietSpace = 10,
    /// Beside a page table: where its entries came from.
    Twin = 11,
}

impl FrameKind {
    const fn from_number(number: u8) -> FrameKind {
        match number {
            1 => FrameKind::Ram,
            2 => FrameKind::Thread,
            3 => FrameKind::Space,
            4 => FrameKind::Irq,
            5 => FrameKind::Utcb,
            6 => FrameKind::PageTable,
            7 => FrameKind::Table,
            8 => FrameKind::Stock,
            9 => FrameKind::Quiet,
            10 => FrameKind::QuietSpace,
            11 => FrameKind::Twin,
            _ => FrameKind::Absent,
        }
    }

    /// True where the frame is plain words to the kernel (see [`crate::Objects::words`]).
    pub const fn is_words(self) -> bool {
        matches!(
            self,
            FrameKind::Ram
                | FrameKind::Utcb
                | FrameKind::PageTable
                | FrameKind::Table
                | FrameKind::Stock
                | FrameKind::Twin
        )
    }
}

/// A frame's word, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry(pub u64);

impl Entry {
    /// The entry of frames outside the table.
    pub const ABSENT: Entry = Entry(0);

    const fn new(kind: FrameKind, home: CoreNumber, count: u16, generation: u32) -> Entry {
        Entry((generation as u64) << 32 | (count as u64) << 16 | (home.0 as u64) << 8 | kind as u64)
    }

    /// The entry of a thread of `home`, which is never mapped.
    #[inline]
    pub const fn of_thread(home: CoreNumber, generation: u32) -> Entry {
        Entry::new(FrameKind::Thread, home, 0, generation)
    }

    /// The lower part of the entry of an object of `home`: those are never mapped.
    #[inline]
    pub const fn home_and_kind(kind: FrameKind, home: CoreNumber) -> u16 {
        (home.0 as u16) << 8 | kind as u16
    }

    /// The entry of an object with this name, generation (32) and frame (32), and this lower part.
    #[inline(always)]
    pub const fn of_name(name: u64, home_and_kind: u16) -> Entry {
        Entry((name - name as u32 as u64) | home_and_kind as u64)
    }

    /// True if this is its lower part.
    #[inline(always)]
    pub const fn has(self, home_and_kind: u16) -> bool {
        self.0 as u16 == home_and_kind
    }

    /// True if the frame holds a `kind`.
    #[inline(always)]
    pub const fn is_of(self, kind: FrameKind) -> bool {
        self.0 as u8 == kind as u8
    }

    /// What the frame holds.
    #[inline]
    pub const fn kind(self) -> FrameKind {
        FrameKind::from_number(self.0 as u8)
    }

    /// True if the frame holds a `kind` whose home is `core`: one comparison.
    #[inline]
    pub const fn is(self, kind: FrameKind, core: CoreNumber) -> bool {
        self.has(Entry::home_and_kind(kind, core))
    }

    /// Home core of a thread or interrupt object.
    #[inline]
    pub const fn home(self) -> CoreNumber {
        CoreNumber((self.0 >> 8) as u8)
    }

    /// How often the frame is mapped.
    pub const fn map_count(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Raised by each destruction.
    #[inline]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// All frames of the machine. Copies name the same table.
#[derive(Clone, Copy, Debug)]
pub struct FrameTable {
    entries: &'static [AtomicU64],
    map: ObjectMap,
}

impl FrameTable {
    /// The table and the map that boot code zeroed.
    pub fn new(entries: &'static [AtomicU64], map: &'static [AtomicU64]) -> FrameTable {
        FrameTable { entries, map: ObjectMap::new(map, entries.len()) }
    }

    /// Which frames hold objects or stock. Objects are marked by who reveals and retires them, frames
    /// of stock by the kernel core.
    #[inline]
    pub const fn map(self) -> ObjectMap {
        self.map
    }

    /// Frames the table has entries for.
    pub const fn len(self) -> u32 {
        self.entries.len() as u32
    }

    /// True for a table without entries.
    pub const fn is_empty(self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of `frame` if the table has one.
    #[inline(always)]
    pub fn known(self, frame: Frame) -> Option<Entry> {
        let word = self.entries.get(frame.0 as usize)?;
        Some(Entry(word.load(Ordering::Acquire)))
    }

    /// The entry of `frame`.
    #[inline]
    pub fn entry(self, frame: Frame) -> Entry {
        match self.entries.get(frame.0 as usize) {
            Some(word) => Entry(word.load(Ordering::Acquire)),
            None => Entry::ABSENT,
        }
    }

    /// Makes a frame that nobody claimed memory for users. For start-up.
    pub fn add_ram(self, frame: Frame) {
        if let Some(word) = self.entries.get(frame.0 as usize) {
            let ram = Entry::new(FrameKind::Ram, CoreNumber(0), 0, 1);
            let _ = word.compare_exchange(0, ram.0, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Turns unmapped user memory into `kind` with home `home`. False if it is anything else.
    pub fn claim(self, frame: Frame, kind: FrameKind, home: CoreNumber) -> bool {
        self.change(frame, |entry| {
            (entry.kind() == FrameKind::Ram && entry.map_count() == 0)
                .then(|| Entry::new(kind, home, 0, entry.generation()))
        })
    }

    /// Makes a frame that was claimed as *Stock* known as the object it now holds.
    pub(crate) fn reveal(self, frame: Frame, kind: FrameKind, home: CoreNumber) -> bool {
        let revealed = self.change(frame, |entry| {
            (entry.kind() == FrameKind::Stock)
                .then(|| Entry::new(kind, home, 0, entry.generation()))
        });
        if revealed {
            // Afterwards: until then the frame must not be taken for one of stock.
            self.map.mark(frame);
        }
        revealed
    }

    /// Undoes a [`claim`](Self::claim) that was never made known, or moves a frame between the
    /// kinds that are plain words.
    pub fn turn(self, frame: Frame, from: FrameKind, to: FrameKind) -> bool {
        let allowed = from.is_words() && to.is_words();
        allowed
            && self.change(frame, |entry| {
                (entry.kind() == from)
                    .then(|| Entry::new(to, CoreNumber(0), entry.map_count(), entry.generation()))
            })
    }

    /// Ends an object: every capability for it is stale from now on. False if there is none. A thread that
    /// has ever run is ended by its own core instead ([`crate::Objects::retire`]).
    pub fn retire(self, frame: Frame) -> bool {
        let retired = self.change(frame, |entry| {
            let quiet = match entry.kind() {
                FrameKind::Absent | FrameKind::Ram => return None,
                FrameKind::Quiet | FrameKind::QuietSpace => return None,
                FrameKind::Space => FrameKind::QuietSpace,
                _ => FrameKind::Quiet,
            };
            Some(Entry::new(quiet, CoreNumber(0), 0, entry.generation().wrapping_add(1)))
        });
        if retired {
            self.map.unmark(frame);
        }
        retired
    }

    /// Makes every capability for a thread stale while the object lives on: its end has begun. False
    /// if there is none.
    pub fn rename(self, frame: Frame) -> bool {
        self.change(frame, |entry| {
            let generation = entry.generation().wrapping_add(1);
            (entry.kind() == FrameKind::Thread)
                .then(|| Entry::new(FrameKind::Thread, entry.home(), 0, generation))
        })
    }

    /// Gives a thread of core `from` to core `to`: everything that was written to it before is there for
    /// whoever finds it to be of `to`. False if it is not `from`'s.
    pub(crate) fn hand_over(self, frame: Frame, from: CoreNumber, to: CoreNumber) -> bool {
        self.change(frame, |entry| {
            entry
                .is(FrameKind::Thread, from)
                .then(|| Entry::new(FrameKind::Thread, to, 0, entry.generation()))
        })
    }

    /// Gives a retired frame back as user memory. The caller knows that every core has left the
    /// kernel, or idled, since it was retired (DESIGN.md section 2).
    pub fn release(self, frame: Frame) -> bool {
        self.change(frame, |entry| {
            matches!(entry.kind(), FrameKind::Quiet | FrameKind::QuietSpace)
                .then(|| Entry::new(FrameKind::Ram, CoreNumber(0), 0, entry.generation()))
        })
    }

    /// Counts one more mapping of user memory. False if the frame is no such, or the count is full.
    pub fn count_mapping(self, frame: Frame) -> bool {
        self.change(frame, |entry| {
            (entry.kind() == FrameKind::Ram && entry.map_count() < u16::MAX)
                .then(|| Entry(entry.0 + (1 << 16)))
        })
    }

    /// Counts one mapping less.
    pub fn uncount_mapping(self, frame: Frame) -> bool {
        self.change(frame, |entry| {
            (entry.kind() == FrameKind::Ram && entry.map_count() > 0)
                .then(|| Entry(entry.0 - (1 << 16)))
        })
    }

    fn change(self, frame: Frame, new: impl Fn(Entry) -> Option<Entry>) -> bool {
        let Some(word) = self.entries.get(frame.0 as usize) else { return false };
        word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |old| new(Entry(old)).map(|e| e.0))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> FrameTable {
        extern crate std;
        let words = || -> std::vec::Vec<AtomicU64> { (0..4).map(|_| AtomicU64::new(0)).collect() };
        let table = FrameTable::new(words().leak(), words().leak());
        table.add_ram(Frame(1));
        table
    }

    #[test]
    fn a_destroyed_object_has_a_new_generation_and_is_not_claimed_before_release() {
        let table = table();
        assert!(table.claim(Frame(1), FrameKind::Thread, CoreNumber(3)));
        let old = table.entry(Frame(1));
        assert!(old.is(FrameKind::Thread, CoreNumber(3)));
        assert!(table.retire(Frame(1)));
        assert!(!table.claim(Frame(1), FrameKind::Space, CoreNumber(0)));
        assert!(table.release(Frame(1)));
        assert_eq!(table.entry(Frame(1)).generation(), old.generation() + 1);
        assert!(table.claim(Frame(1), FrameKind::Space, CoreNumber(0)));
    }

    #[test]
    fn a_thread_whose_end_has_begun_has_a_new_generation_and_is_a_thread() {
        let table = table();
        assert!(!table.rename(Frame(1)));
        assert!(table.claim(Frame(1), FrameKind::Thread, CoreNumber(3)));
        let old = table.entry(Frame(1));
        assert!(table.rename(Frame(1)));
        assert!(table.entry(Frame(1)).is(FrameKind::Thread, CoreNumber(3)));
        assert_eq!(table.entry(Frame(1)).generation(), old.generation() + 1);
    }

    #[test]
    fn a_thread_goes_from_its_home_to_another_core_and_keeps_its_generation() {
        let table = table();
        assert!(table.claim(Frame(1), FrameKind::Thread, CoreNumber(3)));
        let old = table.entry(Frame(1));
        assert!(!table.hand_over(Frame(1), CoreNumber(2), CoreNumber(0)), "it is another core's");
        assert!(table.hand_over(Frame(1), CoreNumber(3), CoreNumber(0)));
        assert!(table.entry(Frame(1)).is(FrameKind::Thread, CoreNumber(0)));
        assert_eq!(table.entry(Frame(1)).generation(), old.generation());
        assert!(
            !table.hand_over(Frame(1), CoreNumber(3), CoreNumber(1)),
            "it is no longer this one's"
        );
    }

    #[test]
    fn a_destroyed_space_can_be_told_apart_until_it_is_released() {
        let table = table();
        assert!(table.claim(Frame(1), FrameKind::Space, CoreNumber(0)));
        assert!(table.retire(Frame(1)) && !table.retire(Frame(1)));
        assert_eq!(table.entry(Frame(1)).kind(), FrameKind::QuietSpace);
        assert!(table.release(Frame(1)) && !table.release(Frame(1)));
        assert_eq!(table.entry(Frame(1)).kind(), FrameKind::Ram);
    }

    #[test]
    fn mapped_memory_is_not_claimed() {
        let table = table();
        assert!(table.count_mapping(Frame(1)));
        assert!(!table.claim(Frame(1), FrameKind::Thread, CoreNumber(0)));
        assert!(table.uncount_mapping(Frame(1)));
        assert!(!table.uncount_mapping(Frame(1)));
        assert!(table.claim(Frame(1), FrameKind::Thread, CoreNumber(0)));
    }

    #[test]
    fn frames_outside_and_unusable_frames_are_nothing() {
        let table = table();
        assert!(!table.claim(Frame(0), FrameKind::Thread, CoreNumber(0)));
        assert!(!table.claim(Frame(9), FrameKind::Thread, CoreNumber(0)));
        assert!(!table.retire(Frame(1)));
        assert_eq!(table.entry(Frame(9)), Entry::ABSENT);
    }
}
