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
    let devices = "[device.uart]\nports = { first = 0x3f8, count = 8 }\n\
                   interrupt = { line = 4, trigger = \"level\" }\n\
                   [device.clock]\nmemory = { base = 0x9010000, pages = 2 }\n";
    let devices = super::Devices::parse(devices).unwrap();
    super::parse("system.toml", source, &programs(), &devices)
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
