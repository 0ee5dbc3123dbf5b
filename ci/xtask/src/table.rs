//! `cargo xtask table`: prints the tables of what comes of each operation as a document.

use crate::workspace::{self, Workspace};
use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Print the tables of what comes of each operation, as they are held against the kernel.
///
/// Who runs next after each operation, what comes of operations on a thread in every state, and what
/// comes of messages with strings, memory and capabilities. The document is Markdown, generated from
/// the rules that `cargo test -p cedo-core --test table` and `--test transfer` compare with the kernel,
/// cell by cell.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write it to this file instead
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Test programs that have a part of the document each, in order.
const PARTS: [(&str, &str); 2] =
    [("table", "write_the_document"), ("transfer", "strings::write_the_document")];

/// Runs the command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let parts = PARTS.iter().map(|(program, test)| part(&workspace, program, test));
    let text = parts.collect::<Result<Vec<_>>>()?.join("\n");
    match &arguments.output {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("cannot write {}; choose another --output", path.display())),
        None => std::io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .context("cannot write to standard output"),
    }
}

/// What one test program writes.
fn part(workspace: &Workspace, program: &str, test: &str) -> Result<String> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("table.md");
    let status = Command::new(workspace::cargo())
        .args(["test", "--quiet", "-p", "cedo-core", "--test", program])
        .args(["--", "--ignored", "--exact", test])
        .env("CEDO_TABLE", &file)
        .current_dir(&workspace.root)
        .stdout(std::process::Stdio::null())
        .status()
        .context("cannot run cargo")?;
    ensure!(
        status.success(),
        "the table could not be made; run `cargo test -p cedo-core --test {program}`"
    );
    std::fs::read_to_string(&file).context("the table was not written")
}
