//! Looks for what the commands need on this host, and installs what is missing.

use crate::build::TARGET;
use crate::progress::{self, Step};
use crate::qemu;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Target for which the neutral part of the kernel must compile too.
pub const NEUTRAL_TARGET: &str = "aarch64-unknown-none-softfloat";

/// Look for everything that the other commands need, and install what is missing.
///
/// Rust targets come from `rustup target add`, Miri from `rustup component add`, with a nightly
/// toolchain that nothing is built with. Debian and Ubuntu packages come from apt-get: directly
/// for root, through sudo with --yes; otherwise the command to type is printed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// What a command is going to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Build kernel and servers.
    Build,
    /// Compile for the other architecture.
    Neutral,
    /// Run the emulator.
    Emulator,
    /// Write an image.
    Image,
    /// Boot one by UEFI.
    Uefi,
    /// Interpret tests.
    Miri,
}

/// Something that has to be on the host, and the package that brings it.
struct Requirement {
    need: Need,
    what: &'static str,
    package: &'static str,
}

/// What a name without `/` stands for is looked up on the search path.
const REQUIREMENTS: [Requirement; 7] = [
    Requirement { need: Need::Emulator, what: qemu::PROGRAM, package: "qemu-system-x86" },
    Requirement { need: Need::Image, what: "grub-mkrescue", package: "grub-common" },
    Requirement {
        need: Need::Image,
        what: "/usr/lib/grub/i386-pc/moddep.lst",
        package: "grub-pc-bin",
    },
    Requirement {
        need: Need::Image,
        what: "/usr/lib/grub/x86_64-efi/moddep.lst",
        package: "grub-efi-amd64-bin",
    },
    Requirement { need: Need::Image, what: "xorriso", package: "xorriso" },
    Requirement { need: Need::Image, what: "mformat", package: "mtools" },
    Requirement { need: Need::Uefi, what: qemu::FIRMWARE, package: "ovmf" },
];

/// All there is.
const ALL: [Need; 6] =
    [Need::Build, Need::Neutral, Need::Emulator, Need::Image, Need::Uefi, Need::Miri];

/// Toolchain that has Miri: it comes with nightly ones only. Nothing is built with it.
pub const MIRI_TOOLCHAIN: &str = "nightly";
/// Miri, and the sources of the standard library, which it interprets too.
const MIRI_COMPONENTS: [&str; 2] = ["miri", "rust-src"];

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    prepare(&workspace, &ALL, arguments.yes)?;
    println!("This host has everything; `cargo xtask run` boots the default system.");
    Ok(())
}

/// Makes sure that all `needs` are met, or says what to type.
pub fn prepare(workspace: &Workspace, needs: &[Need], yes: bool) -> Result<()> {
    for (need, target) in [(Need::Build, TARGET), (Need::Neutral, NEUTRAL_TARGET)] {
        if needs.contains(&need) {
            add_target(workspace, target)?;
        }
    }
    if needs.contains(&Need::Miri) {
        add_miri()?;
    }
    let packages = missing(needs, &is_present);
    if packages.is_empty() {
        return Ok(());
    }
    match installer(yes) {
        Some(mut prefix) => {
            prefix.extend(["apt-get".to_string()]);
            install(&prefix, &packages)
        }
        None => bail!("{}", advice(&packages)),
    }
}

/// Packages that are missing, by the presence of their files.
fn missing(needs: &[Need], present: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
    REQUIREMENTS
        .iter()
        .filter(|requirement| needs.contains(&requirement.need) && !present(requirement.what))
        .map(|requirement| requirement.package)
        .collect()
}

fn advice(packages: &[&str]) -> String {
    format!(
        "this host lacks {}; install it and repeat the command (or repeat it with --yes):\n  \
         sudo apt-get install {}",
        packages.join(", "),
        packages.join(" ")
    )
}

fn is_present(what: &str) -> bool {
    if what == qemu::PROGRAM && qemu::program() != qemu::PROGRAM {
        return true;
    }
    what.contains('/') && Path::new(what).exists() || on_search_path(what)
}

fn on_search_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// How to call apt-get, if that is allowed and possible.
fn installer(yes: bool) -> Option<Vec<String>> {
    if !on_search_path("apt-get") {
        return None;
    }
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    match (root, yes && on_search_path("sudo")) {
        (true, _) => Some(Vec::new()),
        (false, true) => Some(vec!["sudo".to_string()]),
        (false, false) => None,
    }
}

fn install(prefix: &[String], packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let _step = Step::start(&format!("Installing {names}"));
    apt(prefix, &["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt(prefix, &arguments).with_context(|| {
        format!("cannot install {names}; install them by hand and repeat the command")
    })
}

fn apt(prefix: &[String], arguments: &[&str]) -> Result<()> {
    let output = Command::new(&prefix[0])
        .args(&prefix[1..])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .with_context(|| format!("cannot start {}", prefix[0]))?;
    if !output.status.success() {
        bail!(
            "`{} {}` failed:\n{}",
            prefix.join(" "),
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn add_target(workspace: &Workspace, target: &str) -> Result<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(&workspace.root)
        .output()
        .context("cannot start rustc")?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if output.status.success() && Path::new(&folder).is_dir() {
        return Ok(());
    }
    progress::say(&format!("Installing the Rust target {target}"));
    let status = Command::new("rustup")
        .args(["target", "add", target])
        .current_dir(&workspace.root)
        .status()
        .with_context(|| {
            format!("the Rust target {target} is missing and rustup is not here to add it")
        })?;
    if !status.success() {
        bail!("cannot install the Rust target; `rustup target add {target}` says why");
    }
    Ok(())
}

fn add_miri() -> Result<()> {
    let listed = Command::new("rustup")
        .args(["component", "list", "--installed", "--toolchain", MIRI_TOOLCHAIN])
        .output()
        .context("rustup is not here to install Miri; see its site for how to install rustup")?;
    let installed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let command = miri_command(listed.status.success(), &installed);
    if command.is_empty() {
        return Ok(());
    }
    let line = format!("rustup {}", command.join(" "));
    progress::say(&format!("Installing Miri: {line}"));
    let output = Command::new("rustup").args(&command).output().context("cannot start rustup")?;
    if !output.status.success() {
        bail!(
            "cannot install Miri, which interprets the tests of unsafe code; repeat by hand what \
             failed, or choose a nightly toolchain that has it:\n  {line}\n{}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// What rustup is to do so that Miri can run; nothing if it can.
fn miri_command(toolchain: bool, installed: &str) -> Vec<&'static str> {
    let is_there = |component: &&str| installed.lines().any(|line| line.starts_with(*component));
    if !toolchain {
        let mut command = vec!["toolchain", "install", MIRI_TOOLCHAIN, "--profile", "minimal"];
        // Some days' toolchains lack Miri; an older one will do.
        command.extend(["--allow-downgrade", "--no-self-update"]);
        command.extend(MIRI_COMPONENTS.iter().flat_map(|component| ["--component", *component]));
        return command;
    }
    let missing: Vec<_> = MIRI_COMPONENTS.into_iter().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return missing;
    }
    let mut command = vec!["component", "add", "--toolchain", MIRI_TOOLCHAIN];
    command.extend(missing);
    command
}

#[cfg(test)]
mod tests {
    use super::{ALL, Need, advice, miri_command, missing};

    #[test]
    fn asks_only_for_what_a_command_needs() {
        let nothing = |_: &str| false;
        assert_eq!(missing(&[Need::Build, Need::Emulator], &nothing), ["qemu-system-x86"]);
        assert_eq!(missing(&ALL, &nothing).len(), 7);
        assert!(missing(&ALL, &|_: &str| true).is_empty());
    }

    #[test]
    fn firmware_is_needed_for_uefi_only() {
        let only_firmware_missing = |what: &str| !what.ends_with("OVMF.fd");
        assert!(missing(&[Need::Emulator, Need::Image], &only_firmware_missing).is_empty());
        assert_eq!(missing(&[Need::Uefi], &only_firmware_missing), ["ovmf"]);
    }

    #[test]
    fn the_advice_is_a_command_to_type() {
        let text = advice(&["ovmf", "mtools"]);
        assert!(text.ends_with("\n  sudo apt-get install ovmf mtools"), "{text}");
    }

    #[test]
    fn miri_is_installed_as_far_as_it_is_missing() {
        let line = |toolchain, installed| miri_command(toolchain, installed).join(" ");
        assert_eq!(line(true, "cargo-x86_64\nmiri-x86_64-unknown-linux-gnu\nrust-src\n"), "");
        assert_eq!(
            line(true, "cargo-x86_64\nrust-src\n"),
            "component add --toolchain nightly miri"
        );
        let whole = line(false, "");
        assert!(whole.starts_with("toolchain install nightly "), "{whole}");
        assert!(whole.ends_with(" --component miri --component rust-src"), "{whole}");
    }
}
