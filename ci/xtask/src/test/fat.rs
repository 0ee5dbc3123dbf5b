//! Reads a card's image back without the programs that wrote it: partition table, FAT32, long names.
//!
//! Whatever is not as the specification wants it is an error. Source: Microsoft, *FAT32 File System
//! Specification* 1.03.

use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};

const SECTOR: usize = 512;
const FAT32_BY_SECTOR: u8 = 0x0c;
/// With fewer clusters it is another FAT.
const LEAST_CLUSTERS: usize = 65_525;
/// The bits of a table's entry that count, and from where on one ends a chain.
const ENTRY: u32 = 0x0fff_ffff;
const LAST: u32 = 0x0fff_fff8;
const ENTRY_BYTES: usize = 32;
const FOLDER: u8 = 0x10;
const LABEL: u8 = 0x08;
const LONG_NAME: u8 = 0x0f;
const ERASED: u8 = 0xe5;

/// Files by name, with `/` after a folder.
pub type Files = BTreeMap<String, Vec<u8>>;

/// All files of the image's partition.
pub fn read(image: &[u8]) -> Result<Files> {
    let card = Card::open(image)?;
    let mut reader = Reader { card, used: BTreeSet::new(), files: Files::new() };
    reader.folder(reader.card.root, "")?;
    reader.card.check(reader.used.len())?;
    Ok(reader.files)
}

struct Card<'a> {
    partition: &'a [u8],
    table: &'a [u8],
    data: &'a [u8],
    cluster_bytes: usize,
    root: u32,
}

impl<'a> Card<'a> {
    fn open(image: &'a [u8]) -> Result<Self> {
        ensure!(image.len() > SECTOR && half(image, 510) == 0xaa55, "no partition table");
        ensure!(image[450] == FAT32_BY_SECTOR, "partition of type {:#x}", image[450]);
        ensure!(image[462..510].iter().all(|byte| *byte == 0), "more than one partition");
        let (first, sectors) = (word(image, 454) as usize, word(image, 458) as usize);
        let bytes = first * SECTOR..(first + sectors) * SECTOR;
        let partition = image.get(bytes).context("the partition is not in the image")?;
        ensure!(image.len() == (first + sectors) * SECTOR, "something follows the partition");
        ensure!(&partition[82..90] == b"FAT32   " && half(partition, 510) == 0xaa55, "no FAT32");
        ensure!(half(partition, 11) as usize == SECTOR, "sectors of {}", half(partition, 11));
        ensure!(word(partition, 28) as usize == first, "the partition does not know where it is");
        ensure!(word(partition, 32) as usize == sectors, "the partition does not know its size");
        let reserved = half(partition, 14) as usize * SECTOR;
        let table_bytes = word(partition, 36) as usize * SECTOR;
        ensure!(partition[16] == 2, "{} tables", partition[16]);
        let (table, rest) = partition[reserved..].split_at(table_bytes);
        let (copy, data) = rest.split_at(table_bytes);
        ensure!(table == copy, "the two tables differ");
        let backup = half(partition, 50) as usize * SECTOR;
        ensure!(partition[..SECTOR] == partition[backup..][..SECTOR], "the copy differs");
        let cluster_bytes = partition[13] as usize * SECTOR;
        let root = word(partition, 44);
        Ok(Self { partition, table, data, cluster_bytes, root })
    }

    fn clusters(&self) -> usize {
        self.data.len() / self.cluster_bytes
    }

    /// Enough clusters, a table for all, and as many free ones as are said to be.
    fn check(&self, used: usize) -> Result<()> {
        let clusters = self.clusters();
        ensure!(clusters >= LEAST_CLUSTERS, "{clusters} clusters are too few for FAT32");
        ensure!(self.table.len() / 4 >= clusters + 2, "the tables are too small");
        let free = (2..clusters + 2).filter(|n| word(self.table, n * 4) & ENTRY == 0).count();
        ensure!(free + used == clusters, "{} clusters belong to no file", clusters - free - used);
        let information = &self.partition[half(self.partition, 48) as usize * SECTOR..];
        ensure!(word(information, 0) == 0x4161_5252, "no information sector");
        ensure!(word(information, 488) as usize == free, "a wrong number of free clusters");
        Ok(())
    }
}

struct Reader<'a> {
    card: Card<'a>,
    used: BTreeSet<u32>,
    files: Files,
}

impl Reader<'_> {
    fn folder(&mut self, cluster: u32, path: &str) -> Result<()> {
        let contents = self.chain(cluster)?;
        let mut long = Vec::new();
        for entry in contents.chunks_exact(ENTRY_BYTES) {
            match (entry[0], entry[11]) {
                (0, _) => break,
                (ERASED, _) => bail!("an erased file in a new file system"),
                (_, LONG_NAME) => long.push(long_part(entry)),
                (b'.', _) => {}
                (_, attributes) if attributes & LABEL != 0 => {}
                (_, attributes) => {
                    let name = format!("{path}{}", name(entry, std::mem::take(&mut long)));
                    let first = u32::from(half(entry, 20)) << 16 | u32::from(half(entry, 26));
                    if attributes & FOLDER != 0 {
                        self.folder(first, &format!("{name}/"))?;
                    } else {
                        self.file(first, name, word(entry, 28) as usize)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, first: u32, name: String, bytes: usize) -> Result<()> {
        let mut contents = if bytes == 0 { Vec::new() } else { self.chain(first)? };
        let clusters = contents.len() / self.card.cluster_bytes;
        ensure!(
            clusters == bytes.div_ceil(self.card.cluster_bytes),
            "{name} has {bytes} bytes in {clusters} clusters"
        );
        contents.truncate(bytes);
        ensure!(self.files.insert(name.clone(), contents).is_none(), "two files called {name}");
        Ok(())
    }

    /// The contents of a chain of clusters.
    fn chain(&mut self, first: u32) -> Result<Vec<u8>> {
        let mut contents = Vec::new();
        let mut cluster = first;
        while cluster < LAST {
            let index =
                (cluster as usize).checked_sub(2).context("a chain of reserved clusters")?;
            ensure!(index < self.card.clusters(), "cluster {cluster} does not exist");
            ensure!(self.used.insert(cluster), "cluster {cluster} belongs to two files");
            let bytes = self.card.cluster_bytes;
            contents.extend_from_slice(&self.card.data[index * bytes..][..bytes]);
            cluster = word(self.card.table, cluster as usize * 4) & ENTRY;
        }
        Ok(contents)
    }
}

/// Place and letters of one part of a long name.
fn long_part(entry: &[u8]) -> (u8, String) {
    let letters = (1..11).chain(14..26).chain(28..32).step_by(2);
    let text: Vec<_> =
        letters.map(|at| half(entry, at)).take_while(|letter| *letter != 0).collect();
    (entry[0] & 0x1f, String::from_utf16_lossy(&text))
}

fn name(entry: &[u8], mut long: Vec<(u8, String)>) -> String {
    if !long.is_empty() {
        long.sort();
        return long.into_iter().map(|(_, text)| text).collect();
    }
    // Bits 3 and 4: base and extension are shown in small letters.
    let part = |bytes: &[u8], bit: u8| {
        let text = String::from_utf8_lossy(bytes).trim_end().to_string();
        if entry[12] & bit != 0 { text.to_lowercase() } else { text }
    };
    match (part(&entry[..8], 8), part(&entry[8..11], 16)) {
        (base, extension) if extension.is_empty() => base,
        (base, extension) => format!("{base}.{extension}"),
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from(half(bytes, at)) | u32::from(half(bytes, at + 2)) << 16
}

#[cfg(test)]
mod tests {
    use super::{long_part, name, read};

    fn entry(start: &[u8], attributes: u8, small: u8) -> [u8; 32] {
        let mut entry = [0; 32];
        entry[..start.len()].copy_from_slice(start);
        (entry[11], entry[12]) = (attributes, small);
        entry
    }

    #[test]
    fn short_names_have_a_case() {
        assert_eq!(name(&entry(b"KERNEL8 IMG", 0x20, 0x18), Vec::new()), "kernel8.img");
        assert_eq!(name(&entry(b"ARCHIVE    ", 0x20, 0), Vec::new()), "ARCHIVE");
    }

    #[test]
    fn long_names_come_in_parts_from_the_end() {
        let mut end = entry(&[0x42], 0x0f, 0);
        end[1] = b'b';
        let mut start = entry(&[1], 0x0f, 0);
        for at in (1..11).chain(14..26).chain(28..32).step_by(2) {
            start[at] = b'a';
        }
        let parts = vec![long_part(&end), long_part(&start)];
        assert_eq!(name(&start, parts), format!("{}b", "a".repeat(13)));
    }

    #[test]
    fn what_is_no_card_is_refused() {
        assert!(read(&[0; 1024]).unwrap_err().to_string().contains("no partition table"));
        let mut image = [0; 1024];
        image[510..512].copy_from_slice(&[0x55, 0xaa]);
        assert!(read(&image).unwrap_err().to_string().contains("partition of type"));
    }
}
