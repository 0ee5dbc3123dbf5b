//! The same programs on the simulated machine: the test `fuzz` of the kernel core, given a number of
//! calls. It makes a failing run short by itself, step by step, and tells it in words.

use super::Options;
use crate::build::target_cargo;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};

/// Calls of a run that does not say how many.
const CALLS: u64 = 1_000_000;
/// Calls of a long run.
const LONG: u64 = 100_000_000;

/// Runs the test; what it says is shown as it comes.
pub fn run(workspace: &Workspace, arguments: &Options) -> Result<()> {
    let calls = arguments.calls.unwrap_or(if arguments.long { LONG } else { CALLS });
    let status = target_cargo(workspace)
        .args(["test", "--quiet", "-p", "cedo-core", "--test", "fuzz", "--", "--nocapture"])
        .args(["hostile_programs_harm_nobody"])
        .env("CEDO_FUZZ_CALLS", calls.to_string())
        .env("CEDO_FUZZ_SEED", arguments.seed.to_string())
        .env("CEDO_FUZZ_CORES", arguments.cores.unwrap_or(0).to_string())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!(
            "a rule is broken, or the test could not be built; see above. Repeat it with \
             `cargo xtask fuzz --host --seed {} --calls {calls}`",
            arguments.seed
        );
    }
    Ok(())
}
