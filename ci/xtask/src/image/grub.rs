//! What a PC starts of GRUB: one file per way to start, with all that it needs inside, and its menu.
//!
//! Source: GNU GRUB manual, "Invoking grub-mkimage", "Embedding a configuration file".

use super::{Content, tool};
use anyhow::{Context, Result};
use std::path::Path;

/// Where GRUB looks for its menu; kernel and archive are one folder up.
pub const FOLDER: &str = "/boot/grub";
/// Where Debian and Ubuntu have what is started from the first sector of a stick.
pub const FIRST_SECTOR: &str = "/usr/lib/grub/i386-pc/boot_hybrid.img";
const MENU: &str = "boot/grub/grub.cfg";
const KERNEL: &str = "boot/cedo";
const ARCHIVE: &str = "boot/archive";

/// What starts GRUB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// A BIOS, from a CD or a stick.
    BiosMedium,
    /// UEFI firmware, from the same.
    UefiMedium,
    /// A BIOS, from the network.
    BiosNetwork,
    /// UEFI firmware, from the network.
    UefiNetwork,
}

impl Start {
    fn format(self) -> &'static str {
        match self {
            Self::BiosMedium => "i386-pc-eltorito",
            Self::BiosNetwork => "i386-pc-pxe",
            Self::UefiMedium | Self::UefiNetwork => "x86_64-efi",
        }
    }

    fn modules(self) -> &'static str {
        match self {
            Self::BiosMedium => {
                "biosdisk iso9660 part_gpt part_msdos search search_fs_file normal multiboot2"
            }
            Self::UefiMedium => {
                "fat iso9660 part_gpt part_msdos search search_fs_file normal multiboot2"
            }
            Self::BiosNetwork => "pxe tftp normal multiboot2",
            Self::UefiNetwork => "memdisk tar normal multiboot2",
        }
    }
}

/// Where GRUB finds its folder.
pub enum Place<'a> {
    /// On the medium that has this file.
    Marked(&'a str),
    /// On the server that it came from.
    Server,
    /// In itself: all that is below this folder.
    Inside(&'a Path),
}

/// Writes GRUB for one way to start.
pub fn write(start: Start, place: &Place<'_>, file: &Path) -> Result<()> {
    let extra = tempfile::NamedTempFile::new().context("cannot write a temporary file")?;
    let mut command = tool::command("grub-mkimage");
    command.args(["--format", start.format(), "--output"]).arg(file);
    match place {
        Place::Server => {
            command.args(["--prefix", FOLDER]);
        }
        Place::Marked(mark) => {
            let text = format!(
                "search --no-floppy --file --set=root {mark}\nset prefix=($root){FOLDER}\n"
            );
            std::fs::write(extra.path(), text).context("cannot write a temporary file")?;
            command.args(["--prefix", FOLDER, "--config"]).arg(extra.path());
        }
        Place::Inside(folder) => {
            tool::pack(folder, extra.path())?;
            let prefix = format!("(memdisk){FOLDER}");
            command.args(["--prefix", &prefix, "--memdisk"]).arg(extra.path());
        }
    }
    tool::run(command.args(start.modules().split(' ')))
}

/// Puts menu, kernel and archive where GRUB looks, below `folder`.
pub fn lay_out(content: &Content<'_>, folder: &Path) -> Result<()> {
    let menu = folder.join(MENU);
    let parent = menu.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)
        .with_context(|| format!("cannot create {}, choose another place", parent.display()))?;
    // A copy would keep the mode of the original, which a boot server may not be allowed to read.
    let copy = |from: &Path, name: &str| {
        let to = folder.join(name);
        let attempt = || std::fs::write(&to, std::fs::read(from)?);
        attempt().with_context(|| {
            format!("cannot copy {} to {}, choose another place", from.display(), to.display())
        })
    };
    copy(&content.boot.stripped, KERNEL)?;
    let archive = content.boot.archive.as_deref();
    archive.map_or(Ok(()), |archive| copy(archive, ARCHIVE))?;
    std::fs::write(&menu, text(&content.boot.system, content.words, archive.is_some()))
        .with_context(|| format!("cannot write {}, choose another place", menu.display()))
}

fn text(system: &str, words: &str, has_archive: bool) -> String {
    let archive = if has_archive { "    module2 /boot/archive archive\n" } else { "" };
    let kernel = ["multiboot2 /boot/cedo", words].join(" ");
    format!(
        "set timeout=0\n\
         set default=0\n\
         menuentry \"Cedo: {system}\" {{\n\
         \x20   {kernel}\n\
         {archive}\
         \x20   boot\n\
         }}\n",
        kernel = kernel.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn menu_passes_the_command_line() {
        let with = text("default", "counter=instructions", true);
        assert!(with.contains("\n    multiboot2 /boot/cedo counter=instructions\n"), "{with}");
        let without = text("default", "", true);
        assert!(
            without.contains("\n    multiboot2 /boot/cedo\n    module2 /boot/archive archive\n")
        );
        assert!(!text("default", "", false).contains("module2"));
    }
}
