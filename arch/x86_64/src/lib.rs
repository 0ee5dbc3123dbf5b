//! The x86-64 machine: everything that knows registers, page-table bits, controllers and loaders.
//!
//! It is not a kernel: it calls one through `cedo_machine::Upcalls` and obeys it through
//! `cedo_machine::Machine`. It chooses nothing and keeps no thread state but the registers.
//!
//! Invariant: interrupts are masked whenever code of this crate or of the kernel runs; the only
//! places that open them are the return to user mode and the halt loop of [`entry`].
//!
//! Files named as in `kernel/machine` hold what that file demands; the rest is below them.
//!
//! | file | contents |
//! |---|---|
//! | [`context`] | saved user registers |
//! | [`floating`] | floating-point registers: saved image, and the processor's side |
//! | [`page`] | the format of page-table entries |
//! | `cpu` | the `Machine` of one core |
//! | [`layout`] | where the kernel's part of the address space is |
//! | [`entry`] | the ways in and out of the kernel |
//! | [`boot`] | from the loader to the kernel |
//! | [`acpi`] | the four tables a kernel needs |
//! | [`time`] | clocks and deadlines |
//! | [`device`] | interrupt controllers, timers, serial ports: one device, one file |
//! | `descriptor` | segments, task state, interrupt gates |
//! | `core_area` | what entry code finds without help: one fixed record per core |
//! | `features` | what this processor can do, and the control registers that say so |
//! | `system` | what all cores know of the machine |
//! | `log` | defmt, encoded per core and sent by COM2 |
//! | `console` | text on COM1 |
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

pub mod acpi;
pub mod boot;
#[cfg(target_os = "none")]
pub mod console;
pub mod context;
#[cfg(target_os = "none")]
pub mod core_area;
#[cfg(target_os = "none")]
pub mod cpu;
#[cfg(target_os = "none")]
pub mod descriptor;
pub mod device;
pub mod entry;
#[cfg(target_os = "none")]
pub mod features;
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
pub mod system;
pub mod time;

#[cfg(target_os = "none")]
use cedo_arch_common::late;
use cedo_arch_common::lock;

#[cfg(target_os = "none")]
pub use boot::start::start;
#[cfg(target_os = "none")]
pub use cpu::X86_64;
