//! A policy on trial, for its tests on the host: what the kernel would know while it drives the
//! policy, held against every choice, and a source of histories.
//!
//! ```
//! use cedo_lib::policy::{Decision, Policy};
//! use cedo_lib::trial::{Dice, Trial};
//!
//! fn survives_any_history(policy: impl Policy) {
//!     let (mut dice, mut trial) = (Dice::new(1), Trial::new(policy));
//!     for _ in 0..1000 {
//!         trial.step(&mut dice);
//!         trial.choose_if_nobody_runs();
//!     }
//! }
//! ```

use crate::policy::{CHILDREN, Decision, Policy, Why};

/// Longest time between two steps, in nanoseconds.
const LONGEST_NS: u64 = 700;

/// A small generator of the same numbers on every run.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of `seed`, which must not be 0.
    pub const fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number of `0..limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Any child.
    pub fn child(&mut self) -> usize {
        self.below(CHILDREN as u64) as usize
    }
}

/// A policy, and who is ready and who runs under it.
pub struct Trial<P> {
    /// The policy.
    pub policy: P,
    /// The time that it is told.
    pub now_ns: u64,
    ready: [bool; CHILDREN],
    running: Option<usize>,
}

impl<P: Policy> Trial<P> {
    /// Nobody is ready.
    pub const fn new(policy: P) -> Trial<P> {
        Trial { policy, now_ns: 1, ready: [false; CHILDREN], running: None }
    }

    /// True if the child runs.
    pub fn runs(&self, child: usize) -> bool {
        self.running == Some(child)
    }

    /// The children that are ready, in no order of meaning.
    pub fn ready(&self) -> impl Iterator<Item = usize> {
        (0..CHILDREN).filter(|child| self.ready[*child])
    }

    /// The child can run.
    pub fn make_ready(&mut self, child: usize, why: Why) {
        self.ready[child] = true;
        self.policy.ready(child, why, self.now_ns);
    }

    /// The child, which does not run, waits from now on.
    pub fn block(&mut self, child: usize) {
        self.ready[child] = false;
        self.policy.blocked(child);
    }

    /// Whoever runs stops: it can go on, for this reason, or waits.
    pub fn stop_running(&mut self, why: Option<Why>) {
        let Some(child) = self.running.take() else { return };
        match why {
            Some(why) => self.make_ready(child, why),
            None => self.policy.blocked(child),
        }
    }

    /// Time passes, and one thing of all that can happen may.
    pub fn step(&mut self, dice: &mut Dice) {
        self.now_ns += dice.below(LONGEST_NS);
        let child = dice.child();
        match dice.below(6) {
            0 if !self.ready[child] && !self.runs(child) => self.make_ready(child, Why::Woken),
            1 if !self.runs(child) => self.block(child),
            2 => self.stop_running(None),
            3 => self.stop_running(Some(Why::Yielded)),
            4 => self.stop_running(Some(Why::Lost)),
            _ => self.stop_running(Some(Why::Preempted)),
        }
    }

    /// The policy's choice, which runs from now on.
    ///
    /// # Panics
    /// If somebody is ready and nobody was chosen, or somebody was chosen who is not ready.
    pub fn choose(&mut self) -> Option<Decision> {
        let decision = self.policy.choose(self.now_ns);
        let anyone = self.ready.iter().any(|ready| *ready);
        assert_eq!(decision.is_some(), anyone, "someone runs exactly if someone can");
        let child = decision?.child;
        assert!(self.ready[child], "child {child} was chosen and is not ready");
        self.ready[child] = false;
        self.running = Some(child);
        decision
    }

    /// The same where nobody runs; else the one who runs goes on.
    ///
    /// # Panics
    /// As [`Trial::choose`].
    pub fn choose_if_nobody_runs(&mut self) -> Option<Decision> {
        if self.running.is_none() { self.choose() } else { None }
    }
}
