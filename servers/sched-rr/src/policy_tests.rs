//! The round-robin policy against a model and against random histories.

use crate::policy::RoundRobin;
use cedo_lib::policy::{CHILDREN, Grant, Policy, Why};
use cedo_lib::trial::{Dice, Trial};

const SLICE_NS: u64 = 1_000;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

#[test]
fn only_ready_children_are_chosen_under_any_history() {
    for slice_ns in [0, SLICE_NS] {
        let mut dice = Dice::new(SEED ^ slice_ns);
        let mut trial = Trial::new(RoundRobin::new(slice_ns));
        for _ in 0..100_000 {
            trial.step(&mut dice);
            trial.choose_if_nobody_runs();
        }
    }
}

#[test]
fn nobody_waits_longer_than_one_turn_of_every_other_child() {
    let mut dice = Dice::new(7);
    let mut trial = Trial::new(RoundRobin::new(SLICE_NS));
    let mut waiting_since = [0_u64; CHILDREN];
    (0..CHILDREN).for_each(|child| trial.make_ready(child, Why::New));
    for _ in 0..100_000 {
        let child = trial.choose().expect("all can run").child;
        waiting_since[child] = trial.now_ns;
        // An interrupt may come long before the slice ends.
        trial.now_ns += 1 + dice.below(SLICE_NS);
        let yields = dice.below(10) == 0;
        trial.stop_running(Some(if yields { Why::Yielded } else { Why::Preempted }));
        let longest = waiting_since.iter().map(|since| trial.now_ns - since).max();
        assert!(longest <= Some(2 * SLICE_NS * CHILDREN as u64), "a child starves: {longest:?} ns");
    }
}

#[test]
fn children_that_never_wait_get_equal_time() {
    let mut trial = Trial::new(RoundRobin::new(SLICE_NS));
    let mut time_ns = [0_u64; 5];
    (0..5).for_each(|child| trial.make_ready(child, Why::New));
    for _ in 0..5_000 {
        let decision = trial.choose().expect("all can run");
        let until_ns = decision.until_ns.expect("a slice ends");
        time_ns[decision.child] += until_ns - trial.now_ns;
        trial.now_ns = until_ns;
        trial.stop_running(Some(Why::Preempted));
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
