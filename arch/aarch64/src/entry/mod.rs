//! The ways in and out of the kernel.
//!
//! | way in | registers go to |
//! |---|---|
//! | SVC, exception, interrupt in user mode | the current context, at SP_EL1 |
//! | interrupt while halted | nowhere: nothing is kept |
//! | exception of the kernel, system error | a stack of its own; no way out |
//!
//! Every way in finds its core's record at TPIDR_EL1 and starts the kernel stack anew, and every way
//! out leaves nothing on it.
//!
//! | file | contents |
//! |---|---|
//! | `frame` | assembly that stores and loads the current context |
//! | `interrupt` | the vectors: all ways in |
//! | `system_call` | SVC in, and the short way out |
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
mod system_call;
#[cfg(target_os = "none")]
pub mod upcall;
