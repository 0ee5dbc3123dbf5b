//! Segments, task state, interrupt gates (Intel SDM volume 3, chapters 3, 7 and 8).
//!
//! One table of each for all cores; only the task state differs.
//!
//! | file | contents |
//! |---|---|
//! | [`segments`] | the global descriptor table |
//! | [`gates`] | the interrupt descriptor table |

pub mod gates;
pub mod segments;

/// Selector of the kernel's code.
pub const KERNEL_CODE: u16 = 0x08;
/// Selector of the kernel's data.
pub const KERNEL_DATA: u16 = 0x10;
/// Selector of core 0's task state; core `n` has this plus 16 `n`.
pub const FIRST_TASK_SELECTOR: u16 = 0x28;
