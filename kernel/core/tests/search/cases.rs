//! The systems that are searched.

use crate::explore::Case;
use crate::operation::{Step, Timeout, Winner};
use crate::program::{Line, Programs};
use crate::system::Plan;
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
    Plan {
        names: NAMES.to_vec(),
        parent: vec![ROOT, ROOT, ROOT, S1, S1, S2, above],
        lines: vec![H],
        fault_handlers: Vec::new(),
        started: vec![A, B],
        asks: true,
        protocol: Protocol::Direct,
    }
}

fn programs(lines: &[(usize, &[Line])]) -> Programs {
    let mut by_thread = vec![Vec::new(); NAMES.len() + 2];
    for (thread, lines) in lines {
        by_thread[*thread] = lines.to_vec();
    }
    Programs { lines: by_thread, lazy: false, timer: false, rich_schedulers: false }
}

fn send(to: usize, winner: Winner) -> Line {
    Line::Do(Step::Send(to as u8, winner, Timeout::Never))
}

fn call(to: usize) -> Line {
    Line::Do(Step::Call(to as u8))
}

/// The rich system: a client that calls, sends and yields, one that calls its grand-scheduler, a
/// server that calls a scheduler, a handler that sends.
pub fn rich(above_handler: usize) -> Case {
    let lines = programs(&[
        (
            A,
            &[
                call(V),
                Line::Wait,
                send(V, SELF),
                send(V, Winner::SendPartner),
                Line::Do(Step::Yield),
            ],
        ),
        (
            B,
            &[
                Line::Wait,
                Line::ReplyAndWait(SELF),
                send(V, Winner::SendPartner),
                call(S2),
            ],
        ),
        (
            V,
            &[
                Line::Wait,
                Line::WaitOwing,
                Line::ReplyAndWait(SELF),
                Line::Reply(Winner::SendPartner),
                Line::Reply(SELF),
                call(S1),
            ],
        ),
        (H, &[Line::Wait, send(B, SELF)]),
    ]);
    Case { name: "rich", plan: plan(above_handler), programs: lines, limit: usize::MAX }
}
