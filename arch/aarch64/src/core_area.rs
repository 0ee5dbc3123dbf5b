//! What entry code finds without help: one fixed record per core, at TPIDR_EL1.

use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

/// Bytes of a record.
const RECORD_BYTES: usize = 128;
/// Value of a deadline that is not set.
pub const NO_DEADLINE: u64 = u64::MAX;

/// One core's record.
#[repr(C, align(128))]
pub struct CoreRecord {
    /// Address of the current context.
    pub context: AtomicU64,
    /// Where every entry starts its stack.
    pub stack_top: AtomicU64,
    /// The kernel of this core: a `*mut K`.
    pub kernel: AtomicUsize,
    /// The stack on which exceptions of the kernel itself are reported.
    pub fatal_stack_top: AtomicU64,
    /// For a panic: a `fn(*const K) -> (CoreNumber, u32)` and so not to be called before `kernel`.
    pub who: AtomicUsize,
    /// The deadline as the kernel gave it, or [`NO_DEADLINE`].
    pub deadline_ns: AtomicU64,
    /// The same in ticks of the counter.
    pub deadline_ticks: AtomicU64,
    /// The core's place in the machine (MPIDR_EL1, affinity fields only).
    pub affinity: AtomicU64,
    /// What the interrupt controller knows the core by: GICv2, a bit of its masks; GICv3, where the
    /// core's redistributor is.
    pub target: AtomicU32,
    /// Times an interrupt came that nothing had asked for.
    pub unexpected: AtomicU32,
}

/// Offsets for the entry code.
pub const CONTEXT: usize = offset_of!(CoreRecord, context);
/// As above.
pub const STACK_TOP: usize = offset_of!(CoreRecord, stack_top);
/// As above.
pub const FATAL_STACK_TOP: usize = offset_of!(CoreRecord, fatal_stack_top);
/// As above.
pub const KERNEL: usize = offset_of!(CoreRecord, kernel);

const _: () = assert!(size_of::<CoreRecord>() == RECORD_BYTES);
// The entry of calls loads both at once.
const _: () = assert!(KERNEL == STACK_TOP + 8);

impl CoreRecord {
    const fn new() -> CoreRecord {
        CoreRecord {
            context: AtomicU64::new(0),
            stack_top: AtomicU64::new(0),
            kernel: AtomicUsize::new(0),
            fatal_stack_top: AtomicU64::new(0),
            who: AtomicUsize::new(0),
            deadline_ns: AtomicU64::new(NO_DEADLINE),
            deadline_ticks: AtomicU64::new(0),
            affinity: AtomicU64::new(0),
            target: AtomicU32::new(0),
            unexpected: AtomicU32::new(0),
        }
    }
}

/// All records; core `n` has number `n`.
pub static RECORDS: [CoreRecord; cedo_abi::MAX_CORES] =
    [const { CoreRecord::new() }; cedo_abi::MAX_CORES];

/// Makes the record of `core` the calling core's.
pub fn take(core: usize) {
    let record = (&raw const RECORDS[core]) as u64;
    // SAFETY: the register is the kernel's own; entry code expects a record's address in it.
    unsafe {
        core::arch::asm!("msr tpidr_el1, {}", in(reg) record, options(nomem, nostack));
    }
}

/// The number of the calling core. Before [`take`]: 0.
pub fn this_core() -> usize {
    let record: u64;
    // SAFETY: copies a register.
    unsafe {
        core::arch::asm!("mrs {}, tpidr_el1", out(reg) record, options(nomem, nostack));
    }
    let first = (&raw const RECORDS) as u64;
    (record.saturating_sub(first) as usize / RECORD_BYTES) % cedo_abi::MAX_CORES
}
