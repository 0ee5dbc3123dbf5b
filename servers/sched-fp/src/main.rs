//! Fixed priority, preemptive, as a root scheduler or below another one.
//!
//! A child's parameters are its `priority` (0 to 63, more is more urgent) and its `slice`: how long
//! it may run before its equals have their turn; without one it runs until it waits. The scheduler's
//! own `slice` is for children that have none; up to its own `value` its children may raise
//! themselves, for locks with a ceiling.
//!
//! | file | contents |
//! |---|---|
//! | `policy` | who runs next; no system calls |
//! | `policy_tests` | against a model and random histories, on the host |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod policy;
#[cfg(test)]
mod policy_tests;

use cedo_lib::abi::system::parameter::{SLICE_NS, VALUE};
use cedo_lib::{Environment, ThisThread, sched};
use policy::FixedPriority;

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    // Below another scheduler the word is that scheduler's slice for this branch.
    let own_ns = if environment.is_root() { environment.parameters()[SLICE_NS] } else { 0 };
    let ceiling = environment.parameters()[VALUE];
    sched::run(&environment, &mut FixedPriority::new(own_ns, ceiling))
}
