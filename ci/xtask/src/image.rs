//! Writes a bootable image.

use crate::board::Board;
use crate::build::{self, Profile};
use crate::run::Which;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{iso, progress};
use anyhow::Result;
use std::path::PathBuf;

/// Write a system as an image for CD, DVD or USB stick; it starts under BIOS and UEFI.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    system: Which,
    /// Where to write the image [default: cedo-NAME.iso].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Build a kernel that asserts its invariants.
    #[arg(long)]
    debug: bool,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let Some(system) = arguments.system.find(&workspace)? else { return Ok(()) };
    setup::prepare(&workspace, &[Need::Build, Need::Image], arguments.yes)?;
    let profile = if arguments.debug { Profile::Debug } else { Profile::Release };
    let boot = build::boot(&workspace, Board::Pc, &system, profile)?;
    let default = || PathBuf::from(format!("cedo-{}.iso", system.name));
    let output = arguments.output.clone().unwrap_or_else(default);
    progress::say("Writing the image");
    iso::write(&boot, "", &output)?;
    let file = output.display();
    println!(
        "On a PC: `sudo dd if={file} of=/dev/sdX bs=4M conv=fsync` and boot that USB stick; the"
    );
    println!(
        "console is the first serial port, 115200 baud. In QEMU: `-cdrom {file} -serial stdio`."
    );
    Ok(())
}
