//! Runs cargo for kernel and servers, and makes the files of one boot.

use crate::board::Board;
use crate::qemu::Machine;
use crate::system::Description;
use crate::workspace::{System, Workspace, cargo};
use crate::{archive, elf, flat, progress, system};
use anyhow::{Context, Result, bail, ensure};
use cedo_abi::archive::{INIT, SYSTEM};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MEBIBYTE: u64 = 1 << 20;
/// Packages of servers are called this and the name of the program.
const PREFIX: &str = "cedo-";
/// Variables that would replace the flags in `.cargo/config.toml`, without which nothing links.
const FOREIGN_FLAGS: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_X86_64_UNKNOWN_NONE_RUSTFLAGS",
    "CARGO_TARGET_AARCH64_UNKNOWN_NONE_SOFTFLOAT_RUSTFLAGS",
];

/// How the kernel is built. Servers are always built for release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Profile {
    /// Asserts its invariants.
    Debug,
    /// As it ships.
    Release,
}

impl Profile {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// The files of one boot.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The kernel with debug information and log strings.
    pub kernel: PathBuf,
    /// The same for a boot loader: for a PC an ELF file, else a flat image.
    pub stripped: PathBuf,
    /// The boot archive; nothing: it boots without one, in vain.
    pub archive: Option<PathBuf>,
    /// The device tree, if the emulator makes none.
    pub tree: Option<PathBuf>,
    /// The smallest machine that can run the system.
    pub machine: Machine,
    /// Its name.
    pub system: String,
}

/// Everything that a boot is packed of.
#[derive(Clone)]
pub struct Parts {
    /// Which threads there are; may be changed before packing.
    pub description: Description,
    /// The archive's file is called this; boots at the same time need files of their own.
    pub archive: String,
    board: Board,
    system: String,
    profile: Profile,
    kernel: PathBuf,
    servers: BTreeMap<String, PathBuf>,
}

/// Builds everything that `system` names and packs it.
pub fn boot(
    workspace: &Workspace,
    board: Board,
    system: &System,
    profile: Profile,
) -> Result<Boot> {
    parts(workspace, board, system, profile)?.pack(workspace)
}

/// Builds everything that `system` names.
pub fn parts(
    workspace: &Workspace,
    board: Board,
    system: &System,
    profile: Profile,
) -> Result<Parts> {
    let description = system::load(&shown(&system.path), &board.devices(workspace)?)?;
    let programs = description.programs();
    let mut packages = vec![package(workspace, system, INIT)?];
    for program in &programs {
        if program != INIT {
            packages.push(package(workspace, system, program)?);
        }
    }
    progress::say(&format!("Building the kernel ({})", profile.name()));
    let kernel = kernel(workspace, board, profile)?;
    progress::say(&format!("Building the servers of system `{}`", system.name));
    let servers = cargo_build(workspace, board, Profile::Release, &packages)?;
    let (archive, system) = (system.name.clone(), system.name.clone());
    Ok(Parts { description, archive, board, system, profile, kernel, servers })
}

/// Builds a board's kernel.
pub fn kernel(workspace: &Workspace, board: Board, profile: Profile) -> Result<PathBuf> {
    let name = board.kernel();
    one(cargo_build(workspace, board, profile, &[name.to_string()])?, name)
}

impl Parts {
    /// Writes the files of one boot.
    pub fn pack(&self, workspace: &Workspace) -> Result<Boot> {
        let mut files = Vec::new();
        for (name, path) in &self.servers {
            let program = name.strip_prefix(PREFIX).unwrap_or(name);
            let contents = read(path)?;
            let contents = if program == INIT {
                archive::flatten(&contents).with_context(|| format!("cannot flatten {name}"))?
            } else {
                elf::strip(&contents).with_context(|| format!("cannot strip {name}"))?
            };
            files.push((program.to_string(), contents));
        }
        files.push((SYSTEM.to_string(), self.description.pack()));
        let folder = workspace.output()?;
        let kernel = read(&self.kernel)?;
        let profile = self.profile.name();
        let (prefix, name, stripped) = match self.board {
            Board::Pc => (String::new(), format!("kernel-{profile}.elf"), elf::strip(&kernel)?),
            board => (
                format!("{}-", board.name()),
                format!("aarch64-{profile}.img"),
                flat::image(&kernel)?,
            ),
        };
        let tree = self.board.tree(workspace)?.map(|tree| {
            let file = folder.join(format!("{}.dtb", self.board.name()));
            write(&file, &tree).map(|()| file)
        });
        let archive = folder.join(format!("{prefix}{}.archive", self.archive));
        let boot = Boot {
            kernel: self.kernel.clone(),
            stripped: folder.join(name),
            archive: Some(archive.clone()),
            tree: tree.transpose()?,
            machine: machine(self.board, &self.description)?,
            system: self.system.clone(),
        };
        write(&boot.stripped, &stripped)?;
        write(&archive, &archive::build(&files))?;
        Ok(boot)
    }
}

fn machine(board: Board, description: &Description) -> Result<Machine> {
    let mut machine = Machine::of(board, description.cores());
    ensure!(
        machine.cores >= description.cores(),
        "the system needs {} cores, and board `{}` has {}; choose another board",
        description.cores(),
        board.name(),
        machine.cores
    );
    let needed = u32::try_from(description.ram.div_ceil(MEBIBYTE))?;
    machine.memory_mib = machine.memory_mib.max(needed);
    Ok(machine)
}

/// As short as it can be shown from the current folder.
fn shown(path: &Path) -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(folder).unwrap_or(path).to_path_buf()
}

fn package(workspace: &Workspace, system: &System, program: &str) -> Result<String> {
    let name = format!("{PREFIX}{program}");
    ensure!(
        workspace.metadata.packages.iter().any(|package| package.name == name),
        "system `{}` needs the program `{program}`, but the workspace has no package `{name}`; \
         correct {} or add the package to Cargo.toml",
        system.name,
        system.path.display()
    );
    Ok(name)
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
    target: Option<MessageTarget>,
}

#[derive(Deserialize)]
struct MessageTarget {
    name: String,
}

/// Builds packages for a board; answers the program of each by its name.
pub fn cargo_build(
    workspace: &Workspace,
    board: Board,
    profile: Profile,
    packages: &[String],
) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = target_cargo(workspace);
    command.args(["build", "--target", board.target(), "--message-format=json-render-diagnostics"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    for package in packages {
        command.args(["--package", package]);
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("{} did not build; the compiler's messages are above", packages.join(", "));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(executables(&text).collect())
}

/// A cargo command in the checkout with the flags of the target.
pub fn target_cargo(workspace: &Workspace) -> Command {
    cargo_in(&workspace.root)
}

/// The same in another folder.
pub fn cargo_in(folder: &Path) -> Command {
    let mut command = Command::new(cargo());
    command.current_dir(folder);
    for name in FOREIGN_FLAGS {
        command.env_remove(name);
    }
    command
}

/// The cargo of another toolchain in the checkout. Rustup knows where it is.
pub fn cargo_of(toolchain: &str, workspace: &Workspace) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, "cargo"]).current_dir(&workspace.root);
    for name in FOREIGN_FLAGS.iter().chain(&["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"]) {
        command.env_remove(name);
    }
    command
}

/// Name and path of each program in what cargo printed with `--message-format=json`.
pub fn executables(messages: &str) -> impl Iterator<Item = (String, PathBuf)> + '_ {
    messages.lines().filter_map(|line| {
        let message: Message = serde_json::from_str(line).ok()?;
        (message.reason == "compiler-artifact").then_some(())?;
        Some((message.target?.name, message.executable?))
    })
}

/// The program called `name`.
pub fn one(mut built: BTreeMap<String, PathBuf>, name: &str) -> Result<PathBuf> {
    built.remove(name).with_context(|| format!("cargo built no program called `{name}`"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file that others may be reading: they see the old one or the new one.
fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let save = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(contents)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok::<_, std::io::Error>(())
    };
    save().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::executables;
    use std::path::PathBuf;

    #[test]
    fn finds_programs_among_cargo_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"cedo_lib"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"cedo-init"},"executable":"/t/x"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\nnoise\n"
        );
        let found: Vec<_> = executables(messages).collect();
        assert_eq!(found, [("cedo-init".to_string(), PathBuf::from("/t/x"))]);
    }
}
