//! Tests of system descriptions.

mod arbitrary;
mod packed;
mod problems;
mod shipped;

use super::Description;

/// Programs that the tests' descriptions may name.
fn programs() -> Vec<String> {
    ["bench", "console", "hello", "sched-fp", "sched-rr", "suite"].map(String::from).to_vec()
}

fn parse(source: &str) -> Result<Description, String> {
    super::parse("system.toml", source, &programs())
}

/// A system with two cores, a root on each, a worker, and a shared memory.
const BASE: &str = r#"
name = "base"
cores = 2
[core.0]
root = "rr0"
[core.1]
root = "rr1"
protocol = "chain"
[space.schedulers]
program = "sched-rr"
[space.workers]
program = "hello"
[memory.shared]
size = "8K"
[thread.rr0]
space = "schedulers"
[thread.rr1]
space = "schedulers"
[thread.worker]
space = "workers"
scheduler = "rr0"
"#;
