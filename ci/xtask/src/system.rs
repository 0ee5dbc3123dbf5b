//! Reads a system description (`system.toml`): which threads, in which spaces, scheduled by whom.
//!
//! The format is described in `docs/system-description.md`. Everything that can be known before the
//! system starts is checked here, and every problem is shown at its line, as rustc would.
//!
//! | file | contents |
//! |---|---|
//! | [`source`] | places in the file, problems and how they are shown |
//! | [`fields`] | typed access to TOML tables |
//! | [`draft`], [`grants`], [`parameters`] | the file as it was written |
//! | [`links`] | what the names in it mean |
//! | [`devices`] | what a board's devices are |
//! | [`names`], [`tree`], [`claims`], [`room`] | checks |
//! | [`mappings`] | addresses of memories: chosen and checked |
//! | [`description`], [`build`] | the result |
//! | [`pack`], [`unpack`] | its packed form |

mod build;
mod claims;
pub mod description;
pub mod devices;
mod draft;
pub mod fields;
mod grants;
mod links;
mod mappings;
mod names;
mod pack;
mod parameters;
mod room;
pub mod source;
mod tree;
mod unpack;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::de::DeTable;

pub use description::{Description, Protocol};
pub use devices::Devices;

use source::{Problem, Problems};

/// Reads and checks the file at `path` for a board with these devices. The text of the error is
/// complete: print it as it is.
pub fn load(path: &Path, devices: &Devices) -> anyhow::Result<Description> {
    let here = std::env::current_dir().unwrap_or_default();
    let name = path.strip_prefix(&here).unwrap_or(path).display().to_string();
    let source = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the system description `{name}`"))?;
    let programs = programs(&workspace().join("servers"))?;
    parse(&name, &source, &programs, devices).map_err(anyhow::Error::msg)
}

/// Checks the text of a file called `file`; `programs` are the servers that can be built, `devices`
/// those of the board. The error is the text of all problems.
pub fn parse(
    file: &str,
    source: &str,
    programs: &[String],
    devices: &Devices,
) -> Result<Description, String> {
    fields::read("the system description", file, source, |table, problems| {
        check(table, programs, devices, problems)
    })
}

fn check(
    table: &DeTable<'_>,
    programs: &[String],
    devices: &Devices,
    problems: &mut Problems,
) -> Option<Description> {
    let draft = draft::read(table, devices, problems);
    let links = links::resolve(&draft, problems);
    names::check(&draft, programs, problems);
    tree::check(&draft, &links, problems);
    claims::check(&draft, &links, problems);
    room::check(&draft, &links, problems);
    let mappings = mappings::place(&draft, &links, problems);
    let built = build::build(&draft, &links, &mappings);
    if built.is_none() && problems.is_empty() {
        let title = "the description is incomplete in a way no check names";
        problems.add(Problem::new(title, &(0..0), ""));
    }
    built
}

/// The root of the work tree.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Folders of `servers` that hold a program, `init` excepted.
fn programs(servers: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(servers)
        .with_context(|| format!("cannot list the servers in `{}`", servers.display()))?;
    let mut programs = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list `{}`", servers.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != links::INIT && entry.path().join("src/main.rs").is_file() {
            programs.push(name);
        }
    }
    programs.sort();
    Ok(programs)
}
