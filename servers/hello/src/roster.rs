//! Who works here, and how far everybody is: memory that all threads of the program share.

use cedo_lib::Environment;
use cedo_lib::abi::MAX_CORES;
use cedo_lib::abi::system::parameter::{PRIORITY, ROLE, VALUE};
use cedo_lib::abi::system::{self, EnvironmentGrant, NAME_BYTES, NameBytes, grant};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Most workers of one system.
const MOST: usize = 48;
/// Names of gates that lead to somebody else than the thread's scheduler.
const NOT_SCHEDULERS: [&str; 2] = ["console", "chief"];

/// A name, in words that threads can share.
type SharedName = [AtomicU64; NAME_BYTES / 8];

/// One worker.
pub struct Entry {
    name: SharedName,
    scheduler: SharedName,
    pub core: AtomicU64,
    pub role: AtomicU64,
    pub priority: AtomicU64,
    pub value: AtomicU64,
    /// Units of work done.
    pub progress: AtomicU64,
    /// The same when the first worker of this core finished.
    pub at_first_finish: AtomicU64,
    /// The how-manieth of its core it was to finish; 0: not yet.
    pub rank: AtomicU64,
}

impl Entry {
    const fn new() -> Entry {
        const fn zero() -> AtomicU64 {
            AtomicU64::new(0)
        }
        Entry {
            name: [const { zero() }; NAME_BYTES / 8],
            scheduler: [const { zero() }; NAME_BYTES / 8],
            core: zero(),
            role: zero(),
            priority: zero(),
            value: zero(),
            progress: zero(),
            at_first_finish: zero(),
            rank: zero(),
        }
    }
}

static ENTRIES: [Entry; MOST] = [const { Entry::new() }; MOST];
static COUNT: AtomicU64 = AtomicU64::new(0);
/// Workers that have finished, by core.
static FINISHED: [AtomicU64; MAX_CORES] = [const { AtomicU64::new(0) }; MAX_CORES];
/// Tells workers without an end of their own to stop.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// The name of this thread's scheduler: that of the one gate that leads to nobody else.
fn scheduler(environment: &Environment) -> Option<NameBytes> {
    let leads_there = |record: &EnvironmentGrant| {
        record.kind == grant::GATE && !NOT_SCHEDULERS.contains(&system::text(&record.name))
    };
    environment.grants().find(leads_there).map(|record| record.name)
}

/// Enters a worker; nothing if there are too many.
pub fn enter(environment: &Environment) -> Option<&'static Entry> {
    let entry = ENTRIES.get(COUNT.fetch_add(1, Ordering::SeqCst) as usize)?;
    let parameters = environment.parameters();
    put(&entry.name, &system::name(environment.name()));
    if let Some(name) = scheduler(environment) {
        put(&entry.scheduler, &name);
    }
    entry.core.store(environment.core_number().into(), Ordering::SeqCst);
    entry.role.store(parameters[ROLE], Ordering::SeqCst);
    entry.priority.store(parameters[PRIORITY], Ordering::SeqCst);
    entry.value.store(parameters[VALUE], Ordering::SeqCst);
    Some(entry)
}

/// Everybody who entered.
pub fn workers() -> impl Iterator<Item = &'static Entry> + Clone {
    ENTRIES.iter().take(COUNT.load(Ordering::SeqCst) as usize)
}

impl Entry {
    pub fn name(&self) -> NameBytes {
        get(&self.name)
    }

    pub fn scheduler(&self) -> NameBytes {
        get(&self.scheduler)
    }

    /// Says that this worker has finished. If it is the first of its core, writes down how far its
    /// fellows are.
    pub fn finish(&self) {
        let core = self.core.load(Ordering::SeqCst);
        let Some(finished) = FINISHED.get(core as usize) else { return };
        let rank = finished.fetch_add(1, Ordering::SeqCst) + 1;
        self.rank.store(rank, Ordering::SeqCst);
        if rank > 1 {
            return;
        }
        for fellow in workers().filter(|fellow| fellow.core.load(Ordering::SeqCst) == core) {
            let progress = fellow.progress.load(Ordering::SeqCst);
            fellow.at_first_finish.store(progress, Ordering::SeqCst);
        }
    }
}

fn put(shared: &SharedName, name: &NameBytes) {
    for (word, bytes) in shared.iter().zip(name.chunks_exact(8)) {
        let value = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        word.store(value, Ordering::SeqCst);
    }
}

fn get(shared: &SharedName) -> NameBytes {
    let mut name = [0; NAME_BYTES];
    for (word, bytes) in shared.iter().zip(name.chunks_exact_mut(8)) {
        bytes.copy_from_slice(&word.load(Ordering::SeqCst).to_le_bytes());
    }
    name
}
