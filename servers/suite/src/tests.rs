//! The tests, grouped by what they are about. Each is a sentence that holds.

pub mod bad_input;
pub mod cancels;
pub mod capabilities;
pub mod cores;
pub mod faults;
pub mod floating;
pub mod forward;
pub mod gifts;
pub mod groups;
pub mod interrupts;
pub mod lines;
pub mod memory;
pub mod messages;
pub mod migrate;
pub mod objects;
pub mod operations;
pub mod remote_end;
pub mod revoke;
pub mod rights;
pub mod scheduling;
pub mod segments;
pub mod strings;
pub mod threads;
pub mod tokens;
pub mod tree;
pub mod winners;

use crate::driver::Driver;
use crate::verdict::Verdict;

/// A sentence, and how to find out whether it holds.
pub struct Test {
    pub sentence: &'static str,
    pub body: fn(&mut Driver) -> Verdict,
}

/// Writes one line of a table of tests.
pub const fn test(sentence: &'static str, body: fn(&mut Driver) -> Verdict) -> Test {
    Test { sentence, body }
}

/// Everything that one core is enough for, in order.
pub const ON_ONE_CORE: &[&[Test]] = &[
    messages::TESTS,
    operations::TESTS,
    forward::TESTS,
    winners::TESTS,
    tokens::TESTS,
    rights::TESTS,
    capabilities::TESTS,
    memory::TESTS,
    revoke::TESTS,
    objects::TESTS,
    faults::TESTS,
    segments::TESTS,
    floating::TESTS,
    threads::TESTS,
    remote_end::TESTS,
    interrupts::TESTS,
    strings::TESTS,
    gifts::TESTS,
    groups::TESTS,
    bad_input::TESTS,
];

/// What needs a second core.
pub const ON_TWO_CORES: &[&[Test]] = &[
    cores::TESTS,
    revoke::TESTS_ON_TWO_CORES,
    forward::TESTS_ON_TWO_CORES,
    remote_end::TESTS_ON_TWO_CORES,
    migrate::TESTS_ON_TWO_CORES,
    strings::TESTS_ON_TWO_CORES,
    gifts::TESTS_ON_TWO_CORES,
];
