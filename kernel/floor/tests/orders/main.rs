//! What crosses cores, in every order that the memory model allows.
//!
//! The model checker runs each test again and again: every interleaving of the atomic operations of
//! its threads (up to a number of preemptions), and every value that a load may see. A core is a
//! thread. A lost wake-up shows as a deadlock, a race as a concurrent access to a checked cell.
//!
//! | file | contents |
//! |---|---|
//! | `cores` | cores as the tests play them: interrupt lines, inboxes, mails |
//! | `inbox` | posting, taking, kicks, halting |
//! | `lent` | what travels with a mail, there and home again |
//! | `reuse` | objects: made known, looked up, destroyed, their frames used again |
//! | `moved` | a thread that is handed over to another core, and mails that follow it |
//! | `frames` | two cores that change the entry of one frame |
//! | `lock` | the ticket lock |
#![cfg(loom)]
#![expect(unsafe_code, reason = "checked cells, and a window over frames of the test's own")]

mod cores;
mod frames;
mod inbox;
mod lent;
mod lock;
mod moved;
mod reuse;

use loom::cell::UnsafeCell;

/// Checks a model exhaustively up to this many preemptions.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// Memory that is no atomic: the model checker objects to accesses that nothing orders.
#[derive(Debug)]
pub struct Plain(UnsafeCell<u64>);

// SAFETY: the model checker runs one thread at a time, and ends the test at the first access that
// would be a race.
unsafe impl Sync for Plain {}

impl Plain {
    fn new(value: u64) -> Plain {
        let plain = Plain(UnsafeCell::new(0));
        // Writing is checked, making is not.
        plain.set(value);
        plain
    }

    fn get(&self) -> u64 {
        self.0.with(|value| {
            // SAFETY: see `Sync`.
            unsafe { *value }
        })
    }

    fn set(&self, new: u64) {
        self.0.with_mut(|value| {
            // SAFETY: see `Sync`.
            unsafe { *value = new }
        });
    }
}
