//! What crosses cores, and the locks of user programs, in every order that the memory model allows.
//!
//! The test `orders` of a crate is compiled with the atomics of a model checker
//! (`cedo_machine::atomic`), in a target folder of its own, because that changes every crate below.

use super::cases;
use crate::build::target_cargo;
use crate::check::Tree;
use anyhow::Result;

/// Crates that have a test called [`TEST`].
const PACKAGES: [&str; 3] = ["cedo-floor", "cedo-core", "cedo-lib"];
const TEST: &str = "orders";
/// Selects the model checker's atomics.
const FLAGS: &str = "--cfg loom";

/// Runs the tests; how many passed.
pub fn run(tree: &Tree) -> Result<String> {
    let mut command = target_cargo(&tree.workspace);
    command.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", tree.workspace.output()?.join(TEST));
    let mut arguments = vec!["--test", TEST];
    arguments.extend(PACKAGES.iter().flat_map(|name| ["--package", *name]));
    let passed = cases::cargo_test(command, &arguments)?;
    Ok(format!("{passed} passed"))
}
