//! The ways in and out of the kernel.
//!
//! | way in | registers go to | finds its core by |
//! |---|---|---|
//! | SYSCALL | the current context | the entry point: each core has its own |
//! | exception, interrupt in user mode | the same, pushed by the processor through RSP0 | `str` |
//! | interrupt while halted | the kernel stack | `str` |
//! | double fault, NMI, machine check | a stack of its own; no way out | `str` |
//!
//! Every way in starts the kernel stack anew, and every way out leaves nothing on it.
//!
//! | file | contents |
//! |---|---|
//! | `frame` | assembly that names the fields of the current context |
//! | `system_call` | SYSCALL in, SYSRET out |
//! | `interrupt` | exceptions and interrupts in |
//! | `leave` | out: back to user mode with all registers, or halt |
//! | `upcall` | from a frame to a call of the kernel |
//! | [`cause`] | which exception is which fault |

pub mod cause;
#[cfg(target_os = "none")]
mod frame;
#[cfg(target_os = "none")]
pub mod interrupt;
#[cfg(target_os = "none")]
pub mod leave;
#[cfg(target_os = "none")]
pub mod system_call;
#[cfg(target_os = "none")]
pub mod upcall;
