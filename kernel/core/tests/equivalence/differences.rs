//! The systems in which the ways that the protocols differ are looked for.

use crate::compare::{Difference, Kind, compare};
use crate::operation::{Step, Timeout, Winner};
use crate::program::{Line, Programs};
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

/// All kinds of differences, and how many pairs of states were compared.
pub fn all() -> (BTreeMap<Kind, Difference>, usize) {
    let programs = programs();
    let (mut all, mut pairs) = (BTreeMap::<Kind, Difference>::new(), 0);
    for (names, parent) in TREES {
        let plan = Plan { names: names.to_vec(), ..crate::plan(&parent, &[H], &[A]) };
        let comparison = compare(&plan, usize::MAX, |state| programs.steps(state));
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

fn programs() -> Programs {
    let call = |to: usize| Line::Do(Step::Call(to as u8));
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
    lines[H] = vec![Line::Wait, send(B, SELF), Line::Do(Step::Call(V as u8))];
    Programs {
        lines,
        schedulers: Vec::new(),
        lazy: false,
        timer: true,
        edges: false,
        rich_schedulers: false,
    }
}
