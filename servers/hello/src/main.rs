//! Workers that show a scheduling policy at work, and a chief that judges what happened.
//!
//! A worker greets, computes, and says how far it is; the chief waits for all of them, prints who
//! got how much, and switches the machine off: with 0 if the policies kept their promise, with 1 if
//! not. All are threads of one program and share its memory.
//!
//! Parameters of a thread: `role`, a number below, and `value`:
//!
//! | role | who | value |
//! |---|---|---|
//! | [`EQUAL`] | a worker that shall get as far as its equals | its pieces of work |
//! | [`STRICT`] | a worker that shall finish by priority | its pieces of work |
//! | [`TIMED`] | a worker that computes until it is stopped | its due share of a core, per mille |
//! | [`CHIEF`] | waits until all workers have finished | how many there are |
//! | [`TIMEKEEPER`] | the same, but stops them after a while | how many there are |
//! | [`FAULTY`] | reads memory that it does not have; nobody waits for it | |
//!
//! | file | contents |
//! |---|---|
//! | `roster` | who works here, and how far everybody is |
//! | `worker` | greets, computes, reports |
//! | `chief` | waits, judges, prints |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod chief;
mod roster;
mod worker;

use cedo_lib::abi::system::parameter::ROLE;
use cedo_lib::{Environment, ThisThread};

cedo_lib::program!(start);

// Roles, explained above.
const EQUAL: u64 = 0;
const STRICT: u64 = 1;
const TIMED: u64 = 2;
const CHIEF: u64 = 3;
const TIMEKEEPER: u64 = 4;
const FAULTY: u64 = 5;

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    match environment.parameters()[ROLE] {
        EQUAL | STRICT | TIMED => worker::work(&environment),
        CHIEF | TIMEKEEPER => chief::judge(&environment),
        FAULTY => worker::fault(&environment),
        _ => {}
    }
}
