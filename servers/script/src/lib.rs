//! A program of seven threads, from a seed: what each calls next depends only on what its last call
//! came to. On one core, who runs when is then decided by the kernel alone, so the target and the
//! simulated machine must tell the same story, line by line.
//!
//! ```text
//!            root
//!           /    \
//!          s      t        schedulers
//!         / \    / \
//!        a   b  v   w      workers, which call, send to, and answer each other
//! ```
//!
//! Nothing here makes a call: an [`Actor`] says which one its thread makes next.
//!
//! | file | contents |
//! |---|---|
//! | [`cast`] | who there is, and where their capabilities are |
//! | [`actor`] | one thread: what it calls next, and what is told of it |
//! | [`worker`], [`scheduler`] | the two kinds of threads |
//! | [`call`] | the calls that it makes |
//! | [`entry`] | one line of the story |
//! | [`random`] | numbers from a seed |
#![no_std]
#![forbid(unsafe_code)]

pub mod actor;
mod call;
pub mod cast;
pub mod entry;
mod random;
mod scheduler;
mod worker;

pub use actor::Actor;
pub use cast::{Slots, Who};
pub use entry::Entry;
