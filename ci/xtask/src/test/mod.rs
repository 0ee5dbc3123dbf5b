//! Everything, on many machine variants.
//!
//! | file | contents |
//! |---|---|
//! | here | the command |
//! | [`cases`] | all tests: rules, host tests, boots |
//! | [`boots`] | boots that must work, boots that must be refused |
//! | [`failures`] | what is told when a thread, or the kernel, goes wrong |
//! | [`images`] | images and folders: the same each time, read back, started |
//! | [`fat`] | reads a card's file system back |
//! | [`orders`] | what crosses cores, under the model checker |
//! | [`variants`] | machine variants, so that every pair of properties meets once |
//! | [`miri`] | the host tests of crates with unsafe code, interpreted |
//! | [`suite`] | what the test program prints |
//! | [`trace`] | the emulated PC and the simulated machine tell the same story |
//! | [`positions`] | the log says where each entry is in the source |
//! | [`report`] | what a person reads |

mod boots;
mod cases;
mod failures;
mod fat;
mod images;
mod miri;
mod orders;
mod positions;
mod report;
mod suite;
mod trace;
mod variants;

use crate::check::Tree;
use crate::progress::Step;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use boots::Builds;
use cases::{Case, Context};
use report::Report;
use std::time::Instant;

/// Run all tests: rules, host tests, and the test program on many emulated machines.
#[derive(clap::Args)]
pub struct Arguments {
    /// Boot only one machine variant of each kind.
    #[arg(long)]
    quick: bool,
    /// Also run what takes many minutes: the deliberate mistakes.
    #[arg(long)]
    thorough: bool,
    /// Show the names of the tests and run none.
    #[arg(long)]
    list: bool,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
    /// Run only tests whose name contains this.
    filter: Option<String>,
}

/// What a host needs to run everything.
const NEEDS: [Need; 7] = [
    Need::Build,
    Need::BuildArm,
    Need::Check,
    Need::Emulator,
    Need::EmulatorArm,
    Need::Image,
    Need::Uefi,
];

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let cases: Vec<_> = cases::all(&workspace, arguments.quick)?
        .into_iter()
        .filter(|case| case.name.contains(filter))
        .filter(|case| arguments.thorough || !filter.is_empty() || !case.takes_long())
        .collect();
    if cases.is_empty() {
        bail!("no test's name contains `{filter}`; `cargo xtask test --list` shows all names");
    }
    if arguments.list {
        for case in &cases {
            println!("{}", case.name);
        }
        return Ok(());
    }
    setup::prepare(&workspace, &NEEDS, arguments.yes)?;
    let builds = Builds::new(Workspace::open()?);
    let context = Context { tree: Tree::read(workspace)?, builds };
    let report = run(&context, &cases);
    println!("{report}");
    match report.failures() {
        0 => Ok(()),
        failures => bail!(
            "{failures} of {} tests failed; repeat one with `cargo xtask test \"NAME\"`",
            cases.len()
        ),
    }
}

fn run(context: &Context, cases: &[Case]) -> Report {
    let mut report = Report::default();
    for (index, case) in cases.iter().enumerate() {
        let start = Instant::now();
        let step = Step::quiet(&format!("{}/{} {}", index + 1, cases.len(), case.name));
        let result = (case.run)(context);
        drop(step);
        println!("{}", report.add(case, result, start.elapsed()));
    }
    report
}
