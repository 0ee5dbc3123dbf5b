//! Deliberate mistakes in the kernel: each must be noticed by the check that is there for it.
//!
//! A mutation replaces one piece of source text in a copy of the checkout; then its check runs on the
//! copy. A check that passes all the same is too weak. The mutations are data: `ci/mutations/*.toml`.
//!
//! | file | contents |
//! |---|---|
//! | here | the command: which mutations, one after the other, the summary |
//! | [`list`] | reads the mutations; what one is; where it applies |
//! | [`copy`] | a copy of the checkout that is changed |
//! | [`share`] | several copies at the same time |
//! | [`trial`] | builds and runs a check on the copy, and reads what came of it |

mod copy;
mod list;
mod share;
mod trial;

pub use list::problems;

use crate::progress::Step;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use copy::Copy;
use list::{Check, Mutation};
use std::collections::BTreeSet;
use std::num::NonZero;
use std::thread;
use std::time::Instant;
use trial::Verdict;

/// Break a copy of the kernel on purpose, in many ways, and see that a check notices each.
#[derive(clap::Args)]
pub struct Arguments {
    /// Show the mutations, each with the check that must catch it, and try none.
    #[arg(long)]
    list: bool,
    /// Only those that `cargo xtask test` tries.
    #[arg(long)]
    ci: bool,
    /// Mutations tried at the same time, each on a copy of its own [default: one per two processors].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Only mutations whose name contains one of these.
    names: Vec<String>,
}

/// How many of the mutations tried were caught.
#[derive(Default)]
struct Tally {
    tried: usize,
    /// Names of the others, and what came of them.
    missed: Vec<String>,
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let mutations = chosen(list::read(&workspace.root)?, arguments)?;
    if arguments.list {
        mutations.iter().for_each(|mutation| println!("{:8} {}", mutation.check(), mutation.name));
        return Ok(());
    }
    let tally = run(&workspace, &mutations, arguments.jobs(), |line| println!("{line}"))?;
    println!("{}", tally.summary());
    match tally.missed.len() {
        0 => Ok(()),
        missed => bail!("{missed} of {} mutations were not caught", tally.tried),
    }
}

/// Tries the mutations that `cargo xtask test` tries; the summary, or those that were not caught.
pub fn ci(workspace: &Workspace) -> Result<String> {
    let arguments = Arguments { list: false, ci: true, jobs: None, names: Vec::new() };
    let mutations = chosen(list::read(&workspace.root)?, &arguments)?;
    let tally = run(workspace, &mutations, arguments.jobs(), |_| ())?;
    match tally.missed.as_slice() {
        [] => Ok(tally.summary()),
        missed => bail!("{}\n{}", tally.summary(), missed.join("\n")),
    }
}

impl Arguments {
    /// A test uses more than one processor while it runs, and cargo does while it builds.
    fn jobs(&self) -> usize {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        self.jobs.map_or((processors / 2).max(1), NonZero::get)
    }
}

fn chosen(mut mutations: Vec<Mutation>, arguments: &Arguments) -> Result<Vec<Mutation>> {
    let names = &arguments.names;
    if let Some(name) = names.iter().find(|name| !mutations.iter().any(|one| one.is_called(name))) {
        bail!("no mutation's name contains `{name}`; `cargo xtask mutate --list` shows all names");
    }
    mutations.retain(|mutation| {
        let wanted = names.is_empty() || names.iter().any(|name| mutation.is_called(name));
        wanted && (mutation.ci || !arguments.ci)
    });
    if mutations.is_empty() {
        bail!("`cargo xtask test` tries none of these; leave --ci out");
    }
    Ok(mutations)
}

/// Tries `mutations`, one line for each.
fn run(
    workspace: &Workspace,
    mutations: &[Mutation],
    jobs: usize,
    say: impl Fn(&str) + Sync,
) -> Result<Tally> {
    let texts =
        mutations.iter().map(|one| one.apply(&workspace.root)).collect::<Result<Vec<_>>>()?;
    let jobs = jobs.min(mutations.len());
    let copies =
        (0..jobs).map(|number| Copy::make(workspace, number)).collect::<Result<Vec<_>>>()?;
    let checks: BTreeSet<Check> = mutations.iter().map(Mutation::check).collect();
    let checks: Vec<Check> = checks.into_iter().collect();
    share::among(&copies, &checks, |copy, _, check| as_it_is(copy, *check, &say))?;
    let trials: Vec<_> = mutations.iter().zip(&texts).collect();
    let missed = share::among(&copies, &trials, |copy, number, (mutation, text)| {
        let title = format!("{}/{} {}", number + 1, trials.len(), mutation.name);
        try_one(copy, &title, mutation, text, &say)
    })?;
    Ok(Tally { tried: trials.len(), missed: missed.into_iter().flatten().collect() })
}

/// An error unless the kernel without a mutation passes `check`.
fn as_it_is(copy: &Copy, check: Check, say: &impl Fn(&str)) -> Result<()> {
    let step = Step::quiet(&format!("{check} on the kernel as it is"));
    let start = Instant::now();
    let verdict = trial::passes(copy, check);
    drop(step);
    verdict.with_context(|| {
        format!("{check} must pass before a mutation can prove anything; it does not")
    })?;
    say(&line(start, "the kernel as it is", &format!("passes {check}")));
    Ok(())
}

/// Tries a mutation; its name and what came of it if it was not caught.
fn try_one(
    copy: &Copy,
    title: &str,
    mutation: &Mutation,
    text: &str,
    say: &impl Fn(&str),
) -> Result<Option<String>> {
    let step = Step::quiet(title);
    let start = Instant::now();
    let changed = copy.change(&mutation.file, text)?;
    let verdict = trial::run(copy, mutation);
    changed.undo()?;
    drop(step);
    let (verdict, check) = (verdict?, mutation.check());
    let result = match &verdict {
        Verdict::Caught(what) => format!("caught by {check}: {what}"),
        other => format!("{other} ({check})"),
    };
    say(&line(start, title, &result));
    let missed = !matches!(verdict, Verdict::Caught(_));
    Ok(missed.then(|| format!("{}: {result}", mutation.name)))
}

fn line(start: Instant, name: &str, result: &str) -> String {
    format!("{:6.1} s  {name}\n          {result}", start.elapsed().as_secs_f32())
}

impl Tally {
    fn summary(&self) -> String {
        format!("mutations: {} of {} caught", self.tried - self.missed.len(), self.tried)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Tally, chosen, list};

    const TWO: &str = r#"
        [[mutation]]
        name = "a thing is forgotten"
        file = "a.rs"
        check = "search"
        find = "x"
        replace = "y"

        [[mutation]]
        name = "a right is not checked"
        file = "a.rs"
        check = "objects"
        ci = true
        find = "x"
        replace = "y"
    "#;

    fn names(names: &[&str], ci: bool) -> Result<Vec<String>, String> {
        let names = names.iter().map(ToString::to_string).collect();
        let mutations = list::parse(TWO).unwrap();
        let chosen = chosen(mutations, &Arguments { list: false, ci, jobs: None, names });
        let name = |mutation: &list::Mutation| mutation.name.clone();
        chosen.map(|some| some.iter().map(name).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_choose_what_contains_them() {
        assert_eq!(names(&[], false).unwrap().len(), 2);
        assert_eq!(names(&["right"], false).unwrap(), ["a right is not checked"]);
        assert_eq!(names(&["right", "thing"], false).unwrap().len(), 2);
        assert_eq!(names(&[], true).unwrap(), ["a right is not checked"]);
        assert!(names(&["right", "wrong"], false).unwrap_err().contains("`wrong`"));
        assert!(names(&["thing"], true).is_err());
    }

    #[test]
    fn the_summary_counts_what_was_caught() {
        let tally = Tally { tried: 3, missed: vec!["x: ESCAPED".to_string()] };
        assert_eq!(tally.summary(), "mutations: 2 of 3 caught");
    }
}
