//! Installs packages by apt-get.

use super::packages::{Requirement, Way, names};
use crate::progress::Step;
use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::process::{Command, Stdio};

/// Nobody is there to answer questions; another installation under way is waited for.
const START: [&str; 5] =
    ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"];
const INSTALL: [&str; 3] = ["install", "--yes", "--no-install-recommends"];
/// What apt-get says of packages it has never heard of.
const UNKNOWN: [&str; 2] = ["Unable to locate package", "no installation candidate"];

/// Installs what is missing.
pub fn install(way: Way, missing: &[&Requirement]) -> Result<()> {
    if way == Way::BySudo {
        authenticate()?;
    }
    let names = names(missing);
    let step = Step::start(&format!("Installing {names}"));
    // A list that cannot be had now may be needless: what counts is the installation.
    let update = apt(way, &["update"], &step)?;
    let mut arguments = INSTALL.to_vec();
    arguments.extend(missing.iter().map(|requirement| requirement.package));
    let install = apt(way, &arguments, &step)?;
    drop(step);
    match install {
        Ok(()) => Ok(()),
        Err(text) => bail!("{}", complaint(&names, &update.err().unwrap_or_default(), &text)),
    }
}

/// Asks for the password, if sudo wants one, before anything is drawn on the terminal.
fn authenticate() -> Result<()> {
    let status = Command::new("sudo").arg("true").status().context("cannot start sudo")?;
    ensure!(
        status.success(),
        "sudo did not let us install packages; repeat the command without --yes to see what an \
         administrator has to type"
    );
    Ok(())
}

/// What apt-get complained of, if it failed.
fn apt(way: Way, arguments: &[&str], step: &Step) -> Result<Result<(), String>> {
    let sudo: &[&str] = if way == Way::BySudo { &["sudo"] } else { &[] };
    let words: Vec<_> = [sudo, &START, arguments].concat();
    let mut errors = tempfile::tempfile().context("cannot create a temporary file")?;
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors.try_clone().context("cannot use a temporary file")?)
        .spawn()
        .with_context(|| format!("cannot start {}", words[0]))?;
    let output = child.stdout.take().context("apt-get has no stdout")?;
    for line in BufReader::new(output).split(b'\n') {
        step.detail(&String::from_utf8_lossy(&line.context("cannot read from apt-get")?));
    }
    let status = child.wait().context("cannot wait for apt-get")?;
    Ok(if status.success() { Ok(()) } else { Err(contents(&mut errors)?) })
}

fn contents(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).context("cannot read a file")?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_string())
}

fn complaint(names: &str, update: &str, install: &str) -> String {
    let said = [update, install].join("\n");
    let hint = if UNKNOWN.iter().any(|text| said.contains(text)) {
        "; on Ubuntu some of them are in `universe`: sudo add-apt-repository universe"
    } else {
        ""
    };
    format!(
        "apt-get could not install {names}; it said:\n{}\nsolve that and repeat the command{hint}",
        said.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn a_failure_shows_what_was_said_and_what_to_do() {
        assert_eq!(
            complaint("mtools", "", "E: No space left"),
            "apt-get could not install mtools; it said:\nE: No space left\n\
             solve that and repeat the command"
        );
        let unknown = complaint("xorriso", "W: no network", "E: Unable to locate package xorriso");
        assert!(unknown.contains("W: no network\nE: Unable"), "{unknown}");
        assert!(unknown.ends_with("sudo add-apt-repository universe"), "{unknown}");
    }
}
