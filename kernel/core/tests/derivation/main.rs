//! Random histories of making and taking back, on two simulated cores, against a naive model.
//!
//! Two threads act, one on each core and in a Space of its own; further Spaces come and go. Whatever
//! they do, in whatever order their calls and the rounds of the other come: after each step the
//! kernel has exactly what the model says is alive, at most what it says is being taken back, and
//! nothing else; frames are mapped as often as the page tables say; and when everything has been
//! taken back all frames are what they were.
//!
//! | file | contents |
//! |---|---|
//! | [`model`] | what depends on what, kept the naive way |
//! | [`stage`] | the machine, and who acts on it |
//! | [`act`] | one random action, and whether its status is right |
//! | [`verify`] | the kernel against the model |
#![forbid(unsafe_code)]

mod act;
mod model;
mod stage;
mod verify;

use cedo_arch_host::Random;
use stage::Stage;
use std::ops::RangeInclusive;

/// Steps of one history.
const STEPS: u32 = 400;
/// Histories that are tried, unless `CEDO_HISTORIES` says how many, or `CEDO_HISTORY` which one.
const HISTORIES: u64 = 60;

fn histories() -> RangeInclusive<u64> {
    let asked = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match asked("CEDO_HISTORY") {
        Some(one) => one..=one,
        None => 1..=asked("CEDO_HISTORIES").unwrap_or(HISTORIES),
    }
}

#[test]
fn exactly_what_is_alive_is_there() {
    let mut done = act::Tally::default();
    let histories = histories();
    for seed in histories.clone() {
        // Shown if it fails.
        println!("history {seed}; repeat it with CEDO_HISTORY={seed}");
        let mut stage = Stage::build(&mut Random::new(seed));
        let mut random = Random::new(seed);
        for _ in 0..STEPS {
            stage.step(&mut random, &mut done);
            stage.verify();
        }
        stage.end();
    }
    if histories.count() as u64 >= HISTORIES {
        done.expect_all();
    }
}
