//! A Raspberry Pi's image: a partition table, and one partition with FAT32.
//!
//! Sources: UEFI specification 2.10, section 5.2.1 (the partition table); Microsoft, *FAT32 File System
//! Specification* 1.03 (how many clusters FAT32 has); QEMU, "SD card size has to be a power of 2".

use super::fat::{Fat, SECTOR, Shape};
use super::pi::File;
use super::tool;
use anyhow::{Context, Result, ensure};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Enough for a small system with firmware.
pub const DEFAULT_MIB: u32 = 64;
/// With less room than this between the sizes below, FAT32 would have too few clusters.
const SIZES_MIB: [u32; 7] = [64, 128, 256, 512, 1024, 2048, 4096];
const MEBIBYTE: u64 = 1 << 20;
/// The partition starts at 4 MiB: cards erase in blocks of so many bytes.
const FIRST_SECTOR: u64 = 4 * MEBIBYTE / SECTOR;
/// From this size on clusters have 4 KiB.
const LARGE_MIB: u32 = 512;
/// One part in so many is for the tables of the file system.
const TABLES_SHARE: u64 = 32;

/// Type of a partition with FAT32, addressed by sector number.
const FAT32_BY_SECTOR: u8 = 0x0c;
/// Cylinder, head and sector of what is out of their reach.
const OUT_OF_REACH: [u8; 3] = [0xfe, 0xff, 0xff];
const SIGNATURE: [u8; 2] = [0x55, 0xaa];

/// Writes files as a card of so many MiB to `image`.
pub fn write(files: &[File], size_mib: u32, image: &Path) -> Result<()> {
    check_size(size_mib)?;
    let shape = shape(files, size_mib);
    fits(files, size_mib, &shape)?;
    let start = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(image)?;
        file.write_all(&table(&shape))?;
        file.set_len(u64::from(size_mib) * MEBIBYTE)
    };
    start()
        .with_context(|| format!("cannot write {}, choose a disk with room", image.display()))?;
    let mut fat = Fat::partition(image, &shape)?;
    files.iter().try_for_each(|file| fat.add(&file.name, &file.contents))
}

/// An error for sizes that no card has.
pub fn check_size(size_mib: u32) -> Result<()> {
    let names = SIZES_MIB.map(|size| size.to_string()).join(", ");
    ensure!(
        SIZES_MIB.contains(&size_mib),
        "a card's image has {names} MiB, not {size_mib}; name one of these with --size"
    );
    Ok(())
}

fn shape(files: &[File], size_mib: u32) -> Shape {
    let parts: Vec<_> =
        files.iter().flat_map(|file| [file.name.as_bytes(), &file.contents]).collect();
    Shape {
        first_sector: FIRST_SECTOR,
        sectors: u64::from(size_mib) * MEBIBYTE / SECTOR - FIRST_SECTOR,
        sectors_per_cluster: if size_mib < LARGE_MIB { 1 } else { 8 },
        serial: tool::name(&parts) as u32,
    }
}

fn fits(files: &[File], size_mib: u32, shape: &Shape) -> Result<()> {
    let cluster = shape.sectors_per_cluster * SECTOR;
    let bytes = |file: &File| (file.contents.len() as u64).next_multiple_of(cluster);
    let needed: u64 = files.iter().map(bytes).sum();
    let room = |size: u32| {
        let partition = u64::from(size) * MEBIBYTE - FIRST_SECTOR * SECTOR;
        partition - partition / TABLES_SHARE
    };
    let remedy = match SIZES_MIB.iter().find(|size| room(**size) >= needed) {
        Some(size) => format!("give it --size {size}"),
        None => "make the system smaller".to_string(),
    };
    ensure!(
        needed <= room(size_mib),
        "the files take {} MiB, and a card's image of {size_mib} MiB has room for {}; {remedy}",
        needed.div_ceil(MEBIBYTE),
        room(size_mib) / MEBIBYTE
    );
    Ok(())
}

/// The first sector. The disk is named like the partition.
fn table(shape: &Shape) -> [u8; SECTOR as usize] {
    let mut sector = [0; SECTOR as usize];
    sector[440..444].copy_from_slice(&shape.serial.to_le_bytes());
    let entry = &mut sector[446..462];
    entry[1..4].copy_from_slice(&OUT_OF_REACH);
    entry[4] = FAT32_BY_SECTOR;
    entry[5..8].copy_from_slice(&OUT_OF_REACH);
    entry[8..12].copy_from_slice(&(shape.first_sector as u32).to_le_bytes());
    entry[12..16].copy_from_slice(&(shape.sectors as u32).to_le_bytes());
    sector[510..].copy_from_slice(&SIGNATURE);
    sector
}

#[cfg(test)]
mod tests {
    use super::{File, check_size, fits, shape, table, write};

    fn files(bytes: usize) -> [File; 2] {
        [File::new("a", vec![1; bytes]), File::new("b", vec![2; 1])]
    }

    #[test]
    fn the_table_names_one_partition_that_ends_with_the_image() {
        let sector = table(&shape(&files(10), 64));
        let word = |at: usize| u32::from_le_bytes(sector[at..at + 4].try_into().unwrap());
        assert_eq!((sector[450], word(454), word(458)), (0x0c, 8192, 64 * 2048 - 8192));
        assert_eq!(sector[462..], [&[0; 48][..], &[0x55, 0xaa]].concat());
    }

    #[test]
    fn other_contents_have_another_serial_number() {
        assert_ne!(shape(&files(10), 64).serial, shape(&files(11), 64).serial);
    }

    #[test]
    fn what_is_too_large_hears_which_size_would_do() {
        let large = files(60 << 20);
        let image = tempfile::NamedTempFile::new().unwrap();
        let error = write(&large, 64, image.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            "the files take 61 MiB, and a card's image of 64 MiB has room for 58; give it --size 128"
        );
        assert_eq!(image.as_file().metadata().unwrap().len(), 0, "nothing was written");
        fits(&large, 128, &shape(&large, 128)).unwrap();
    }

    #[test]
    fn a_size_that_no_card_has_is_refused() {
        for size in [0, 32, 65, 8192] {
            let error = check_size(size).unwrap_err().to_string();
            assert!(error.ends_with(&format!("not {size}; name one of these with --size")));
        }
        check_size(64).unwrap();
    }
}
