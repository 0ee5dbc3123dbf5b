//! Children that wait for locks.

use super::{Fifo, about, host, root, token};
use crate::ipc::Message;
use crate::policy::Why;
use crate::sched::engine::Scheduler;
use crate::sched::{DEADLOCK, DONE, HOLDER_STOPPED, LATE, LEVEL, LOOK, REFUSED, RELEASE, WAIT};
use cedo_abi::call::core::DIRECT;
use cedo_abi::{Label, Status, Tag};
use cedo_rt::raw::{Answer, Request};
use std::vec::Vec;

const LOCK: u64 = 0x1000;
const UNTIL_NS: u64 = 5000;

/// Children as the kernel knows them: `LOW` holds the lock that `HIGH` wants.
const LOW: u64 = 1;
const HIGH: u64 = 2;

/// A call of a child.
fn call(child: u64, label: u32, words: [u64; 3], reply: u64) -> Answer {
    let mut call = about(Status::Ok, 1, Label::Idle, child, token(reply));
    call.tag = Tag::new(label, 3).0;
    call.words[..3].copy_from_slice(&words);
    call
}

fn ready(child: u64, label: Label, reply: u64) -> Answer {
    about(Status::Ok, 1, label, child, token(reply))
}

/// One step of the loop: the calls it makes, of which these are the answers.
fn step(scheduler: &mut Scheduler<'_, Fifo>, answers: &[Answer]) -> Vec<Request> {
    answers.iter().for_each(|answer| host::answer(*answer));
    scheduler.step();
    host::take_calls()
}

fn replies(calls: &[Request]) -> Vec<(u64, u32)> {
    calls.iter().map(|call| (call.to, Tag(call.tag).label())).collect()
}

/// `HIGH` has looked, and waits with token 40 until [`UNTIL_NS`]; `LOW` is ready with token 12.
fn high_waits<'a>(policy: &'a mut Fifo, environment: &crate::Environment) -> Scheduler<'a, Fifo> {
    host::set_counter(0);
    let mut scheduler = Scheduler::new(environment, policy);
    host::take_calls();
    step(&mut scheduler, &[ready(HIGH, Label::New, 21)]);
    let look = call(HIGH, LOOK, [LOCK, 0, 0], 30);
    let calls = step(&mut scheduler, &[look, Answer::default()]);
    assert_eq!(replies(&calls)[1..], [(token(30), DONE)]);
    step(&mut scheduler, &[ready(HIGH, Label::Woken, 22)]);
    let mut wait = call(HIGH, WAIT, [LOCK, LOW, UNTIL_NS], 40);
    wait.result = 1 << 16 | Status::Ok as u64;
    let calls = step(&mut scheduler, &[wait]);
    assert_eq!(calls.len(), 1, "who waits is not answered");
    step(&mut scheduler, &[ready(LOW, Label::New, 12)]);
    scheduler
}

#[test]
fn a_turn_of_who_waits_is_the_holders() {
    let (mut policy, environment) = (Fifo::default(), root(DIRECT));
    let mut scheduler = high_waits(&mut policy, &environment);
    assert_eq!(scheduler.policy.ready, [0, 1], "both can run when the holder can");
    let calls = step(&mut scheduler, &[ready(LOW, Label::Yielded, 13)]);
    assert_eq!(calls[0].to, token(12), "its own turn");
    assert_eq!(scheduler.policy.ready, [1, 0]);
    let calls = step(&mut scheduler, &[ready(LOW, Label::Preempted, 14)]);
    assert_eq!(calls[0].to, token(13), "a turn that was lent");
    assert_eq!(scheduler.policy.ready, [0, 1], "the holder's own turn is where it was");
    assert_eq!(scheduler.policy.heard.last(), Some(&(1, Some(Why::Preempted))));
}

#[test]
fn a_release_wakes_who_waits_and_ends_the_lending() {
    let (mut policy, environment) = (Fifo::default(), root(DIRECT));
    let mut scheduler = high_waits(&mut policy, &environment);
    let release = call(LOW, RELEASE, [LOCK, 0, 0], 50);
    let calls = step(&mut scheduler, &[release, Answer::default(), Answer::default()]);
    assert_eq!(replies(&calls)[1..], [(token(40), DONE), (token(50), DONE)]);
    assert_eq!(calls[2].words[0], 1, "one was woken");
    assert_eq!(scheduler.policy.ready, []);
    step(&mut scheduler, &[ready(LOW, Label::Woken, 15)]);
    assert_eq!(scheduler.policy.ready, [0], "nothing is lent any more");
    step(&mut scheduler, &[about(Status::News, 1, Label::Woken, HIGH, token(25))]);
    assert_eq!(scheduler.policy.ready, [0, 1]);
}

#[test]
fn a_wait_ends_at_its_time_and_the_core_is_set_to_it() {
    let (mut policy, environment) = (Fifo::default(), root(DIRECT));
    let mut scheduler = high_waits(&mut policy, &environment);
    host::set_counter(UNTIL_NS - 10);
    step(&mut scheduler, &[ready(LOW, Label::Yielded, 13)]);
    let calls = step(&mut scheduler, &[ready(LOW, Label::Yielded, 14)]);
    assert_eq!(calls[0].words[1], UNTIL_NS, "earlier than the end of the turn");
    host::set_counter(UNTIL_NS);
    step(&mut scheduler, &[ready(LOW, Label::Preempted, 15)]);
    let calls = step(&mut scheduler, &[Answer::default(), ready(LOW, Label::Preempted, 16)]);
    assert_eq!(replies(&calls)[0], (token(40), LATE));
    assert_eq!(scheduler.lending.stands_in(1), 1);
}

#[test]
fn a_holder_that_a_fault_stops_is_waited_for_by_nobody() {
    let (mut policy, environment) = (Fifo::default(), root(DIRECT));
    let mut scheduler = high_waits(&mut policy, &environment);
    let fault = about(Status::Ok, 1, Label::Fault, LOW, 0);
    let calls = step(&mut scheduler, &[fault, Answer::default()]);
    assert_eq!(replies(&calls)[1..], [(token(40), HOLDER_STOPPED)]);
    assert_eq!(scheduler.policy.ready, []);
    step(&mut scheduler, &[ready(HIGH, Label::Woken, 23)]);
    let look = call(HIGH, LOOK, [LOCK, 0, 0], 31);
    step(&mut scheduler, &[look, Answer::default()]);
    step(&mut scheduler, &[ready(HIGH, Label::Woken, 24)]);
    let again = call(HIGH, WAIT, [LOCK, LOW, UNTIL_NS], 41);
    let calls = step(&mut scheduler, &[again, Answer::default()]);
    assert_eq!(replies(&calls)[1..], [(token(41), HOLDER_STOPPED)]);
}

#[test]
fn a_holder_that_waits_for_something_else_has_no_use_for_turns() {
    let (mut policy, environment) = (Fifo::default(), root(DIRECT));
    let mut scheduler = high_waits(&mut policy, &environment);
    step(&mut scheduler, &[about(Status::Ok, 1, Label::Blocked, LOW, 0)]);
    let calls = step(&mut scheduler, &[about(Status::Ok, 1, Label::Idle, 0, 0)]);
    assert_eq!(calls, [], "the turn of who waits ends at once");
    let calls = step(&mut scheduler, &[]);
    assert_eq!(calls[0].words[1], UNTIL_NS, "the core idles until the wait ends");
    step(&mut scheduler, &[ready(LOW, Label::Woken, 17)]);
    let mut ready = scheduler.policy.ready.clone();
    ready.sort_unstable();
    assert_eq!(ready, [0, 1], "both can run again");
}

#[test]
fn who_is_stopped_while_it_waits_lends_nothing_any_more() {
    let (mut policy, environment) = (Fifo::default(), root(DIRECT));
    let mut scheduler = high_waits(&mut policy, &environment);
    step(&mut scheduler, &[ready(HIGH, Label::Woken, 26)]);
    assert_eq!(scheduler.lending.stands_in(1), 1, "its wait was cancelled");
}

#[test]
fn circles_and_unknown_holders_and_levels_are_refused() {
    let (mut policy, environment) = (Fifo::default(), root(DIRECT));
    let mut scheduler = high_waits(&mut policy, &environment);
    let look = call(LOW, LOOK, [LOCK + 1, 0, 0], 60);
    step(&mut scheduler, &[look, Answer::default()]);
    for (asked, label) in [
        (call(LOW, WAIT, [LOCK + 1, HIGH, UNTIL_NS], 61), DEADLOCK),
        (call(LOW, WAIT, [LOCK + 1, 77, UNTIL_NS], 62), REFUSED),
        (call(LOW, LEVEL, [3, 0, 0], 63), REFUSED),
    ] {
        scheduler.take_in(&Message::of(asked));
        assert_eq!(replies(&host::take_calls()), [(asked.token, label)]);
    }
}
