//! The readers: what each must obey, and valid files to start from.
//!
//! | file | reader |
//! |---|---|
//! | [`archive`] | boot archive: the library's, and the kernel's own |
//! | [`flat`] | flat image of the first server |
//! | [`packed`] | packed system description |
//! | [`environment`] | what a thread is told about itself |
//! | [`elf`] | programs: the first server's, and the packer's |
//! | [`acpi`] | firmware tables |
//! | [`loader`] | what a boot loader hands over, in PVH and multiboot2 form |
//! | [`tree`] | device tree |
//! | [`description`] | system description as people write it |

pub mod acpi;
pub mod archive;
pub mod description;
pub mod elf;
pub mod environment;
pub mod flat;
pub mod loader;
pub mod packed;
pub mod tree;

/// One reader.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// As people write it.
    pub name: &'static str,
    /// What it reads.
    pub about: &'static str,
    /// Valid files, all of which it accepts.
    pub files: fn() -> Vec<Vec<u8>>,
    /// Words of a format that is text.
    pub words: &'static [&'static str],
    /// True if it accepts the bytes. Panics if it misbehaves.
    pub check: fn(&[u8]) -> bool,
}

/// All of them.
pub const READERS: [Reader; 10] = [
    Reader {
        name: "archive",
        about: "boot archive",
        files: archive::files,
        words: &[],
        check: archive::check,
    },
    Reader {
        name: "flat",
        about: "flat image of the first server",
        files: flat::files,
        words: &[],
        check: flat::check,
    },
    Reader {
        name: "packed",
        about: "packed system description",
        files: packed::files,
        words: &[],
        check: packed::check,
    },
    Reader {
        name: "environment",
        about: "environment of a thread",
        files: environment::files,
        words: &[],
        check: environment::check,
    },
    Reader { name: "elf", about: "programs", files: elf::files, words: &[], check: elf::check },
    Reader {
        name: "acpi",
        about: "firmware tables",
        files: acpi::files,
        words: &[],
        check: acpi::check,
    },
    Reader {
        name: "pvh",
        about: "what QEMU hands over",
        files: loader::pvh_files,
        words: &[],
        check: loader::check_pvh,
    },
    Reader {
        name: "multiboot",
        about: "what GRUB hands over",
        files: loader::multiboot_files,
        words: &[],
        check: loader::check_multiboot,
    },
    Reader {
        name: "tree",
        about: "device tree",
        files: tree::files,
        words: &[],
        check: tree::check,
    },
    Reader {
        name: "description",
        about: "system description as people write it",
        files: description::files,
        words: description::WORDS,
        check: description::check,
    },
];

#[cfg(test)]
mod tests {
    use super::READERS;

    #[test]
    fn readers_have_names_of_their_own_and_accept_their_files() {
        for (index, reader) in READERS.iter().enumerate() {
            assert!(READERS[..index].iter().all(|other| other.name != reader.name));
            let files = (reader.files)();
            assert!(!files.is_empty());
            for (number, file) in files.iter().enumerate() {
                assert!((reader.check)(file), "{}: file {number}", reader.name);
            }
            assert!(!(reader.check)(b"nothing of the kind"), "{}", reader.name);
        }
    }
}
