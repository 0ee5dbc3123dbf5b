//! Measures what the kernel's operations cost, seen by a user.
//!
//! One program, many threads, told apart by their names in the system description. The thread
//! "bench" measures and prints, one line per operation:
//!
//! ```text
//! [bench] op=round-trip space=other cores=same words=4 unit=instructions min=.. median=.. p99=.. max=.. samples=..
//! ```
//!
//! The unit is what the kernel says of the counter: *instructions* under an emulator that counts
//! them, *ticks* of the clock of one that does not, which are no measure, and on a machine *cycles*: on
//! x86-64 of the time-stamp counter, which are no cycles of the core where its frequency changes; on
//! aarch64 of the core itself where the description has `cycle_counter = true`, else *clock-ticks*.
//! The cost of reading the counter is measured first and taken off.
//!
//! | file | contents |
//! |---|---|
//! | `plan` | what is measured, in order |
//! | `round_trip` | calls, by place and length |
//! | `page_fault` | a fault, its handler, and back |
//! | `decision` | a timer interrupt, the scheduler's decision, another thread |
//! | `interrupt` | a device interrupt until its handler runs |
//! | `stopwatch` | which counter |
//! | `samples` | order statistics |
//! | `row` | one line of the result, and the table |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod decision;
mod interrupt;
mod page_fault;
mod plan;
mod round_trip;
mod row;
mod samples;
mod stopwatch;

use cedo_lib::{Environment, ThisThread};

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    stopwatch::choose(&environment);
    match environment.name() {
        "bench" => plan::run(&environment),
        "same" | "other" | "remote" => round_trip::answer(),
        "pager" => page_fault::handle(this, &environment),
        "spinner0" => decision::spin(&environment, 0),
        "spinner1" => decision::spin(&environment, 1),
        "timer" => interrupt::handle(&environment),
        _ => {}
    }
}
