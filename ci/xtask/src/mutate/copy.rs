//! A copy of the checkout that is changed. It stays between runs, so that cargo rebuilds no more
//! than what a mutation changes.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of all files that belong to the checkout, committed or not.
pub struct Copy {
    /// Its top folder.
    pub root: PathBuf,
    /// Where cargo builds it.
    pub target: PathBuf,
    /// Locked as long as this is open: two runs would change each other's kernel.
    _lock: File,
}

/// A changed file.
pub struct Changed {
    path: PathBuf,
    before: String,
}

impl Copy {
    /// Brings the copy of this number up to date.
    pub fn make(workspace: &Workspace, number: usize) -> Result<Self> {
        let folder = workspace.output()?.join("mutate").join(number.to_string());
        let copy = folder.join("checkout");
        fs::create_dir_all(&copy).with_context(|| copy.display().to_string())?;
        let lock = File::create(folder.join("lock"))?;
        ensure!(
            lock.try_lock().is_ok(),
            "`cargo xtask mutate` is already running in this checkout"
        );
        let files = tracked(&workspace.root)?;
        for file in &files {
            refresh(&workspace.root.join(file), &copy.join(file)).with_context(|| file.clone())?;
        }
        remove_others(&copy, &copy, &files)?;
        Ok(Self { root: copy, target: folder.join("target"), _lock: lock })
    }

    /// Writes `text` into `file`.
    pub fn change(&self, file: &str, text: &str) -> Result<Changed> {
        let path = self.root.join(file);
        let before = fs::read_to_string(&path).with_context(|| file.to_string())?;
        fs::write(&path, text).with_context(|| file.to_string())?;
        Ok(Changed { path, before })
    }
}

impl Changed {
    /// Makes the file what it was.
    pub fn undo(self) -> Result<()> {
        fs::write(&self.path, self.before).with_context(|| self.path.display().to_string())
    }
}

/// All files of the checkout that git does not ignore, relative to `root`.
fn tracked(root: &Path) -> Result<BTreeSet<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git, which knows the files of the checkout")?;
    if !output.status.success() {
        bail!("`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let exists = |name: &&str| root.join(name).is_file();
    Ok(names.split_terminator('\0').filter(exists).map(ToString::to_string).collect())
}

/// Copies a file unless the copy is the same: cargo rebuilds what was written.
fn refresh(from: &Path, to: &Path) -> Result<()> {
    let contents = fs::read(from)?;
    match fs::read(to) {
        Ok(old) if old == contents => return Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, contents)?;
    // Some are programs.
    Ok(fs::set_permissions(to, fs::metadata(from)?.permissions())?)
}

/// Removes what is in the copy and not in the checkout any more.
fn remove_others(root: &Path, folder: &Path, files: &BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if path.is_dir() {
            remove_others(root, &path, files)?;
        } else if !files.contains(&name) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{refresh, remove_others};
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn the_copy_has_what_the_checkout_has() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::create_dir_all(to.join("a")).unwrap();
        for name in ["a/kept", "a/old", "gone"] {
            fs::write(to.join(name), "old").unwrap();
        }
        refresh(&from, &to.join("a/kept")).unwrap();
        refresh(&from, &to.join("b/made")).unwrap();
        let files = ["a/kept", "b/made"].map(ToString::to_string);
        remove_others(&to, &to, &BTreeSet::from(files)).unwrap();
        for name in ["a/kept", "b/made"] {
            assert_eq!(fs::read_to_string(to.join(name)).unwrap(), "new");
        }
        assert!(!to.join("a/old").exists() && !to.join("gone").exists());
    }
}
