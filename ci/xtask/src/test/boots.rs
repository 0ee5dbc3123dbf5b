//! Boots that must work, and boots that must be refused.

use super::suite;
use super::variants::Variant;
use crate::bench::expected;
use crate::board::Board;
use crate::build::{self, Boot, Profile};
use crate::qemu::again;
use crate::qemu::end::{End, REFUSALS};
use crate::qemu::guest::Outcome;
use crate::qemu::{Loader, Machine, Processor};
use crate::run::{self, Watch};
use crate::workspace::{DEFAULT_SYSTEM, Workspace};
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const SUITE: &str = "suite";
/// The same under roots that chose chain mode.
pub const SUITE_IN_CHAIN_MODE: &str = "suite-chain";
/// The same for a machine with one core.
const SUITE_ON_ONE_CORE: &str = "suite-1";
/// Wall-clock limits of one boot; many emulated cores share few real ones.
const SUITE_LIMIT: Duration = Duration::from_secs(150);
const UEFI_LIMIT: Duration = Duration::from_secs(240);
const SYSTEM_LIMIT: Duration = Duration::from_secs(180);
const REFUSAL_LIMIT: Duration = Duration::from_secs(30);
/// The kernel powers off with this when it cannot start.
const CANNOT_BOOT: u8 = 2;
/// The first server powers off with this when the system cannot start.
const CANNOT_START: u8 = 4;
/// Less than the kernel says it needs.
const LITTLE_MEMORY_MIB: u32 = 8;
/// More than that, and less than what the system of the tests needs.
const MEMORY_FOR_LESS_MIB: u32 = 16;

/// What was built for earlier tests.
pub struct Builds {
    pub workspace: Workspace,
    done: RefCell<BTreeMap<(Board, String, Profile), Boot>>,
}

/// How a system that powers off by itself is booted.
#[derive(Clone, Copy)]
pub struct Setup {
    pub loader: Loader,
    /// Nothing: as much as usual.
    pub memory_mib: Option<u32>,
}

/// A boot that must be refused in one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    NoArchive,
    DamagedArchive,
    LittleMemory,
    MemoryForLess,
    OldProcessor,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NoArchive,
        Self::DamagedArchive,
        Self::LittleMemory,
        Self::MemoryForLess,
        Self::OldProcessor,
    ];

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoArchive => "no archive",
            Self::DamagedArchive => "damaged archive",
            Self::LittleMemory => "8 MiB of memory",
            Self::MemoryForLess => "16 MiB of memory, and a system that needs more",
            Self::OldProcessor => "processor without 64-bit mode",
        }
    }

    /// The exit code, and what the line begins with and has in it.
    fn expected(self) -> (u8, &'static str, &'static str) {
        let (boot, start) = (REFUSALS[0], REFUSALS[1]);
        match self {
            Self::NoArchive => (CANNOT_BOOT, boot, "there is no boot archive: give "),
            Self::DamagedArchive => (CANNOT_BOOT, boot, "the boot archive is damaged "),
            Self::LittleMemory => (CANNOT_BOOT, boot, " of free memory: Cedo needs at least "),
            Self::MemoryForLess => (CANNOT_START, start, "memory is used up; give the machine "),
            Self::OldProcessor => (CANNOT_BOOT, boot, "this processor has no 64-bit mode: use "),
        }
    }

    /// Spoils what boots, or the machine.
    fn apply(self, workspace: &Workspace, boot: &mut Boot) -> Result<()> {
        match self {
            Self::NoArchive => boot.archive = None,
            Self::DamagedArchive => {
                let damaged = workspace.output()?.join("damaged.archive");
                damage(boot.archive.as_deref().context("there is no archive")?, &damaged)?;
                boot.archive = Some(damaged);
            }
            Self::LittleMemory => boot.machine.memory_mib = LITTLE_MEMORY_MIB,
            Self::MemoryForLess => boot.machine.memory_mib = MEMORY_FOR_LESS_MIB,
            Self::OldProcessor => boot.machine.processor = Processor::Pentium3,
        }
        Ok(())
    }
}

/// Boots the test program; every test must pass.
pub fn suite(builds: &Builds, variant: &Variant) -> Result<String> {
    let system = if variant.machine.cores == 1 { SUITE_ON_ONE_CORE } else { SUITE };
    suite_of(builds, system, variant)
}

/// Boots the test program as this system has it; every test must pass.
pub fn suite_of(builds: &Builds, system: &str, variant: &Variant) -> Result<String> {
    let boot = builds.boot(variant.machine.board, system, variant.profile)?;
    let uefi = variant.machine.loader.is_uefi();
    let limit = if uefi { UEFI_LIMIT } else { SUITE_LIMIT };
    let outcome = run::start(&builds.workspace, &boot, &variant.machine, Watch::silent(limit))?;
    let again = || again::advice(system, &variant.machine, variant.profile);
    suite::verdict(&outcome).map_err(|error| anyhow!("{error:#}\n{}", again()))
}

/// A counted run prints the same when it is made again, to the last byte.
pub fn repeats(builds: &Builds, system: &str) -> Result<String> {
    let boot = builds.boot(Board::Pc, system, Profile::Release)?;
    let machine = Machine { icount: true, ..boot.machine.clone() };
    let run = || -> Result<Outcome> {
        let outcome = run::start(&builds.workspace, &boot, &machine, Watch::silent(SYSTEM_LIMIT))?;
        ensure!(outcome.is_success(), "{}", outcome.complaint());
        Ok(outcome)
    };
    let (first, second) = (run()?.transcript, run()?.transcript);
    let lines = || first.lines().zip(second.lines());
    if let Some((one, other)) = lines().find(|(one, other)| one != other) {
        bail!("two counted runs differ:\n  {one}\n  {other}");
    }
    ensure!(first == second, "one counted run prints more than the other");
    Ok(format!("{} bytes", first.len()))
}

/// Boots a system that shows something and then powers off.
pub fn powers_off(builds: &Builds, system: &str, setup: Setup) -> Result<String> {
    let Setup { loader, memory_mib } = setup;
    let outcome = builds.run(system, |machine| {
        machine.loader = loader;
        machine.memory_mib = memory_mib.unwrap_or(machine.memory_mib);
    })?;
    let lines = outcome.transcript.lines().filter(|line| !line.trim().is_empty()).count();
    ensure!(lines > 0, "the system powered off without printing anything");
    Ok(format!("{lines} lines"))
}

/// Boots the system of a plain `cargo xtask run` as that does; it must show the whole table of what
/// it measured.
pub fn shows_table(builds: &Builds, loader: Loader) -> Result<String> {
    let outcome = builds.run(DEFAULT_SYSTEM, |machine| {
        machine.loader = loader;
        machine.icount = run::is_counted(DEFAULT_SYSTEM, loader);
    })?;
    let missing = expected::missing_in_table(&outcome.transcript);
    ensure!(missing.is_empty(), "the table has no row for:\n  {}", missing.join("\n  "));
    Ok(format!("the table, after {:.0} s", outcome.took.as_secs_f32()))
}

/// Boots what cannot start; it must be said in one line, and the machine powers off.
pub fn refused(builds: &Builds, refusal: Refusal, loader: Loader) -> Result<String> {
    let mut boot = builds.boot(Board::Pc, SUITE, Profile::Release)?;
    refusal.apply(&builds.workspace, &mut boot)?;
    let machine = Machine { loader, ..boot.machine.clone() };
    let outcome = run::start(&builds.workspace, &boot, &machine, Watch::silent(REFUSAL_LIMIT))?;
    verdict(&outcome, refusal)
}

fn verdict(outcome: &Outcome, refusal: Refusal) -> Result<String> {
    let (code, mark, reason) = refusal.expected();
    let lines = outcome.refusals();
    ensure!(
        outcome.end == End::Off(code),
        "it should power off with code {code}, but {}",
        match outcome.complaint() {
            text if text.is_empty() => "it succeeded".to_string(),
            text => text,
        }
    );
    match lines.as_slice() {
        [line] if line.starts_with(mark) && line.contains(reason) => Ok((*line).to_string()),
        _ => bail!("one line should start with `{mark}` and say `{reason}`:\n{}", {
            crate::qemu::console::tail(&outcome.transcript, 10)
        }),
    }
}

/// Copies an archive with one bit changed in the middle.
fn damage(archive: &Path, damaged: &Path) -> Result<()> {
    let mut bytes = std::fs::read(archive)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("the archive is empty")? ^= 0x10;
    std::fs::write(damaged, bytes)?;
    Ok(())
}

impl Builds {
    /// Nothing is built yet.
    pub fn new(workspace: Workspace) -> Self {
        Self { workspace, done: RefCell::default() }
    }

    /// Boots a system that powers off by itself, with 0.
    /// `adjust` makes its usual machine a special one.
    pub fn run(&self, system: &str, adjust: impl FnOnce(&mut Machine)) -> Result<Outcome> {
        self.run_on(Board::Pc, system, adjust)
    }

    /// The same on a board.
    pub fn run_on(
        &self,
        board: Board,
        system: &str,
        adjust: impl FnOnce(&mut Machine),
    ) -> Result<Outcome> {
        let boot = self.boot(board, system, Profile::Release)?;
        let mut machine = boot.machine.clone();
        adjust(&mut machine);
        let outcome = run::start(&self.workspace, &boot, &machine, Watch::silent(SYSTEM_LIMIT))?;
        let again = || again::advice(system, &machine, Profile::Release);
        ensure!(outcome.is_success(), "{}\n{}", outcome.complaint(), again());
        Ok(outcome)
    }

    /// The files of a system, built at the first call.
    pub fn boot(&self, board: Board, system: &str, profile: Profile) -> Result<Boot> {
        let key = (board, system.to_string(), profile);
        if let Some(boot) = self.done.borrow().get(&key) {
            return Ok(boot.clone());
        }
        let boot = build::boot(&self.workspace, board, &self.workspace.system(system)?, profile)?;
        self.done.borrow_mut().insert(key, boot.clone());
        Ok(boot)
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Outcome, Refusal, verdict};
    use std::time::Duration;

    fn outcome(end: End, transcript: &str) -> Outcome {
        let took = Duration::from_secs(1);
        Outcome { end, transcript: transcript.to_string(), took, log: Vec::new() }
    }

    #[test]
    fn one_line_with_the_reason_and_the_code_is_a_refusal() {
        let line = "cannot boot: there is no boot archive: give one";
        let of = |end, text: &str| verdict(&outcome(end, text), Refusal::NoArchive);
        assert_eq!(of(End::Off(2), &format!("{line}\n")).unwrap(), line);
        let others = ["", "cannot boot: for whatever reason\n", &format!("{line}\n{line}\n")];
        assert!(others.iter().all(|text| of(End::Off(2), text).is_err()));
        assert!(of(End::TimeLimit, line).is_err() && of(End::Off(4), line).is_err());
        let success = of(End::Off(0), "hello\n").unwrap_err();
        assert!(success.to_string().contains("it succeeded"));
    }

    #[test]
    fn the_first_server_refuses_with_a_code_of_its_own() {
        let line =
            "cannot start: cannot make the stack of a: memory is used up; give the machine more";
        let of = |end| verdict(&outcome(end, line), Refusal::MemoryForLess);
        assert!(of(End::Off(4)).is_ok());
        assert!(of(End::Off(3)).is_err() && of(End::Off(2)).is_err());
    }
}
