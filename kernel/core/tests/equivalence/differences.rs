//! The systems in which the ways that the protocols differ are looked for.

use crate::compare::{Difference, Kind, compare};
use crate::operation::{Step, Timeout, Winner};
use crate::play::Dispatch;
use crate::program::{Line, Programs};
use crate::state::Snapshot;
use crate::system::Plan;
use std::collections::BTreeMap;

const SELF: Winner = Winner::Oneself;
/// The clients, the server, the handler.
const A: usize = 3;
const B: usize = 4;
const V: usize = 5;
const H: usize = 6;

/// Who schedules whom: the root over S and T, in the first system over the clients and over server and
/// handler; in the last, clients two levels down, the others under the root.
const TREES: [([&str; 7], [usize; 7]); 3] = [
    (["R", "S", "T", "A", "B", "V", "H"], [0, 0, 0, 1, 1, 2, 2]),
    (["R", "S", "T", "A", "B", "V", "H"], [0, 0, 0, 1, 2, 1, 2]),
    (["R", "S", "T", "A", "B", "V", "H"], [0, 0, 1, 2, 2, 0, 0]),
];

/// Programs, who handles faults, and how schedulers dispatch.
struct Scene {
    programs: Programs,
    fault_handlers: Vec<(usize, usize)>,
    dispatch: Dispatch,
}

fn scenes() -> [Scene; 3] {
    let talk = |dispatch| Scene { programs: talk(), fault_handlers: Vec::new(), dispatch };
    let ends =
        Scene { programs: ends(), fault_handlers: vec![(V, H)], dispatch: Dispatch::Reschedule };
    [talk(Dispatch::Reschedule), talk(Dispatch::Plain), ends]
}

/// All kinds of differences, and how many pairs of states were compared.
pub fn all() -> (BTreeMap<Kind, Difference>, usize) {
    let (mut all, mut pairs) = (BTreeMap::<Kind, Difference>::new(), 0);
    for (scene, (names, parent)) in
        scenes().iter().flat_map(|scene| TREES.map(|tree| (scene, tree)))
    {
        let fault_handlers = scene.fault_handlers.clone();
        let plan = crate::plan(&parent, &[H], &[A]);
        let plan = Plan { names: names.to_vec(), fault_handlers, ..plan };
        let steps = |state: &Snapshot| scene.programs.steps(state);
        let comparison = compare(&plan, scene.dispatch, usize::MAX, steps);
        pairs += comparison.pairs;
        for (kind, difference) in comparison.differences {
            all.entry(kind).or_default().merge(difference);
        }
    }
    (all, pairs)
}

fn send(to: usize, winner: Winner) -> Line {
    Line::Do(Step::Send(to as u8, winner, Timeout::Never))
}

fn call(to: usize) -> Line {
    Line::Do(Step::Call(to as u8))
}

/// Messages.
fn talk() -> Programs {
    let mut lines = vec![Vec::new(); 7];
    lines[A] = vec![
        call(V),
        Line::Wait,
        send(V, SELF),
        send(V, Winner::SendPartner),
        send(V, Winner::Scheduler),
        Line::Do(Step::CallWithoutDonation(V as u8)),
        Line::Do(Step::Yield),
    ];
    lines[B] = vec![Line::Wait, call(V)];
    lines[V] = vec![
        Line::Wait,
        Line::WaitOwing,
        Line::ReplyAndWait(SELF),
        Line::Reply(SELF),
        Line::Reply(Winner::SendPartner),
        Line::Do(Step::SendAndReceive(B as u8, None)),
    ];
    lines[H] = vec![Line::Wait, send(B, SELF), call(V)];
    programs(lines)
}

/// Faults, calls that are passed on, and threads whose waits, grants and lives others end.
fn ends() -> Programs {
    let to = |at: usize| at as u8;
    let mut lines = vec![Vec::new(); 7];
    lines[A] = vec![call(V), Line::Do(Step::ReceiveFrom(to(V), Timeout::Never))];
    lines[B] = vec![Line::Wait, Line::ReplyAndWait(SELF)];
    lines[V] = vec![
        Line::Wait,
        Line::ReplyAndWait(SELF),
        Line::Forward(to(B), true),
        Line::Do(Step::Fault),
    ];
    lines[H] = vec![
        Line::Wait,
        Line::ReplyAndWait(SELF),
        Line::Do(Step::Abort(to(A))),
        Line::Do(Step::Suspend(to(A))),
        Line::Do(Step::Resume(to(A), SELF)),
        Line::Do(Step::Suspend(to(V))),
        Line::Do(Step::Resume(to(V), SELF)),
        Line::Do(Step::Destroy(to(V))),
    ];
    programs(lines)
}

fn programs(lines: Vec<Vec<Line>>) -> Programs {
    Programs {
        lines,
        schedulers: Vec::new(),
        lazy: false,
        timer: true,
        edges: false,
        rich_schedulers: false,
    }
}
