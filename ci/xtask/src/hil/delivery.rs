//! Brings a system to a real board.

use super::power;
use super::rig::{Boot as Method, Rig};
use crate::board::Board;
use crate::build::Boot;
use crate::workspace::Workspace;
use crate::{iso, progress};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

/// Delivers `boot` by the rig's method. Answers what its commands find in their environment.
pub fn deliver(
    workspace: &Workspace,
    rig: &Rig,
    method: &Method,
    boot: &Boot,
) -> Result<Vec<(&'static str, String)>> {
    let mut variables = variables(rig);
    match method {
        Method::Nothing => {}
        Method::Image { command } => {
            let image = image(workspace, rig, boot)?;
            variables.push(("CEDO_IMAGE", image.display().to_string()));
            progress::say("Writing the image to the board's card");
            power::run(command, &variables, rig.limits.command)?;
        }
        Method::Netboot { folder } => {
            netboot(rig.board, boot, folder)?;
            variables.push(("CEDO_FOLDER", folder.display().to_string()));
        }
    }
    Ok(variables)
}

/// What every command of the rig finds in its environment.
fn variables(rig: &Rig) -> Vec<(&'static str, String)> {
    vec![("CEDO_RIG", rig.name.clone()), ("CEDO_BOARD", rig.board.name().to_string())]
}

fn image(workspace: &Workspace, rig: &Rig, boot: &Boot) -> Result<PathBuf> {
    match rig.board {
        Board::Pc => {
            let image = workspace.output()?.join(format!("hil-{}.iso", rig.name));
            iso::write(boot, "", &image)?;
            Ok(image)
        }
        board => bail!(
            "there is no image for board `{}` yet; copy the kernel ({}) and the archive ({}) to its \
             card by hand and use the method `nothing`",
            board.name(),
            boot.stripped.display(),
            boot.archive.display()
        ),
    }
}

fn netboot(board: Board, _boot: &Boot, folder: &Path) -> Result<()> {
    bail!(
        "board `{}` cannot be booted from folder {} yet; use the method `image` or `nothing`",
        board.name(),
        folder.display()
    )
}
