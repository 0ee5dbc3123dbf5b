//! Runs the programs that write images, at a fixed date, and names contents.

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Seconds since 1970 at 2007-07-01 00:00: the date of all files.
const DATE_SECONDS: &str = "1183248000";
/// Start value and factor of the checksum FNV-1a (Fowler, Noll, Vo).
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// A command whose result depends on its arguments and files alone.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    // SOURCE_DATE_EPOCH: reproducible-builds.org, "SOURCE_DATE_EPOCH specification".
    command.env("SOURCE_DATE_EPOCH", DATE_SECONDS).env("TZ", "UTC0").env("LC_ALL", "C");
    command
}

/// Runs it.
pub fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let result = command
        .output()
        .with_context(|| format!("cannot start {name}; `cargo xtask setup` installs it"))?;
    ensure!(
        result.status.success(),
        "{name} failed; see that the disk has room, or `cargo xtask setup` for another version. It \
         said: {}",
        String::from_utf8_lossy(&result.stderr).trim()
    );
    Ok(())
}

/// Packs all that is below `folder` into `file`, in the form of tar.
pub fn pack(folder: &Path, file: &Path) -> Result<()> {
    let mut pack = command("tar");
    pack.args(["--format=ustar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    pack.args(["--mode=0755", &format!("--mtime=@{DATE_SECONDS}")]);
    run(pack.arg("-C").arg(folder).arg("-cf").arg(file).arg("."))
}

/// A number that differs between contents, the same on every host.
pub fn name(parts: &[&[u8]]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
    parts.iter().fold(FNV_START, |sum, part| {
        let length = (part.len() as u64).to_le_bytes();
        part.iter().fold(length.iter().fold(sum, step), step)
    })
}

#[cfg(test)]
mod tests {
    use super::{command, name, run};

    #[test]
    fn names_differ_between_contents() {
        assert_eq!(name(&[b"kernel", b"archive"]), name(&[b"kernel", b"archive"]));
        assert_ne!(name(&[b"kernel", b"archive"]), name(&[b"kernela", b"rchive"]));
        assert_ne!(name(&[b"a"]), name(&[b"b"]));
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let error = run(command("sh").args(["-c", "echo reason >&2; exit 1"])).unwrap_err();
        assert!(error.to_string().ends_with("It said: reason"), "{error}");
        let error = run(&mut command("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("`cargo xtask setup` installs it"), "{error}");
    }
}
