//! Boots a system in the emulator.

use crate::bench::unit;
use crate::board::Board;
use crate::build::{self, Boot, Profile};
use crate::image::Content;
use crate::log::Dictionary;
use crate::qemu::guest::{self, Limits, Outcome, Session, Show};
use crate::qemu::{Gic, Loader, Machine, Medium, Processor};
use crate::qemu::{again, version};
use crate::setup::{self, Need};
use crate::workspace::{self, DEFAULT_SYSTEM, System, Workspace};
use crate::{image, progress};
use anyhow::{Context, Result, bail, ensure};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Log entries shown when a run failed.
const LOG_TAIL: usize = 20;
/// Instead of a system's name.
const LIST: &str = "list";
/// A guest that nobody watches and that prints nothing for this long hangs.
const SILENCE: Duration = Duration::from_secs(60);

/// Boot a system in QEMU: on a stand-in for the Pentium D of 2005, or on another board.
///
/// The guest's console is shown on stdout, and takes what is typed when stdin is a terminal. The
/// command succeeds if the guest powers off with code 0.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    system: Which,
    /// Which board.
    #[arg(long, value_enum, default_value = "pc")]
    board: Board,
    /// How the kernel is loaded.
    #[arg(long, value_enum, default_value = "pvh")]
    boot: Loader,
    /// Processors of the machine [default: as many as the system needs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    cores: Option<u32>,
    /// Which processor [default: pentium-d, and cortex-a53 on aarch64].
    #[arg(long, value_enum)]
    cpu: Option<Processor>,
    /// Memory of the machine [default: 256].
    #[arg(long, value_name = "MIB")]
    memory: Option<u32>,
    /// A PC without an HPET.
    #[arg(long)]
    no_hpet: bool,
    /// Version of the interrupt controller of `qemu-virt` [default: 2].
    #[arg(long, value_enum)]
    gic: Option<Gic>,
    /// Start `qemu-virt` at the hypervisor's level.
    #[arg(long)]
    hypervisor: bool,
    /// Build a kernel that asserts its invariants.
    #[arg(long)]
    debug: bool,
    /// Count instructions as time: repeats exactly, but is no clock for people.
    #[arg(long, overrides_with = "no_icount")]
    icount: bool,
    /// Let time pass as on a real machine (the default, but for systems that measure).
    #[arg(long, overrides_with = "icount")]
    no_icount: bool,
    /// Show the kernel's own log on stderr, with file and line.
    #[arg(long)]
    log: bool,
    /// End the emulator after this time; 0 means never.
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    timeout: u64,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// Which system, with or without `--system` before it.
#[derive(clap::Args)]
pub struct Which {
    /// Which system; `list` shows them all [default: default].
    #[arg(value_name = "SYSTEM")]
    name: Option<String>,
    /// The same as an option.
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    system: Option<String>,
}

impl Which {
    /// The system; `None` after showing the list of all.
    pub fn find(&self, workspace: &Workspace) -> Result<Option<System>> {
        match self.name.as_deref().or(self.system.as_deref()).unwrap_or(DEFAULT_SYSTEM) {
            LIST => {
                println!("{}", workspace::list(&workspace.systems()?));
                Ok(None)
            }
            name => workspace.system(name).map(Some),
        }
    }
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let Some(system) = arguments.system.find(&workspace)? else { return Ok(()) };
    setup::prepare(&workspace, &needs(arguments.board, arguments.boot), arguments.yes)?;
    version::require(arguments.board)?;
    let profile = if arguments.debug { Profile::Debug } else { Profile::Release };
    let boot = build::boot(&workspace, arguments.board, &system, profile)?;
    let machine = machine(arguments, &boot)?;
    let follow = match arguments.log {
        true => Some(Dictionary::read(&boot.kernel, &workspace.root)?),
        false => None,
    };
    let (processor, cores) = (machine.processor.name(), machine.cores);
    let plural = if cores == 1 { "" } else { "s" };
    progress::say(&format!("Booting `{}` ({processor}, {cores} core{plural})", system.name));
    let total = (arguments.timeout > 0).then(|| Duration::from_secs(arguments.timeout));
    let watch = Watch {
        limits: Limits { total, silence: None },
        show: Box::new(show),
        follow,
        interactive: true,
    };
    let outcome = start(&workspace, &boot, &machine, watch)?;
    if MEASURING.contains(&system.name.as_str())
        && let Some(caution) = unit::caution(machine.unit())
    {
        progress::say(caution);
    }
    if outcome.is_success() {
        progress::say(&format!("The guest powered off after {:.1} s", outcome.took.as_secs_f32()));
        return Ok(());
    }
    if !arguments.log {
        print_log(&workspace, &boot, &outcome);
    }
    let again = again::advice(&system.name, &machine, profile);
    bail!("{}\n{}\n{again}", outcome.complaint(), advice(&outcome))
}

/// How to watch a boot.
pub struct Watch<'a> {
    pub limits: Limits,
    pub show: Show<'a>,
    pub follow: Option<Dictionary>,
    pub interactive: bool,
}

impl Watch<'_> {
    /// Nothing is shown.
    pub fn silent(total: Duration) -> Self {
        let limits = Limits { total: Some(total), silence: Some(SILENCE) };
        Self { limits, show: Box::new(|_| {}), follow: None, interactive: false }
    }
}

/// Boots `boot` on `machine` from whatever its loader needs.
pub fn start(
    workspace: &Workspace,
    boot: &Boot,
    machine: &Machine,
    watch: Watch<'_>,
) -> Result<Outcome> {
    let image;
    let medium = if machine.loader == Loader::Pvh {
        Medium::Files {
            kernel: &boot.stripped,
            archive: boot.archive.as_deref(),
            tree: boot.tree.as_deref(),
            card: None,
        }
    } else {
        image = write_image(workspace, boot, machine)?;
        Medium::Image(&image)
    };
    let Watch { limits, show, follow, interactive } = watch;
    guest::run(Session { machine, medium, limits, show, follow, interactive, monitor: None })
}

/// What the machine's loader starts from: an image, or a folder of a boot server.
fn write_image(workspace: &Workspace, boot: &Boot, machine: &Machine) -> Result<PathBuf> {
    let kernel = boot.stripped.file_stem().unwrap_or_default().to_string_lossy();
    let counted = if machine.icount { "-counted" } else { "" };
    let name = format!("{}-{kernel}{counted}", boot.system);
    let content = Content { boot, words: machine.words(), firmware: None };
    if machine.loader.is_network() {
        let folder = workspace.output()?.join(format!("{name}.netboot"));
        image::write_folder(&content, &folder)?;
        return Ok(folder);
    }
    let file = workspace.output()?.join(format!("{name}.iso"));
    image::write_image(&content, image::DEFAULT_MIB, &file)?;
    Ok(file)
}

/// What has to be installed to boot this way.
fn needs(board: Board, loader: Loader) -> Vec<Need> {
    let mut needs = board.needs().to_vec();
    if loader != Loader::Pvh {
        needs.push(Need::Image);
    }
    if loader.is_uefi() {
        needs.push(Need::Uefi);
    }
    needs
}

/// Systems that print counts.
const MEASURING: [&str; 3] = ["default", "bench", "bench-chain"];

/// True if instructions count as time unless somebody asks for something else. What an emulator measures
/// means something in instructions only. Counted UEFI firmware takes more than a minute, and a network
/// has a time of its own.
pub fn is_counted(system: &str, loader: Loader) -> bool {
    MEASURING.contains(&system) && !loader.is_uefi() && !loader.is_network()
}

fn machine(arguments: &Arguments, boot: &Boot) -> Result<Machine> {
    let mut machine = boot.machine.clone();
    let cores = arguments.cores.unwrap_or(machine.cores);
    ensure!(
        cores >= machine.cores,
        "system `{}` needs {} cores; leave --cores away or ask for more",
        boot.system,
        machine.cores
    );
    machine.cores = cores;
    machine.loader = arguments.boot;
    machine.processor = arguments.cpu.unwrap_or(machine.processor);
    fits(arguments, &machine)?;
    machine.gic = arguments.gic.unwrap_or(machine.gic);
    machine.hypervisor |= arguments.hypervisor;
    machine.memory_mib = arguments.memory.unwrap_or(machine.memory_mib);
    machine.hpet &= !arguments.no_hpet;
    let counts = is_counted(&boot.system, arguments.boot);
    machine.icount = arguments.icount || counts && !arguments.no_icount;
    Ok(machine)
}

/// An error that names the option which the board has no use for.
fn fits(arguments: &Arguments, machine: &Machine) -> Result<()> {
    let (board, name) = (machine.board, machine.board.name());
    ensure!(
        machine.processor.is_of(board),
        "board `{name}` has no {}; leave --cpu away or name another processor",
        machine.processor.name()
    );
    ensure!(
        board == Board::Pc || machine.loader == Loader::Pvh,
        "board `{name}` is loaded by the emulator itself; leave --boot away"
    );
    ensure!(
        board == Board::Pc || !arguments.no_hpet,
        "board `{name}` has no HPET anyway; leave --no-hpet away"
    );
    if let Some(fixed) = board.fixed() {
        ensure!(
            arguments.memory.is_none() && machine.cores == fixed.cores,
            "board `{name}` has {} cores and {} MiB of memory; leave --cores and --memory away",
            fixed.cores,
            fixed.memory_mib
        );
    }
    ensure!(
        board == Board::QemuVirt || arguments.gic.is_none(),
        "board `{name}` has one kind of interrupt controller; leave --gic away"
    );
    ensure!(
        board == Board::QemuVirt || !arguments.hypervisor,
        "board `{name}` starts the kernel at one level; leave --hypervisor away"
    );
    Ok(())
}

fn show(text: &[u8]) {
    let mut output = std::io::stdout().lock();
    // A reader that has gone away (`| head`) is no reason to end the guest.
    let _ = output.write_all(text).and_then(|()| output.flush());
}

fn print_log(workspace: &Workspace, boot: &Boot, outcome: &Outcome) {
    if outcome.log.is_empty() {
        return;
    }
    match Dictionary::read(&boot.kernel, &workspace.root).context("cannot decode the log") {
        Ok(dictionary) => {
            let lines = dictionary.decode(&outcome.log);
            let first = lines.len().saturating_sub(LOG_TAIL);
            for line in &lines[first..] {
                eprintln!("[log] {line}");
            }
        }
        Err(error) => eprintln!("warning: {error:#}"),
    }
}

fn advice(outcome: &Outcome) -> &'static str {
    use crate::qemu::end::End;
    match outcome.end {
        End::TimeLimit => "give it more time with --timeout SECONDS, or watch the log with --log",
        End::Emulator(_) => "look at the emulator's message; CEDO_QEMU names another emulator",
        _ => "look closer with --debug and --log",
    }
}
