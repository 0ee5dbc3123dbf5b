//! Rust targets and components, by rustup.

use crate::progress;
use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Subcommands of cargo that look at sources, and the components that bring them.
const COMPONENTS: [(&str, &str); 2] = [("fmt", "rustfmt"), ("clippy", "clippy")];

/// Installs a target unless it is there.
pub fn add_target(workspace: &Workspace, target: &str) -> Result<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(&workspace.root)
        .output()
        .context("cannot start rustc")?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if output.status.success() && Path::new(&folder).is_dir() {
        return Ok(());
    }
    add(workspace, "target", target)
}

/// Installs the components that look at sources unless they are there.
pub fn add_components(workspace: &Workspace) -> Result<()> {
    for (subcommand, component) in COMPONENTS {
        let output = Command::new(cargo())
            .args([subcommand, "--version"])
            .current_dir(&workspace.root)
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            add(workspace, "component", component)?;
        }
    }
    Ok(())
}

fn add(workspace: &Workspace, what: &str, name: &str) -> Result<()> {
    progress::say(&format!("Installing the Rust {what} {name}"));
    let status = Command::new("rustup")
        .args([what, "add", name])
        .current_dir(&workspace.root)
        .status()
        .with_context(|| {
            format!("the Rust {what} {name} is missing, and so is rustup, which adds it")
        })?;
    if !status.success() {
        bail!(
            "rustup said above why it could not add the {what} {name}; when that is solved, repeat \
             the command, or type:\n  rustup {what} add {name}"
        );
    }
    Ok(())
}
