//! Who there is, and where their capabilities are.

/// A thread of the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Who {
    /// Schedules `s` and `t`.
    Root,
    /// Schedules `a` and `b`.
    S,
    /// Schedules `v` and `w`.
    T,
    /// A worker.
    A,
    /// A worker.
    B,
    /// A worker.
    V,
    /// A worker.
    W,
}

/// Threads.
pub const COUNT: usize = 7;
/// The badge of messages that come through the gate to the first of [`ALL`]; the others follow.
pub const FIRST_BADGE: u64 = 100;

/// All of them in order, with their names.
pub const ALL: [(Who, &str); COUNT] = [
    (Who::Root, "root"),
    (Who::S, "s"),
    (Who::T, "t"),
    (Who::A, "a"),
    (Who::B, "b"),
    (Who::V, "v"),
    (Who::W, "w"),
];
/// The workers.
pub const WORKERS: [Who; 4] = [Who::A, Who::B, Who::V, Who::W];

impl Who {
    /// The thread with this name.
    pub fn named(name: &str) -> Option<Who> {
        ALL.iter().find(|(_, other)| *other == name).map(|(who, _)| *who)
    }

    /// The thread at this place of [`ALL`].
    pub fn at(place: usize) -> Option<Who> {
        ALL.get(place).map(|(who, _)| *who)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        ALL[self as usize].1
    }

    /// True if it schedules others.
    pub const fn is_scheduler(self) -> bool {
        matches!(self, Who::Root | Who::S | Who::T)
    }
}

/// Where capabilities are in the table that all threads share, and what schedulers call their
/// children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slots {
    /// By thread: the gate to it.
    pub gates: [u64; COUNT],
    /// By thread: the thread itself.
    pub threads: [u64; COUNT],
    /// By thread: what its scheduler calls it.
    pub cookies: [u64; COUNT],
}
