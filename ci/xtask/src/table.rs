//! `cargo xtask table`: prints the table of who runs next as a document.

use crate::workspace::{self, Workspace};
use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Print the table of who runs next after each operation, as it is held against the kernel.
///
/// The document is Markdown. It is generated from the rule that `cargo test -p cedo-core --test table`
/// compares with the kernel, cell by cell.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write it to this file instead
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("table.md");
    let status = Command::new(workspace::cargo())
        .args(["test", "--quiet", "-p", "cedo-core", "--test", "table"])
        .args(["--", "--ignored", "--exact", "write_the_document"])
        .env("CEDO_TABLE", &file)
        .current_dir(&workspace.root)
        .stdout(std::process::Stdio::null())
        .status()
        .context("cannot run cargo")?;
    ensure!(
        status.success(),
        "the table could not be made; run `cargo test -p cedo-core --test table`"
    );
    let text = std::fs::read(&file).context("the table was not written")?;
    match &arguments.output {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("cannot write {}; choose another --output", path.display())),
        None => {
            std::io::stdout().lock().write_all(&text).context("cannot write to standard output")
        }
    }
}
