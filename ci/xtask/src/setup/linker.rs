//! `ci/cc` on hosts that lack one thing or another: made-up search paths.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cc");
/// Programs that every Debian has.
const THERE: [&str; 3] = ["env", "flock", "sh"];
const NOT_ROOT: (&str, &str) = ("id", "echo 1000");
const ROOT: (&str, &str) = ("id", "echo 0");
const ANY: &str = "exit 0";
const INSTALL: &str = "apt-get install --no-install-recommends gcc libc6-dev";

/// A host with these programs, which are scripts.
fn host(programs: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in THERE {
        let path = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(name));
        let path = path.iter().find(|path| path.exists()).unwrap();
        symlink(path, folder.path().join(name)).unwrap();
    }
    for (name, script) in programs {
        let file = folder.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn link(host: &TempDir) -> (bool, String) {
    let output = Command::new(SCRIPT).arg("-o").env("PATH", host.path()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn a_compiler_that_is_there_links() {
    assert_eq!(link(&host(&[("cc", "echo $1")])), (true, "-o\n".to_string()));
    assert!(!link(&host(&[("cc", "exit 1")])).0);
}

#[test]
fn without_a_compiler_people_are_told_what_to_type() {
    let (worked, text) = link(&host(&[NOT_ROOT, ("apt-get", ANY), ("sudo", ANY)]));
    let expected = format!(
        "this host lacks gcc libc6-dev; type this and repeat the command:\n  \
         sudo apt-get update && sudo {INSTALL}\n"
    );
    assert_eq!((worked, text), (false, expected));
    let (worked, text) = link(&host(&[NOT_ROOT, ("apt-get", ANY)]));
    assert!(!worked && text.ends_with(&format!("su -l -c 'apt-get update && {INSTALL}'\n")));
    let (worked, text) = link(&host(&[NOT_ROOT]));
    assert!(!worked && text.starts_with("this host lacks a C compiler"), "{text}");
}

#[test]
fn root_gets_a_compiler() {
    // The folder of the host is the search path.
    let brings = "echo apt-get $*\n[ $1 = update ] || printf '#!/bin/sh\\necho linked' > $PATH/cc\n\
                  [ $1 = update ] || /bin/chmod +x $PATH/cc";
    let (worked, text) = link(&host(&[ROOT, ("apt-get", brings)]));
    assert!(worked, "{text}");
    assert_eq!(text, format!("linked\napt-get update\n{INSTALL} --yes\n"));
    let (worked, text) = link(&host(&[ROOT, ("apt-get", "echo no network\nexit 100")]));
    assert!(!worked && text.contains("no network\n") && text.contains("lacks a C compiler"));
}
