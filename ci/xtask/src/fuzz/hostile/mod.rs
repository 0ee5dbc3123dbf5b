//! `cargo xtask fuzz`: hostile programs against the kernel, on emulated machines or on the simulated
//! machine of the host.
//!
//! On emulated machines the program `hostile` makes the calls (systems `fuzz-1`, `fuzz-2`, `fuzz-4`);
//! what it is to do is written into the parameters of its supervisor. Cores run as the host lets
//! them, so a seed says which calls are made and not in which order those of different cores meet:
//! what a seed found once it finds again only most likely. Counted runs (`--counted`) repeat bit for
//! bit, and what fails is tried so first.
//!
//! | file | contents |
//! |---|---|
//! | here | the command: boot after boot until there are enough calls |
//! | [`order`] | what one boot does, as parameters and as a command |
//! | [`crew`] | several boots at the same time |
//! | [`boot`] | one boot, and what came of it |
//! | [`shrink`] | a failing episode made small |
//! | [`host`] | the same on the simulated machine |

mod boot;
mod crew;
mod host;
mod order;
mod shrink;

use crate::board::Board;
use crate::build::Profile;
use crate::setup;
use crate::workspace::Workspace;
use anyhow::{Result, bail, ensure};
use boot::{Bench, Outcome};
use order::Order;

/// Calls of a run that does not say how many.
pub const CALLS: u64 = 10_000_000;
/// Calls of a long run.
const LONG: u64 = 1_000_000_000;
/// Calls of a test run, by kernel: most on the one that ships, some on one that asserts its invariants.
const CI: [(Profile, u64); 2] = [(Profile::Release, 10_000_000), (Profile::Debug, 150_000)];
/// The rule that is broken by a capability that was not given (`servers/hostile`).
const PLANTED: &str = "no capability comes from elsewhere";
/// Systems by cores, and how many hundredths of the calls each makes.
type Shares = [(u32, u64); 3];
const SHARES: Shares = [(1, 25), (2, 50), (4, 25)];
/// On one core an emulator makes several times as many in the same time, but nothing crosses cores.
const SHARES_IN_CI: Shares = [(1, 93), (2, 4), (4, 3)];

/// What the command is to do.
#[derive(clap::Args)]
pub struct Options {
    /// Calls to make in all [default: 10 million; with --host 1 million].
    #[arg(long, value_name = "NUMBER")]
    calls: Option<u64>,
    /// Make 10^9 calls; with --host 10^8.
    #[arg(long, conflicts_with = "calls")]
    long: bool,
    /// Where the numbers come from.
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    seed: u64,
    /// Only machines with this many cores: 1, 2 or 4.
    #[arg(long, value_name = "N")]
    cores: Option<u32>,
    /// Which cores are in chain mode, bit n: core n [default: the seed chooses]. 0: none.
    #[arg(long, value_name = "BITS", conflicts_with = "host", value_parser = order::bits)]
    chain: Option<u64>,
    /// On the simulated machine of the host instead of an emulator.
    #[arg(long)]
    host: bool,
    /// A kernel without assertions, as it ships.
    #[arg(long, conflicts_with = "host")]
    release: bool,
    /// Count instructions as time: slow, but repeats bit for bit.
    #[arg(long, conflicts_with = "host")]
    counted: bool,
    /// Only this episode, or these: `7` or `3-7`.
    #[arg(long, value_name = "NUMBERS", conflicts_with = "host", value_parser = order::episodes)]
    episodes: Option<(u64, u64)>,
    /// Only these hostile threads: bit 4 * core + number.
    #[arg(long, value_name = "BITS", conflicts_with = "host", value_parser = order::bits)]
    enemies: Option<u64>,
    /// Calls of each episode at most.
    #[arg(long, value_name = "NUMBER", conflicts_with = "host")]
    limit: Option<u64>,
    /// Messages never carry strings, memory and capabilities; else those of half of the episodes do.
    #[arg(long, conflicts_with = "host")]
    no_items: bool,
    /// Boots at the same time [default: as many as there are processors for all their cores].
    #[arg(long, value_name = "N", conflicts_with = "host")]
    jobs: Option<usize>,
    /// Do not make a failing episode small.
    #[arg(long, conflicts_with = "host")]
    no_shrink: bool,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// The command.
pub fn main(workspace: &Workspace, arguments: &Options) -> Result<()> {
    if arguments.host {
        return host::run(workspace, arguments);
    }
    setup::prepare(workspace, &Board::Pc.needs(), arguments.yes)?;
    let calls = arguments.calls.unwrap_or(if arguments.long { LONG } else { CALLS });
    let sum = fuzz(workspace, arguments, calls, &SHARES)?;
    println!("fuzz: {sum} calls, 0 violations, seed {}", arguments.seed);
    Ok(())
}

/// What a test run does, in a few words.
pub fn ci(workspace: &Workspace) -> Result<String> {
    let mut sum = 0;
    for (profile, calls) in CI {
        let options = Options { release: profile == Profile::Release, ..Options::plain() };
        sum += fuzz(workspace, &options, calls, &SHARES_IN_CI)?;
    }
    Ok(format!("{sum} calls, 0 violations"))
}

/// The look for capabilities that were not given finds one; by which rule.
pub fn finds_what_is_planted(workspace: &Workspace) -> Result<String> {
    let order = Order { calls: 1, limit: 100, plants: true, release: true, ..Order::new(1, 1) };
    let mut bench = Bench::build(workspace, Profile::Release, order.cores)?;
    match bench.boot(&order, None)? {
        Outcome::Broken(broken) if broken.rule == PLANTED => Ok(broken.rule),
        other => bail!("a capability was planted, and what the supervisor says is {other:?}"),
    }
}

impl Options {
    /// As without any option.
    fn plain() -> Self {
        Self {
            calls: None,
            long: false,
            seed: 1,
            cores: None,
            chain: None,
            host: false,
            release: false,
            counted: false,
            episodes: None,
            enemies: None,
            limit: None,
            no_items: false,
            jobs: None,
            no_shrink: false,
            yes: false,
        }
    }
}

/// Boots until there were enough calls; how many there were.
fn fuzz(workspace: &Workspace, arguments: &Options, calls: u64, shares: &Shares) -> Result<u64> {
    let profile = if arguments.release { Profile::Release } else { Profile::Debug };
    let wanted = |(cores, _): &&(u32, u64)| arguments.cores.is_none_or(|only| only == *cores);
    let systems: Vec<_> = shares.iter().filter(wanted).collect();
    ensure!(!systems.is_empty(), "--cores is 1, 2 or 4");
    let shares: u64 = systems.iter().map(|(_, share)| share).sum();
    let mut sum = 0;
    for (cores, share) in systems {
        let bench = Bench::build(workspace, profile, *cores)?;
        sum += crew::run(&bench, arguments, *cores, (calls * share).div_ceil(shares))?;
    }
    Ok(sum)
}
