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

pub mod cores;
pub mod devices;
pub mod fail;
pub mod find;
pub mod handover;
pub mod header;
pub mod start;
pub mod tables;
pub mod trampoline;
