//! What an emulated machine starts from.

use super::{firmware, joined};
use crate::image::{BIOS_FILE, UEFI_FILE};
use clap::ValueEnum;
use std::ffi::OsString;
use std::path::Path;

/// How the kernel is loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Loader {
    /// By the emulator itself; quickest, and the only way on aarch64.
    Pvh,
    /// By GRUB from a CD under a BIOS.
    IsoBios,
    /// By GRUB from a CD under UEFI firmware.
    IsoUefi,
    /// By GRUB from a USB stick under a BIOS.
    UsbBios,
    /// By GRUB from a USB stick under UEFI firmware.
    UsbUefi,
    /// By GRUB from a boot server under a BIOS.
    NetBios,
    /// By GRUB from a boot server under UEFI firmware.
    NetUefi,
}

/// What the machine boots from.
pub enum Medium<'a> {
    /// Kernel, archive and device tree, for [`Loader::Pvh`].
    Files {
        kernel: &'a Path,
        archive: Option<&'a Path>,
        tree: Option<&'a Path>,
        /// An SD card that is in the machine meanwhile.
        card: Option<&'a Path>,
    },
    /// An image for a medium, or a folder for a boot server, as the loader wants it.
    Image(&'a Path),
}

impl Loader {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pvh => "pvh",
            Self::IsoBios => "iso-bios",
            Self::IsoUefi => "iso-uefi",
            Self::UsbBios => "usb-bios",
            Self::UsbUefi => "usb-uefi",
            Self::NetBios => "net-bios",
            Self::NetUefi => "net-uefi",
        }
    }

    /// True if UEFI firmware takes the place of the BIOS.
    pub fn is_uefi(self) -> bool {
        matches!(self, Self::IsoUefi | Self::UsbUefi | Self::NetUefi)
    }

    /// True if a boot server has the files.
    pub fn is_network(self) -> bool {
        matches!(self, Self::NetBios | Self::NetUefi)
    }

    /// Arguments of the emulator for an image or a folder.
    fn arguments(self, image: &Path) -> Vec<OsString> {
        match self {
            Self::Pvh | Self::IsoBios | Self::IsoUefi => vec!["-cdrom".into(), image.into()],
            Self::UsbBios | Self::UsbUefi => {
                let stick = "if=none,id=stick,format=raw,readonly=on,file=";
                let devices = ["-device", "qemu-xhci", "-device", "usb-storage,drive=stick"];
                let mut arguments = vec!["-drive".into(), joined(stick, image)];
                arguments.extend(devices.map(OsString::from));
                arguments
            }
            Self::NetBios => network(image, BIOS_FILE),
            Self::NetUefi => network(image, UEFI_FILE),
        }
    }
}

/// A server in the emulator that knows nothing but one folder, and a card with a program that asks it.
fn network(folder: &Path, file: &str) -> Vec<OsString> {
    let server = format!("user,id=net,restrict=on,bootfile={file},tftp=");
    let mut arguments = vec!["-netdev".into(), joined(&server, folder)];
    let devices = ["-device", "virtio-net-pci,netdev=net,bootindex=0", "-device", "virtio-rng-pci"];
    arguments.extend(devices.map(OsString::from));
    arguments
}

impl Medium<'_> {
    /// Arguments of the emulator. `words` is the kernel's command line.
    pub fn arguments(&self, loader: Loader, words: &str) -> Vec<OsString> {
        let mut arguments = match self {
            Medium::Image(image) => loader.arguments(image),
            Medium::Files { kernel, archive, tree, card } => {
                let mut arguments = vec!["-kernel".into(), kernel.into()];
                for (option, file) in [("-initrd", archive), ("-dtb", tree)] {
                    if let Some(file) = file {
                        arguments.extend([option.into(), file.into()]);
                    }
                }
                if let Some(card) = card {
                    let drive = joined("if=sd,format=raw,snapshot=on,file=", card);
                    arguments.extend(["-drive".into(), drive]);
                }
                if !words.is_empty() {
                    arguments.extend(["-append".into(), words.into()]);
                }
                arguments
            }
        };
        if loader.is_uefi() {
            arguments.extend(firmware::arguments(&|file| Path::new(file).exists()));
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::{Loader, Medium};
    use std::path::Path;

    fn text(medium: &Medium<'_>, loader: Loader) -> String {
        let arguments = medium.arguments(loader, "");
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn one_image_is_a_cd_and_a_stick() {
        let image = Medium::Image(Path::new("i.iso"));
        assert_eq!(text(&image, Loader::IsoBios), "-cdrom i.iso");
        let stick = text(&image, Loader::UsbBios);
        assert!(stick.starts_with("-drive if=none,id=stick,format=raw,readonly=on,file=i.iso"));
        assert!(stick.ends_with("-device usb-storage,drive=stick"), "{stick}");
    }

    #[test]
    fn each_firmware_asks_the_server_for_its_own_file() {
        let folder = Medium::Image(Path::new("f"));
        let bios = text(&folder, Loader::NetBios);
        assert!(bios.contains("bootfile=bios.0,tftp=f ") && !bios.contains("OVMF"), "{bios}");
        let uefi = text(&folder, Loader::NetUefi);
        assert!(uefi.contains("bootfile=uefi.efi,tftp=f ") && uefi.contains("/OVMF"), "{uefi}");
    }

    #[test]
    fn a_card_is_in_the_machine_and_stays_as_it_is() {
        let kernel = Path::new("k");
        let card = Some(Path::new("c.img"));
        let medium = Medium::Files { kernel, archive: None, tree: None, card };
        let expected = "-kernel k -drive if=sd,format=raw,snapshot=on,file=c.img";
        assert_eq!(text(&medium, Loader::Pvh), expected);
    }
}
