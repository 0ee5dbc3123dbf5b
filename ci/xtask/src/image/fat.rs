//! FAT file systems, by mtools: they need no root, and come out the same at the same date.

use super::tool;
use anyhow::{Context, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of a sector.
pub const SECTOR: u64 = 512;

/// A file system under way.
pub struct Fat {
    /// File and offset, as mtools wants them.
    place: String,
    made: Vec<String>,
}

/// Shape of a partition.
pub struct Shape {
    pub first_sector: u64,
    pub sectors: u64,
    pub sectors_per_cluster: u64,
    /// What a user sees of it.
    pub serial: u32,
}

impl Fat {
    /// A partition with FAT32 in the file `image`, which is large enough.
    pub fn partition(image: &Path, shape: &Shape) -> Result<Self> {
        let place = format!("{}@@{}", image.display(), shape.first_sector * SECTOR);
        let mut format = tool::command("mformat");
        format.args(["-F", "-h", "255", "-s", "63", "-v", "CEDO"]);
        format.args(["-T", &shape.sectors.to_string()]);
        format.args(["-H", &shape.first_sector.to_string()]);
        format.args(["-c", &shape.sectors_per_cluster.to_string()]);
        Self::format(format, place, shape.serial)
    }

    /// A new file with a file system of 2,880 KiB, for UEFI firmware.
    pub fn small(image: &Path, serial: u32) -> Result<Self> {
        let mut format = tool::command("mformat");
        format.args(["-C", "-f", "2880"]);
        Self::format(format, image.display().to_string(), serial)
    }

    fn format(mut command: Command, place: String, serial: u32) -> Result<Self> {
        tool::run(command.args(["-N", &format!("{serial:08x}"), "-i", &place, "::"]))?;
        Ok(Self { place, made: Vec::new() })
    }

    /// Adds a file, and the folders in its name.
    pub fn add(&mut self, name: &str, contents: &[u8]) -> Result<()> {
        let folders = name.match_indices('/').map(|(end, _)| &name[..end]);
        for folder in folders.map(str::to_string).collect::<Vec<_>>() {
            if !self.made.contains(&folder) {
                tool::run(tool::command("mmd").args(["-i", &self.place, &inside(&folder)]))?;
                self.made.push(folder);
            }
        }
        let mut file = tempfile::NamedTempFile::new().context("cannot write a temporary file")?;
        file.write_all(contents).context("cannot write a temporary file")?;
        let from = PathBuf::from(file.path());
        let mut copy = tool::command("mcopy");
        tool::run(copy.args(["-i", &self.place]).arg(from).arg(inside(name)))
    }
}

fn inside(name: &str) -> String {
    format!("::/{name}")
}
