//! The table of DESIGN.md section 4, every cell: who runs next, and what becomes of the others.
//!
//! | file | contents |
//! |---|---|
//! | [`cell`] | what the threads are doing, and what the invoker does: all combinations |
//! | [`rule`] | what the contract says comes of it, without looking at the kernel |
//! | [`document`] | the same as a page to read: `cargo xtask table` |
//! | [`children`] | what a scheduler sets of a child |
//! | [`thread_rule`], [`threads`] | operations on a thread: the rule, the page, the comparison |
//! | this one | the same with the real kernel on the simulated machine, and the comparison |

mod cell;
mod children;
mod document;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/mail.rs"]
mod mail;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/operation.rs"]
mod operation;
mod rule;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/state.rs"]
mod state;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/system.rs"]
mod system;
mod thread_fields;
mod thread_rule;
mod threads;

use cedo_core::kernel::Protocol;
use cedo_core::object::thread::{Record, State};
use cell::{Cell, DESTINATION, Destination, Fate, INVOKER, Pending, SENDER};
use operation::{Step, Timeout, Winner};
use rule::Outcome;
use state::Snapshot;
use system::System;

/// The kernel in the state that a cell begins in.
struct Run {
    system: System,
    state: Snapshot,
}

impl Run {
    fn step(&mut self, step: Step) {
        operation::perform(&mut self.system, &self.state, step);
        self.state = Snapshot::take(&mut self.system, Some(&self.state));
    }

    /// Lets schedulers work until `thread` runs.
    fn until_runs(&mut self, thread: u8) {
        for _ in 0..40 {
            let Some(me) = self.state.current() else { break };
            if me == usize::from(thread) {
                return;
            }
            let known = |at: usize, list: usize| {
                let scheduler = &self.state.threads[at].scheduler;
                self.state.records(scheduler.delivered).contains(&list)
            };
            let scheduler = self.system.plan.parent[usize::from(thread)];
            if !self.state.threads[me].is_scheduler() {
                self.step(Step::Yield);
            } else if known(me, thread.into()) {
                self.step(Step::Dispatch(thread));
            } else if me == 0 && known(0, scheduler) {
                self.step(Step::Dispatch(scheduler as u8));
            } else {
                self.step(Step::Receive(Winner::Oneself, Timeout::Never));
            }
        }
        panic!("{thread} never runs: {}", self.state.in_words(&self.system.plan.names));
    }

    /// `thread` runs and makes one step.
    fn does(&mut self, thread: u8, step: Step) {
        self.until_runs(thread);
        self.step(step);
    }

    /// Every scheduler has heard of everything, and the invoker runs.
    fn begin(cell: &Cell) -> Run {
        let mut system = System::build(&cell.plan());
        let state = Snapshot::take(&mut system, None);
        let mut run = Run { system, state };
        let receive = Step::Receive(Winner::Oneself, Timeout::Never);
        let lends = cell.destination == Destination::AwaitsReplyAndDonates;
        if lends {
            run.does(INVOKER, receive);
            run.does(DESTINATION, Step::Call(INVOKER));
        }
        match cell.destination {
            Destination::Waits => run.does(DESTINATION, receive),
            Destination::WaitsForInvoker => {
                run.does(DESTINATION, Step::ReceiveFrom(INVOKER, Timeout::Never));
            }
            Destination::WaitsForSender => {
                run.does(DESTINATION, Step::ReceiveFrom(SENDER, Timeout::Never));
            }
            Destination::AwaitsReply => {
                run.does(DESTINATION, Step::Call(INVOKER));
                run.does(INVOKER, receive);
            }
            Destination::Suspended => run.does(INVOKER, Step::Suspend(DESTINATION)),
            Destination::Ready | Destination::AwaitsReplyAndDonates => {}
        }
        if !lends {
            run.until_runs(SENDER);
        }
        match cell.pending {
            Pending::Nothing => {}
            Pending::Call => run.step(Step::Call(INVOKER)),
            Pending::Send => run.step(Step::Send(INVOKER, Winner::Oneself, Timeout::Never)),
        }
        run.settle();
        run.until_runs(INVOKER);
        let ids = [run.system.ids[0], run.system.ids[1]];
        for id in ids {
            run.system.kernel().thread(id).scheduler.ask_blocked = cell.asks;
        }
        run.state = Snapshot::take(&mut run.system, Some(&run.state));
        run
    }

    /// Schedulers take everything that is queued, so that nothing of it decides who runs next.
    fn settle(&mut self) {
        for _ in 0..40 {
            let queued = (0..2).any(|at| {
                let scheduler = &self.state.threads[at].scheduler;
                scheduler.has_queued() || scheduler.unheard.is_some()
            });
            if !queued {
                return;
            }
            match self.state.current() {
                Some(0) if !self.state.threads[0].scheduler.has_queued() => {
                    self.step(Step::Dispatch(1));
                }
                Some(0 | 1) => self.step(Step::Receive(Winner::Oneself, Timeout::Never)),
                _ => self.step(Step::Yield),
            }
        }
        panic!("never settles: {}", self.state.in_words(&self.system.plan.names));
    }

    fn fate(&self, cell: &Cell, thread: u8) -> Fate {
        let index = usize::from(thread);
        let who = |id| cell.who(self.state.index(id) as u8);
        match self.state.threads[index].state {
            State::Running => Fate::Runs,
            State::Ready => Fate::Ready,
            State::Open => Fate::Waits,
            State::Closed(peer) => Fate::WaitsFor(who(peer.thread)),
            State::Reply(id) => Fate::AwaitsReplyOf(who(id)),
            State::Sending(id) => Fate::QueuedAt(who(id)),
            State::Remote(_) | State::Recalled(_) | State::Suspended => Fate::Suspended,
        }
    }

    fn outcome(&self, cell: &Cell, expected: &Outcome) -> Outcome {
        let invoker = &self.state.threads[usize::from(INVOKER)];
        // Its own record, or that of the frozen scheduler above it.
        let branch = [invoker, &self.state.threads[1]];
        let record = branch.iter().map(|thread| thread.record);
        let record = record.into_iter().find(|record| record.how != Record::None);
        Outcome {
            runs: cell.who(self.state.current().unwrap_or(0) as u8),
            invoker: self.fate(cell, INVOKER),
            destination: self.fate(cell, DESTINATION),
            sender: self.fate(cell, SENDER),
            status: (invoker.state == State::Running).then(|| invoker.context.status()),
            why: record.map(|record| record.why).filter(|_| expected.why.is_some()),
        }
    }
}

fn compare(protocol: Protocol) {
    let cells: Vec<_> = cell::all().into_iter().filter(|cell| cell.protocol == protocol).collect();
    let mut wrong = Vec::new();
    for cell in &cells {
        let expected = rule::outcome(cell);
        let mut run = Run::begin(cell);
        run.step(cell.step);
        let found = run.outcome(cell, &expected);
        if found != expected {
            wrong.push(format!("{}\n  rule   {expected:?}\n  kernel {found:?}", cell.name()));
        }
    }
    println!("{protocol:?}: {} cells", cells.len());
    assert!(cells.len() > 500, "{} cells", cells.len());
    let first = wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {} cells differ:\n{first}", wrong.len(), cells.len());
}

#[test]
fn direct_mode_follows_the_table_in_every_cell() {
    compare(Protocol::Direct);
}

#[test]
fn the_document_has_every_cell_once() {
    let rows: usize = document::groups().iter().map(|group| group.rows.len()).sum();
    let cells: usize =
        document::groups().iter().flat_map(|group| &group.rows).map(|row| row.cells).sum();
    assert_eq!(cells, cell::all().len());
    assert!(rows < cells);
}

#[test]
#[ignore = "writes the document into the file that CEDO_TABLE names: cargo xtask table"]
fn write_the_document() {
    let path = std::env::var_os("CEDO_TABLE").expect("CEDO_TABLE names the file to write");
    let text = document::text() + &thread_rule::document() + &children::document();
    std::fs::write(path, text).expect("the file can be written");
}

#[test]
fn chain_mode_follows_the_table_in_every_cell() {
    compare(Protocol::Chain);
}
