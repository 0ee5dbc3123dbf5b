//! From the loader to the kernel, once, in order.
//!
//! | file | contents |
//! |---|---|
//! | `header` | what loaders look for, and the way to the kernel's addresses |
//! | `tables` | the kernel's page table |
//! | `start` | the list of steps, core 0 |
//! | `find` | what machine this is |
//! | `devices` | the devices that the kernel uses itself |
//! | `handover` | what the kernel gets, and entering it |
//! | `cores` | starting the other cores |
//! | `trampoline` | a starting core's way to the kernel's addresses |
//! | `fail` | one line, and the end |

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
#[cfg(target_os = "none")]
pub mod start;
#[cfg(target_os = "none")]
pub mod tables;
#[cfg(target_os = "none")]
pub mod trampoline;
