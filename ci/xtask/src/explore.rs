//! `cargo xtask explore`: searches the states of the kernel core further than the tests do.
//!
//! The search is the test `search` of the kernel core; here it is given a number of states, and what
//! it says is counted. A long run goes round after round, each with four times as many states.

use crate::workspace::{self, Workspace};
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// States that each group of systems may visit in the first round.
const FIRST_ROUND: usize = 200_000;
/// How much further each round goes.
const FURTHER: usize = 4;
/// States of a long run.
const LONG: usize = 100_000_000;
/// The test says it with this.
const VARIABLE: &str = "CEDO_SEARCH_STATES";

/// Search the states that small systems can reach, on the real kernel core.
///
/// Prints each system with the states that were visited; a broken rule is printed as the shortest way
/// to it, in words. Systems are searched breadth first, so a longer run repeats a shorter one.
#[derive(clap::Args)]
pub struct Arguments {
    /// Go on, round after round, to 10^8 states in all, or until there are no more
    #[arg(long)]
    long: bool,
    /// States that each group of systems may visit; 0: all there are
    #[arg(long, value_name = "NUMBER", conflicts_with = "long")]
    states: Option<usize>,
    /// Only groups whose name contains one of these; `--list` of the test shows them
    names: Vec<String>,
}

/// How far a round came.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Reach {
    systems: usize,
    complete: usize,
    states: usize,
    steps: usize,
}

/// Runs the command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let mut limit = arguments.states.unwrap_or(FIRST_ROUND);
    let mut before = Reach::default();
    for round in 1.. {
        let reach = search(&workspace, limit, &arguments.names)?;
        ensure!(reach.systems > 0, "no group is called like that; leave the name out");
        println!("round {round}: {}", reach.in_words());
        if !arguments.long || !reach.goes_on(&before) {
            println!("{}", reach.summary());
            break;
        }
        before = reach;
        limit *= FURTHER;
    }
    Ok(())
}

/// One round; what it says is shown as it comes.
fn search(workspace: &Workspace, limit: usize, names: &[String]) -> Result<Reach> {
    let mut child = Command::new(workspace::cargo())
        .args(["test", "--quiet", "-p", "cedo-core", "--test", "search", "--", "--nocapture"])
        .args(names)
        .env(VARIABLE, limit.to_string())
        .current_dir(&workspace.root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let mut reach = Reach::default();
    let output = child.stdout.take().context("cargo has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read what the search says")?;
        reach.add(&line);
        println!("{line}");
    }
    if !child.wait().context("cannot wait for cargo")?.success() {
        bail!("a rule is broken, or the search could not be built; see above");
    }
    Ok(reach)
}

impl Reach {
    /// Counts a line of the search: `... : N states, all there are, M steps, T ms`.
    fn add(&mut self, line: &str) {
        let number_before = |word: &str| {
            let (before, _) = line.split_once(word)?;
            before.rsplit(' ').next()?.parse::<usize>().ok()
        };
        let (Some(states), Some(steps)) = (number_before(" states"), number_before(" steps"))
        else {
            return;
        };
        self.systems += 1;
        self.complete += usize::from(line.contains("all there are"));
        self.states += states;
        self.steps += steps;
    }

    /// There are more states to see, and room for them: `before` came less far.
    fn goes_on(self, before: &Reach) -> bool {
        self.states < LONG && self.complete < self.systems && self.states > before.states
    }

    fn in_words(self) -> String {
        format!(
            "{} states of {} systems, {} of them with all states there are",
            self.states, self.systems, self.complete
        )
    }

    /// What the last round came to; it holds all that earlier ones saw.
    fn summary(self) -> String {
        format!("explored {} states, {} transitions, 0 violations", self.states, self.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;

    #[test]
    fn lines_of_the_search_are_counted_and_others_are_not() {
        let mut reach = Reach::default();
        reach.add("Direct talk (eager): 6862 states, all there are, 19894 steps, 681 ms");
        reach.add("Chain rich (lazy): 20000 states, 60000 steps, 900 ms");
        reach.add("test result: ok. 6 passed; 0 failed");
        assert_eq!(reach, Reach { systems: 2, complete: 1, states: 26862, steps: 79894 });
        assert!(reach.goes_on(&Reach::default()) && !reach.goes_on(&reach));
        assert_eq!(reach.summary(), "explored 26862 states, 79894 transitions, 0 violations");
    }
}
