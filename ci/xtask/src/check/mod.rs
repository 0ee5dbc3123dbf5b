//! Rules that need no boot.
//!
//! | file | contents |
//! |---|---|
//! | here | the command and the list of rules |
//! | [`documents`] | files and functions that documents name |
//! | [`compile`] | formatting, clippy, the neutral part for another architecture |
//! | [`arrows`] | which crate may depend on which |
//! | [`unsafety`] | where unsafe code may be |
//! | [`words`] | architecture names, crate introductions, the list of dependencies |
//! | [`limits`] | lengths of files, functions, kernel core and machine interface |
//! | [`kernel`] | size and instructions of the built kernel |
//! | [`source`] | Rust source without comments and strings |

mod arrows;
mod compile;
mod documents;
mod kernel;
mod limits;
pub mod source;
mod unsafety;
mod words;

pub use compile::tested_packages;
pub use unsafety::unsafe_packages;

use crate::mutate;
use crate::progress::Step;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use source::Source;
use std::time::Instant;

/// Check the rules that need no boot: formatting, lints, crate arrows, unsafe code, limits.
#[derive(clap::Args)]
pub struct Arguments {
    /// Check only rules whose name contains this.
    filter: Option<String>,
}

/// What the rules look at.
pub struct Tree {
    pub workspace: Workspace,
    /// All Rust files of the checkout.
    pub sources: Vec<Source>,
}

/// Problems that a rule found, one sentence each; an error means that it could not look.
type Rule = fn(&Tree) -> Result<Vec<String>>;

const RULES: [(&str, Rule); 19] = [
    ("sources are formatted", compile::format),
    ("crates depend only on what ci/deps.toml allows", arrows::check),
    ("unsafe code is only where ci/unsafe.toml allows it", unsafety::check),
    ("kernel sources name no architecture", words::architectures),
    ("each crate opens with what it is", words::introductions),
    ("docs/dependencies.md says why each dependency is here", words::dependencies),
    ("documents name files and functions that exist", documents::check),
    ("files are short", limits::files),
    ("functions are short", limits::functions),
    ("policies are short", limits::policies),
    ("the machine interface is small", limits::machine_methods),
    ("the kernel core is small", limits::core_lines),
    ("each mutation in ci/mutations applies", mutations),
    ("clippy accepts what runs on the host", compile::clippy_host),
    ("clippy accepts what runs on the PC", compile::clippy_target),
    ("clippy accepts what runs on aarch64", compile::clippy_arm),
    ("the neutral kernel compiles for aarch64", compile::neutral),
    ("the kernel's text is small", kernel::text),
    ("the kernel uses base instructions only", kernel::instructions),
];

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    setup::prepare(&workspace, &[Need::Build, Need::Check], false)?;
    let tree = Tree::read(workspace)?;
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let mut failed = 0;
    let mut count = 0;
    for name in names(filter) {
        let start = Instant::now();
        let step = Step::quiet(&format!("Checking that {name}"));
        let problems = check(&tree, name);
        drop(step);
        count += 1;
        let seconds = start.elapsed().as_secs_f32();
        match problems {
            Ok(()) => println!("ok     {seconds:6.1} s  {name}"),
            Err(error) => {
                failed += 1;
                println!("FAILED {seconds:6.1} s  {name}\n{error:#}");
            }
        }
    }
    match (count, failed) {
        (0, _) => bail!("no rule's name contains `{filter}`; `cargo xtask check` shows all names"),
        (_, 0) => Ok(()),
        _ => bail!("{failed} of {count} rules are broken; what to change is said above"),
    }
}

/// Names of the rules that contain `filter`.
pub fn names(filter: &str) -> impl Iterator<Item = &'static str> + '_ {
    RULES.iter().map(|(name, _)| *name).filter(move |name| name.contains(filter))
}

/// Checks the rule called `name`.
pub fn check(tree: &Tree, name: &str) -> Result<()> {
    let Some((_, rule)) = RULES.iter().find(|(other, _)| *other == name) else {
        bail!("there is no rule `{name}`");
    };
    let problems = rule(tree)?;
    if problems.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = problems.iter().map(|problem| format!("  {problem}")).collect();
    bail!("{}", lines.join("\n"))
}

/// Each deliberate mistake still finds what it changes.
fn mutations(tree: &Tree) -> Result<Vec<String>> {
    mutate::problems(&tree.workspace.root)
}

impl Tree {
    /// Reads all sources.
    pub fn read(workspace: Workspace) -> Result<Self> {
        let sources = source::read_all(&workspace.root)?;
        Ok(Self { workspace, sources })
    }

    /// Sources below `folder`.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a Source> {
        self.sources.iter().filter(move |source| {
            source.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}
