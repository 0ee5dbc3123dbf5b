//! From the loader to the kernel, once, in order.
//!
//! | file | contents |
//! |---|---|
//! | `header` | what loaders look for, and the way from 32 to 64 bits |
//! | [`information`] | what the loader said, copied |
//! | [`pvh`] | reading it in Xen's PVH form |
//! | [`multiboot`] | reading it in multiboot2 form |
//! | `tables` | the kernel's page table |
//! | `start` | the list of steps, core 0 |
//! | `find` | what machine this is |
//! | `devices` | the devices that the kernel uses itself |
//! | `handover` | what the kernel gets, and entering it |
//! | `cores` | starting the other cores |
//! | `trampoline` | a starting core's way from 16 to 64 bits |
//! | `fail` | one line, and the end |

pub use cedo_arch_common::memory;

#[cfg(target_os = "none")]
pub mod cores;
#[cfg(target_os = "none")]
pub mod devices;
#[cfg(target_os = "none")]
pub mod fail;
#[cfg(target_os = "none")]
pub mod find;
#[cfg(target_os = "none")]
pub mod handover;
#[cfg(target_os = "none")]
pub mod header;
pub mod information;
pub mod multiboot;
pub mod pvh;
#[cfg(target_os = "none")]
pub mod start;
#[cfg(target_os = "none")]
pub mod tables;
#[cfg(target_os = "none")]
pub mod trampoline;
