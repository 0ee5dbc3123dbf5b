//! Hostile programs against the kernel core on the simulated machine (docs/semantics.md).
//!
//! Threads in a confined Space make random calls (`cedo-fuzz`) on one, two and four cores while
//! interrupts and posts between cores arrive in any order. Trusted root schedulers, fault handlers
//! and victims live on the same cores. The kernel asserts its invariants at every exit; beyond that
//! everything is checked that crosses cores, that nobody gains a capability it was not given, and
//! that victims find their memory, registers, messages and progress undisturbed.
//!
//! | file | contents |
//! |---|---|
//! | [`config`] | cores and protocols |
//! | [`stage`] | builds the machine |
//! | [`cast`] | who is who |
//! | [`program`] | what trusted threads do |
//! | [`step`], [`play`] | a step as data; a run |
//! | [`episode`] | random steps, then quiet |
//! | [`check`] | what must hold of the whole machine |
//! | [`shrink`] | a failing run made short, and told in words |
//! | [`violation`], [`quieten`] | broken rules, panics among them |

mod cast;
mod check;
mod config;
mod episode;
mod play;
mod program;
mod quieten;
mod shrink;
mod stage;
mod step;
mod violation;

use cedo_fuzz::Random;
use config::Config;
use episode::Failure;
use play::{Stage, Tally};
use std::num::NonZero;
use std::panic;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Calls of hostile threads that the test makes, unless `CEDO_FUZZ_CALLS` says another number.
const CALLS: u64 = 1_000_000;
/// Steps of an episode, one of these.
const STEPS: [usize; 4] = [300, 1500, 1500, 6000];
/// A long run says how far it came each time that this has passed.
const SAY: Duration = Duration::from_secs(30);

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// Fuzzes each of `configs` in turn, as many at the same time as there are processors.
fn fuzz_all(configs: &[&Config], seed: u64, calls: u64) -> Tally {
    let share = calls.div_ceil(configs.len() as u64);
    let (left, sum) = (Mutex::new(configs.iter()), Mutex::new(Tally::default()));
    let work = || {
        while let Some(config) = take(&left) {
            let tally = fuzz(**config, seed, share);
            sum.lock().expect("no other worker failed").add(&tally);
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(configs.len());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|failure| panic::resume_unwind(failure));
        }
    });
    sum.into_inner().expect("no worker failed")
}

/// The next that nobody has begun.
fn take<T>(left: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    left.lock().ok()?.next()
}

/// Runs episodes until enough calls were made.
fn fuzz(config: Config, seed: u64, calls: u64) -> Tally {
    let (started, mut said) = (Instant::now(), Instant::now());
    let mut stage = Stage::new(config);
    let mut sum = Tally::default();
    let mut episode = 0;
    while sum.calls < calls {
        let own_seed = Random::part(seed, u64::from(config.cores) << 32 | episode).number();
        let steps = STEPS[(own_seed % STEPS.len() as u64) as usize];
        match episode::run(&mut stage, own_seed, steps) {
            Ok(tally) => sum.add(&tally),
            Err(failure) => fail(&mut stage, config, seed, episode, &failure),
        }
        episode += 1;
        if said.elapsed() >= SAY {
            println!("fuzz: {config}: {} of {calls} calls", sum.calls);
            said = Instant::now();
        }
    }
    println!(
        "fuzz: {config}: {} calls, {} steps, {:.0} calls/s",
        sum.calls,
        sum.steps,
        sum.calls as f64 / started.elapsed().as_secs_f64()
    );
    sum
}

/// Makes the run short and tells it.
fn fail(stage: &mut Stage, config: Config, seed: u64, episode: u64, failure: &Failure) -> ! {
    let Failure { violation, steps } = failure;
    println!(
        "fuzz: broken: {} ({})\n  seed {seed}, {config}, episode {episode}, step {}",
        violation.rule,
        violation.text,
        steps.len()
    );
    let short = shrink::shrink(stage, steps, &violation.rule);
    let lines = shrink::trace(stage, &short);
    panic!(
        "{} ({})\n  after {} of {} steps:\n    {}\n  to repeat it: CEDO_FUZZ_SEED={seed} \
         CEDO_FUZZ_CORES={} CEDO_FUZZ_CALLS={} cargo test -p cedo-core --test fuzz",
        violation.rule,
        violation.text,
        short.len(),
        steps.len(),
        lines.join("\n    "),
        config.cores,
        number("CEDO_FUZZ_CALLS", CALLS)
    );
}

#[test]
fn hostile_programs_harm_nobody() {
    let (seed, calls) = (number("CEDO_FUZZ_SEED", 1), number("CEDO_FUZZ_CALLS", CALLS));
    let cores = number("CEDO_FUZZ_CORES", 0);
    let wanted = |config: &&Config| cores == 0 || u64::from(config.cores) == cores;
    let configs: Vec<_> = Config::ALL.iter().filter(wanted).collect();
    assert!(!configs.is_empty(), "CEDO_FUZZ_CORES is 1, 2 or 4");
    let sum = fuzz_all(&configs, seed, calls);
    for (name, (made, done)) in &sum.by_name {
        println!("fuzz:   {name:<16} {made:>9} made {done:>9} done at once");
    }
    println!("fuzz: {} calls, 0 violations, seed {seed}", sum.calls);
    sum.expect_variety();
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.calls += other.calls;
        self.steps += other.steps;
        for (name, (made, done)) in &other.by_name {
            let sum = self.by_name.entry(name).or_default();
            sum.0 += made;
            sum.1 += done;
        }
    }

    /// Every operation that a hostile program can do was done now and then, or the calls were too
    /// wild to try anything.
    fn expect_variety(&self) {
        const NEVER: [&str; 7] =
            ["set root", "deadline", "idle", "kick", "power", "write text", "set root options"];
        for (name, (made, done)) in &self.by_name {
            let expected = !NEVER.contains(name) && !["", "yield"].contains(name);
            assert_eq!(*done > 0, expected, "{name}: {made} made, {done} done");
        }
    }
}
