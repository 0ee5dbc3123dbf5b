//! Debian and Ubuntu packages: which are missing, and what to type.

use super::Need;
use crate::board::Board;
use crate::qemu;
use crate::qemu::firmware;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Something that has to be on the host, and the package that brings it.
#[derive(PartialEq, Eq, Debug)]
pub struct Requirement {
    needs: &'static [Need],
    /// Any one of these files will do; a name without `/` is looked up on the search path.
    files: &'static [&'static str],
    /// Its name is the same in all releases of Debian and Ubuntu.
    pub package: &'static str,
}

const REQUIREMENTS: [Requirement; 8] = [
    Requirement { needs: &[Need::Emulator], files: &[qemu::PROGRAM], package: "qemu-system-x86" },
    Requirement {
        needs: &[Need::EmulatorArm],
        files: &[qemu::ARM_PROGRAM],
        package: "qemu-system-arm",
    },
    Requirement { needs: &[Need::Image], files: &["grub-mkimage"], package: "grub-common" },
    Requirement {
        needs: &[Need::Image],
        files: &["/usr/lib/grub/i386-pc/moddep.lst"],
        package: "grub-pc-bin",
    },
    Requirement {
        needs: &[Need::Image],
        files: &["/usr/lib/grub/x86_64-efi/moddep.lst"],
        package: "grub-efi-amd64-bin",
    },
    Requirement { needs: &[Need::Image], files: &["xorriso"], package: "xorriso" },
    Requirement { needs: &[Need::Image, Need::Card], files: &["mformat"], package: "mtools" },
    Requirement { needs: &[Need::Uefi], files: &firmware::FILES, package: "ovmf" },
];

/// Requirements that are not met, by the presence of their files.
pub fn missing(needs: &[Need], present: &dyn Fn(&str) -> bool) -> Vec<&'static Requirement> {
    REQUIREMENTS
        .iter()
        .filter(|requirement| requirement.needs.iter().any(|need| needs.contains(need)))
        .filter(|requirement| !requirement.files.iter().any(|file| present(file)))
        .collect()
}

/// True if a file or program is on this host, or replaced by another.
pub fn is_present(file: &str) -> bool {
    let replaced = |board: Board, usual| file == usual && qemu::program(board) != usual;
    if replaced(Board::Pc, qemu::PROGRAM) || replaced(Board::QemuVirt, qemu::ARM_PROGRAM) {
        return true;
    }
    if file.contains('/') { Path::new(file).exists() } else { on_search_path(file) }
}

fn on_search_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// What this host lets us do.
pub struct Host {
    is_root: bool,
    has_apt: bool,
    has_sudo: bool,
}

/// How packages are installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// We are root.
    Directly,
    /// We are allowed to become root.
    BySudo,
}

impl Host {
    /// The one this program runs on.
    pub fn this() -> Self {
        Self {
            is_root: std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0),
            has_apt: on_search_path("apt-get"),
            has_sudo: on_search_path("sudo"),
        }
    }

    /// How to install packages, if that is allowed and possible.
    pub fn way(&self, yes: bool) -> Option<Way> {
        match (self.has_apt, self.is_root, yes && self.has_sudo) {
            (true, true, _) => Some(Way::Directly),
            (true, false, true) => Some(Way::BySudo),
            _ => None,
        }
    }

    /// What a person has to do about `missing`.
    pub fn advice(&self, missing: &[&Requirement], yes: bool) -> String {
        let packages = names(missing);
        if !self.has_apt {
            let files: Vec<_> = missing.iter().map(|requirement| requirement.files[0]).collect();
            return format!(
                "this host lacks {}, and apt-get to install them; get them by its package \
                 manager and repeat the command (in Debian they are part of: {packages})",
                files.join(", ")
            );
        }
        let then = match (self.has_sudo, yes) {
            (true, _) => "repeat the command (with --yes it does both)",
            (false, true) => "repeat the command (--yes needs sudo, which is missing too)",
            (false, false) => "repeat the command",
        };
        format!("this host lacks {packages}; type this and {then}:\n  {}", self.command(&packages))
    }

    fn command(&self, packages: &str) -> String {
        let install = format!("apt-get install --no-install-recommends {packages}");
        if self.has_sudo {
            format!("sudo apt-get update && sudo {install}")
        } else {
            // Without -l the search path has no folder for system programs, and dpkg fails.
            format!("su -l -c 'apt-get update && {install}'")
        }
    }
}

/// Names of packages, to show or to type.
pub fn names(missing: &[&Requirement]) -> String {
    let packages: Vec<_> = missing.iter().map(|requirement| requirement.package).collect();
    packages.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::ALL;
    use super::{Host, Need, REQUIREMENTS, Way, missing, names};

    /// Debian 12 and later; files of each package as `dpkg -L` lists them.
    const DEBIAN: [&str; 8] = [
        "qemu-system-x86_64",
        "qemu-system-aarch64",
        "grub-mkimage",
        "/usr/lib/grub/i386-pc/moddep.lst",
        "/usr/lib/grub/x86_64-efi/moddep.lst",
        "xorriso",
        "mformat",
        "/usr/share/ovmf/OVMF.fd",
    ];

    fn host(is_root: bool, has_apt: bool, has_sudo: bool) -> Host {
        Host { is_root, has_apt, has_sudo }
    }

    fn packages(needs: &[Need], present: &[&str]) -> String {
        names(&missing(needs, &|file| present.contains(&file)))
    }

    #[test]
    fn asks_only_for_what_a_command_needs() {
        assert_eq!(packages(&[Need::Build, Need::Check], &[]), "");
        assert_eq!(packages(&[Need::Build, Need::Emulator], &[]), "qemu-system-x86");
        assert_eq!(
            packages(&[Need::Build, Need::Image], &[]),
            "grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools"
        );
        assert_eq!(packages(&[Need::BuildArm, Need::Card], &[]), "mtools");
        assert_eq!(packages(&ALL, &DEBIAN), "");
    }

    #[test]
    fn each_missing_file_asks_for_its_package() {
        for (file, requirement) in DEBIAN.iter().zip(&REQUIREMENTS) {
            let others: Vec<_> = DEBIAN.iter().copied().filter(|other| other != file).collect();
            assert_eq!(packages(&ALL, &others), requirement.package, "{file}");
        }
    }

    #[test]
    fn either_kind_of_firmware_will_do() {
        assert_eq!(packages(&[Need::Uefi], &["/usr/share/OVMF/OVMF_CODE_4M.fd"]), "");
        assert_eq!(packages(&[Need::Uefi], &["/usr/share/OVMF/OVMF_VARS_4M.fd"]), "ovmf");
    }

    #[test]
    fn only_root_installs_unasked() {
        assert_eq!(host(true, true, false).way(false), Some(Way::Directly));
        assert_eq!(host(false, true, true).way(false), None);
        assert_eq!(host(false, true, true).way(true), Some(Way::BySudo));
        assert_eq!(host(false, true, false).way(true), None);
        assert_eq!(host(true, false, true).way(true), None);
    }

    #[test]
    fn the_advice_is_a_command_to_type() {
        let lacking = missing(&[Need::Uefi, Need::Emulator], &|_| false);
        assert_eq!(
            host(false, true, true).advice(&lacking, false),
            "this host lacks qemu-system-x86 ovmf; type this and repeat the command (with --yes it \
             does both):\n  sudo apt-get update && sudo apt-get install --no-install-recommends \
             qemu-system-x86 ovmf"
        );
        let text = host(false, true, false).advice(&lacking, true);
        assert!(text.contains("--yes needs sudo"), "{text}");
        assert!(
            text.ends_with(
                ":\n  su -l -c 'apt-get update && apt-get install --no-install-recommends \
                 qemu-system-x86 ovmf'"
            ),
            "{text}"
        );
    }

    #[test]
    fn other_distributions_hear_what_is_missing() {
        let lacking = missing(&[Need::Emulator, Need::Image], &|file| file.contains('/'));
        let text = host(true, false, false).advice(&lacking, true);
        assert!(text.contains("lacks qemu-system-x86_64, grub-mkimage, xorriso, mformat,"));
        assert!(!text.contains("sudo"), "{text}");
    }
}
