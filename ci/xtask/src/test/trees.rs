//! Boots with device trees that do not fit the machine: the kernel says so in a line, and goes on if it can.
//!
//! A tree that is damaged never comes through the emulator, which completes it; host tests and the fuzzer
//! have those.

use super::boots::{Builds, refusal_of};
use crate::board::Board;
use crate::build::Profile;
use crate::qemu::Medium;
use crate::qemu::guest::{self, Limits, Outcome, Session};
use crate::tree;
use anyhow::{Context, Result, ensure};
use std::time::Duration;
use toml::{Table, Value};

const BOARD: Board = Board::Rpi3;
const LIMIT: Duration = Duration::from_secs(60);
/// Processors that the made-up tree has: one more than runs is not there, two are more than Cedo runs.
const PROCESSORS: i64 = 10;

/// A tree without a timer is a reason not to boot.
pub fn without_a_timer(builds: &Builds, system: &str) -> Result<String> {
    let outcome = boot(builds, system, |tree| drop(tree.remove("timer")))?;
    let line = refusal_of(&outcome)?;
    ensure!(line.contains("no timer"), "it says something else: {line}");
    Ok(line)
}

/// Processors that do not start, or are too many, are named and left out; the system runs on the others.
pub fn with_processors_that_are_not_there(builds: &Builds, system: &str) -> Result<String> {
    let outcome = boot(builds, system, |tree| {
        let Some(Value::Table(processors)) = tree.get_mut("cpus") else { return };
        let Some(Value::Table(usual)) = processors.get("cpu@3").cloned() else { return };
        for number in 4..PROCESSORS {
            let mut processor = usual.clone();
            // Nobody looks at this place. Those that follow are the first one's, again.
            let (place, affinity) = if number == 4 { (0x500, 4) } else { (0xd8, 0) };
            let release = Value::Array(vec![Value::Integer(0), Value::Integer(place)]);
            processor.insert("cpu-release-addr".to_string(), release);
            processor.insert("reg".to_string(), Value::Integer(affinity));
            processors.insert(format!("cpu@{number}"), Value::Table(processor));
        }
    })?;
    ensure!(outcome.is_success(), "{}", outcome.complaint());
    for line in [
        "processor 0x4 does not start and is left out",
        "2 more processors are ignored: Cedo runs 8",
    ] {
        let said = outcome.transcript.lines().any(|other| other == line);
        ensure!(said, "it does not say `{line}`:\n{}", outcome.transcript);
    }
    Ok("named and left out".to_string())
}

/// Boots the board with its tree changed.
fn boot(builds: &Builds, system: &str, change: impl FnOnce(&mut Table)) -> Result<Outcome> {
    let boot = builds.boot(BOARD, system, Profile::Release)?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let file = folder.path().join("tree.dtb");
    std::fs::write(&file, tree::changed(&BOARD.tree_file(&builds.workspace), change)?)?;
    let medium = Medium::Files {
        kernel: &boot.stripped,
        archive: Some(&boot.archive),
        tree: Some(&file),
        card: None,
    };
    guest::run(Session {
        machine: &boot.machine,
        medium,
        limits: Limits { total: Some(LIMIT), silence: None },
        show: Box::new(|_| {}),
        follow: None,
        interactive: false,
        monitor: None,
    })
}
