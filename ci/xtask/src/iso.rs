//! Wraps one boot into a GRUB image that starts from CD, DVD or USB stick, by BIOS or UEFI.

use crate::build::Boot;
use crate::progress::Step;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Writes the image. `words` is the kernel's command line.
pub fn write(boot: &Boot, words: &str, output: &Path) -> Result<()> {
    let _step = Step::quiet(&format!("Writing {}", output.display()));
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let files = folder.path().join("boot");
    let grub = files.join("grub");
    std::fs::create_dir_all(&grub)?;
    std::fs::copy(&boot.stripped, files.join("cedo"))
        .with_context(|| format!("cannot copy {}", boot.stripped.display()))?;
    std::fs::copy(&boot.archive, files.join("archive"))
        .with_context(|| format!("cannot copy {}", boot.archive.display()))?;
    std::fs::write(grub.join("grub.cfg"), menu(&boot.system, words))?;
    let result = Command::new("grub-mkrescue")
        .arg("-o")
        .arg(output)
        .arg(folder.path())
        .output()
        .context("cannot start grub-mkrescue; `cargo xtask setup` installs it")?;
    if !result.status.success() {
        bail!(
            "grub-mkrescue could not write {}; it said:\n{}",
            output.display(),
            String::from_utf8_lossy(&result.stderr)
        );
    }
    Ok(())
}

fn menu(system: &str, words: &str) -> String {
    let kernel = ["multiboot2 /boot/cedo", words].join(" ");
    format!(
        "set timeout=0\n\
         set default=0\n\
         menuentry \"Cedo: {system}\" {{\n\
         \x20   {kernel}\n\
         \x20   module2 /boot/archive archive\n\
         \x20   boot\n\
         }}\n",
        kernel = kernel.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::menu;

    #[test]
    fn menu_passes_the_command_line() {
        let text = menu("default", "counter=instructions");
        assert!(text.contains("\n    multiboot2 /boot/cedo counter=instructions\n"), "{text}");
        assert!(menu("default", "").contains("\n    multiboot2 /boot/cedo\n"));
    }
}
