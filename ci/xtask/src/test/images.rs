//! Images and folders: the same bytes each time, with what was put in, and a kernel that starts.

use super::boots::Builds;
use super::fat;
use crate::board::Board;
use crate::build::{Boot, Profile};
use crate::image::{self, Content, DEFAULT_MIB, pi};
use crate::qemu::Medium;
use crate::qemu::guest::{self, Session};
use crate::run::Watch;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);
/// Looks at file systems; used where it is installed.
const CHECKER: &str = "fsck.fat";
/// Where a card's partition starts.
const PARTITION_BYTES: usize = 4 << 20;

/// The image of a system for a PC is the same when it is written again.
pub fn repeats(builds: &Builds, system: &str) -> Result<String> {
    let boot = builds.boot(Board::Pc, system, Profile::Release)?;
    let bytes = write_twice(&Content { boot: &boot, words: "", firmware: None })?;
    Ok(format!("{} KiB", bytes.len() >> 10))
}

/// A card holds what was put in, firmware included, and is the same when it is written again. A boot
/// server's folder has the same files.
pub fn reads_back(builds: &Builds, board: Board, system: &str) -> Result<String> {
    let boot = builds.boot(board, system, Profile::Release)?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let firmware = folder.path().join("firmware");
    for (number, name) in pi::names(board).iter().enumerate() {
        let file = firmware.join(name);
        std::fs::create_dir_all(file.parent().unwrap_or(&firmware))?;
        std::fs::write(&file, name.repeat(number * 1000))?;
    }
    let content = Content { boot: &boot, words: "some words", firmware: Some(&firmware) };
    let image = write_twice(&content)?;
    check(&image, folder.path())?;
    let found = fat::read(&image)?;
    let expected: fat::Files =
        pi::files(&content)?.into_iter().map(|file| (file.name, file.contents)).collect();
    for (name, contents) in &expected {
        ensure!(found.get(name) == Some(contents), "{name} is not on the card as it was put there");
    }
    ensure!(found.len() == expected.len(), "the card has other files: {:?}", found.keys());
    let server = folder.path().join("server");
    image::write_folder(&content, &server)?;
    for (name, contents) in &expected {
        let served = std::fs::read(server.join(name)).with_context(|| name.clone())?;
        ensure!(served == *contents, "{name} is not in the folder as it was put there");
    }
    Ok(format!("{} files", expected.len()))
}

/// Starts what a card holds, with the card in the machine. The emulator has no firmware that would read
/// the card; it is told where the files are.
pub fn starts_from_card(builds: &Builds, board: Board, system: &str) -> Result<String> {
    let boot = builds.boot(board, system, Profile::Release)?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let card = folder.path().join("card.img");
    image::write_image(&Content { boot: &boot, words: "", firmware: None }, DEFAULT_MIB, &card)?;
    let found = fat::read(&std::fs::read(&card)?)?;
    let save = |name: &str| -> Result<_> {
        let file = folder.path().join(name);
        let contents = found.get(name).with_context(|| format!("the card has no {name}"))?;
        std::fs::write(&file, contents)?;
        Ok(file)
    };
    let (kernel, archive) = (save(pi::KERNEL)?, save(pi::ARCHIVE)?);
    let medium = Medium::Files {
        kernel: &kernel,
        archive: Some(&archive),
        tree: boot.tree.as_deref(),
        card: Some(&card),
    };
    run(&boot, medium)
}

fn run(boot: &Boot, medium: Medium<'_>) -> Result<String> {
    let Watch { limits, show, follow, interactive } = Watch::silent(LIMIT);
    let machine = &boot.machine;
    let outcome =
        guest::run(Session { machine, medium, limits, show, follow, interactive, monitor: None })?;
    ensure!(outcome.is_success(), "{}", outcome.complaint());
    Ok(format!("{} lines", outcome.transcript.lines().count()))
}

fn write_twice(content: &Content<'_>) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let write = |name: &str| -> Result<_> {
        let file = folder.path().join(name);
        image::write_image(content, DEFAULT_MIB, &file)?;
        Ok(std::fs::read(&file)?)
    };
    let first = write("first")?;
    // File systems have dates in steps of two seconds.
    std::thread::sleep(Duration::from_secs(2));
    let second = write("second")?;
    match first.iter().zip(&second).position(|(one, other)| one != other) {
        Some(place) => bail!("two images of the same content differ from byte {place} on"),
        None if first.len() != second.len() => {
            bail!("two images of the same content differ in size")
        }
        None => Ok(first),
    }
}

/// Lets another program look at a card's file system, if it is there.
fn check(image: &[u8], folder: &Path) -> Result<()> {
    let partition = folder.join("partition");
    std::fs::write(&partition, &image[PARTITION_BYTES..])?;
    let Ok(output) = Command::new(CHECKER).arg("-n").arg(&partition).output() else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{CHECKER} says of the card: {}", text.trim());
    Ok(())
}
