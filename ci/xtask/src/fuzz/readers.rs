//! The readers of untrusted files. The harness is a test of `ci/fuzz`, because only tests are built so
//! that a panic can be caught; this starts it.

use crate::build::target_cargo;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

const PACKAGE: &str = "cedo-readers";
const TEST: &str = "readers";

/// The readers of boot archive, images, programs, descriptions, firmware tables and loader tables.
#[derive(clap::Args)]
pub struct Arguments {
    /// Seconds per reader.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Where the inputs come from; the same seed makes the same inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this reader: archive, flat, packed, environment, elf, acpi, pvh, multiboot, tree or
    /// description.
    #[arg(long)]
    reader: Option<String>,
    /// Only this case of the seed.
    #[arg(long)]
    case: Option<u64>,
    /// Only the bytes in this file.
    #[arg(long)]
    input: Option<PathBuf>,
    /// Run nothing; put the valid files that inputs are made of into this folder.
    #[arg(long)]
    files: Option<PathBuf>,
}

/// The command.
pub fn main(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut command = harness(workspace, arguments.seconds, arguments.seed)?;
    command.args(arguments.reader.iter().flat_map(|reader| ["--reader", reader]));
    if let Some(case) = arguments.case {
        command.args(["--case", &case.to_string()]);
    }
    if let Some(path) = &arguments.input {
        let path = path.canonicalize().with_context(|| format!("cannot find {path:?}"))?;
        command.arg("--input").arg(path);
    }
    if let Some(folder) = &arguments.files {
        command.arg("--files").arg(std::path::absolute(folder)?);
    }
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("a reader misbehaves; what it does and how to repeat it is said above");
    }
    Ok(())
}

/// All readers, for so many seconds each; what was tried, or what failed.
pub fn all(workspace: &Workspace, seconds: f64) -> Result<String> {
    let output = harness(workspace, seconds, 1)?.output().context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{}\n{}", text.trim(), String::from_utf8_lossy(&output.stderr).trim());
    }
    match summary(&text) {
        Some(summary) => Ok(summary),
        None => bail!("the harness tried nothing:\n{}", text.trim()),
    }
}

fn harness(workspace: &Workspace, seconds: f64, seed: u64) -> Result<Command> {
    let mut command = target_cargo(workspace);
    command.args(["test", "--quiet", "--package", PACKAGE, "--test", TEST, "--"]);
    // Errors that keep where they came from would take most of the time.
    command.env("RUST_BACKTRACE", "0");
    command.args(["--seconds", &seconds.to_string(), "--seed", &seed.to_string()]);
    command.arg("--output").arg(workspace.output()?);
    Ok(command)
}

/// Readers and inputs, from lines like "elf: 400 inputs, 7 accepted (programs)".
fn summary(text: &str) -> Option<String> {
    let inputs: Vec<u64> = text
        .lines()
        .filter_map(|line| line.split_once(": ")?.1.split_once(" inputs, ")?.0.parse().ok())
        .collect();
    let sum: u64 = inputs.iter().sum();
    (sum > 0).then(|| format!("{} readers, {sum} inputs", inputs.len()))
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn inputs_are_counted() {
        let text = "elf: 400 inputs, 7 accepted (programs)\nacpi: 30 inputs, 1 accepted (tables)\n";
        assert_eq!(summary(text).as_deref(), Some("2 readers, 430 inputs"));
        assert_eq!(summary("nothing\n"), None);
    }
}
