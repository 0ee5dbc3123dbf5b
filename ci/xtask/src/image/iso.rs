//! A PC's image: starts from CD, DVD or USB stick, by BIOS or UEFI.
//!
//! One file system of CDs for all. A CD names what starts; a stick has it in its first sector for a
//! BIOS, and in a partition with FAT for UEFI firmware. Source: xorriso's manual page `xorrisofs`,
//! "Bootable ISO images"; the options are those that `grub-mkrescue` uses, which cannot write the same
//! bytes twice.

use super::fat::Fat;
use super::grub::{self, Place, Start};
use super::{Content, tool};
use anyhow::{Context, Result};
use std::path::Path;

/// The date of the file system and of all files, in hundredths of a second.
const DATE: &str = "2007070100000000";
const BIOS_FILE: &str = "boot/grub/bios.img";
const UEFI_FILE: &str = "boot/grub/uefi.img";
/// Where UEFI firmware looks on what it does not know (UEFI specification 2.10, section 3.5.1.1).
const UEFI_PROGRAM: &str = "EFI/BOOT/BOOTX64.EFI";

/// Writes the image to a file.
pub fn write(content: &Content<'_>, image: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let files = folder.path();
    grub::lay_out(content, files)?;
    let name = name(content)?;
    // A PC may have several sticks with Cedo; GRUB must find its own.
    let mark = format!("/boot/{name:016x}");
    std::fs::write(files.join(&mark[1..]), "").context("cannot write a temporary file")?;
    let place = Place::Marked(&mark);
    grub::write(Start::BiosMedium, &place, &files.join(BIOS_FILE))?;
    let uefi = tempfile::NamedTempFile::new().context("cannot write a temporary file")?;
    grub::write(Start::UefiMedium, &place, uefi.path())?;
    let program = std::fs::read(uefi.path()).context("cannot read a temporary file")?;
    Fat::small(&files.join(UEFI_FILE), name as u32)?.add(UEFI_PROGRAM, &program)?;
    let mut command = tool::command("xorriso");
    command.args(["-as", "mkisofs", "-quiet", "-r", "-V", "CEDO"]);
    command.args([&format!("--modification-date={DATE}"), "--set_all_file_dates", DATE]);
    command.args(["-b", BIOS_FILE, "-c", "boot/catalog", "-no-emul-boot"]);
    command.args(["-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info"]);
    command.args(["--grub2-mbr", grub::FIRST_SECTOR, "--protective-msdos-label"]);
    command.args(["--efi-boot", UEFI_FILE, "-efi-boot-part", "--efi-boot-image"]);
    tool::run(command.arg("-o").arg(image).arg(files))
}

fn name(content: &Content<'_>) -> Result<u64> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let kernel = read(&content.boot.stripped)?;
    let archive = content.boot.archive.as_deref().map_or(Ok(Vec::new()), read)?;
    Ok(tool::name(&[&kernel, &archive, content.words.as_bytes()]))
}
