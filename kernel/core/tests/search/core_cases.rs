//! The systems of two cores that are searched: on each a root and two threads, or a scheduler between.
//!
//! ```text
//! core 0: R        core 1: Q
//!        / \              / \
//!       A   B            V   W
//! ```

use crate::explore::Case;
use crate::operation::{Step, Timeout, Winner};
use crate::program::{Line, Programs};
use crate::system::Plan;

const R: usize = 0;
const A: usize = 1;
const B: usize = 2;
const Q: usize = 3;
const V: usize = 4;
const W: usize = 5;
const SELF: Winner = Winner::Oneself;

fn case(name: &'static str, started: &[usize], lines: [&[Line]; 4]) -> Case {
    let names = ["R", "A", "B", "Q", "V", "W"];
    let plan = Plan {
        homes: vec![0, 0, 0, 1, 1, 1],
        started: started.to_vec(),
        ..Plan::new(&names, &[R, R, R, Q, Q, Q])
    };
    let [a, b, v, w] = lines.map(<[Line]>::to_vec);
    let programs = Programs {
        lines: vec![Vec::new(), a, b, Vec::new(), v, w],
        schedulers: vec![R, Q],
        lazy: false,
        timer: false,
        edges: false,
        rich_schedulers: false,
    };
    Case { name, plan, programs, limit: usize::MAX }
}

fn send(to: usize, winner: Winner) -> Line {
    Line::Do(Step::Send(to as u8, winner, Timeout::Never))
}

fn send_now(to: usize) -> Line {
    Line::Do(Step::Send(to as u8, SELF, Timeout::Zero))
}

fn call(to: usize) -> Line {
    Line::Do(Step::Call(to as u8))
}

fn receive_from(from: usize) -> Line {
    Line::Do(Step::ReceiveFrom(from as u8, Timeout::Never))
}

fn on(step: fn(u8) -> Step, thread: usize) -> Line {
    Line::Do(step(thread as u8))
}

fn resume(thread: usize) -> Line {
    Line::Do(Step::Resume(thread as u8, SELF))
}

/// Calls and sends in both directions, also to one who is in a call itself.
pub fn talk() -> Case {
    let a = [call(V), send(V, SELF), Line::Wait, send_now(V)];
    let b = [Line::Wait, Line::ReplyAndWait(SELF), call(W)];
    let v = [Line::Wait, Line::WaitOwing, Line::ReplyAndWait(SELF), Line::Reply(SELF), call(B)];
    let w = [Line::Wait, Line::ReplyAndWait(SELF), send(A, SELF)];
    case("talk", &[A, B, W], [&a, &b, &v, &w])
}

/// Receives from one partner only, which is on the other core.
pub fn closed() -> Case {
    let receive_now = Line::Do(Step::ReceiveFrom(V as u8, Timeout::Zero));
    let a = [receive_from(V), receive_now, Line::Do(Step::SendAndReceive(V as u8, Some(V as u8)))];
    let b = [send(V, SELF), Line::Wait];
    let v = [
        Line::Wait,
        send(A, SELF),
        receive_from(B),
        send_now(A),
        Line::ReplyAndReceiveFrom(A as u8),
    ];
    let w = [send(A, SELF), Line::Wait];
    case("closed", &[A, B, V], [&a, &b, &v, &w])
}

/// A thread of one core is aborted, stopped and started by both while it talks to the other.
pub fn stops() -> Case {
    let a = [call(V), send(V, SELF), receive_from(V), Line::Wait];
    let b = [on(Step::Abort, A), Line::Wait, on(Step::Suspend, V), resume(V)];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), send(A, SELF)];
    let w = [on(Step::Abort, A), on(Step::Suspend, A), resume(A), Line::Wait];
    case("stops", &[A, B, W], [&a, &b, &v, &w])
}

/// The same, and it is sent elsewhere by both, with new registers.
pub fn writes() -> Case {
    let a = [call(V), receive_from(V), Line::Wait];
    let b = [on(Step::Write, A), Line::Wait, on(Step::Suspend, A)];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), send(A, SELF)];
    let w = [on(Step::Write, A), on(Step::Write, B), resume(A), Line::Wait];
    case("writes", &[A, B, W], [&a, &b, &v, &w])
}

/// Each stops who stops it.
pub fn mutual_stops() -> Case {
    let a = [on(Step::Suspend, W), resume(W), on(Step::Abort, W), Line::Wait];
    let b = [on(Step::Suspend, A), resume(A), on(Step::Abort, A), call(V)];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), on(Step::Suspend, B), resume(B)];
    let w = [on(Step::Suspend, A), resume(A), on(Step::Abort, B), Line::Wait];
    case("mutual stops", &[A, B, W], [&a, &b, &v, &w])
}

/// Who calls, and who is called, is destroyed from either core.
pub fn deaths() -> Case {
    let a = [call(V), send(V, SELF), receive_from(V), Line::Wait];
    let b = [on(Step::Destroy, V), on(Step::Destroy, A), call(W), Line::Wait];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), send(A, SELF), call(B)];
    let w = [on(Step::Destroy, A), on(Step::Destroy, V), Line::Wait, Line::ReplyAndWait(SELF)];
    case("deaths", &[A, B, W], [&a, &b, &v, &w])
}

/// A server below a scheduler destroys the client on whose time it works, which takes the other core.
pub fn ungrateful() -> Case {
    let (s, a, b) = (A, B, 3);
    let client = [call(b), Line::Wait];
    let server = [Line::Wait, Line::ReplyAndWait(SELF), on(Step::Destroy, a), on(Step::Suspend, a)];
    let w = [send(b, SELF), on(Step::Abort, a), resume(a), Line::Wait];
    let mut case = case("ungrateful", &[a, W], [&[], &client, &[], &w]);
    case.plan.names = vec!["R", "S", "A", "B", "Q", "W"];
    case.plan.parent = vec![R, R, R, s, 4, 4];
    case.plan.homes = vec![0, 0, 0, 0, 1, 1];
    case.programs.schedulers = vec![R, s, 4];
    case.programs.lines[b] = server.to_vec();
    case
}

/// Each core has a handler that tells the other, and deadlines.
pub fn interrupts() -> Case {
    let a = [Line::Wait, call(V)];
    let b = [Line::Wait, send(V, SELF)];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), Line::Do(Step::Yield)];
    let w = [Line::Wait, send(A, SELF), call(A)];
    let mut case = case("interrupts", &[A], [&a, &b, &v, &w]);
    case.plan.lines = vec![B, W];
    case.programs.timer = true;
    case
}

/// A server of one core passes calls on to one of each core.
pub fn forwards() -> Case {
    let a = [call(V), Line::Wait];
    let b = [Line::Wait, Line::ReplyAndWait(SELF), on(Step::Abort, A)];
    let v = [
        Line::Wait,
        Line::WaitOwing,
        Line::Forward(B as u8, true),
        Line::Forward(W as u8, true),
        Line::Forward(B as u8, false),
    ];
    let w = [
        Line::Wait,
        Line::ReplyAndWait(SELF),
        Line::Forward(B as u8, true),
        on(Step::Suspend, A),
        resume(A),
    ];
    case("forwards", &[A, W], [&a, &b, &v, &w])
}

/// The handler of faults is on the other core, and is stopped.
pub fn faults() -> Case {
    let a = [Line::Do(Step::Fault), call(V), Line::Wait];
    let b = [on(Step::Abort, A), on(Step::Suspend, A), resume(A), Line::Wait];
    let v =
        [Line::Wait, Line::ReplyAndWait(SELF), Line::Forward(W as u8, true), Line::Do(Step::Fault)];
    let w = [Line::Wait, Line::ReplyAndWait(SELF), on(Step::Suspend, V), resume(V)];
    let mut case = case("faults", &[A, B], [&a, &b, &v, &w]);
    case.plan.fault_handlers = vec![(A, V), (V, B)];
    case
}

/// The handler of faults is on the other core, and calls and sends to who makes them.
pub fn fault_circle() -> Case {
    let a = [Line::Do(Step::Fault), Line::Wait, Line::ReplyAndWait(SELF)];
    let b = [resume(A), Line::Wait];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), call(A), send(A, SELF)];
    let mut case = case("fault circle", &[A, B, V], [&a, &b, &v, &[]]);
    case.plan.fault_handlers = vec![(A, V)];
    case
}

/// A thread is stopped and moved to and fro by both cores, while others talk to it, abort and start it.
pub fn migrates() -> Case {
    let move_to = |scheduler: usize| Line::Do(Step::Migrate(A as u8, scheduler as u8));
    let a = [call(V), Line::Wait];
    let b = [on(Step::Suspend, A), move_to(Q), resume(A), send(A, SELF)];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), send(A, SELF), receive_from(A)];
    let w = [on(Step::Suspend, A), move_to(R), resume(A), on(Step::Abort, A), Line::Wait];
    case("migrates", &[A, B, W], [&a, &b, &v, &w])
}

/// The same, and it is called and destroyed on the way.
pub fn migrates_and_ends() -> Case {
    let move_to = |scheduler: usize| Line::Do(Step::Migrate(A as u8, scheduler as u8));
    let a = [Line::Wait, Line::ReplyAndWait(SELF)];
    let b = [on(Step::Suspend, A), move_to(Q), call(A), on(Step::Destroy, A)];
    let v = [call(A), receive_from(A), Line::Wait];
    let w = [move_to(R), resume(A), on(Step::Destroy, A), Line::Wait];
    case("migrates and ends", &[A, B, W], [&a, &b, &v, &w])
}

/// R over S over A; the other core stops S and calls it.
pub fn schedulers() -> Case {
    let (s, a) = (A, B);
    let below = [call(V), Line::Wait, send(V, SELF)];
    let v = [Line::Wait, Line::ReplyAndWait(SELF), call(s)];
    let w = [on(Step::Suspend, s), resume(s), on(Step::Abort, s), send(s, SELF), Line::Wait];
    let mut case = case("schedulers", &[a, W], [&[], &below, &v, &w]);
    case.plan.names = vec!["R", "S", "A", "Q", "V", "W"];
    case.plan.parent = vec![R, R, s, Q, Q, Q];
    case.programs.schedulers = vec![R, s, Q];
    case
}

/// R over S over A and B, Q over T over V and W, handlers on both cores, and all winners: for long
/// searches.
pub fn tiers() -> Case {
    let (s, a, b, t, v, w) = (1, 2, 3, 5, 6, 7);
    let client = [
        call(v),
        Line::Wait,
        send(v, Winner::SendPartner),
        send(w, Winner::Scheduler),
        Line::Do(Step::CallWithoutDonation(v as u8)),
        Line::Do(Step::Yield),
    ];
    let other = [Line::Wait, Line::ReplyAndWait(SELF), call(w), call(a), on(Step::Abort, a)];
    let server = [
        Line::Wait,
        Line::WaitOwing,
        Line::ReplyAndWait(SELF),
        Line::Reply(Winner::SendPartner),
        Line::Forward(w as u8, true),
        call(s),
    ];
    let second = [
        Line::Wait,
        Line::ReplyAndWait(SELF),
        send(a, SELF),
        on(Step::Suspend, s),
        resume(s),
        on(Step::Destroy, b),
    ];
    let mut case = case("tiers", &[], [&[], &[], &[], &[]]);
    case.plan.names = vec!["R", "S", "A", "B", "Q", "T", "V", "W"];
    case.plan.parent = vec![R, R, s, s, 4, 4, t, t];
    case.plan.homes = vec![0, 0, 0, 0, 1, 1, 1, 1];
    case.plan.started = vec![a, b];
    case.plan.lines = vec![b, w];
    case.programs.schedulers = vec![R, s, 4, t];
    case.programs.lines = vec![Vec::new(); 8];
    for (thread, lines) in [(a, &client[..]), (b, &other), (v, &server), (w, &second)] {
        case.programs.lines[thread] = lines.to_vec();
    }
    case
}
