//! Where everybody's capabilities are: the root reads it from its environment, for all.

use cedo_lib::Environment;
use cedo_lib::abi::system::{self, grant};
use cedo_script::cast::COUNT;
use cedo_script::{Slots, Who};
use core::array;
use core::sync::atomic::{AtomicU64, Ordering};

type Table = [AtomicU64; COUNT];

static GATES: Table = [const { AtomicU64::new(0) }; COUNT];
static THREADS: Table = [const { AtomicU64::new(0) }; COUNT];
static COOKIES: Table = [const { AtomicU64::new(0) }; COUNT];
static CORE: AtomicU64 = AtomicU64::new(0);

/// The root's part: gates, threads and the core, from its environment.
pub fn find(environment: &Environment) {
    for grant in environment.grants() {
        let slot = u64::from(grant.slot);
        let who = Who::named(system::text(&grant.name));
        match (grant.kind, who) {
            (grant::GATE, Some(who)) => GATES[who as usize].store(slot, Ordering::Relaxed),
            (grant::THREAD, Some(who)) => THREADS[who as usize].store(slot, Ordering::Relaxed),
            (grant::CORE, _) => CORE.store(slot, Ordering::Relaxed),
            _ => {}
        }
    }
}

/// A scheduler's part: what it calls its children.
pub fn name_children(environment: &Environment) {
    for child in environment.children() {
        if let Some(who) = Who::named(system::text(&child.name)) {
            COOKIES[who as usize].store(child.cookie, Ordering::Relaxed);
        }
    }
}

/// Everything that is known.
pub fn slots() -> Slots {
    let read = |table: &Table| array::from_fn(|place| table[place].load(Ordering::Relaxed));
    Slots { gates: read(&GATES), threads: read(&THREADS), cookies: read(&COOKIES) }
}

/// Slot of the core, which prints and switches off.
pub fn core() -> u32 {
    CORE.load(Ordering::Relaxed) as u32
}
