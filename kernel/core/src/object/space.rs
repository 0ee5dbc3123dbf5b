//! Page table, capability table, stock of page-table frames.
//!
//! Shared by all cores: everything in it is atomic. Writers of the two tables hold `lock`; IPC looks
//! capabilities up without it.

use cedo_abi::Kind;
use cedo_abi::call::object::SLOTS_PER_FRAME as ABI_SLOTS;
use cedo_floor::TicketLock;
use cedo_machine::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
use cedo_machine::{CoreNumber, Frame};

/// Slots in one frame of a capability table.
pub const SLOTS_PER_FRAME: u32 = ABI_SLOTS as u32;
/// Most frames a capability table can have; reserved names begin far above.
pub const MAX_TABLE_FRAMES: u32 = 64;

/// Something outside a Space depends on a slot of it.
pub const DERIVED: u8 = 1;
/// The same, on a slot with a Lines capability.
pub const DERIVED_LINES: u8 = 2;
/// The same, on a slot with a Region.
pub const DERIVED_REGION: u8 = 4;

/// A Space. Its frames are contiguous: itself, top-level page table with its twin, capability table.
#[derive(Debug)]
pub struct Space {
    /// Top-level page table.
    pub page_table: Frame,
    /// First frame of the capability table.
    pub table: Frame,
    /// Slots of the capability table.
    pub slots: u32,
    /// Held by writers.
    pub lock: TicketLock,
    /// Number of the first stock frame or 0; each holds the number of the next in its first word.
    pub stock: AtomicU32,
    /// Bit n: threads of this Space live, or lived, on core n, or messages to or from one were moved
    /// there.
    pub cores: AtomicU8,
    /// Threads that live here, and the bits `DYING` and `UNLOADED`.
    pub threads: AtomicU32,
    /// [`DERIVED`] and so on: bits that stay.
    pub derived: AtomicU8,
    /// While it is being destroyed: the cursor of the sweep for what depends on its slots.
    pub cursor: AtomicU64,
}

/// Bit of [`Space::threads`]: it is being destroyed, nothing new comes in.
const DYING: u32 = 1 << 31;
/// Bit of [`Space::threads`]: it is being destroyed, and no core has its page table loaded.
const UNLOADED: u32 = 1 << 30;
/// The number of threads.
const COUNT: u32 = UNLOADED - 1;

impl Space {
    /// A Space with these frames: nothing is mapped, nobody lives there.
    pub fn new(page_table: Frame, table: Frame, table_frames: u32) -> Space {
        Space {
            page_table,
            table,
            slots: table_frames * SLOTS_PER_FRAME,
            lock: TicketLock::new(),
            stock: AtomicU32::new(0),
            cores: AtomicU8::new(0),
            threads: AtomicU32::new(0),
            derived: AtomicU8::new(0),
            cursor: AtomicU64::new(0),
        }
    }

    /// Its own frame.
    pub const fn frame(&self) -> Frame {
        Frame(self.page_table.0 - 1)
    }

    /// Frames of the whole: itself, page table, twin, capability table.
    pub const fn frames(&self) -> u32 {
        self.table.0 - self.frame().0 + self.slots / SLOTS_PER_FRAME
    }

    /// Notes that something outside depends on a slot with a capability of this kind.
    pub fn note_derived(&self, kind: Kind) {
        let bits = match kind {
            Kind::Region => DERIVED | DERIVED_REGION,
            Kind::Lines => DERIVED | DERIVED_LINES,
            _ => DERIVED,
        };
        if self.derived.load(Ordering::Relaxed) & bits != bits {
            self.derived.fetch_or(bits, Ordering::AcqRel);
        }
    }

    /// One more thread, on `core`. False if the Space is being destroyed.
    pub fn enter(&self, core: CoreNumber) -> bool {
        let more = |threads: u32| (threads < COUNT).then_some(threads + 1);
        let entered = self.threads.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok();
        if entered {
            self.cores.fetch_or(1 << core.0, Ordering::AcqRel);
        }
        entered
    }

    /// A thread that lives here moves to `core`. The caller holds the lock.
    pub fn spread(&self, core: CoreNumber) {
        self.cores.fetch_or(1 << core.0, Ordering::AcqRel);
    }

    /// The cores that may have cached what has just been unmapped, or read it in the page table.
    pub fn cores_to_visit(&self) -> u8 {
        // Against `enter_core`.
        fence(Ordering::SeqCst);
        self.cores.load(Ordering::Acquire)
    }

    /// `core` is about to walk the page table, on behalf of a thread that lives elsewhere. Between
    /// unmapping a page and reading the set of cores is a fence, and between entering that and reading
    /// the page another: one of the two cores sees the other.
    pub fn enter_core(&self, core: CoreNumber) {
        let bit = 1 << core.0;
        if self.cores.load(Ordering::Relaxed) & bit == 0 {
            self.cores.fetch_or(bit, Ordering::AcqRel);
        }
        fence(Ordering::SeqCst);
    }

    /// One thread less.
    pub fn exit(&self) {
        self.threads.fetch_sub(1, Ordering::AcqRel);
    }

    /// Starts its end. False if threads live here.
    pub fn start_dying(&self) -> bool {
        let end = |threads: u32| (threads & COUNT == 0).then_some(threads | DYING);
        self.threads.fetch_update(Ordering::AcqRel, Ordering::Acquire, end).is_ok()
    }

    /// What it was made by means of has been taken back: it ends when its threads have.
    pub fn condemn(&self) {
        self.threads.fetch_or(DYING, Ordering::AcqRel);
    }

    /// True if threads live here.
    pub fn is_inhabited(&self) -> bool {
        self.threads.load(Ordering::Acquire) & COUNT != 0
    }

    /// True if it is being destroyed: nothing new comes in.
    pub fn is_dying(&self) -> bool {
        self.threads.load(Ordering::Acquire) & DYING != 0
    }

    /// Notes that no core has its page table loaded any more.
    pub fn set_unloaded(&self) {
        self.threads.fetch_or(UNLOADED, Ordering::AcqRel);
    }

    /// True once [`set_unloaded`](Self::set_unloaded) was called.
    pub fn is_unloaded(&self) -> bool {
        self.threads.load(Ordering::Acquire) & UNLOADED != 0
    }
}
