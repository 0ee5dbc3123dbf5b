//! Round robin, as a root scheduler or below another one.
//!
//! The length of a turn is the scheduler's own parameter `slice`. Below another scheduler there is
//! no timer: a turn ends when the branch gets a fresh turn from above.
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

use cedo_lib::abi::system::parameter::SLICE_NS;
use cedo_lib::{Environment, ThisThread, sched};
use policy::RoundRobin;

cedo_lib::program!(start);

/// A root's turns if its description does not say.
const DEFAULT_SLICE_NS: u64 = 10_000_000;

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    let slice_ns = match (environment.is_root(), environment.parameters()[SLICE_NS]) {
        (false, _) => 0,
        (true, 0) => DEFAULT_SLICE_NS,
        (true, slice_ns) => slice_ns,
    };
    sched::run(&environment, &mut RoundRobin::new(slice_ns))
}
