//! The third architecture: a simulated machine on which the neutral kernel runs under `cargo test`.
//!
//! It is a machine, not an emulator: user code is not interpreted. Whoever drives the [`World`] says
//! what the current thread of a core does next (a call, a fault, a load, a store) and which pending
//! interrupt arrives when, so every run can be repeated, recorded and searched. One entry into the
//! kernel is one indivisible step of the world.
//!
//! It is stricter than a real machine where that finds errors: a context outside the start of a
//! frame, a page table without the kernel's entries, a resume without a current thread or a spin
//! loop that cannot end stop the test with a sentence.
//!
//! | file | contents |
//! |---|---|
//! | [`context`] | [`HostContext`]: saved user state |
//! | [`page`] | [`HostPages`]: page-table entries of trivial bits |
//! | `memory` | the frames behind the window; the only unsafe operation of the crate |
//! | [`board`] | what the cores share: clock, lines, ports, console |
//! | [`line`](mod@line) | interrupt lines |
//! | [`cpu`] | [`HostMachine`]: one core |
//! | [`translate`] | loads and stores of user code, with a translation cache that can go stale |
//! | [`setup`] | [`Setup`]: what to build; from it the platform |
//! | [`image`] | boot archives and flat images for tests |
//! | [`world`] | [`World`]: all cores, step by step |
//! | [`observe`] | looking at a world; clock, lines, ports and memory from outside |
//! | [`event`] | steps as data: what can happen next, and doing it |
//! | [`random`] | a seeded driver |
//! | [`snapshot`] | copying and restoring the whole world, fingerprints |
//!
//! Invariant: between two steps nothing but the world touches the frames.
#![expect(unsafe_code, reason = "memory.rs promises a window over the frames it owns")]

pub mod board;
pub mod context;
pub mod cpu;
pub mod event;
pub mod image;
pub mod line;
mod memory;
pub mod observe;
pub mod page;
pub mod random;
pub mod setup;
pub mod snapshot;
pub mod translate;
pub mod world;

#[cfg(test)]
mod tests;

pub use context::{HostContext, Roles};
pub use cpu::HostMachine;
pub use event::{Action, Event};
pub use page::HostPages;
pub use random::{Pause, Random, drive};
pub use setup::Setup;
pub use snapshot::{Mix, Snapshot};
pub use world::{Outcome, Refusal, World};
