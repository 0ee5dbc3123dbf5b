//! The round-robin policy against a model and against random histories.

use crate::policy::RoundRobin;
use cedo_lib::policy::{CHILDREN, Grant, Policy, Why};

const SLICE_NS: u64 = 1_000;

/// A small generator of the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What the kernel would know: who is ready, who runs.
struct World {
    policy: RoundRobin,
    ready: [bool; CHILDREN],
    running: Option<usize>,
    now_ns: u64,
}

impl World {
    fn new(slice_ns: u64) -> World {
        World {
            policy: RoundRobin::new(slice_ns),
            ready: [false; CHILDREN],
            running: None,
            now_ns: 1,
        }
    }

    fn make_ready(&mut self, child: usize, why: Why) {
        self.ready[child] = true;
        self.policy.ready(child, why, self.now_ns);
    }

    fn stop_running(&mut self, why: Option<Why>) {
        let Some(child) = self.running.take() else { return };
        match why {
            Some(why) => self.make_ready(child, why),
            None => self.policy.blocked(child),
        }
    }

    fn choose(&mut self) -> Option<usize> {
        let decision = self.policy.choose(self.now_ns);
        let anyone = self.ready.iter().any(|ready| *ready);
        assert_eq!(decision.is_some(), anyone, "someone runs exactly if someone can");
        let child = decision?.child;
        assert!(self.ready[child], "child {child} was chosen and is not ready");
        self.ready[child] = false;
        self.running = Some(child);
        Some(child)
    }
}

#[test]
fn only_ready_children_are_chosen_under_any_history() {
    for slice_ns in [0, SLICE_NS] {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ slice_ns);
        let mut world = World::new(slice_ns);
        for _ in 0..100_000 {
            world.now_ns += dice.below(700);
            let child = dice.below(CHILDREN as u64) as usize;
            match dice.below(6) {
                0 if !world.ready[child] && world.running != Some(child) => {
                    world.make_ready(child, Why::Woken);
                }
                1 if world.running != Some(child) => {
                    world.ready[child] = false;
                    world.policy.blocked(child);
                }
                2 => world.stop_running(None),
                3 => world.stop_running(Some(Why::Yielded)),
                4 => world.stop_running(Some(Why::Lost)),
                _ => world.stop_running(Some(Why::Preempted)),
            }
            if world.running.is_none() {
                world.choose();
            }
        }
    }
}

#[test]
fn nobody_waits_longer_than_one_turn_of_every_other_child() {
    let mut dice = Dice(7);
    let mut world = World::new(SLICE_NS);
    let mut waiting_since = [0_u64; CHILDREN];
    (0..CHILDREN).for_each(|child| world.make_ready(child, Why::New));
    for _ in 0..100_000 {
        let child = world.choose().expect("all can run");
        waiting_since[child] = world.now_ns;
        // An interrupt may come long before the slice ends.
        world.now_ns += 1 + dice.below(SLICE_NS);
        let yields = dice.below(10) == 0;
        world.stop_running(Some(if yields { Why::Yielded } else { Why::Preempted }));
        let longest = waiting_since.iter().map(|since| world.now_ns - since).max();
        assert!(longest <= Some(2 * SLICE_NS * CHILDREN as u64), "a child starves: {longest:?} ns");
    }
}

#[test]
fn children_that_never_wait_get_equal_time() {
    let mut world = World::new(SLICE_NS);
    let mut time_ns = [0_u64; 5];
    (0..5).for_each(|child| world.make_ready(child, Why::New));
    for _ in 0..5_000 {
        let decision = world.policy.choose(world.now_ns).expect("all can run");
        let until_ns = decision.until_ns.expect("a slice ends");
        time_ns[decision.child] += until_ns - world.now_ns;
        world.now_ns = until_ns;
        world.policy.ready(decision.child, Why::Preempted, world.now_ns);
    }
    assert_eq!(time_ns, [1_000 * SLICE_NS; 5]);
}

#[test]
fn an_interrupted_turn_goes_on_with_what_is_left_of_it() {
    let mut policy = RoundRobin::new(SLICE_NS);
    policy.ready(0, Why::New, 0);
    policy.ready(1, Why::New, 0);
    let first = policy.choose(0).expect("two are ready");
    assert_eq!((first.child, first.until_ns, first.grant), (0, Some(1_000), Grant::Fresh));
    policy.ready(2, Why::Woken, 400);
    policy.ready(0, Why::Preempted, 400);
    let again = policy.choose(400).expect("three are ready");
    assert_eq!((again.child, again.until_ns, again.grant), (0, Some(1_000), Grant::Rest));
    policy.ready(0, Why::Preempted, 1_000);
    let next = policy.choose(1_000).expect("three are ready");
    assert_eq!((next.child, next.until_ns, next.grant), (1, Some(2_000), Grant::Fresh));
}

#[test]
fn without_a_slice_every_preemption_ends_the_turn_and_no_timer_is_asked_for() {
    let mut policy = RoundRobin::new(0);
    policy.ready(0, Why::New, 0);
    policy.ready(1, Why::New, 0);
    for expected in [0, 1, 0, 1] {
        let decision = policy.choose(5).expect("two are ready");
        assert_eq!((decision.child, decision.until_ns), (expected, None));
        assert_eq!(decision.grant, Grant::Fresh);
        policy.ready(decision.child, Why::Preempted, 5);
    }
}
