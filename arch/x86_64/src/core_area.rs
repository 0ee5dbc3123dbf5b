//! What entry code finds without help: one fixed record per core.
//!
//! A record holds the core's task state segment, whose RSP0 is the end of the current context: the
//! processor pushes an interrupted user's registers right where they are kept. SYSCALL finds the
//! record because each core has its own entry point, interrupts by the task register (`str`).
//! Nothing of it is in GS, which user code may own entirely (DESIGN.md section 11.3).

use crate::descriptor::FIRST_TASK_SELECTOR;
use core::mem::offset_of;
use core::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize};

/// Bytes of a record.
pub const RECORD_BYTES: usize = 256;
/// Bytes of a task state segment.
pub const TASK_STATE_BYTES: usize = 104;
/// Value of a deadline that is not set.
pub const NO_DEADLINE: u64 = u64::MAX;
/// Stacks of the interrupt stack table.
const STACK_TABLE: usize = 7;

/// One core's record.
#[repr(C, align(256))]
pub struct CoreRecord {
    /// Keeps RSP0 8-byte aligned, so that one store changes it.
    alignment: u32,
    /// Start of the task state segment.
    task_state: u32,
    /// End of the current context.
    pub context_end: AtomicU64,
    lower_stacks: [AtomicU64; 2],
    reserved_1: u64,
    /// Stacks of double fault, NMI and machine check.
    pub stack_table: [AtomicU64; STACK_TABLE],
    reserved_2: u64,
    reserved_3: u16,
    /// Beyond the segment: user code has no ports.
    port_map: u16,
    padding: u32,
    /// Where every entry starts its stack.
    pub stack_top: AtomicU64,
    /// The kernel of this core: a `*mut K`.
    pub kernel: AtomicUsize,
    /// A system call's stack pointer until there is a register for it.
    scratch: AtomicU64,
    /// Message words of a system call while the kernel tries the short cut: r8, r9, r10.
    spilled: [AtomicU64; 3],
    /// For a panic: a `fn(*const K) -> (CoreNumber, u32)` and so not to be called before `kernel`.
    pub who: AtomicUsize,
    /// The deadline as the kernel gave it, or [`NO_DEADLINE`].
    pub deadline_ns: AtomicU64,
    /// The same in ticks of this core's own counter.
    pub deadline_ticks: AtomicU64,
    /// What to add to this core's counter to get the machine-wide one.
    pub clock_offset: AtomicI64,
    /// Times an interrupt came that nothing had asked for.
    pub unexpected: AtomicU32,
    /// Identifier of the core's local interrupt controller.
    pub apic: AtomicU32,
}

/// Offsets for the entry code.
pub const CONTEXT_END: usize = offset_of!(CoreRecord, context_end);
/// As above.
pub const STACK_TOP: usize = offset_of!(CoreRecord, stack_top);
/// As above.
pub const KERNEL: usize = offset_of!(CoreRecord, kernel);
/// As above.
pub const SCRATCH: usize = offset_of!(CoreRecord, scratch);
/// As above.
pub const SPILLED: usize = offset_of!(CoreRecord, spilled);

const _: () = assert!(size_of::<CoreRecord>() == RECORD_BYTES);
const _: () = assert!(CONTEXT_END == offset_of!(CoreRecord, task_state) + 4);
const _: () =
    assert!(offset_of!(CoreRecord, stack_table) == offset_of!(CoreRecord, task_state) + 36);
const _: () = assert!(offset_of!(CoreRecord, port_map) == offset_of!(CoreRecord, task_state) + 102);

impl CoreRecord {
    const fn new() -> CoreRecord {
        CoreRecord {
            alignment: 0,
            task_state: 0,
            context_end: AtomicU64::new(0),
            lower_stacks: [const { AtomicU64::new(0) }; 2],
            reserved_1: 0,
            stack_table: [const { AtomicU64::new(0) }; STACK_TABLE],
            reserved_2: 0,
            reserved_3: 0,
            port_map: TASK_STATE_BYTES as u16,
            padding: 0,
            stack_top: AtomicU64::new(0),
            kernel: AtomicUsize::new(0),
            scratch: AtomicU64::new(0),
            spilled: [const { AtomicU64::new(0) }; 3],
            who: AtomicUsize::new(0),
            deadline_ns: AtomicU64::new(NO_DEADLINE),
            deadline_ticks: AtomicU64::new(0),
            clock_offset: AtomicI64::new(0),
            unexpected: AtomicU32::new(0),
            apic: AtomicU32::new(0),
        }
    }

    /// Address of the task state segment.
    pub fn task_state(&self) -> u64 {
        (&raw const self.task_state) as u64
    }
}

/// All records; core `n` has number `n`.
pub static RECORDS: [CoreRecord; cedo_abi::MAX_CORES] =
    [const { CoreRecord::new() }; cedo_abi::MAX_CORES];

/// The number of the calling core. Before its task register is loaded: 0.
pub fn this_core() -> usize {
    let selector: u16;
    // SAFETY: reads the task register's selector into a register and does nothing else.
    unsafe {
        core::arch::asm!("str {0:x}", out(reg) selector, options(nomem, nostack, preserves_flags));
    }
    usize::from(selector.saturating_sub(FIRST_TASK_SELECTOR) / 16) % cedo_abi::MAX_CORES
}
