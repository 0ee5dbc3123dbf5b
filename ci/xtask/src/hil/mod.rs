//! Hardware in the loop: plays scenarios on rigs. What both are, for people: `hil/README.md`.
//!
//! The way of a verdict is the same for a real board, for an emulator at a pseudo-terminal and for the
//! fake boards of the tests: a [`line`], a [`Switch`](play::Switch), and [`play`].
//!
//! | file | contents |
//! |---|---|
//! | here | the command |
//! | [`rig`], [`scenario`] | the files of `hil/` |
//! | [`session`] | one scenario on one rig: builds, delivers, plays, reports |
//! | [`delivery`] | brings a system to a real board |
//! | [`power`], [`emulator`] | switches: of a real board, and of an emulator |
//! | [`line`], [`text`] | the serial line, and lines out of it |
//! | [`play`], [`judge`], [`verdict`] | listens, and comes to a verdict |
//! | [`results`], [`report`], [`junit`], [`histogram`], [`xml`] | what it leaves behind |

mod delivery;
mod emulator;
mod histogram;
mod judge;
mod junit;
mod line;
mod play;
mod power;
mod report;
mod results;
mod rig;
mod scenario;
mod session;
mod text;
mod verdict;
mod xml;

#[cfg(test)]
mod tests;

use crate::progress;
use crate::workspace::Workspace;
use anyhow::{Context, Result, anyhow, bail, ensure};
use rig::Rig;
use scenario::Scenario;
use std::path::{Path, PathBuf};

pub use session::ci;

const RIGS: &str = "hil/rigs";
const SCENARIOS: &str = "hil/scenarios";

/// Play scenarios on a rig: a real board, or an emulator at a pseudo-terminal.
///
/// Builds, delivers, switches the board off and on, reads its serial line, and judges. Rigs and scenarios
/// are the files of `hil/`. Leaves transcripts, results and a JUnit XML in `target/cedo/hil/RIG`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which rig.
    #[arg(long, value_name = "NAME", required_unless_present = "list")]
    rig: Option<String>,
    /// Show all rigs and scenarios, and play none.
    #[arg(long)]
    list: bool,
    /// Show the board's console meanwhile.
    #[arg(long)]
    show: bool,
    /// Where to leave the results.
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
    /// Which scenarios [default: all that are for the rig's board].
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let Some(name) = arguments.rig.as_deref().filter(|_| !arguments.list) else {
        return list(&workspace);
    };
    let rig = rig(&workspace, name)?;
    let scenarios = chosen(&workspace, &rig, &arguments.scenarios)?;
    crate::setup::prepare(&workspace, &session::needs(&rig), arguments.yes)?;
    let folder = match &arguments.output {
        Some(folder) => folder.clone(),
        None => workspace.output()?.join("hil").join(&rig.name),
    };
    let mut games = Vec::new();
    for scenario in &scenarios {
        progress::say(&format!("Playing `{}` on rig `{}`", scenario.name, rig.name));
        let game = session::run(&workspace, &rig, scenario, &folder, arguments.show)?;
        println!("{} {:7.1} s  {}", word(&game), game.took.as_secs_f32(), scenario.name);
        if !game.verdict.is_passed() {
            println!("  {}", game.verdict.to_string().replace('\n', "\n  "));
        }
        games.push((scenario.name.clone(), game));
    }
    report::save(&folder, "junit.xml", &junit::report(&rig.name, &games))?;
    progress::say(&format!("Transcripts and results: {}", folder.display()));
    match games.iter().filter(|(_, game)| !game.verdict.is_passed()).count() {
        0 => Ok(()),
        failures => bail!("{failures} of {} scenarios did not pass", games.len()),
    }
}

fn word(game: &play::Game) -> &'static str {
    if game.verdict.is_passed() { "ok    " } else { "FAILED" }
}

fn list(workspace: &Workspace) -> Result<()> {
    println!("Rigs:");
    for name in names(&workspace.root.join(RIGS))? {
        println!("  {name:16} {}", rig(workspace, &name)?.about);
    }
    println!("Scenarios:");
    for name in names(&workspace.root.join(SCENARIOS))? {
        println!("  {name:16} {}", scenario(workspace, &name)?.about);
    }
    Ok(())
}

/// The scenarios with these names, or all that the rig's board can play.
fn chosen(workspace: &Workspace, rig: &Rig, names: &[String]) -> Result<Vec<Scenario>> {
    let board = rig.board;
    if !names.is_empty() {
        let scenarios: Result<Vec<_>> =
            names.iter().map(|name| scenario(workspace, name)).collect();
        let scenarios = scenarios?;
        if let Some(other) = scenarios.iter().find(|scenario| !scenario.boards.contains(&board)) {
            bail!(
                "scenario `{}` is not for board `{}`; see its `boards`",
                other.name,
                board.name()
            );
        }
        return Ok(scenarios);
    }
    let all = self::names(&workspace.root.join(SCENARIOS))?;
    let all: Result<Vec<_>> = all.iter().map(|name| scenario(workspace, name)).collect();
    let fitting: Vec<_> =
        all?.into_iter().filter(|scenario| scenario.boards.contains(&board)).collect();
    ensure!(!fitting.is_empty(), "no scenario of {SCENARIOS} is for board `{}`", board.name());
    Ok(fitting)
}

fn rig(workspace: &Workspace, name: &str) -> Result<Rig> {
    let (file, source) = read(workspace, RIGS, "rig", name)?;
    rig::parse(name, &file, &source).map_err(|text| anyhow!("\n{text}"))
}

fn scenario(workspace: &Workspace, name: &str) -> Result<Scenario> {
    let (file, source) = read(workspace, SCENARIOS, "scenario", name)?;
    let systems: Vec<_> = workspace.systems()?.into_iter().map(|system| system.name).collect();
    scenario::parse(name, &file, &source, &systems).map_err(|text| anyhow!("\n{text}"))
}

/// Name and text of a file of `hil/`.
fn read(workspace: &Workspace, folder: &str, what: &str, name: &str) -> Result<(String, String)> {
    let names = names(&workspace.root.join(folder))?;
    ensure!(
        names.iter().any(|known| known == name),
        "there is no {what} `{name}`; name one of {}, or describe it in {folder}/{name}.toml",
        names.join(", ")
    );
    let file = format!("{folder}/{name}.toml");
    let text = std::fs::read_to_string(workspace.root.join(&file))
        .with_context(|| format!("cannot read {file}"))?;
    Ok((file, text))
}

/// Names of all files of a folder, without `.toml`, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}
