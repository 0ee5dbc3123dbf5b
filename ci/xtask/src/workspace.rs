//! Folders, packages and systems of this checkout.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where systems are described.
const SYSTEMS: &str = "systems";
/// The system of a plain `cargo xtask run`; its file is `system.toml`.
pub const DEFAULT_SYSTEM: &str = "default";

/// This checkout.
pub struct Workspace {
    /// Its top folder.
    pub root: PathBuf,
    /// What cargo says about its packages.
    pub metadata: Metadata,
}

/// The part of `cargo metadata` that is used here.
#[derive(Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub workspace_default_members: Vec<String>,
    pub target_directory: PathBuf,
}

/// One package of the workspace.
#[derive(Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub manifest_path: PathBuf,
    pub dependencies: Vec<Dependency>,
    pub targets: Vec<Target>,
    /// `[package.metadata]`, if there is any.
    #[serde(default)]
    pub metadata: Option<Own>,
}

impl Package {
    /// True if it is compiled for the processor's floating-point instructions where the board has a target
    /// for that.
    pub fn is_floating(&self) -> bool {
        self.metadata.as_ref().is_some_and(|own| own.cedo.floating_point)
    }
}

/// What packages say to this program: `[package.metadata.cedo]`.
#[derive(Deserialize)]
pub struct Own {
    #[serde(default)]
    cedo: Cedo,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Cedo {
    #[serde(default)]
    floating_point: bool,
}

/// One line of a package's dependencies.
#[derive(Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `None` for normal ones, else "dev" or "build".
    pub kind: Option<String>,
    /// Folder, if it is a package of this workspace.
    pub path: Option<PathBuf>,
}

/// A library, program or build script of a package.
#[derive(Deserialize)]
pub struct Target {
    pub kind: Vec<String>,
    pub src_path: PathBuf,
}

/// A system description.
pub struct System {
    pub name: String,
    pub path: PathBuf,
    /// First comment line of the file.
    pub about: String,
}

impl Workspace {
    /// Finds the checkout this program was built from and asks cargo about it.
    pub fn open() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("the checkout is unknown; start this program as `cargo xtask`")?;
        let root = Path::new(&manifest)
            .ancestors()
            .nth(2)
            .context("the xtask package is not at ci/xtask of a checkout")?
            .to_path_buf();
        let output = Command::new(cargo())
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .current_dir(&root)
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata =
            serde_json::from_slice(&output.stdout).context("cannot read `cargo metadata`")?;
        Ok(Self { root, metadata })
    }

    /// Where this program puts what it makes, below cargo's target folder.
    pub fn output(&self) -> Result<PathBuf> {
        let folder = self.metadata.target_directory.join("cedo");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }

    /// Folder of a package relative to the checkout, with `/`.
    pub fn folder(&self, package: &Package) -> String {
        let folder = package.manifest_path.parent().unwrap_or(&self.root);
        folder.strip_prefix(&self.root).unwrap_or(folder).to_string_lossy().into_owned()
    }

    /// True if the package is built for the host.
    pub fn is_for_host(&self, package: &Package) -> bool {
        self.metadata.workspace_default_members.contains(&package.id)
    }

    /// All systems, the default one first.
    pub fn systems(&self) -> Result<Vec<System>> {
        let folder = self.root.join(SYSTEMS);
        let mut systems = Vec::new();
        for entry in std::fs::read_dir(&folder).context(SYSTEMS)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                systems.push(system_of(&path)?);
            }
        }
        systems.sort_by_key(|system| (system.name != DEFAULT_SYSTEM, system.name.clone()));
        Ok(systems)
    }

    /// The system called `name`, or an error that lists what exists.
    pub fn system(&self, name: &str) -> Result<System> {
        let systems = self.systems()?;
        let list = list(&systems);
        match systems.into_iter().find(|system| system.name == name) {
            Some(system) => Ok(system),
            None => bail!(
                "there is no system `{name}`; name one of these, or describe it in \
                 {SYSTEMS}/{name}.toml:\n{list}"
            ),
        }
    }
}

/// One line per system.
pub fn list(systems: &[System]) -> String {
    let lines: Vec<_> =
        systems.iter().map(|system| format!("  {:12} {}", system.name, system.about)).collect();
    lines.join("\n")
}

/// The cargo that runs this program.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn system_of(path: &Path) -> Result<System> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let about = text.lines().next().and_then(|line| line.strip_prefix('#')).unwrap_or_default();
    let name = if stem == "system" { DEFAULT_SYSTEM.to_string() } else { stem };
    Ok(System { name, path: path.to_path_buf(), about: about.trim().to_string() })
}
