//! What every real machine needs and no processor has: memory maps, clocks' arithmetic, a lock for
//! device registers.
//!
//! It is no machine and touches no device; the machines beside it (`arch/x86_64`, `arch/aarch64`) are
//! built on it.
//!
//! | file | contents |
//! |---|---|
//! | [`memory`] | spans of physical memory: who uses what |
//! | [`scale`] | ticks, nanoseconds, timer counts: the arithmetic |
//! | [`late`] | a value set once |
//! | [`lock`] | a ticket lock |
//! | [`ring`] | a ring of log bytes |
//! | [`relax`] | what a spin loop contains |
#![no_std]
#![expect(unsafe_code, reason = "a lock and a value that is set once hand out what they keep")]

#[cfg(test)]
#[macro_use]
extern crate std;

pub mod late;
pub mod lock;
pub mod memory;
pub mod relax;
pub mod ring;
pub mod scale;
