//! The scheduler program.
#[allow(dead_code)]
mod policy;
#[cfg(test)]
mod policy_tests;
fn main() {}
