//! The kernel's binary log says where in the source each entry was written.

use super::boots::Builds;
use crate::board::Board;
use crate::build::Profile;
use crate::log::Dictionary;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;

/// An entry of every boot, in the log and in the source.
const KNOWN: (&str, &str) = ("loader: PVH, ACPI ", r#"defmt::info!("loader: {=str}, ACPI {=u8}""#);
const KNOWN_FILE: &str = "arch/x86_64/src/boot/start.rs";
/// Before what every entry is written with.
const MACRO: &str = "defmt::";

/// Boots a system; each entry of its log names a line of this checkout that writes one.
pub fn are_right(builds: &Builds, system: &str) -> Result<String> {
    let outcome = builds.run(system, |_| {})?;
    let boot = builds.boot(Board::Pc, system, Profile::Release)?;
    let dictionary = Dictionary::read(&boot.kernel, &builds.workspace.root)?;
    let entries = dictionary.decode(&outcome.log);
    check(&entries, |file| Ok(std::fs::read_to_string(builds.workspace.root.join(file))?))?;
    Ok(format!("{} entries", entries.len()))
}

fn check(entries: &[String], read: impl Fn(&Path) -> Result<String>) -> Result<()> {
    let (logged, written) = KNOWN;
    let mut is_known = false;
    for entry in entries {
        let (file, line) = position(entry).with_context(|| format!("no position in `{entry}`"))?;
        let source = read(Path::new(file)).with_context(|| format!("no source for `{entry}`"))?;
        let source = source.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        ensure!(source.contains(MACRO), "`{entry}` was not written by `{}`", source.trim());
        if entry.contains(logged) {
            ensure!(
                file == KNOWN_FILE && source.contains(written),
                "`{entry}` should be at `{written}` of {KNOWN_FILE}"
            );
            is_known = true;
        }
    }
    if !is_known {
        bail!("none of {} entries in the log is `{logged}`", entries.len());
    }
    Ok(())
}

/// File and line at the end of an entry.
fn position(entry: &str) -> Option<(&str, usize)> {
    let (_, position) = entry.strip_suffix(')')?.rsplit_once("  (")?;
    let (file, line) = position.rsplit_once(':')?;
    Some((file, line.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{KNOWN_FILE, check};

    const SOURCE: &str = "fn report() {\n    defmt::info!(\"loader: {=str}, ACPI {=u8}\", a, b);\n\
                          \n    defmt::warn!(\"no\");\n}\n";

    fn of(entries: &[&str]) -> Result<(), String> {
        let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
        let read = |file: &std::path::Path| {
            anyhow::ensure!(file == std::path::Path::new(KNOWN_FILE), "there is no such file");
            Ok(SOURCE.to_string())
        };
        check(&entries, read).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn each_entry_needs_a_line_that_writes_one() {
        let known = format!("0.1 INFO  loader: PVH, ACPI 1  ({KNOWN_FILE}:2)");
        let other = |end: &str| format!("0.2 WARN  no  ({end})");
        assert_eq!(of(&[&known, &other(&format!("{KNOWN_FILE}:4"))]), Ok(()));
        for end in
            [&format!("{KNOWN_FILE}:3"), &format!("{KNOWN_FILE}:9"), "a.rs:4", "position unknown"]
        {
            assert!(of(&[&known, &other(end)]).is_err(), "{end}");
        }
    }

    #[test]
    fn the_known_entry_must_be_there_and_at_its_own_line() {
        assert!(of(&[]).unwrap_err().contains("none of 0 entries"));
        let elsewhere = format!("0.1 INFO  loader: PVH, ACPI 1  ({KNOWN_FILE}:4)");
        assert!(of(&[&elsewhere]).unwrap_err().contains("should be at"));
    }
}
