//! What hostile programs do: a stream of system calls from a seed.
//!
//! Most calls are sensible, so that deep states are reached (threads, Spaces, gates and interrupt
//! objects made out of frames that the program owns, started, called, dispatched, stopped and
//! destroyed); some words of them are wrong, and some calls are nothing but noise. The same stream
//! drives the kernel core on the simulated machine and programs on the target. Nothing here makes a
//! call, allocates, or knows what the kernel answers by: a call names tokens, epochs and event
//! numbers by *where they came from*, and is resolved when it is made, so that a recorded run still
//! means something after calls were left out of it.
//!
//! | file | contents |
//! |---|---|
//! | [`random`] | numbers from a seed |
//! | [`spec`] | one call with symbolic words; the registers it comes to |
//! | [`mailbox`] | what a thread remembers of its answers |
//! | [`surroundings`] | what names mean something to the program |
//! | [`generator`] | the stream: plans, single calls, mutations |
//! | [`ipc`], [`objects`], [`plans`] | sensible calls by family, and sequences of them |
//! | [`state`] | register state and long messages |
//! | [`words`] | a call in words |
//! | [`pattern`] | what their victims say to each other |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod generator;
pub mod ipc;
pub mod mailbox;
pub mod objects;
pub mod pattern;
pub mod plans;
pub mod random;
pub mod spec;
pub mod state;
pub mod surroundings;
#[cfg(test)]
mod tests;
pub mod words;

pub use generator::Generator;
pub use mailbox::Mailbox;
pub use random::Random;
pub use spec::{Registers, Spec, Word};
pub use surroundings::{Slots, Surroundings};
