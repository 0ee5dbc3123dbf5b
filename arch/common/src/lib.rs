//! What every real machine needs and no processor has: memory maps, clocks' arithmetic, a lock for
//! device registers, the log.
//!
//! It is no machine and touches no device; the machines beside it (`arch/x86_64`, `arch/aarch64`) are
//! built on it.
//!
//! | file | contents |
//! |---|---|
//! | [`memory`] | spans of physical memory: who uses what |
//! | [`scale`] | ticks, nanoseconds, timer counts: the arithmetic |
//! | [`floating`] | whose floating-point registers a core holds |
//! | [`late`] | a value set once |
//! | [`lock`] | a ticket lock |
//! | [`ring`] | a ring of log bytes |
//! | [`turns`] | whose log byte goes out next |
//! | `log` | the log of all cores |
//! | [`text`] | text for people |
//! | [`pages`] | copying memory to whole pages |
//! | [`relax`] | what a spin loop contains |
#![no_std]
#![expect(unsafe_code, reason = "locks, late values, page copies, saved registers")]

#[cfg(test)]
#[macro_use]
extern crate std;

pub mod floating;
pub mod late;
pub mod lock;
#[cfg(target_os = "none")]
pub mod log;
pub mod memory;
pub mod pages;
pub mod relax;
pub mod ring;
pub mod scale;
pub mod text;
pub mod turns;
