//! The call instruction with all its registers, by role (`cedo_abi::call`).

#[cfg(not(target_os = "none"))]
pub mod host;
#[cfg(target_arch = "x86_64")]
pub mod probe;
#[cfg(target_arch = "x86_64")]
pub mod steady;
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
mod x86_64;

#[cfg(not(target_os = "none"))]
pub use host::{ELF_MACHINE, counter, invoke};
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub(crate) use x86_64::thread_entry;
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub use x86_64::{ELF_MACHINE, counter, fail, invoke};

pub use cedo_abi::registers::{Answer, Request};
