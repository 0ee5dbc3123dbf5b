//! What the installed emulator is too old for.

use super::program;
use crate::board::Board;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// The first version that has a Raspberry Pi 4 (QEMU, documentation of Raspberry Pi boards).
const RPI4_SINCE: u32 = 9;
/// What stands before the number.
const MARK: &str = "version ";

/// Why the installed emulator cannot play the board, if so.
pub fn lacks(board: Board) -> Result<Option<String>> {
    if board != Board::Rpi4 {
        return Ok(None);
    }
    let program = program(board);
    let name = program.to_string_lossy().into_owned();
    let output = Command::new(&program)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot start {name}; `cargo xtask setup` installs it"))?;
    Ok(complaint(board, &String::from_utf8_lossy(&output.stdout)))
}

/// An error where it cannot.
pub fn require(board: Board) -> Result<()> {
    match lacks(board)? {
        Some(reason) => bail!("{reason}"),
        None => Ok(()),
    }
}

/// The same for an emulator that calls itself so.
fn complaint(board: Board, text: &str) -> Option<String> {
    let number = text.split_once(MARK).map_or("?", |parts| parts.1);
    let number = number.split_whitespace().next().unwrap_or("?");
    let major = number.split('.').next().and_then(|major| major.parse().ok());
    let is_new = major.is_some_and(|major: u32| major >= RPI4_SINCE);
    (!is_new).then(|| {
        format!(
            "QEMU {number} has no board `{}`, {RPI4_SINCE}.0 and later do; CEDO_QEMU_ARM names another \
             emulator than the one on the search path",
            board.name()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::complaint;
    use crate::board::Board;

    #[test]
    fn an_emulator_is_new_enough_or_told_why_not() {
        let of = |text: &str| complaint(Board::Rpi4, text);
        assert_eq!(of("QEMU emulator version 10.0.2 (Debian 1:10.0.2)\nCopyright"), None);
        assert_eq!(of("QEMU emulator version 9.0.0\n"), None);
        let old = of("QEMU emulator version 7.2.22 (Debian 1:7.2)\n").unwrap();
        assert!(old.starts_with("QEMU 7.2.22 has no board `rpi4`"), "{old}");
        assert!(of("something else").is_some());
    }
}
