//! The files that a Raspberry Pi's firmware reads, and which of them are the firmware's own.
//!
//! Sources: Raspberry Pi documentation, "config.txt", "The boot folder" and "Configure UARTs"; comments of
//! the firmware's authors where those are silent (raspberrypi/firmware issues 1395 and 1415,
//! raspberrypi/documentation pull request 829). `docs/boards.md` says why each line is there.

use super::Content;
use crate::board::Board;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Names of ours.
pub const KERNEL: &str = "kernel8.img";
pub const ARCHIVE: &str = "archive";
const CONFIGURATION: &str = "config.txt";
const COMMAND_LINE: &str = "cmdline.txt";

const SOURCE: &str = "folder `boot` of github.com/raspberrypi/firmware";
/// Routes the PL011 to the pins, where the firmware leaves it to Bluetooth.
const OVERLAY: &str = "overlays/disable-bt.dtbo";
const RPI3: [&str; 6] = [
    "bootcode.bin",
    "start.elf",
    "fixup.dat",
    "bcm2710-rpi-3-b.dtb",
    "bcm2710-rpi-3-b-plus.dtb",
    OVERLAY,
];
const RPI4: [&str; 4] = ["start4.elf", "fixup4.dat", "bcm2711-rpi-4-b.dtb", OVERLAY];

/// A file for a card or a boot server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// With `/` after a folder.
    pub name: String,
    pub contents: Vec<u8>,
}

impl File {
    /// A file with these contents.
    pub fn new(name: &str, contents: Vec<u8>) -> Self {
        Self { name: name.to_string(), contents }
    }
}

/// All files: ours, then the firmware's.
pub fn files(content: &Content<'_>) -> Result<Vec<File>> {
    let board = content.boot.machine.board;
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let mut files = vec![
        File::new(CONFIGURATION, configuration(board).into_bytes()),
        File::new(COMMAND_LINE, format!("{}\n", content.words).into_bytes()),
        File::new(KERNEL, read(&content.boot.stripped)?),
    ];
    if let Some(archive) = &content.boot.archive {
        files.push(File::new(ARCHIVE, read(archive)?));
    }
    if let Some(folder) = content.firmware {
        files.extend(firmware(board, folder)?);
    }
    Ok(files)
}

/// The firmware's files from a folder; an error names those that are missing.
pub fn firmware(board: Board, folder: &Path) -> Result<Vec<File>> {
    let missing: Vec<_> =
        names(board).iter().copied().filter(|name| !folder.join(name).is_file()).collect();
    ensure!(
        missing.is_empty(),
        "{} lacks {}; get {SOURCE}, or leave --firmware away for a card that has them",
        folder.display(),
        missing.join(", ")
    );
    let read = |name: &&str| {
        let path = folder.join(name);
        let contents = std::fs::read(&path);
        let contents = contents.with_context(|| {
            format!("cannot read {}, make it readable or get another copy", path.display())
        })?;
        Ok(File::new(name, contents))
    };
    names(board).iter().map(read).collect()
}

/// What to say when the firmware's files are not there.
pub fn without_firmware(board: Board) -> Option<String> {
    let names = names(board);
    (!names.is_empty()).then(|| {
        format!(
            "Without firmware ({}): use a card or server that has it and copy the other files there, or \
             give --firmware DIR, {SOURCE}.",
            names.join(", ")
        )
    })
}

/// The files that the firmware of a board needs of its own.
pub fn names(board: Board) -> &'static [&'static str] {
    match board {
        Board::Rpi3 => &RPI3,
        Board::Rpi4 => &RPI4,
        Board::Pc | Board::QemuVirt => &[],
    }
}

fn configuration(board: Board) -> String {
    let own = match board {
        Board::Rpi4 => "enable_gic=1\n",
        _ => "",
    };
    format!(
        "# Starts Cedo; docs/boards.md says why each line is here.\n\
         arm_64bit=1\n\
         kernel={KERNEL}\n\
         kernel_address=0x200000\n\
         initramfs {ARCHIVE} followkernel\n\
         enable_uart=1\n\
         dtoverlay=disable-bt\n\
         init_uart_baud=115200\n\
         uart_2ndstage=1\n\
         {own}"
    )
}

#[cfg(test)]
mod tests {
    use super::{Board, configuration, firmware, names, without_firmware};

    #[test]
    fn only_a_raspberry_pi_4_has_the_controller_to_switch_on() {
        assert!(configuration(Board::Rpi4).ends_with("\nenable_gic=1\n"));
        assert!(!configuration(Board::Rpi3).contains("enable_gic"));
        for board in [Board::Rpi3, Board::Rpi4] {
            let text = configuration(board);
            assert!(text.contains("\nkernel=kernel8.img\nkernel_address=0x200000\n"), "{text}");
            assert!(text.contains("\ninitramfs archive followkernel\n"), "{text}");
        }
    }

    #[test]
    fn missing_firmware_is_named_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("start4.elf"), "s").unwrap();
        let error = firmware(Board::Rpi4, folder.path()).unwrap_err().to_string();
        assert!(
            error.contains(" lacks fixup4.dat, bcm2711-rpi-4-b.dtb, overlays/disable-bt.dtbo; get")
        );
        assert!(error.contains("github.com/raspberrypi/firmware") && !error.contains('\n'));
    }

    #[test]
    fn firmware_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("overlays")).unwrap();
        for name in names(Board::Rpi3) {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let files = firmware(Board::Rpi3, folder.path()).unwrap();
        assert_eq!(files.len(), 6);
        assert!(files.iter().all(|file| file.contents == file.name.as_bytes()));
    }

    #[test]
    fn what_is_left_to_the_user_is_said_for_a_raspberry_pi_only() {
        assert!(without_firmware(Board::Rpi3).unwrap().contains("bootcode.bin"));
        assert_eq!(without_firmware(Board::Pc), None);
    }
}
