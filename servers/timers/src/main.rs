//! Exercises the timers of a machine: the deadlines that the kernel gives, and every counter that the
//! system description lets it read.
//!
//! One program, many threads, told apart by their names in `systems/timers.toml`. The thread "judge" asks
//! the others, prints, and switches the machine off: with 0 if every check was kept, else with 1. The
//! checks are of function and order, which hold on an emulator, too. How long something took is printed
//! and judged by whoever knows the machine (`hil/scenarios/timers.toml`).
//!
//! | file | contents |
//! |---|---|
//! | `plan` | the judge: what is checked, in order |
//! | `meter` | the root scheduler of a core, which measures how late its deadlines are |
//! | `series` | how late, as bars of a histogram |
//! | `clocks` | does the clock run backwards, do two cores' clocks agree |
//! | `counters` | other counters of the machine |
//! | `agreement` | another counter against the clock |
//! | `storms` | who keeps a core busy meanwhile |
//! | `comparator` | an HPET's comparator, for a PC's `ticker` |
//! | `ticker` | a device that interrupts, as a storm and against the clock |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod agreement;
mod clocks;
mod comparator;
mod counters;
mod meter;
mod plan;
mod series;
mod storms;
mod ticker;

use cedo_lib::{Environment, ThisThread};

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    match environment.name() {
        "judge" => plan::run(&environment),
        "meter" => meter::run(&environment),
        "pong" => storms::answer(),
        "ping" | "remote" => storms::work(&environment),
        "ticker" => ticker::run(&environment),
        _ => {}
    }
}
