//! Shows what a lock costs the most urgent thread: who waits for whom, with and without a protocol.
//!
//! Three threads of one core under fixed priority. `low` is in its critical section when `high` wants
//! the lock and `hog`, in between, has much to do. In each *scene* they use another kind of lock; the
//! chief starts them in the worst order, judges what happened, and switches the machine off: with 0
//! if every promise of `docs/locks.md` was kept. Work is counted in units, not in time, so that the
//! result is the same on every machine.
//!
//! | file | contents |
//! |---|---|
//! | `scene` | the scenes, their locks, and what is counted |
//! | `actors` | what `low`, `hog`, `relay`, `high` and the doomed ones do |
//! | `chief` | starts them, judges, prints |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod actors;
mod chief;
mod scene;

use cedo_lib::{Environment, ThisThread};

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    match environment.name() {
        "chief" => chief::judge(&environment),
        "high" => actors::high(&environment),
        "hog" => actors::hog(&environment),
        "relay" => actors::relay(&environment),
        // `low`, and those that end as holders.
        _ => actors::low(&environment),
    }
}
