//! The scenes, their locks, and what is counted.

use cedo_lib::lock::Lock;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

/// Units of the critical section of `low`, in two halves.
pub const SECTION: u64 = 20;
/// Units of the work of `hog`.
pub const WORK: u64 = 200;
/// Priority of `high`, by the system description.
pub const HIGH: u64 = 30;
/// How long `high` waits for a lock that it should get.
pub const LONG_NS: u64 = 10_000_000_000;
/// How long it waits for one that it should not.
pub const SHORT_NS: u64 = 2_000_000;

/// Steps of the computation in a unit.
const STEPS: u64 = 20_000;

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Scene {
    /// A flag and a message: nobody lends anything.
    Plain,
    /// A lock whose waiters lend their turns.
    Lending,
    /// The same, between `high` and `low` a third thread that waits for one lock and holds another.
    Chain,
    /// A lock with a ceiling.
    Ceiling,
    /// The holder waits for something else.
    Stuck,
    /// The holder is stopped by a fault.
    Fault,
    /// The holder is destroyed.
    Gone,
}

static SCENE: AtomicU64 = AtomicU64::new(0);
const SCENES: [Scene; 7] = [
    Scene::Plain,
    Scene::Lending,
    Scene::Chain,
    Scene::Ceiling,
    Scene::Stuck,
    Scene::Fault,
    Scene::Gone,
];

static LENDING: Lock<u64> = Lock::new(0);
static UPPER: Lock<u64> = Lock::new(0);
static CEILING: Lock<u64> = Lock::with_ceiling(HIGH, 0);
static STUCK: Lock<u64> = Lock::new(0);
static FAULT: Lock<u64> = Lock::new(0);
static GONE: Lock<u64> = Lock::new(0);

/// Units that `hog` has done, and that were done in the critical section.
pub static HOG: Count = Count(AtomicU64::new(0));
pub static DONE: Count = Count(AtomicU64::new(0));

/// A number that threads share.
pub struct Count(AtomicU64);

impl Count {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::SeqCst);
    }
}

impl Scene {
    /// The one that is played.
    pub fn now() -> Scene {
        SCENES[SCENE.load(Ordering::SeqCst) as usize]
    }

    /// Begins to play this one.
    pub fn begin(self) {
        HOG.set(0);
        DONE.set(0);
        SCENE.store(self as u64, Ordering::SeqCst);
    }

    /// What `low` holds, and `high` wants unless there is one in between.
    pub fn lock(self) -> &'static Lock<u64> {
        match self {
            Scene::Plain | Scene::Lending | Scene::Chain => &LENDING,
            Scene::Ceiling => &CEILING,
            Scene::Stuck => &STUCK,
            Scene::Fault => &FAULT,
            Scene::Gone => &GONE,
        }
    }

    /// What `high` wants, and the one in between holds.
    pub fn wanted(self) -> &'static Lock<u64> {
        if self == Scene::Chain { &UPPER } else { self.lock() }
    }

    /// How long `high` waits.
    pub fn patience_ns(self) -> u64 {
        match self {
            Scene::Stuck | Scene::Gone => SHORT_NS,
            _ => LONG_NS,
        }
    }
}

/// Computes, without the kernel, and counts.
pub fn work(units: u64, done: &Count) {
    for _ in 0..units {
        let mut value = 1_u64;
        for _ in 0..STEPS {
            value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        done.set(done.get() + 1);
    }
}
