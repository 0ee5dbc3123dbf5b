//! Looks for what the commands need on this host, and installs what is missing.
//!
//! | file | contents |
//! |---|---|
//! | here | the command, and what each other command needs |
//! | [`rust`] | targets and components, by rustup |
//! | [`miri`] | Miri, by rustup, with a toolchain that nothing is built with |
//! | [`packages`] | Debian and Ubuntu packages: which are missing, and what to type |
//! | [`apt`] | installs them |

mod apt;
mod miri;
mod packages;
mod rust;

use crate::board::Board;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use packages::{Host, missing};

pub use miri::TOOLCHAIN as MIRI_TOOLCHAIN;

/// Look for everything that the other commands need, and install what is missing.
///
/// Rust targets, rustfmt and clippy come from rustup, and so does Miri, with a nightly toolchain that
/// nothing is built with. Debian and Ubuntu packages come from apt-get: directly for root, through
/// sudo with --yes; otherwise the command to type is printed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// What a command is going to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Build kernel and servers for a PC.
    Build,
    /// Build them for an aarch64 board.
    BuildArm,
    /// Look at the sources: format, lints, the other architecture.
    Check,
    /// Run the emulator of a PC.
    Emulator,
    /// Run that of an aarch64 machine.
    EmulatorArm,
    /// Write a PC's image.
    Image,
    /// Write that of an SD card.
    Card,
    /// Boot one by UEFI.
    Uefi,
    /// Interpret tests.
    Miri,
}

/// All there is.
const ALL: [Need; 9] = [
    Need::Build,
    Need::BuildArm,
    Need::Check,
    Need::Emulator,
    Need::EmulatorArm,
    Need::Image,
    Need::Card,
    Need::Uefi,
    Need::Miri,
];

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    prepare(&workspace, &ALL, arguments.yes)?;
    println!("This host has everything; `cargo xtask run` boots the default system.");
    Ok(())
}

/// Makes sure that all `needs` are met, or says what to type.
pub fn prepare(workspace: &Workspace, needs: &[Need], yes: bool) -> Result<()> {
    if needs.contains(&Need::Build) {
        rust::add_target(workspace, Board::Pc.target())?;
    }
    if needs.contains(&Need::BuildArm) || needs.contains(&Need::Check) {
        rust::add_target(workspace, Board::QemuVirt.target())?;
        rust::add_target(workspace, Board::QemuVirt.floating_target())?;
    }
    if needs.contains(&Need::Check) {
        rust::add_components(workspace)?;
    }
    if needs.contains(&Need::Miri) {
        miri::add()?;
    }
    let missing = missing(needs, &packages::is_present);
    if missing.is_empty() {
        return Ok(());
    }
    let host = Host::this();
    match host.way(yes) {
        Some(way) => apt::install(way, &missing),
        None => bail!("{}", host.advice(&missing, yes)),
    }
}
