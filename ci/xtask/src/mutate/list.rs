//! The mutations, as data.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// Where they are described, one file per subject.
const FOLDER: &str = "ci/mutations";
/// Selects the model checker's atomics.
const LOOM: &str = "--cfg loom";

/// A deliberate mistake.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// What the kernel does wrong, as a sentence.
    pub name: String,
    /// The source file, relative to the checkout.
    pub file: String,
    /// The check that must catch it.
    check: Check,
    /// Run only tests of the check whose name contains this.
    pub test: Option<String>,
    /// `cargo xtask test` tries it.
    #[serde(default)]
    pub ci: bool,
    /// A piece of text that occurs once in the file.
    find: String,
    /// What stands there instead.
    replace: String,
}

/// A test program that mutations are tried against, cheapest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Unit tests of the unsafe floor.
    Floor,
    /// Objects, memory and capabilities on the simulated machine.
    Objects,
    /// Random histories of making and taking back.
    Derivation,
    /// Several cores.
    Cores,
    /// Strings, memory and capabilities in messages.
    Transfer,
    /// Each call by the short cut and without it.
    ShortCut,
    /// The table of who runs next.
    Table,
    /// The search over reachable states.
    Search,
    /// What crosses cores below the kernel core, under the model checker.
    FloorOrders,
    /// What crosses cores in the kernel core, under the model checker.
    CoreOrders,
}

/// What a check is to cargo.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// As people name it.
    pub name: &'static str,
    /// Folder of the package, where it runs.
    pub folder: &'static str,
    /// What selects it in that package.
    pub target: &'static [&'static str],
    /// Flags for the compiler; with any, cargo builds in a folder of its own.
    pub flags: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    mutation: Vec<Mutation>,
}

impl Check {
    /// How to build and run it.
    pub fn program(self) -> Program {
        const CORE: &str = "kernel/core";
        const FLOOR: &str = "kernel/floor";
        let of = |name, folder, target| Program { name, folder, target, flags: None };
        match self {
            Self::Floor => of("floor", FLOOR, &["--lib"]),
            Self::Objects => of("objects", CORE, &["--test", "objects"]),
            Self::Derivation => of("derivation", CORE, &["--test", "derivation"]),
            Self::Cores => of("cores", CORE, &["--test", "cores"]),
            Self::Transfer => of("transfer", CORE, &["--test", "transfer"]),
            Self::ShortCut => of("short-cut", CORE, &["--test", "short_cut"]),
            Self::Table => of("table", CORE, &["--test", "table"]),
            Self::Search => of("search", CORE, &["--test", "search"]),
            Self::FloorOrders => {
                Program { flags: Some(LOOM), ..of("floor-orders", FLOOR, &["--test", "orders"]) }
            }
            Self::CoreOrders => {
                Program { flags: Some(LOOM), ..of("core-orders", CORE, &["--test", "orders"]) }
            }
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.program().name)
    }
}

impl Mutation {
    /// The check that must catch it.
    pub fn check(&self) -> Check {
        self.check
    }

    /// True if its name contains `name`.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.contains(name)
    }

    /// The file below `root` as it is with this mutation.
    pub fn apply(&self, root: &Path) -> Result<String> {
        let path = root.join(&self.file);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("the mutation `{}` no longer applies: {}", self.name, self.file)
        })?;
        self.change(&text)
    }

    fn change(&self, text: &str) -> Result<String> {
        let (name, file) = (&self.name, &self.file);
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => bail!(
                "the mutation `{name}` no longer applies: what it looks for occurs {count} times in \
                 {file}, not once; adapt it in {FOLDER}"
            ),
        }
    }
}

/// All mutations of the checkout at `root`.
pub fn read(root: &Path) -> Result<Vec<Mutation>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(root.join(FOLDER)).context(FOLDER)? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        let name = path.file_name().unwrap_or_default().display();
        all.extend(parse(&text).with_context(|| format!("cannot read {FOLDER}/{name}"))?);
    }
    let names: BTreeSet<_> = all.iter().map(|mutation| &mutation.name).collect();
    ensure!(names.len() == all.len(), "two mutations in {FOLDER} have the same name");
    Ok(all)
}

/// The mutations in one file.
pub fn parse(text: &str) -> Result<Vec<Mutation>> {
    let described: Described = toml::from_str(text)?;
    for Mutation { name, find, replace, .. } in &described.mutation {
        ensure!(!find.is_empty() && find != replace, "the mutation `{name}` changes nothing");
    }
    Ok(described.mutation)
}

/// What keeps mutations from being tried: one sentence each.
pub fn problems(root: &Path) -> Result<Vec<String>> {
    let failed = |mutation: Mutation| mutation.apply(root).err().map(|error| format!("{error:#}"));
    Ok(read(root)?.into_iter().filter_map(failed).collect())
}

#[cfg(test)]
mod tests {
    use super::parse;

    const ONE: &str = r"
[[mutation]]
name = 'the end is forgotten'
file = 'a.rs'
check = 'table'
find = '''
    end();
'''
replace = ''
";

    #[test]
    fn it_replaces_what_occurs_once() {
        let mutation = parse(ONE).unwrap().remove(0);
        assert_eq!(mutation.change("begin\n    end();\nrest").unwrap(), "begin\nrest");
        for text in ["", "    end();\n    end();\n"] {
            let error = mutation.change(text).unwrap_err().to_string();
            assert!(error.contains("`the end is forgotten` no longer applies"), "{error}");
        }
    }

    #[test]
    fn what_changes_nothing_is_refused() {
        let same = ONE.replace("replace = ''", "replace = '''\n    end();\n'''");
        assert!(parse(&same).unwrap_err().to_string().contains("changes nothing"));
        assert!(parse(&ONE.replace("table", "chair")).is_err());
        assert!(parse(&ONE.replace("check", "checks")).is_err());
    }
}
