//! The table as a page to read: one section for each operation, one row for each situation.

use crate::cell::{self, Cell, Destination, Fate, Pending, Tree, Who};
use crate::operation::in_words;
use crate::rule::{self, Outcome};
use cedo_core::kernel::Protocol;
use std::fmt::Write;

const NAMES: [&str; 5] = ["R", "S", "the invoker", "D", "F"];

const HEAD: &str = "\
# Who runs next, every cell

Generated from the rule; `cargo test -p cedo-core --test table` holds the kernel against it.

The *invoker* makes an operation; *D* is its partner, *F* another sender; *S* is the scheduler of the invoker and of F where there
is one, *R* the root, which schedules everybody else. A cell says who runs then, and what becomes of the others: *ready* is
preempted and recorded at its scheduler. Schedulers *ask* if they want to hear that a child blocks; a scheduler that does not is
passed over. Where a column says nothing, it makes no difference.

";

/// An operation in one protocol.
pub struct Group {
    pub title: String,
    pub rows: Vec<Row>,
}

/// Cells of a group with the same outcome in the same situation.
pub struct Row {
    destination: Destination,
    pending: Pending,
    /// Trees and asking; empty if all there are.
    context: Vec<(Tree, bool)>,
    outcome: Outcome,
    pub cells: usize,
}

/// The whole page.
pub fn text() -> String {
    let mut text = HEAD.to_owned();
    for group in groups() {
        let _ = writeln!(text, "## {}\n", group.title);
        text += "| D | queued at the invoker | schedulers | runs | invoker | D | F | status | reported |\n";
        text += "|---|---|---|---|---|---|---|---|---|\n";
        group.rows.iter().for_each(|row| row.write(&mut text));
        text.push('\n');
    }
    text
}

/// All operations, in the order of the cells.
pub fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for cell in cell::all() {
        let title = title(&cell);
        let place = groups.iter().position(|group| group.title == title);
        let place = place.unwrap_or_else(|| {
            groups.push(Group { title, rows: Vec::new() });
            groups.len() - 1
        });
        add(&mut groups[place].rows, &cell);
    }
    for group in &mut groups {
        group.rows.iter_mut().for_each(Row::generalise);
        group.rows.sort_by_key(|row| (row.destination as u8, row.pending as u8));
    }
    groups
}

fn title(cell: &Cell) -> String {
    let protocol = match cell.protocol {
        Protocol::Direct => "Direct mode",
        Protocol::Chain => "Chain mode",
    };
    format!("{protocol}: {}", in_words(&NAMES, Some(cell::INVOKER.into()), cell.step))
}

fn add(rows: &mut Vec<Row>, cell: &Cell) {
    let outcome = rule::outcome(cell);
    let context = (cell.tree, cell.asks);
    let same = rows.iter_mut().find(|row| {
        (row.destination, row.pending) == (cell.destination, cell.pending) && row.outcome == outcome
    });
    match same {
        Some(row) => {
            row.context.push(context);
            row.cells += 1;
        }
        None => rows.push(Row {
            destination: cell.destination,
            pending: cell.pending,
            context: vec![context],
            outcome,
            cells: 1,
        }),
    }
}

impl Row {
    fn generalise(&mut self) {
        if self.context.len() == 4 {
            self.context.clear();
        }
    }

    fn write(&self, text: &mut String) {
        let outcome = &self.outcome;
        let status = outcome.status.map_or(String::new(), |status| format!("{status:?}"));
        let why = outcome.why.map_or(String::new(), |why| format!("{why:?}").to_lowercase());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {status} | {why} |",
            destination(self.destination),
            pending(self.pending),
            self.context.iter().map(schedulers).collect::<Vec<_>>().join("; "),
            name(outcome.runs),
            fate(outcome.invoker),
            fate(outcome.destination),
            fate(outcome.sender),
        );
    }
}

fn schedulers((tree, asks): &(Tree, bool)) -> String {
    let tree = match tree {
        Tree::One => "R",
        Tree::Two => "R, S",
    };
    format!("{tree} {}", if *asks { "ask" } else { "do not ask" })
}

fn destination(destination: Destination) -> &'static str {
    match destination {
        Destination::Waits => "waits",
        Destination::WaitsForInvoker => "waits for the invoker",
        Destination::WaitsForSender => "waits for F",
        Destination::Ready => "ready",
        Destination::Suspended => "suspended",
        Destination::AwaitsReply => "called the invoker",
        Destination::AwaitsReplyAndDonates => "called, and lends its time",
    }
}

fn pending(pending: Pending) -> &'static str {
    match pending {
        Pending::Nothing => "nothing",
        Pending::Call => "a call of F",
        Pending::Send => "a send of F",
    }
}

fn name(who: Who) -> &'static str {
    match who {
        Who::Root => "R",
        Who::Scheduler => "S",
        Who::Invoker => "the invoker",
        Who::Destination => "D",
        Who::Sender => "F",
    }
}

fn fate(fate: Fate) -> String {
    match fate {
        Fate::Runs => "**runs**".to_owned(),
        Fate::Ready => "ready".to_owned(),
        Fate::Waits => "waits".to_owned(),
        Fate::WaitsFor(who) => format!("waits for {}", name(who)),
        Fate::AwaitsReplyOf(who) => format!("awaits the reply of {}", name(who)),
        Fate::QueuedAt(who) => format!("queued at {}", name(who)),
        Fate::Suspended => "suspended".to_owned(),
    }
}
