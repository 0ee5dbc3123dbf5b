//! Miri, by rustup.

use crate::progress;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Toolchain that has Miri: it comes with nightly ones only. Nothing is built with it.
pub const TOOLCHAIN: &str = "nightly";
/// Miri, and the sources of the standard library, which it interprets too.
const COMPONENTS: [&str; 2] = ["miri", "rust-src"];

/// Installs what is missing of it.
pub fn add() -> Result<()> {
    let listed = Command::new("rustup")
        .args(["component", "list", "--installed", "--toolchain", TOOLCHAIN])
        .output()
        .context("rustup is not here to install Miri; see its site for how to install rustup")?;
    let installed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let command = command(listed.status.success(), &installed);
    if command.is_empty() {
        return Ok(());
    }
    let line = format!("rustup {}", command.join(" "));
    progress::say(&format!("Installing Miri: {line}"));
    let output = Command::new("rustup").args(&command).output().context("cannot start rustup")?;
    if !output.status.success() {
        bail!(
            "cannot install Miri, which interprets the tests of unsafe code; repeat by hand what \
             failed, or choose a nightly toolchain that has it:\n  {line}\n{}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// What rustup is to do so that Miri can run; nothing if it can.
fn command(toolchain: bool, installed: &str) -> Vec<&'static str> {
    let is_there = |component: &&str| installed.lines().any(|line| line.starts_with(*component));
    if !toolchain {
        let mut command = vec!["toolchain", "install", TOOLCHAIN, "--profile", "minimal"];
        // Some days' toolchains lack Miri; an older one will do.
        command.extend(["--allow-downgrade", "--no-self-update"]);
        command.extend(COMPONENTS.iter().flat_map(|component| ["--component", *component]));
        return command;
    }
    let missing: Vec<_> = COMPONENTS.into_iter().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return missing;
    }
    let mut command = vec!["component", "add", "--toolchain", TOOLCHAIN];
    command.extend(missing);
    command
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn miri_is_installed_as_far_as_it_is_missing() {
        let line = |toolchain, installed| command(toolchain, installed).join(" ");
        assert_eq!(line(true, "cargo-x86_64\nmiri-x86_64-unknown-linux-gnu\nrust-src\n"), "");
        assert_eq!(
            line(true, "cargo-x86_64\nrust-src\n"),
            "component add --toolchain nightly miri"
        );
        let whole = line(false, "");
        assert!(whole.starts_with("toolchain install nightly "), "{whole}");
        assert!(whole.ends_with(" --component miri --component rust-src"), "{whole}");
    }
}
