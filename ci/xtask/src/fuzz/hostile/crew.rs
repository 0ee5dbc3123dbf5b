//! Several boots at the same time, each with a seed of its own: an emulated core keeps one of the host
//! busy, and a machine with few cores leaves the others of the host idle.

use super::boot::{Bench, Broken, Outcome};
use super::order::{Order, chain_of};
use super::{Options, shrink};
use crate::progress;
use anyhow::{Result, bail};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Most calls of one boot: a new boot is a new machine, and a new seed.
const CALLS_OF_A_BOOT: u64 = 1_000_000;
/// Boots at least: one for each choice of protocols.
const BOOTS: u64 = 4;
/// Time for making a failing episode small.
const SHRINKING: Duration = Duration::from_secs(300);

/// Boots of one seed that the emulator may end.
const MOST_RESTARTS: u64 = 10;

/// What all of a crew know.
struct Task<'a> {
    options: &'a Options,
    cores: u32,
    goal: u64,
    calls_of_a_boot: u64,
    /// Boots begun.
    begun: AtomicU64,
    made: AtomicU64,
    /// Somebody has found something.
    over: AtomicBool,
}

/// Boots machines with so many cores until there were enough calls; how many there were. What is found
/// first is made small.
pub fn run(bench: &Bench<'_>, options: &Options, cores: u32, goal: u64) -> Result<u64> {
    let (jobs, calls_of_a_boot) = match options.episodes {
        // Certain episodes are those of one seed.
        Some(_) => (1, goal),
        None => {
            let jobs = options.jobs.unwrap_or_else(|| jobs(cores)).max(1);
            let boots = BOOTS.next_multiple_of(jobs as u64);
            (jobs, goal.div_ceil(boots).min(CALLS_OF_A_BOOT))
        }
    };
    let task = Task {
        options,
        cores,
        goal,
        calls_of_a_boot,
        begun: AtomicU64::new(0),
        made: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    let results: Vec<_> = thread::scope(|scope| {
        let work = |number| {
            let (task, bench) = (&task, bench.another(number));
            scope.spawn(move || task.work(bench))
        };
        let hands: Vec<_> = (0..jobs).map(work).collect();
        hands
            .into_iter()
            .map(|hand| hand.join().unwrap_or_else(|_| bail!("a thread died")))
            .collect()
    });
    results.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(task.made.into_inner())
}

/// As many boots as the host has processors for.
fn jobs(cores: u32) -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    processors / cores as usize
}

impl Task<'_> {
    fn work(&self, mut bench: Bench<'_>) -> Result<()> {
        while let Some(order) = self.next() {
            match self.one(&mut bench, &order) {
                Ok(calls) => _ = self.made.fetch_add(calls, Ordering::Relaxed),
                Err(error) => {
                    self.over.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The next boot. Which seeds there are does not depend on how fast the boots are.
    fn next(&self) -> Option<Order> {
        let boot = self.begun.fetch_add(1, Ordering::Relaxed);
        let enough = boot * self.calls_of_a_boot >= self.goal;
        if enough || self.over.load(Ordering::Relaxed) {
            return None;
        }
        let seed = self.options.seed + boot;
        Some(Order {
            seed,
            cores: self.cores,
            chain: self.options.chain.unwrap_or_else(|| chain_of(seed, self.cores)),
            calls: self.calls_of_a_boot,
            episodes: self.options.episodes.unwrap_or((0, 0)),
            enemies: self.options.enemies.unwrap_or(0),
            limit: self.options.limit.unwrap_or(0),
            items: !self.options.no_items,
            plants: false,
            release: self.options.release,
            counted: self.options.counted,
        })
    }

    /// One boot, or some where the emulator ends it; how many calls there were.
    fn one(&self, bench: &mut Bench<'_>, order: &Order) -> Result<u64> {
        let (mut order, mut sum) = (*order, 0);
        for _ in 0..MOST_RESTARTS {
            let started = Instant::now();
            let broken = match bench.boot(&order, None)? {
                Outcome::Fine { calls } => {
                    let seconds = started.elapsed().as_secs_f64();
                    let rate = calls as f64 / seconds.max(0.001);
                    let text = format!("  {order}: {calls} calls in {seconds:.0} s, {rate:.0}/s");
                    progress::say(&text);
                    return Ok(sum + calls);
                }
                Outcome::Emulator { episode, calls } => {
                    progress::say(&format!(
                        "  {order}: in episode {episode} QEMU entered virtual-8086 mode, as no \
                         processor does; goes on behind it"
                    ));
                    sum += calls;
                    order.episodes.0 = episode + 1;
                    order.calls = order.calls.saturating_sub(calls).max(1);
                    continue;
                }
                Outcome::Broken(broken) => broken,
            };
            return self.broken(bench, &order, &broken);
        }
        bail!("{order}: QEMU entered virtual-8086 mode {MOST_RESTARTS} times; take another seed")
    }

    /// Makes what is broken small, and says how to repeat it.
    fn broken(&self, bench: &mut Bench<'_>, order: &Order, broken: &Broken) -> Result<u64> {
        let head = format!("{order}, episode {}: {}", broken.episode, broken.text);
        let small = if self.options.no_shrink || self.over.swap(true, Ordering::Relaxed) {
            String::new()
        } else {
            shrink::shrink(bench, order, broken, SHRINKING)?
        };
        bail!("{head}\n{small}repeat all of it with: {}", order.command());
    }
}
