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

/// Steps of one history.
const STEPS: u32 = 400;

/// Histories; `CEDO_HISTORIES` asks for more.
fn histories() -> u64 {
    let asked = std::env::var("CEDO_HISTORIES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(60)
}

#[test]
fn exactly_what_is_alive_is_there() {
    let mut done = act::Tally::default();
    for seed in 1..=histories() {
        let mut stage = Stage::build(&mut Random::new(seed));
        let mut random = Random::new(seed);
        for _ in 0..STEPS {
            stage.step(&mut random, &mut done);
            stage.verify();
        }
        stage.end();
    }
    done.expect_all();
}
