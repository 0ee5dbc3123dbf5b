//! Writes what a machine starts from: an image for a medium, or a folder for a boot server.
//!
//! Others hand a [`Content`] to [`write_image`] or [`write_folder`]. Both write the same bytes for the
//! same content, and need no root.
//!
//! | file | contents |
//! |---|---|
//! | here | the command; which board starts from what |
//! | [`iso`] | a PC's image |
//! | [`netboot`] | folders for boot servers |
//! | [`card`] | a Raspberry Pi's image: one partition |
//! | [`pi`] | the files that a Raspberry Pi's firmware reads, and the firmware's own |
//! | [`grub`] | what a PC starts of GRUB |
//! | [`fat`] | FAT file systems, by mtools |
//! | [`output`] | a file that appears when it is complete |
//! | [`tool`] | runs other programs, at a fixed date; the name of a content |

mod card;
mod fat;
mod grub;
mod iso;
mod netboot;
mod output;
pub mod pi;
mod tool;

use crate::board::Board;
use crate::build::{self, Boot, Profile};
use crate::progress::{self, Step};
use crate::run::Which;
use crate::setup::{self, Need};
use crate::workspace::{System, Workspace};
use anyhow::{Result, bail, ensure};
use output::Output;
use std::path::{Path, PathBuf};

pub use card::DEFAULT_MIB;
pub use netboot::{BIOS_FILE, UEFI_FILE};

/// Write a system as an image that a board starts from, or as a folder for a boot server.
///
/// For a PC: an image for CD, DVD or USB stick that starts under BIOS and UEFI. For a Raspberry Pi: an
/// image for an SD card. `docs/boards.md` says more about flashing and wiring.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    system: Which,
    /// Which board.
    #[arg(long, value_enum, default_value = "pc")]
    board: Board,
    /// Where to write the image [default: cedo-NAME.iso, cedo-NAME-BOARD.img].
    #[arg(short, long, value_name = "FILE", conflicts_with = "netboot")]
    output: Option<PathBuf>,
    /// Write a folder for a boot server instead: PXE for a PC, TFTP for a Raspberry Pi.
    #[arg(long, value_name = "DIR")]
    netboot: Option<PathBuf>,
    /// Add a Raspberry Pi's firmware from this folder: `boot` of github.com/raspberrypi/firmware.
    #[arg(long, value_name = "DIR")]
    firmware: Option<PathBuf>,
    /// Size of a Raspberry Pi's image in MiB [default: 64].
    #[arg(long, value_name = "MIB", conflicts_with = "netboot")]
    size: Option<u32>,
    /// Build a kernel that asserts its invariants.
    #[arg(long)]
    debug: bool,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// What starts.
pub struct Content<'a> {
    /// Kernel and archive, for the board of its machine.
    pub boot: &'a Boot,
    /// The kernel's command line.
    pub words: &'a str,
    /// Where a Raspberry Pi's firmware is; nothing: the card or the server has it already.
    pub firmware: Option<&'a Path>,
}

/// What a board starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Medium {
    /// CD, DVD, USB stick.
    Iso,
    /// SD card.
    Card,
}

/// Writes an image for a medium. `size_mib` is the size of a card; others are as large as their content.
///
/// An error says what is wrong and what to do; the file that was there before is then untouched.
pub fn write_image(content: &Content<'_>, size_mib: u32, file: &Path) -> Result<()> {
    let _step = Step::quiet(&format!("Writing {}", file.display()));
    let output = Output::create(file)?;
    match medium(content.boot.machine.board)? {
        Medium::Iso => iso::write(content, output.path())?,
        Medium::Card => card::write(&pi::files(content)?, size_mib, output.path())?,
    }
    output.finish()
}

/// Writes the files that a boot server hands out into a folder, which may exist.
pub fn write_folder(content: &Content<'_>, folder: &Path) -> Result<()> {
    let _step = Step::quiet(&format!("Writing {}", folder.display()));
    match medium(content.boot.machine.board)? {
        Medium::Iso => netboot::write_pc(content, folder),
        Medium::Card => netboot::write_files(&pi::files(content)?, folder),
    }
}

/// What a host needs for a board's images and folders.
pub fn need(board: Board) -> Need {
    if board == Board::Pc { Need::Image } else { Need::Card }
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let Some(system) = arguments.system.find(&workspace)? else { return Ok(()) };
    let board = arguments.board;
    check(arguments)?;
    let file = file(arguments, &system);
    match &arguments.netboot {
        Some(folder) => output::folder(folder)?,
        None => drop(Output::create(&file)?),
    }
    let [build, _] = board.needs();
    setup::prepare(&workspace, &[build, need(board)], arguments.yes)?;
    let profile = if arguments.debug { Profile::Debug } else { Profile::Release };
    let boot = build::boot(&workspace, board, &system, profile)?;
    let content = Content { boot: &boot, words: "", firmware: arguments.firmware.as_deref() };
    progress::say("Writing the image");
    match &arguments.netboot {
        Some(folder) => write_folder(&content, folder)?,
        None => write_image(&content, arguments.size.unwrap_or(DEFAULT_MIB), &file)?,
    }
    println!("{}", advice(board, arguments.netboot.as_deref(), &file));
    if arguments.firmware.is_none()
        && let Some(text) = pi::without_firmware(board)
    {
        println!("{text}");
    }
    Ok(())
}

/// What can be refused before anything is built.
fn check(arguments: &Arguments) -> Result<()> {
    let board = arguments.board;
    if medium(board)? == Medium::Iso {
        ensure!(
            arguments.firmware.is_none() && arguments.size.is_none(),
            "a PC has its firmware, and its image is as large as the system; leave --firmware and \
             --size away, or name a Raspberry Pi with --board"
        );
    }
    card::check_size(arguments.size.unwrap_or(DEFAULT_MIB))?;
    if let Some(folder) = &arguments.firmware {
        pi::firmware(board, folder)?;
    }
    Ok(())
}

fn medium(board: Board) -> Result<Medium> {
    match board {
        Board::Pc => Ok(Medium::Iso),
        Board::Rpi3 | Board::Rpi4 => Ok(Medium::Card),
        Board::QemuVirt => bail!(
            "board `{name}` is a machine of the emulator and starts from no medium; `cargo xtask run \
             --board {name}` starts it, or name another board",
            name = board.name()
        ),
    }
}

fn file(arguments: &Arguments, system: &System) -> PathBuf {
    let name = match arguments.board {
        Board::Pc => format!("cedo-{}.iso", system.name),
        board => format!("cedo-{}-{}.img", system.name, board.name()),
    };
    arguments.output.clone().unwrap_or_else(|| PathBuf::from(name))
}

/// Two lines: how to get what was written to the board, and what to look at then.
fn advice(board: Board, folder: Option<&Path>, file: &Path) -> String {
    let file = file.display();
    match (board, folder.map(Path::display)) {
        (Board::Pc, None) => format!(
            "On a PC: `sudo dd if={file} of=/dev/sdX bs=4M conv=fsync` and boot that USB stick; the\n\
             console is the first serial port, 115200 baud. In QEMU: `-cdrom {file} -serial stdio`."
        ),
        (Board::Pc, Some(folder)) => format!(
            "Serve {folder} by TFTP and let DHCP name the file `{BIOS_FILE}` for a BIOS, `{UEFI_FILE}` for\n\
             UEFI. In QEMU: `-nic user,tftp={folder},bootfile={BIOS_FILE} -serial stdio`."
        ),
        (_, None) => format!(
            "`sudo dd if={file} of=/dev/sdX bs=4M conv=fsync` writes the SD card, and erases it; `lsblk`\n\
             shows what sdX is. The console is on GPIO 14 and 15, 115200 baud: docs/boards.md."
        ),
        (_, Some(folder)) => format!(
            "Serve {folder} by TFTP to a Raspberry Pi that starts from the network, or copy its files onto\n\
             a card. The console is on GPIO 14 and 15, 115200 baud: docs/boards.md."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, advice, check};
    use crate::board::Board;
    use clap::Parser;
    use std::path::Path;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parsed(line: &str) -> Result<Arguments, String> {
        let words = ["image"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.arguments).map_err(|error| error.to_string())
    }

    fn refused(line: &str) -> String {
        let error = check(&parsed(line).unwrap()).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }

    #[test]
    fn a_board_that_starts_from_no_medium_is_refused() {
        let error = refused("--board qemu-virt");
        assert!(error.contains("`cargo xtask run --board qemu-virt` starts it"), "{error}");
    }

    #[test]
    fn an_unknown_board_is_refused_with_those_that_exist() {
        let error = parsed("--board rpi9").err().unwrap();
        assert!(error.contains("'rpi9'") && error.contains("pc, qemu-virt, rpi3, rpi4"), "{error}");
    }

    #[test]
    fn options_of_a_raspberry_pi_are_no_use_for_a_pc() {
        for line in ["--firmware somewhere", "--board pc --size 128"] {
            assert!(refused(line).contains("leave --firmware and --size away"), "{line}");
        }
        assert!(parsed("--netboot a --output b").is_err());
    }

    #[test]
    fn a_folder_without_firmware_is_refused_before_anything_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let error = refused(&format!("--board rpi4 --firmware {}", folder.path().display()));
        assert!(error.contains("lacks start4.elf, fixup4.dat"), "{error}");
    }

    #[test]
    fn two_lines_say_how_to_flash() {
        for board in [Board::Pc, Board::Rpi3, Board::Rpi4] {
            for folder in [None, Some(Path::new("folder"))] {
                let text = advice(board, folder, Path::new("file"));
                assert_eq!(text.lines().count(), 2, "{text}");
                let named = if folder.is_some() { "Serve folder" } else { "dd if=file of=" };
                assert!(text.contains(named), "{text}");
            }
        }
    }
}
