//! The fixed-priority policy against a plain model and random histories.

use crate::policy::{FixedPriority, PRIORITIES};
use cedo_lib::abi::system::parameter;
use cedo_lib::policy::{CHILDREN, Grant, PARAMETERS, Policy, Why};
use cedo_lib::trial::{Dice, Trial};

const SLICE_NS: u64 = 1_000;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

fn admit(policy: &mut FixedPriority, child: usize, priority: u64) {
    let mut parameters = [0; PARAMETERS];
    parameters[parameter::PRIORITY] = priority;
    policy.admit(child, &parameters);
}

#[test]
fn the_chosen_child_is_ready_and_none_ready_is_more_urgent_under_any_history() {
    for slice_ns in [0, SLICE_NS] {
        let mut dice = Dice::new(SEED ^ slice_ns);
        let mut policy = FixedPriority::new(slice_ns, 0);
        let mut priority = [0; CHILDREN];
        for (child, priority) in priority.iter_mut().enumerate() {
            *priority = dice.below(PRIORITIES as u64);
            admit(&mut policy, child, *priority);
        }
        let mut trial = Trial::new(policy);
        for _ in 0..100_000 {
            trial.step(&mut dice);
            // More than the loop promises not to do: a child that is ready becomes ready.
            let child = dice.child();
            if dice.below(8) == 0 && !trial.runs(child) {
                trial.make_ready(child, Why::Woken);
            }
            let highest = trial.ready().map(|child| priority[child]).max();
            if let Some(decision) = trial.choose_if_nobody_runs() {
                assert_eq!(Some(priority[decision.child]), highest);
            }
        }
    }
}

#[test]
fn without_a_slice_equals_run_in_the_order_in_which_they_came() {
    let mut policy = FixedPriority::new(0, 0);
    for child in 0..4 {
        admit(&mut policy, child, 7);
        policy.ready(child, Why::New, 0);
    }
    for expected in 0..4 {
        for now_ns in 0..50 {
            let decision = policy.choose(now_ns).expect("some are ready");
            assert_eq!((decision.child, decision.until_ns), (expected, None));
            policy.ready(expected, Why::Preempted, now_ns);
        }
        assert_eq!(policy.choose(50).map(|decision| decision.child), Some(expected));
        policy.blocked(expected);
    }
    assert_eq!(policy.choose(50), None);
}

#[test]
fn with_a_slice_equals_take_turns() {
    let mut policy = FixedPriority::new(SLICE_NS, 0);
    (0..3).for_each(|child| admit(&mut policy, child, 7));
    (0..3).for_each(|child| policy.ready(child, Why::New, 0));
    let mut now_ns = 0;
    for round in 0..30 {
        let decision = policy.choose(now_ns).expect("all are ready");
        assert_eq!(decision.child, round % 3);
        assert_eq!(decision.until_ns, Some(now_ns + SLICE_NS));
        now_ns += SLICE_NS;
        policy.ready(decision.child, Why::Preempted, now_ns);
    }
}

#[test]
fn a_more_urgent_child_interrupts_a_turn_which_then_goes_on() {
    let mut policy = FixedPriority::new(SLICE_NS, 0);
    admit(&mut policy, 0, 1);
    admit(&mut policy, 1, 1);
    admit(&mut policy, 2, 9);
    policy.ready(0, Why::New, 0);
    policy.ready(1, Why::New, 0);
    assert_eq!(policy.choose(0).map(|decision| decision.child), Some(0));
    policy.ready(0, Why::Preempted, 300);
    policy.ready(2, Why::Woken, 300);
    assert_eq!(policy.choose(300).map(|decision| decision.child), Some(2));
    policy.blocked(2);
    let again = policy.choose(400).expect("two are ready");
    assert_eq!((again.child, again.until_ns, again.grant), (0, Some(SLICE_NS), Grant::Rest));
}

#[test]
fn a_priority_too_high_means_the_highest() {
    let mut policy = FixedPriority::new(0, 0);
    admit(&mut policy, 0, PRIORITIES as u64 - 2);
    admit(&mut policy, 1, u64::MAX);
    policy.ready(0, Why::New, 0);
    policy.ready(1, Why::New, 0);
    assert_eq!(policy.choose(0).map(|decision| decision.child), Some(1));
}

#[test]
fn a_child_with_a_slice_of_its_own_makes_room_for_equals_that_have_none() {
    let mut policy = FixedPriority::new(0, 0);
    let mut parameters = [0; PARAMETERS];
    parameters[parameter::SLICE_NS] = SLICE_NS;
    policy.admit(0, &parameters);
    policy.ready(0, Why::New, 0);
    policy.ready(1, Why::New, 0);
    let first = policy.choose(0).expect("two are ready");
    assert_eq!((first.child, first.until_ns), (0, Some(SLICE_NS)));
    policy.ready(0, Why::Preempted, SLICE_NS);
    let second = policy.choose(SLICE_NS).expect("two are ready");
    assert_eq!((second.child, second.until_ns), (1, None));
}

#[test]
fn a_child_is_as_urgent_as_the_level_it_asked_for_and_no_longer_than_it_did() {
    let mut policy = FixedPriority::new(0, 9);
    for (child, priority) in [(0, 1), (1, 5), (2, 9)] {
        admit(&mut policy, child, priority);
        policy.ready(child, Why::New, 0);
    }
    let order = |policy: &mut FixedPriority| {
        let order = [(); 3].map(|()| policy.choose(0).map(|decision| decision.child));
        (0..3).for_each(|child| policy.ready(child, Why::Woken, 0));
        order
    };
    assert_eq!(order(&mut policy), [Some(2), Some(1), Some(0)]);
    policy.blocked(0);
    assert!(policy.set_level(0, 7));
    policy.ready(0, Why::Woken, 0);
    assert_eq!(order(&mut policy), [Some(2), Some(0), Some(1)]);
    policy.blocked(1);
    assert!(policy.set_level(1, 3), "less urgent than its own: nothing changes");
    policy.ready(1, Why::Woken, 0);
    assert_eq!(order(&mut policy), [Some(2), Some(0), Some(1)]);
    assert!(!policy.set_level(0, 10), "more than the scheduler allows");
    policy.blocked(0);
    assert!(policy.set_level(0, 0));
    policy.ready(0, Why::Woken, 0);
    assert_eq!(order(&mut policy), [Some(2), Some(1), Some(0)]);
    assert!(!FixedPriority::new(0, 0).set_level(0, 1), "no child may, unless it is said");
}
