//! x86-64.
//!
//! | file | contents |
//! |---|---|
//! | `call` | `syscall`, the time-stamp counter, and the two places where threads start |
//! | [`probe`] | instructions that may fault on purpose |
//! | [`steady`] | a loop that holds a pattern in every register |

#[cfg(target_os = "none")]
mod call;
pub mod probe;
pub mod steady;

#[cfg(target_os = "none")]
pub use call::{counter, cycles, fail, invoke, thread_entry};

/// Number of this processor in ELF headers. Source: System V ABI, AMD64 supplement, *ELF Header*.
#[cfg(target_os = "none")]
pub const ELF_MACHINE: u16 = 62;

/// Whether [`cycles`] are counted apart from the clock.
#[cfg(target_os = "none")]
pub const CYCLES_APART: bool = false;

/// Names of the registers, in the order of the general group.
pub const REGISTERS: &[&str] = &[
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

/// What was written to `bytes` bytes at `address` can be executed from here on: the processor sees to
/// that (Intel SDM volume 3, section 11.6).
pub fn publish_code(_address: u64, _bytes: u64) {}

/// Tells the processor that this is a spin loop (and an emulator to run another core).
#[inline(always)]
pub fn relax() {
    core::hint::spin_loop();
}
