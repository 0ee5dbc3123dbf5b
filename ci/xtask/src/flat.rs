//! Makes a flat image of a kernel: what is loaded, as it lies in memory, for loaders that know no ELF.
//!
//! Source: System V ABI, generic, chapter 5, "Program Header".

use anyhow::{Context, Result, ensure};
use object::Endianness;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// No kernel is larger.
const MOST_BYTES: u64 = 64 << 20;

/// The loaded bytes of `elf`, from its lowest address on.
pub fn image(elf: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<Endianness>::parse(elf).context("this is no 64-bit ELF file")?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, elf).context("damaged program headers")?;
    let loaded = || {
        segments
            .iter()
            .filter(|segment| segment.p_type(endian) == PT_LOAD && segment.p_filesz(endian) > 0)
    };
    let start = loaded().map(|segment| segment.p_vaddr(endian)).min();
    let start = start.context("the ELF file has nothing to load")?;
    let mut image = Vec::new();
    for segment in loaded() {
        let data = segment.data(endian, elf).ok().context("the ELF file is truncated")?;
        let offset = segment.p_vaddr(endian) - start;
        ensure!(offset <= MOST_BYTES, "the ELF file's segments are far apart");
        let end = usize::try_from(offset)? + data.len();
        image.resize(image.len().max(end), 0);
        image[end - data.len()..end].copy_from_slice(data);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::image;

    #[test]
    fn the_image_begins_with_the_first_segment() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let image = image(&own).unwrap();
        // A program for this host is loaded from its header on.
        assert_eq!(image[..64], own[..64]);
        assert!(image.len() > 4096);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(image(b"no ELF").is_err());
    }
}
