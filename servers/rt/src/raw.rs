//! The call instruction with all its registers, by role (`cedo_abi::call`), and what else only the
//! processor can do.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(not(target_os = "none"))]
pub mod host;
pub mod probe;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as processor;
#[cfg(target_arch = "x86_64")]
use x86_64 as processor;

#[cfg(not(target_os = "none"))]
pub use host::{CYCLES_APART, ELF_MACHINE, counter, cycles, invoke};
#[cfg(target_os = "none")]
pub(crate) use processor::thread_entry;
#[cfg(target_os = "none")]
pub use processor::{CYCLES_APART, ELF_MACHINE, counter, cycles, fail, invoke};
pub use processor::{REGISTERS, publish_code, relax, steady};

pub use cedo_abi::registers::{Answer, Request};
