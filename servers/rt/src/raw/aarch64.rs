//! aarch64.
//!
//! | file | contents |
//! |---|---|
//! | `call` | `svc`, the counter, and the two places where threads start |
//! | [`probe`] | instructions that may fault on purpose |
//! | [`steady`] | a loop that holds a pattern in every register |

#[cfg(target_os = "none")]
mod call;
pub mod probe;
pub mod steady;

#[cfg(target_os = "none")]
pub use call::{counter, cycles, fail, invoke, thread_entry};

use core::arch::asm;

/// Number of this processor in ELF headers. Source: ELF for the Arm 64-bit Architecture, *ELF header*.
#[cfg(target_os = "none")]
pub const ELF_MACHINE: u16 = 183;

/// Whether [`cycles`] are counted apart from the clock.
#[cfg(target_os = "none")]
pub const CYCLES_APART: bool = true;

/// Names of the registers, in the order of the general group.
pub const REGISTERS: &[&str] = &[
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "x30",
];

/// Bytes of the shortest cache line there is.
const LINE_BYTES: u64 = 16;

/// What was written to `bytes` bytes at `address` can be executed from here on, at every address and on
/// every core that starts to afterwards. Source: Arm ARM, B2.7.4, *Synchronization and coherency issues
/// between data and instruction accesses*.
pub fn publish_code(address: u64, bytes: u64) {
    let lines = || (address & !(LINE_BYTES - 1)..address + bytes).step_by(LINE_BYTES as usize);
    for line in lines() {
        // SAFETY: writes a line of the cache back, which changes no value; where nothing is mapped it
        // faults, as a read would.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack)) };
    for line in lines() {
        // SAFETY: forgets a line of the instruction cache; faults as above.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
}

/// Tells the processor that this is a spin loop (and an emulator to run another core, which the
/// language's own hint, `isb`, does not).
#[inline(always)]
pub fn relax() {
    // SAFETY: a hint; it changes nothing.
    unsafe { asm!("yield", options(nostack, nomem, preserves_flags)) };
}
