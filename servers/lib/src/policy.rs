//! What a scheduler decides, with no word about how the kernel is told: the trait between a policy
//! and the loop that drives it.
//!
//! A policy is pure: events in, decisions out, no system calls, no clock of its own. So it runs on
//! the host in tests exactly as it runs on the target.
//!
//! # What the loop promises, and what a policy may rely on
//!
//! - Children are numbered `0..CHILDREN`; each is [admitted](Policy::admit) once before anything else.
//! - A child is *ready* from [`Policy::ready`] until it is [chosen](Policy::choose) or
//!   [blocks](Policy::blocked). A chosen child runs; it comes back by `ready` or `blocked`.
//! - Times are nanoseconds of the machine-wide clock and never run backwards.
//!
//! A policy that is wrong wastes time; it cannot harm the kernel or another branch of the tree.

pub use cedo_abi::system::PARAMETERS;

/// Children that one scheduler of this library can have.
pub const CHILDREN: usize = 64;

/// Why a child can run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It was never dispatched, or was just given to this scheduler.
    New,
    /// It waited, and what it waited for came.
    Woken,
    /// An interrupt or a more urgent arrival took the processor from it.
    Preempted,
    /// It gave the rest of its grant back.
    Yielded,
    /// It handed the processor to another thread.
    Lost,
}

/// Whom to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The child that runs.
    pub child: usize,
    /// When the policy wants to decide again at the latest. Only a root can keep this promise; a
    /// scheduler below decides again when its own scheduler's slice ends.
    pub until_ns: Option<u64>,
    /// What the child gets.
    pub grant: Grant,
}

/// What a chosen child gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// A new turn: if the child is a scheduler, it decides anew.
    Fresh,
    /// The rest of its turn: if the child is a scheduler, whoever it chose before goes on.
    Rest,
}

/// A scheduling policy.
pub trait Policy {
    /// There is a child; `parameters` are its words from the system description.
    fn admit(&mut self, child: usize, parameters: &[u64; PARAMETERS]);
    /// The child can run.
    fn ready(&mut self, child: usize, why: Why, now_ns: u64);
    /// The child waits, stopped or is gone.
    fn blocked(&mut self, child: usize);
    /// Takes the child that runs next out of the ready ones; nothing if there are none.
    fn choose(&mut self, now_ns: u64) -> Option<Decision>;

    /// From now on the child, which waits, counts as one of `level` if that is more urgent than what it
    /// was admitted with; 0: no longer. False, and nothing changes, if the policy has no levels or does
    /// not let its children have this one.
    fn set_level(&mut self, child: usize, level: u64) -> bool {
        let _ = (child, level);
        false
    }
}
