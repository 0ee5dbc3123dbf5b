//! The user library: safe, allocation-free, and the only thing besides `cedo-api` that a server
//! needs.
//!
//! It gives the kernel's operations types, and contains the loops that most servers are: the one
//! that drives a scheduling policy, and the one of an interrupt driver. It decides nothing: whatever
//! it does is one call further down in `cedo-rt`.
//!
//! | file | contents |
//! |---|---|
//! | [`environment`] | what init gave this thread, by name |
//! | [`capability`] | typed capabilities; copy, derive, drop |
//! | [`ipc`] | messages |
//! | [`items`] | strings, memory and capabilities that go with messages |
//! | [`arrived`] | those that came |
//! | [`thread`] | make, start, stop, inspect threads |
//! | [`memory`] | Spaces, Regions, Irq objects; map and unmap |
//! | [`processor`] | cores and I/O ports |
//! | [`clock`] | time, read without the kernel |
//! | [`console`] | text for people |
//! | [`policy`] | the trait of a scheduling policy |
//! | [`lists`] | lists of children for policies |
//! | `trial` | a policy on trial, for its tests on the host |
//! | [`sched`] | the loop that drives a policy as a root or as a nested scheduler |
//! | [`lock`] | locks whose waiters lend their time to the holder
//! | [`elf`] | reads a program, for who loads it |
//! | [`driver`] | the loop of an interrupt driver |
//! | [`alarm`] | a timer that interrupts, for tests and measurements |
//! | [`call`] | system calls other than IPC |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod alarm;
pub mod arrived;
pub mod call;
pub mod capability;
pub mod clock;
pub mod console;
pub mod driver;
pub mod elf;
pub mod environment;
pub mod ipc;
pub mod items;
pub mod lists;
pub mod lock;
pub mod memory;
pub mod policy;
pub mod processor;
pub mod sched;
pub mod thread;
#[cfg(not(target_os = "none"))]
pub mod trial;

pub use capability::{Core, Gate, Irq, Lines, Ports, Region, Space, Thread};
pub use cedo_abi as abi;
pub use cedo_abi::{Label, Rights, Status, Tag, Token};
pub use cedo_rt::raw::ELF_MACHINE;
pub use cedo_rt::stack::{self, Stack};
pub use cedo_rt::{ThisThread, UtcbPage, View, image, page, program, raw, text, windows};
pub use clock::Clock;
pub use console::Console;
pub use environment::Environment;
pub use ipc::{Ipc, Message, Partner, Winner};
