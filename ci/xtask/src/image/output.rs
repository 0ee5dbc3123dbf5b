//! A file that takes its place when it is complete, so that nobody sees half of it.

use anyhow::{Context, Result, ensure};
use std::fs::Permissions;
use std::io::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// As programs usually make files; the user's mask takes away from it.
const MODE: u32 = 0o666;
const REMEDY: &str = "name another place with --output";

/// A file under way.
pub struct Output {
    file: NamedTempFile,
    place: PathBuf,
}

impl Output {
    /// Begins a file that is going to be at `place`. What is there stays until [`Output::finish`].
    pub fn create(place: &Path) -> Result<Self> {
        ensure!(
            place.is_file() || !place.exists(),
            "{} is no file: write the image to a file and copy that to a device with dd, or {REMEDY}",
            place.display()
        );
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = Builder::new()
            .permissions(Permissions::from_mode(MODE))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(|error| Error::from(error.kind()))
            .with_context(|| format!("cannot write {}, {REMEDY}", place.display()))?;
        Ok(Self { file, place: place.to_path_buf() })
    }

    /// Where to write meanwhile.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Puts it where it belongs.
    pub fn finish(self) -> Result<()> {
        let place = self.place;
        self.file
            .persist(&place)
            .map_err(|error| error.error)
            .with_context(|| format!("cannot write {}, {REMEDY}", place.display()))?;
        Ok(())
    }
}

/// Makes a folder in which files can be written.
pub fn folder(folder: &Path) -> Result<()> {
    let attempt = || {
        std::fs::create_dir_all(folder)?;
        tempfile::tempfile_in(folder)
    };
    attempt().map_err(|error| Error::from(error.kind())).with_context(|| {
        format!("cannot write into {}, name another folder with --netboot", folder.display())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Output, folder};

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let here = tempfile::tempdir().unwrap();
        let place = here.path().join("a.img");
        let output = Output::create(&place).unwrap();
        std::fs::write(output.path(), "all").unwrap();
        assert!(!place.exists());
        output.finish().unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), b"all");
        assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_in_one_line() {
        let here = tempfile::tempdir().unwrap();
        let error = Output::create(&here.path().join("none/a.img")).err().unwrap();
        let text = format!("{error:#}");
        assert!(text.ends_with("none/a.img, name another place with --output: entity not found"));
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn a_device_or_a_folder_is_not_replaced() {
        let here = tempfile::tempdir().unwrap();
        for place in [here.path(), "/dev/null".as_ref()] {
            let error = Output::create(place).err().unwrap().to_string();
            assert!(error.contains("is no file") && error.contains("with dd"), "{error}");
        }
    }

    #[test]
    fn a_folder_is_made_or_refused_in_one_line() {
        let here = tempfile::tempdir().unwrap();
        folder(&here.path().join("a/b")).unwrap();
        std::fs::write(here.path().join("file"), "").unwrap();
        let text = format!("{:#}", folder(&here.path().join("file")).unwrap_err());
        assert!(text.contains("name another folder with --netboot: "), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
