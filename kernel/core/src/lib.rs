//! The kernel: capabilities, IPC, and who runs next. No scheduler, no architecture, no `unsafe`.
//!
//! Four principles (DESIGN.md section 1): the kernel never chooses among runnable threads; one thread
//! runs per core and every other one waits for a message; scheduling is IPC; only its home core
//! touches a thread.
//!
//! | file | contents |
//! |---|---|
//! | [`start`] | sharing, the first server: what happens once |
//! | [`kernel`] | one core's kernel, and what all cores share |
//! | [`entry`] | the upcalls of the machine |
//! | [`exit`] | switching to what runs next |
//! | [`call`] | calls other than IPC, one file per family; `decode` alone sees raw words |
//! | [`ipc`] | send, receive, call, reply and wait; messages and notices |
//! | [`schedule`] | who runs next: `direct` and `chain` mode |
//! | [`cross`] | posts between cores |
//! | [`operation`] | operations that cross cores or take long |
//! | [`object`] | what lives in frames: thread, Space, interrupt, capability table |
//! | [`page_table`] | the page-table walker, the same for every format |
//! | [`list`] | intrusive lists of threads |
//! | [`invariants`] | what debug builds assert on every exit (DESIGN.md section 12) |
#![no_std]
#![forbid(unsafe_code)]

pub mod call;
pub mod cross;
pub mod entry;
pub mod exit;
pub mod invariants;
pub mod ipc;
pub mod kernel;
pub mod list;
pub mod object;
pub mod operation;
pub mod page_table;
pub mod schedule;
pub mod start;

pub use kernel::Kernel;
