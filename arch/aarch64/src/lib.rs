//! The aarch64 machine: everything that knows registers, page-table bits, controllers and device trees.
//!
//! It is not a kernel: it calls one through `cedo_machine::Upcalls` and obeys it through
//! `cedo_machine::Machine`. It chooses nothing and keeps no thread state but the registers.
//!
//! Invariant: interrupts are masked whenever code of this crate or of the kernel runs; the only
//! places that open them are the return to user mode and the halt loop of [`entry`].
//!
//! Files named as in `kernel/machine` hold what that file demands; the rest is below them, with the
//! names of `arch/x86_64` where it does the same.
//!
//! | file | contents |
//! |---|---|
//! | [`context`] | saved user registers |
//! | [`floating`] | floating-point registers: saved state, and the processor's side |
//! | [`page`] | the format of page-table entries |
//! | `cpu` | the `Machine` of one core |
//! | [`layout`] | where the kernel's part of the address space is |
//! | [`entry`] | the ways in and out of the kernel |
//! | `boot` | from the loader to the kernel |
//! | [`tree`] | the device tree: what a kernel needs of it |
//! | [`time`] | clocks and deadlines |
//! | [`device`] | interrupt controllers, serial ports: one device, one file |
//! | `core_area` | what entry code finds without help: one fixed record per core |
//! | `features` | the control registers, and what user code may do |
//! | `system` | what all cores know of the machine |
//! | `registers` | system registers that `aarch64-cpu` has no name for; barriers |
//! | `firmware` | calls of the power firmware (PSCI) |
//! | `semihosting` | calls of an emulator or debugger, if there is one |
//! | `log` | defmt, encoded per core and sent by semihosting |
//! | `console` | text on the serial port |
//! | `panic` | the last words, and stopping every core |
//! | `power` | off and reset |
//!
//! Memory maps, the clock's arithmetic and the lock are in `arch/common`.
//!
//! On a host only the pure parts are built, and tested.
#![no_std]
#![cfg_attr(
    any(test, target_os = "none"),
    expect(unsafe_code, reason = "this crate is the processor's side of the kernel")
)]

#[cfg(test)]
#[macro_use]
extern crate std;

#[cfg(target_os = "none")]
pub mod boot;
#[cfg(target_os = "none")]
pub mod console;
pub mod context;
#[cfg(target_os = "none")]
pub mod core_area;
#[cfg(target_os = "none")]
pub mod cpu;
pub mod device;
pub mod entry;
#[cfg(target_os = "none")]
pub mod features;
#[cfg(target_os = "none")]
pub mod firmware;
pub mod floating;
pub mod layout;
#[cfg(target_os = "none")]
pub mod log;
pub mod page;
#[cfg(target_os = "none")]
pub mod panic;
#[cfg(target_os = "none")]
pub mod power;
#[cfg(target_os = "none")]
mod registers;
#[cfg(target_os = "none")]
pub mod semihosting;
#[cfg(target_os = "none")]
pub mod system;
pub mod time;
pub mod tree;

#[cfg(target_os = "none")]
use cedo_arch_common::{late, lock, relax::relax};

#[cfg(target_os = "none")]
pub use boot::start::start;
#[cfg(target_os = "none")]
pub use cpu::Aarch64;
