//! Folders for boot servers: PXE for a PC, TFTP for a Raspberry Pi.

use super::Content;
use super::grub::{self, Place, Start};
use super::output;
use super::pi::File;
use anyhow::{Context, Result};
use std::path::Path;

/// What DHCP names for a PC with a BIOS.
pub const BIOS_FILE: &str = "bios.0";
/// What it names for one with UEFI firmware.
pub const UEFI_FILE: &str = "uefi.efi";

/// GRUB for both kinds of firmware. For a BIOS, which has little room for it, it fetches menu, kernel and
/// archive from the same server. For UEFI it has them inside: from a server it would lose what it loads
/// to address 0 (GRUB 2.06, `grub-core/net/net.c`, takes that address for nowhere).
pub fn write_pc(content: &Content<'_>, folder: &Path) -> Result<()> {
    output::folder(folder)?;
    grub::lay_out(content, folder)?;
    grub::write(Start::BiosNetwork, &Place::Server, &folder.join(BIOS_FILE))?;
    let inside = tempfile::tempdir().context("cannot create a temporary folder")?;
    grub::lay_out(content, inside.path())?;
    grub::write(Start::UefiNetwork, &Place::Inside(inside.path()), &folder.join(UEFI_FILE))
}

/// The files of a card as they are: a Raspberry Pi asks a server for the same names.
pub fn write_files(files: &[File], folder: &Path) -> Result<()> {
    output::folder(folder)?;
    files.iter().try_for_each(|file| {
        let place = folder.join(&file.name);
        let write = || {
            std::fs::create_dir_all(place.parent().unwrap_or(folder))?;
            std::fs::write(&place, &file.contents)
        };
        write().with_context(|| format!("cannot write {}, choose another place", place.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::{File, write_files};

    #[test]
    fn files_go_into_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::new("overlays/a.dtbo", b"a".to_vec());
        for _ in 0..2 {
            write_files(std::slice::from_ref(&file), &folder.path().join("new")).unwrap();
        }
        assert_eq!(std::fs::read(folder.path().join("new/overlays/a.dtbo")).unwrap(), b"a");
    }
}
