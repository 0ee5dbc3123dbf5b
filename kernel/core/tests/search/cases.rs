//! The systems that are searched.

use crate::explore::Case;
use crate::operation::{Step, Timeout, Winner};
use crate::program::{Line, Programs};
use crate::system::Plan;
use cedo_abi::call::core;
use cedo_core::kernel::Protocol;

const NAMES: [&str; 7] = ["R", "S1", "S2", "A", "B", "V", "H"];
const ROOT: usize = 0;
const S1: usize = 1;
const S2: usize = 2;
const A: usize = 3;
const B: usize = 4;
const V: usize = 5;
const H: usize = 6;
const SELF: Winner = Winner::Oneself;

/// R over S1 over A and B; S2 over V; H under `above`. A and B have been started.
fn plan(above: usize) -> Plan {
    let parent = [ROOT, ROOT, ROOT, S1, S1, S2, above];
    Plan { lines: vec![H], started: vec![A, B], ..Plan::new(&NAMES, &parent) }
}

fn programs(lines: &[(usize, &[Line])]) -> Programs {
    let mut by_thread = vec![Vec::new(); NAMES.len() + 2];
    for (thread, lines) in lines {
        by_thread[*thread] = lines.to_vec();
    }
    let schedulers = vec![ROOT, S1, S2];
    Programs {
        lines: by_thread,
        schedulers,
        lazy: false,
        timer: false,
        edges: false,
        rich_schedulers: false,
    }
}

fn send(to: usize, winner: Winner) -> Line {
    Line::Do(Step::Send(to as u8, winner, Timeout::Never))
}

fn call(to: usize) -> Line {
    Line::Do(Step::Call(to as u8))
}

fn receive_from(from: usize) -> Line {
    Line::Do(Step::ReceiveFrom(from as u8, Timeout::Never))
}

/// A case over the usual tree.
fn case(name: &'static str, above_handler: usize, lines: &[(usize, &[Line])]) -> Case {
    Case { name, plan: plan(above_handler), programs: programs(lines), limit: usize::MAX }
}

/// The rich system: a client that calls, sends and yields, one that calls its grand-scheduler, a
/// server that calls a scheduler, a handler that sends.
pub fn rich(above_handler: usize) -> Case {
    let client =
        [call(V), Line::Wait, send(V, SELF), send(V, Winner::SendPartner), Line::Do(Step::Yield)];
    let other = [Line::Wait, Line::ReplyAndWait(SELF), send(V, Winner::SendPartner), call(S2)];
    let server = [
        Line::Wait,
        Line::WaitOwing,
        Line::ReplyAndWait(SELF),
        Line::Reply(Winner::SendPartner),
        Line::Reply(SELF),
        call(S1),
    ];
    let handler = [Line::Wait, send(B, SELF)];
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    case("rich", above_handler, &lines)
}

/// The handler stops, starts and aborts clients and server; S2 hears interrupts itself.
pub fn stops(above_handler: usize) -> Case {
    let to = |step: fn(u8) -> Step, thread: usize| Line::Do(step(thread as u8));
    let resume = |thread: usize, winner| Line::Do(Step::Resume(thread as u8, winner));
    let client = [call(V), Line::Wait, send(V, Winner::SendPartner), Line::Do(Step::Yield)];
    let other = [Line::Wait, call(S2), call(V), receive_from(V)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF), Line::Reply(SELF), call(S1)];
    let handler = [
        Line::Wait,
        to(Step::Abort, A),
        to(Step::Abort, B),
        to(Step::Suspend, V),
        to(Step::Suspend, A),
        resume(V, SELF),
        resume(A, Winner::SendPartner),
    ];
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    let mut case = case("stops", above_handler, &lines);
    case.plan.lines = vec![H, S2];
    case
}

/// The handler destroys the server, or one that calls it.
pub fn deaths(above_handler: usize, victims: &'static [usize]) -> Case {
    let client = [call(V), Line::Wait];
    let other = [Line::Wait, call(V), call(S2), receive_from(V)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF), Line::Reply(SELF), call(S1)];
    let mut handler = vec![Line::Wait];
    handler.extend(victims.iter().map(|victim| Line::Do(Step::Destroy(*victim as u8))));
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    case("deaths", above_handler, &lines)
}

/// The handler stops, aborts and starts schedulers, those above it too.
pub fn stopped_schedulers(above_handler: usize) -> Case {
    let client = [Line::Wait, call(V), Line::Do(Step::Yield)];
    let other = [Line::Wait, call(S2)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF)];
    let mut handler = vec![Line::Wait];
    for scheduler in [S1, S2] {
        handler.extend([Step::Suspend, Step::Abort].map(|step| Line::Do(step(scheduler as u8))));
        handler.push(Line::Do(Step::Resume(scheduler as u8, SELF)));
    }
    handler.push(Line::Do(Step::Abort(ROOT as u8)));
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    case("stopped schedulers", above_handler, &lines)
}

/// Four levels, of which the handler stops, aborts and destroys those in the middle.
pub fn deep_ends(above_handler: usize) -> Case {
    let (a, b, h) = (5, 6, 8);
    let mut case = deep(above_handler);
    let client = [Line::Wait, call(S1), Line::Do(Step::Yield)];
    let other = [Line::Wait, call(4)];
    let mut handler = vec![Line::Wait];
    for scheduler in [S2, 3] {
        let steps = [Step::Suspend, Step::Abort, Step::Destroy];
        handler.extend(steps.map(|step| Line::Do(step(scheduler as u8))));
        handler.push(Line::Do(Step::Resume(scheduler as u8, SELF)));
    }
    case.name = "deep ends";
    case.programs.lines[a] = client.to_vec();
    case.programs.lines[b] = other.to_vec();
    case.programs.lines[h] = handler;
    case
}

/// A server that many wait for, which the handler stops, starts and destroys.
pub fn crowd(above_handler: usize) -> Case {
    let client = [call(V), Line::Wait];
    let other = [Line::Wait, call(V), receive_from(V)];
    let scheduler = [call(V)];
    let server = [Line::Wait, Line::WaitOwing, Line::ReplyAndWait(SELF), Line::Reply(SELF)];
    let handler = [
        Line::Wait,
        Line::Do(Step::Suspend(V as u8)),
        Line::Do(Step::Resume(V as u8, SELF)),
        Line::Do(Step::Destroy(V as u8)),
    ];
    let lines: [(usize, &[Line]); 5] =
        [(A, &client), (B, &other), (S1, &scheduler), (V, &server), (H, &handler)];
    case("crowd", above_handler, &lines)
}

/// Four levels: R over S1 over S2 over S3 over A and B; R over S4 over V.
pub fn deep(above_handler: usize) -> Case {
    let (a, b, v, h) = (5, 6, 7, 8);
    let client = [call(v), Line::Wait, call(S1), send(v, Winner::SendPartner)];
    let other = [Line::Wait, call(4)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF), Line::Reply(SELF), call(S2)];
    let handler = [Line::Wait, send(b, SELF), Line::Do(Step::Abort(a as u8))];
    let lines: [(usize, &[Line]); 4] = [(a, &client), (b, &other), (v, &server), (h, &handler)];
    let mut case = case("deep", above_handler, &lines);
    case.plan = Plan {
        names: vec!["R", "S1", "S2", "S3", "S4", "A", "B", "V", "H"],
        homes: vec![0; 9],
        parent: vec![ROOT, ROOT, S1, S2, ROOT, 3, 3, 4, above_handler],
        lines: vec![h],
        started: vec![a, b],
        ..plan(ROOT)
    };
    case.programs.schedulers = vec![ROOT, S1, S2, 3, 4];
    case
}

/// Two servers that call each other's clients' servers, killed and stopped by the handler.
pub fn two_servers(above_handler: usize) -> Case {
    let (v, w, h) = (5, 6, 7);
    let client = [call(v), Line::Wait];
    let other = [Line::Wait, call(w), Line::Do(Step::Yield)];
    let first = [Line::Wait, Line::WaitOwing, Line::ReplyAndWait(SELF), call(w)];
    let second = [Line::Wait, Line::WaitOwing, Line::ReplyAndWait(SELF), Line::Reply(SELF)];
    let handler = [
        Line::Wait,
        Line::Do(Step::Destroy(v as u8)),
        Line::Do(Step::Abort(v as u8)),
        Line::Do(Step::Suspend(w as u8)),
        Line::Do(Step::Resume(w as u8, SELF)),
    ];
    let lines: [(usize, &[Line]); 5] =
        [(A, &client), (B, &other), (v, &first), (w, &second), (h, &handler)];
    let mut case = case("two servers", above_handler, &lines);
    case.plan = Plan {
        names: vec!["R", "S1", "S2", "A", "B", "V", "W", "H"],
        homes: vec![0; 8],
        parent: vec![ROOT, ROOT, ROOT, S1, S1, S2, S2, above_handler],
        lines: vec![h],
        ..plan(ROOT)
    };
    case
}

/// A server that passes calls on to a second one, to a scheduler, and to the client's own scheduler.
pub fn forwards(above_handler: usize) -> Case {
    let (v, w, h) = (5, 6, 7);
    let client = [call(v), Line::Wait, Line::Do(Step::Yield)];
    let other = [Line::Wait, Line::Do(Step::CallWithoutDonation(v as u8))];
    let first = [
        Line::Wait,
        Line::WaitOwing,
        Line::Forward(w as u8, true),
        Line::Forward(w as u8, false),
        Line::Forward(S1 as u8, true),
        Line::Forward(S2 as u8, false),
    ];
    let second = [Line::Wait, Line::ReplyAndWait(SELF), Line::Reply(SELF), call(v)];
    let handler = [Line::Wait, Line::Do(Step::Abort(A as u8)), Line::Do(Step::Suspend(w as u8))];
    let lines: [(usize, &[Line]); 5] =
        [(A, &client), (B, &other), (v, &first), (w, &second), (h, &handler)];
    let mut case = case("forwards", above_handler, &lines);
    case.plan = Plan {
        names: vec!["R", "S1", "S2", "A", "B", "V", "W", "H"],
        homes: vec![0; 8],
        parent: vec![ROOT, ROOT, ROOT, S1, S1, S2, S2, above_handler],
        lines: vec![h],
        ..plan(ROOT)
    };
    case
}

/// Schedulers that call servers, receive from one partner only and are stopped: *stuck*.
pub fn stuck(above_handler: usize) -> Case {
    let client = [Line::Wait, call(S2), Line::Do(Step::Yield)];
    let other = [Line::Wait, call(V)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF), Line::Reply(Winner::SendPartner)];
    let scheduler = [call(V), receive_from(V)];
    let handler = [
        Line::Wait,
        send(S1, SELF),
        Line::Do(Step::Suspend(S1 as u8)),
        Line::Do(Step::Resume(S1 as u8, SELF)),
        Line::Do(Step::Abort(S1 as u8)),
    ];
    let lines: [(usize, &[Line]); 5] =
        [(S1, &scheduler), (A, &client), (B, &other), (V, &server), (H, &handler)];
    case("stuck", above_handler, &lines)
}

/// Three levels of schedulers, of which the two lower ones stop: R over S1 over S2 over A and B; R over
/// S3 over V.
pub fn stuck_deep(above_handler: usize) -> Case {
    let (s3, a, b, v, h) = (3, 4, 5, 6, 7);
    let client = [Line::Wait, Line::Do(Step::Yield)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF), Line::Reply(Winner::SendPartner)];
    let scheduler = [call(v)];
    let handler = [
        Line::Wait,
        send(a, SELF),
        Line::Do(Step::Suspend(S1 as u8)),
        Line::Do(Step::Resume(S1 as u8, SELF)),
        Line::Do(Step::Suspend(S2 as u8)),
        Line::Do(Step::Resume(S2 as u8, SELF)),
    ];
    let lines: [(usize, &[Line]); 6] = [
        (S1, &scheduler),
        (S2, &scheduler),
        (a, &client),
        (b, &client),
        (v, &server),
        (h, &handler),
    ];
    let mut case = case("stuck, deep", above_handler, &lines);
    case.plan = Plan {
        names: vec!["R", "S1", "S2", "S3", "A", "B", "V", "H"],
        homes: vec![0; 8],
        parent: vec![ROOT, ROOT, S1, ROOT, S2, S2, s3, above_handler],
        lines: vec![h],
        started: vec![a, b],
        ..plan(ROOT)
    };
    case.programs.schedulers = vec![ROOT, S1, S2, s3];
    case
}

fn adopt(child: usize, scheduler: usize) -> Line {
    Line::Do(Step::Adopt(child as u8, scheduler as u8))
}

/// Three levels of schedulers, of which the lower ones are stopped and get another scheduler, with all
/// that is below them: R over S1 over S2 over A and B; R over S3 over V.
pub fn adopts(above_handler: usize) -> Case {
    let (s3, a, b, v, h) = (3, 4, 5, 6, 7);
    let client = [Line::Wait, call(v)];
    let other = [Line::Wait, Line::Do(Step::Yield)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF)];
    let handler = [
        Line::Wait,
        Line::Do(Step::Suspend(S2 as u8)),
        adopt(S2, s3),
        adopt(S2, ROOT),
        Line::Do(Step::Resume(S2 as u8, SELF)),
    ];
    let mut case = stuck_deep(above_handler);
    case.name = "adopts";
    case.programs.lines = vec![Vec::new(); case.plan.names.len()];
    for (thread, lines) in [(a, &client[..]), (b, &other), (v, &server), (h, &handler)] {
        case.programs.lines[thread] = lines.to_vec();
    }
    case
}

/// The same tree: a scheduler calls and is stopped, and its client, stopped too, is taken away from it
/// and given back, or sent elsewhere.
pub fn adopts_clients(above_handler: usize) -> Case {
    let (s3, a, b, v, h) = (3, 4, 5, 6, 7);
    let client = [Line::Wait, call(v)];
    let server = [
        Line::Wait,
        Line::ReplyAndWait(SELF),
        adopt(a, S2),
        adopt(a, s3),
        Line::Do(Step::Write(a as u8)),
    ];
    let handler = [
        Line::Wait,
        Line::Do(Step::Suspend(a as u8)),
        Line::Do(Step::Resume(a as u8, SELF)),
        Line::Do(Step::Write(S2 as u8)),
    ];
    let mut case = adopts(above_handler);
    case.name = "adopts clients";
    case.programs.lines[S2] = vec![call(v)];
    for (thread, lines) in [(a, &client[..]), (b, &[Line::Wait]), (v, &server), (h, &handler)] {
        case.programs.lines[thread] = lines.to_vec();
    }
    case
}

/// Calls that lead back to where they came from, on one account, of which the handler aborts each.
pub fn circle(above_handler: usize) -> Case {
    let client = [call(V), Line::Wait];
    let server = [Line::Wait, call(B), send(A, SELF)];
    let other = [Line::Wait, send(A, SELF), send(V, SELF), call(A)];
    let handler = [
        Line::Wait,
        Line::Do(Step::Abort(A as u8)),
        Line::Do(Step::Abort(B as u8)),
        Line::Do(Step::Abort(V as u8)),
    ];
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    case("circle", above_handler, &lines)
}

/// Phases with timeout zero, closed receives, sends that receive, and all winner bits.
pub fn phases(above_handler: usize) -> Case {
    let zero = |winner| Line::Do(Step::Send(V as u8, winner, Timeout::Zero));
    let client = [
        zero(Winner::Scheduler),
        zero(Winner::ReceivePartner),
        Line::Do(Step::SendAndReceive(V as u8, None)),
        Line::Do(Step::SendAndReceive(V as u8, Some(B as u8))),
        receive_from(V),
    ];
    let other = [
        Line::Wait,
        Line::Do(Step::CallWithoutDonation(V as u8)),
        Line::Do(Step::SendWeakly(A as u8, Winner::SendPartner)),
        send(A, Winner::Scheduler),
    ];
    let server = [
        Line::Wait,
        Line::Do(Step::Receive(Winner::SendPartner, Timeout::Zero)),
        Line::Do(Step::Receive(Winner::Scheduler, Timeout::Never)),
        Line::Reply(Winner::Scheduler),
        Line::ReplyAndReceiveFrom(A as u8),
        Line::Do(Step::SendAndReceive(S1 as u8, None)),
        send(A, Winner::SendPartner),
    ];
    let handler = [Line::Wait];
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    case("phases", above_handler, &lines)
}

/// Faults with a handler that waits or is busy (A at V) and with none (B); the handler of
/// interrupts starts B again.
pub fn faults(above_handler: usize) -> Case {
    let client = [Line::Do(Step::Fault), Line::Wait, call(V)];
    let other = [Line::Do(Step::Fault), Line::Wait, call(V)];
    let server = [
        Line::Wait,
        Line::ReplyAndWait(SELF),
        Line::Reply(SELF),
        Line::Do(Step::Yield),
        Line::Do(Step::Fault),
    ];
    let handler = [
        Line::Wait,
        Line::Do(Step::Resume(B as u8, SELF)),
        Line::Do(Step::Resume(V as u8, SELF)),
        Line::Do(Step::Suspend(V as u8)),
        Line::Do(Step::Abort(A as u8)),
    ];
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    let mut case = case("faults", above_handler, &lines);
    case.plan.fault_handlers = vec![(A, V)];
    case
}

/// The handler of faults calls and sends to who makes them.
pub fn fault_circle(above_handler: usize) -> Case {
    let client = [Line::Do(Step::Fault), Line::Wait, Line::WaitOwing, Line::ReplyAndWait(SELF)];
    let other = [Line::Do(Step::Resume(A as u8, SELF)), Line::Wait];
    let server = [Line::Wait, Line::ReplyAndWait(SELF), call(A), send(A, SELF)];
    let lines: [(usize, &[Line]); 4] =
        [(A, &client), (B, &other), (V, &server), (H, &[Line::Wait])];
    let mut case = case("fault circle", above_handler, &lines);
    case.plan.fault_handlers = vec![(A, V)];
    case
}

/// A server and a scheduler above it that nobody schedules, until that becomes the root.
pub fn outsiders() -> Case {
    let (root, above, client, server) = (0, 1, 2, 3);
    let mut case = case("outsiders", ROOT, &[]);
    case.plan = Plan {
        lines: vec![server],
        started: vec![client],
        spare_roots: vec![above],
        ..Plan::new(&["R", "X", "A", "Y"], &[root, above, root, above])
    };
    case.programs.timer = true;
    case.programs.schedulers = vec![root, above];
    case.programs.lines = vec![
        vec![Line::Do(Step::SetRoot(above as u8))],
        Vec::new(),
        vec![
            call(server),
            Line::Do(Step::CallWithoutDonation(server as u8)),
            send(server, SELF),
            send(server, Winner::SendPartner),
            Line::Do(Step::Yield),
            Line::Wait,
        ],
        vec![Line::Wait, Line::WaitOwing, Line::ReplyAndWait(SELF), send(client, SELF)],
    ];
    case
}

/// The core's deadline, dispatches that stop at the first scheduler, both ways to idle, interrupts
/// for schedulers.
pub fn time(above_handler: usize) -> Case {
    let client = [Line::Wait, call(V), Line::Do(Step::Yield)];
    let other = [Line::Wait, send(V, SELF)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF)];
    let handler = [Line::Wait, send(B, SELF)];
    let lines: [(usize, &[Line]); 4] = [(A, &client), (B, &other), (V, &server), (H, &handler)];
    let mut case = case("time", above_handler, &lines);
    case.plan.lines = vec![H, S1];
    case.programs.timer = true;
    case.programs.edges = true;
    case.programs.rich_schedulers = true;
    case
}

/// Another thread becomes the root at any time, by whoever likes it: the old root, its grandchild, the
/// handler.
pub fn new_root(above_handler: usize) -> Case {
    let (v, h, new) = (V, H, 7);
    let replace = Line::Do(Step::SetRoot(new as u8));
    let client = [call(v), Line::Wait, replace];
    let other = [Line::Wait, call(S2)];
    let server = [Line::Wait, Line::ReplyAndWait(SELF)];
    let handler = [Line::Wait, replace, send(B, SELF)];
    let lines: [(usize, &[Line]); 5] =
        [(ROOT, &[replace]), (A, &client), (B, &other), (v, &server), (h, &handler)];
    let mut case = case("new root", above_handler, &lines);
    case.plan.names.push("N");
    case.plan.parent.push(new);
    case.plan.homes.push(0);
    case.plan.spare_roots.push(new);
    case.programs.schedulers.push(new);
    case
}

impl Case {
    /// Lines signal by a level: masked from delivery until acknowledged.
    pub fn by_level(mut self) -> Case {
        self.plan.by_level = true;
        self
    }

    /// A core with nothing to run halts without telling its root.
    pub fn halting(mut self) -> Case {
        self.plan.options = core::ON_EMPTY_HALT;
        self
    }

    /// The same, and it runs who is woken alone without telling its root.
    pub fn silent(mut self) -> Case {
        self.plan.options = core::ON_EMPTY_HALT | core::RUN_WOKEN;
        self
    }

    /// Schedulers that wait although they know of ready children.
    pub fn lazy(mut self) -> Case {
        self.programs.lazy = true;
        self
    }

    /// Only the root hears that children block.
    pub fn nobody_asks(mut self) -> Case {
        self.plan.asks = false;
        self
    }

    /// Schedulers let interrupts for the handler, and for the branch of the server, preempt on their
    /// own.
    pub fn auto(mut self) -> Case {
        self.plan.ranks = (0..self.plan.names.len() as u32).collect();
        self
    }

    /// Each entry handles one waiter or child only when a thread stops or ends.
    pub fn in_small_steps(mut self) -> Case {
        self.plan.small_steps = true;
        self
    }

    /// The paper's protocol.
    pub fn chain(mut self) -> Case {
        self.plan.protocol = Protocol::Chain;
        self
    }
}
