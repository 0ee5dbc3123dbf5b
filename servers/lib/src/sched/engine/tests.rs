//! The loop against scripted answers of the kernel.

use super::Scheduler;
use crate::environment::Environment;
use crate::policy::{Decision, Grant, PARAMETERS, Policy, Why};
use crate::sched::SLEEP_UNTIL;
use cedo_abi::call::{Call, core as core_call, ipc, thread};
use cedo_abi::read::environment::{begin, length};
use cedo_abi::system::{self, EnvironmentChild, EnvironmentGrant, grant, name, thread_flag};
use cedo_abi::write::Sink;
use cedo_abi::{Label, REGISTER_WORDS, Status, Tag, notice};
use cedo_rt::ThisThread;
use cedo_rt::raw::{Answer, Request, host};
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

mod locks;

const CORE_SLOT: u32 = 5;
/// Chosen children run for so long.
const SLICE_NS: u64 = 1000;

/// First come, first served; remembers what it heard.
#[derive(Default)]
struct Fifo {
    ready: Vec<usize>,
    heard: Vec<(usize, Option<Why>)>,
    admitted: Vec<(usize, u64)>,
}

impl Policy for Fifo {
    fn admit(&mut self, child: usize, parameters: &[u64; PARAMETERS]) {
        self.admitted.push((child, parameters[0]));
    }

    fn ready(&mut self, child: usize, why: Why, _now_ns: u64) {
        self.heard.push((child, Some(why)));
        self.ready.retain(|other| *other != child);
        self.ready.push(child);
    }

    fn blocked(&mut self, child: usize) {
        self.heard.push((child, None));
        self.ready.retain(|other| *other != child);
    }

    fn choose(&mut self, now_ns: u64) -> Option<Decision> {
        let child = (!self.ready.is_empty()).then(|| self.ready.remove(0))?;
        Some(Decision { child, until_ns: Some(now_ns + SLICE_NS), grant: Grant::Rest })
    }
}

/// The environment of a scheduler with two children.
fn environment(flags: u32, protocol: u64) -> Environment {
    let mut bytes = vec![0; length(1, 2)];
    let mut sink = Sink::new(&mut bytes);
    let fixed = system::Environment {
        magic: 0,
        length: 0,
        system: name("tests"),
        space: name("schedulers"),
        name: name("root"),
        thread: 0,
        core: 0,
        cores: 1,
        flags,
        grants: 1,
        children: 2,
        protocol: protocol as u32,
        first_free_slot: 9,
        parameters: [0; PARAMETERS],
    };
    begin(&fixed, &mut sink).expect("fits");
    let core = EnvironmentGrant {
        name: name("core"),
        slot: CORE_SLOT,
        kind: grant::CORE,
        address: 0,
        count: 0,
    };
    sink.record(&core).expect("fits");
    for cookie in 1..=2 {
        let parameters = [10 * cookie, 0, 0, 0];
        let child = EnvironmentChild { name: name("child"), cookie, flags: 0, parameters };
        sink.record(&child).expect("fits");
    }
    Environment::of(&ThisThread::for_tests(Box::leak(bytes.into_boxed_slice())))
}

fn token(number: u64) -> u64 {
    1 << 63 | number
}

/// What the kernel answers with a message about the child with `cookie`.
fn about(status: Status, event: u64, label: Label, cookie: u64, reply: u64) -> Answer {
    Answer {
        result: event << 16 | status as u64,
        badge: cookie,
        token: reply,
        tag: Tag::of_kernel(label, notice::WORDS).0,
        words: [0; REGISTER_WORDS],
    }
}

/// Runs `steps` steps of a root over the script; returns the calls it made.
fn run(
    policy: &mut Fifo,
    environment: &Environment,
    script: &[Answer],
    steps: usize,
) -> Vec<Request> {
    script.iter().for_each(|answer| host::answer(*answer));
    let mut scheduler = Scheduler::new(environment, policy);
    host::take_calls();
    (0..steps).for_each(|_| scheduler.step());
    host::take_calls()
}

fn root(protocol: u64) -> Environment {
    environment(thread_flag::ROOT | thread_flag::SCHEDULER, protocol)
}

#[test]
fn a_ready_child_is_dispatched_with_its_token_the_event_seen_and_the_deadline() {
    host::set_counter(500);
    let mut policy = Fifo::default();
    let script = [
        about(Status::Ok, 7, Label::New, 1, token(11)),
        about(Status::Ok, 8, Label::Preempted, 1, token(12)),
    ];
    let calls = run(&mut policy, &root(core_call::DIRECT), &script, 2);
    assert_eq!(policy.admitted, [(0, 10), (1, 20)]);
    assert_eq!(calls[0].operation & 0xffff, Call::Core as u64 | u64::from(core_call::IDLE) << 8);
    assert_eq!(calls[0].to, u64::from(CORE_SLOT));
    let flags = ipc::SEND | ipc::RECEIVE | ipc::DEADLINE;
    assert_eq!((calls[1].operation, calls[1].to), (Call::Ipc as u64 | flags, token(11)));
    assert_eq!(calls[1].words[..2], [7, 500 + SLICE_NS]);
    assert_eq!(policy.heard, [(0, Some(Why::New)), (0, Some(Why::Preempted))]);
}

#[test]
fn a_quiet_root_asks_to_be_told_only_where_there_is_something_to_decide() {
    let flags = thread_flag::ROOT | thread_flag::SCHEDULER | thread_flag::QUIET;
    let script =
        [about(Status::Ok, 0, Label::Idle, 0, 0), about(Status::Ok, 1, Label::New, 1, token(11))];
    script.iter().for_each(|answer| host::answer(*answer));
    let mut policy = Fifo::default();
    let quiet = environment(flags, core_call::DIRECT);
    let mut scheduler = Scheduler::new(&quiet, &mut policy);
    scheduler.step();
    let calls = host::take_calls();
    let call = |sub_operation: u8| Call::Core as u64 | u64::from(sub_operation) << 8;
    let options = core_call::ON_EMPTY_HALT | core_call::RUN_WOKEN;
    assert_eq!(calls[0].operation, call(core_call::SET_OPTIONS));
    assert_eq!((calls[0].to, calls[0].words[0]), (u64::from(CORE_SLOT), options));
    assert_eq!(calls[1].operation, call(core_call::IDLE) | core_call::RUN_WOKEN);
}

#[test]
fn news_consumes_nothing_and_a_stale_token_blocks_the_child() {
    let mut policy = Fifo::default();
    let script = [
        about(Status::Ok, 1, Label::New, 1, token(11)),
        about(Status::News, 2, Label::Woken, 2, token(21)),
        about(Status::Stale, 0, Label::Idle, 0, 0),
        about(Status::Ok, 3, Label::Blocked, 2, 0),
    ];
    let calls = run(&mut policy, &root(core_call::DIRECT), &script, 4);
    let targets: Vec<u64> = calls[1..].iter().map(|call| call.to).collect();
    assert_eq!(targets, [token(11), token(11), token(21)]);
    let heard = [
        (0, Some(Why::New)),
        (0, Some(Why::Preempted)),
        (1, Some(Why::Woken)),
        (0, None),
        (1, None),
    ];
    assert_eq!(policy.heard, heard);
}

#[test]
fn one_message_may_bring_two_children() {
    let mut policy = Fifo::default();
    let mut both = about(Status::Ok, 2, Label::Preempted, 1, token(12));
    both.words[notice::PREEMPTER] = 2;
    both.words[notice::PREEMPTER_TOKEN] = token(21);
    let script = [about(Status::Ok, 1, Label::New, 1, token(11)), both];
    run(&mut policy, &root(core_call::DIRECT), &script, 2);
    assert_eq!(policy.heard[1..], [(0, Some(Why::Preempted)), (1, Some(Why::Woken))]);
}

#[test]
fn in_chain_mode_a_second_message_is_looked_for() {
    let mut policy = Fifo::default();
    let script = [
        about(Status::Ok, 1, Label::New, 1, token(11)),
        about(Status::Ok, 2, Label::Preempted, 1, token(12)),
        about(Status::Ok, 3, Label::Preempted, 2, token(21)),
    ];
    let calls = run(&mut policy, &root(core_call::CHAIN), &script, 2);
    let receive = Call::Ipc as u64 | ipc::RECEIVE | ipc::RECEIVE_ZERO;
    assert_eq!((calls.len(), calls[2].operation), (3, receive));
    assert_eq!(policy.heard[1..], [(0, Some(Why::Preempted)), (1, Some(Why::Preempted))]);
}

#[test]
fn a_deadline_brings_the_child_it_interrupted() {
    let mut policy = Fifo::default();
    let mut timer = about(Status::Ok, 2, Label::Irq, 0, 0);
    timer.words[notice::IRQ_LINE] = notice::LINE_TIMER;
    timer.words[notice::IRQ_CHILD] = 1;
    timer.words[notice::IRQ_CHILD_TOKEN] = token(12);
    let script = [about(Status::Ok, 1, Label::New, 1, token(11)), timer];
    let calls = run(&mut policy, &root(core_call::DIRECT), &script, 2);
    assert_eq!(calls.len(), 2, "a deadline is not acknowledged");
    assert_eq!(policy.heard[1..], [(0, Some(Why::Preempted))]);
}

#[test]
fn a_caller_sleeps_until_its_time_and_not_longer() {
    host::set_counter(100);
    let mut policy = Fifo::default();
    let environment = root(core_call::DIRECT);
    let mut scheduler = Scheduler::new(&environment, &mut policy);
    host::take_calls();
    let mut call = about(Status::Ok, 1, Label::Idle, 0, token(31));
    call.tag = Tag::new(SLEEP_UNTIL, 1).0;
    call.words[0] = 900;
    host::answer(call);
    scheduler.step();
    host::set_counter(899);
    host::answer(about(Status::Ok, 2, Label::Kick, 0, 0));
    scheduler.step();
    host::set_counter(900);
    host::answer(about(Status::Ok, 3, Label::Kick, 0, 0));
    scheduler.step();
    let calls = host::take_calls();
    assert_eq!(calls[1].words[1], 900, "the core sleeps until then");
    assert_eq!(calls.len(), 3, "nobody is answered too early");
    scheduler.step();
    let calls = host::take_calls();
    assert_eq!((calls[0].to, calls[0].words[0]), (token(31), 900));
    assert_eq!(calls[0].operation, Call::Ipc as u64 | ipc::SEND | ipc::SEND_ZERO);
}

#[test]
fn an_unknown_child_is_adopted_under_a_cookie_of_its_own() {
    let mut policy = Fifo::default();
    let script = [about(Status::Ok, 1, Label::New, 0, token(41))];
    let calls = run(&mut policy, &root(core_call::DIRECT), &script, 1);
    let set_cookie = Call::Thread as u64 | u64::from(thread::SET_COOKIE) << 8;
    assert_eq!(calls[1].operation, set_cookie);
    assert_eq!((calls[1].from, calls[1].words[0]), (token(41), 3));
    assert_eq!(policy.admitted[2], (2, u64::MAX));
    assert_eq!(policy.heard, [(2, Some(Why::New))]);
}

#[test]
fn a_nested_scheduler_waits_and_sets_no_deadline() {
    let mut policy = Fifo::default();
    let environment = environment(thread_flag::SCHEDULER, core_call::DIRECT);
    // The first answer is to the options it sets.
    let script = [
        Answer::default(),
        about(Status::Ok, 1, Label::New, 2, token(21)),
        about(Status::Ok, 2, Label::Yielded, 2, token(22)),
    ];
    let calls = run(&mut policy, &environment, &script, 2);
    assert_eq!(calls[0].operation, Call::Ipc as u64 | ipc::RECEIVE);
    assert_eq!(calls[1].operation, Call::Ipc as u64 | ipc::SEND | ipc::RECEIVE);
    assert_eq!(policy.heard, [(1, Some(Why::New)), (1, Some(Why::Yielded))]);
}
