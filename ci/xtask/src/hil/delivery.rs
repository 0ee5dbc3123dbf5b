//! Brings a system to a real board.

use super::power;
use super::rig::{Boot as Method, Rig, Wiring};
use crate::build::Boot;
use crate::image::{self, Content};
use crate::progress;
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::PathBuf;

/// Delivers `boot` by the rig's wiring. Answers what its commands find in their environment.
pub fn deliver(
    workspace: &Workspace,
    rig: &Rig,
    wiring: &Wiring,
    boot: &Boot,
) -> Result<Vec<(&'static str, String)>> {
    let mut variables = variables(rig);
    let content = Content { boot, words: "", firmware: wiring.firmware.as_deref() };
    match &wiring.boot {
        Method::Nothing => {}
        Method::Image { command } => {
            let image = image(workspace, rig, &content)?;
            variables.push(("CEDO_IMAGE", image.display().to_string()));
            progress::say("Writing the image to the board's card");
            power::run(command, &variables, rig.limits.command)?;
        }
        Method::Netboot { folder } => {
            image::write_folder(&content, folder)?;
            variables.push(("CEDO_FOLDER", folder.display().to_string()));
        }
    }
    Ok(variables)
}

/// What every command of the rig finds in its environment.
fn variables(rig: &Rig) -> Vec<(&'static str, String)> {
    vec![("CEDO_RIG", rig.name.clone()), ("CEDO_BOARD", rig.board.name().to_string())]
}

fn image(workspace: &Workspace, rig: &Rig, content: &Content<'_>) -> Result<PathBuf> {
    let image = workspace.output()?.join(format!("hil-{}.img", rig.name));
    image::write_image(content, image::DEFAULT_MIB, &image)?;
    Ok(image)
}
