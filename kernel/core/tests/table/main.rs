//! The table of DESIGN.md section 4, every cell: who runs next, and what becomes of the others.
//!
//! | file | contents |
//! |---|---|
//! | [`cell`] | what the threads are doing, and what the invoker does: all combinations |
//! | [`message`] | an IPC operation with everything that can be said about it: all combinations |
//! | [`rule`] | what the contract says comes of it, without looking at the kernel |
//! | [`far`] | the same with the destination on another core: rule, comparison, page |
//! | [`pair`] | two cores at work |
//! | [`document`] | the same as a page to read: `cargo xtask table` |
//! | [`children`] | what a scheduler sets of a child |
//! | [`thread_rule`], [`threads`] | operations on a thread: the rule, the page, the comparison |
//! | this one | the same with the real kernel on the simulated machine, and the comparison |

mod cell;
mod children;
mod document;
mod far;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/mail.rs"]
mod mail;
mod message;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/operation.rs"]
mod operation;
mod pair;
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

use cedo_arch_host::context::Resume;
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::{Record, State};
use cell::{
    Act, CLIENT, Cell, DESTINATION, Destination, Fate, Pending, SENDER, Situation, Tree, Who,
};
use operation::{Step, Timeout, Winner};
use rule::Outcome;
use state::Snapshot;
use std::collections::BTreeMap;
use system::System;

/// The kernel in a situation.
struct Run {
    system: System,
    state: Snapshot,
    at: Situation,
}

impl Run {
    fn step(&mut self, step: Step) {
        operation::perform(&mut self.system, &self.state, step);
        self.state = Snapshot::take(&mut self.system, Some(&self.state));
    }

    fn act(&mut self, act: Act) {
        let Act::Message(message) = act else {
            let Act::Step(step) = act else { return };
            return self.step(step);
        };
        let roles = message.roles(&self.system, &self.state, self.at.to(), SENDER);
        let invoker = self.system.ids[usize::from(self.at.invoker())];
        self.system.kernel().thread(invoker).context.set_resume(Resume::Full);
        operation::enter(self.system.kernel(), &roles, true);
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
            let account = self.state.index(self.state.threads[usize::from(thread)].account);
            let scheduler = self.system.plan.parent[account];
            let invoker = me == usize::from(self.at.invoker()) && me != 0;
            if invoker || !self.state.threads[me].is_scheduler() {
                self.step(Step::Yield);
            } else if known(me, account) {
                self.step(Step::Dispatch(account as u8));
            } else if me == 0 && known(0, scheduler) {
                self.step(Step::Dispatch(scheduler as u8));
            } else if self.at.serves && me != 0 && !self.state.threads[me].scheduler.has_queued() {
                // It knows of the client, and does not wait.
                self.step(Step::Yield);
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
    fn begin(at: &Situation) -> Run {
        let mut system = System::build(&at.plan());
        let state = Snapshot::take(&mut system, None);
        let mut run = Run { system, state, at: *at };
        let invoker = at.invoker();
        let receive = Step::Receive(Winner::Oneself, Timeout::Never);
        let lends = at.destination == Destination::AwaitsReplyAndDonates;
        if lends || at.serves {
            run.does(invoker, receive);
            run.does(if lends { DESTINATION } else { CLIENT }, Step::Call(invoker));
        }
        match at.destination {
            Destination::Waits => run.does(DESTINATION, receive),
            Destination::WaitsForInvoker => {
                run.does(DESTINATION, Step::ReceiveFrom(invoker, Timeout::Never));
            }
            Destination::WaitsForSender => {
                run.does(DESTINATION, Step::ReceiveFrom(SENDER, Timeout::Never));
            }
            Destination::AwaitsReply => {
                run.does(DESTINATION, Step::Call(invoker));
                if at.tree != Tree::InvokerIsRoot {
                    run.does(invoker, receive);
                }
            }
            Destination::Suspended => run.does(invoker, Step::Suspend(DESTINATION)),
            Destination::Ready | Destination::AwaitsReplyAndDonates | Destination::IsScheduler => {}
        }
        if !lends {
            run.until_runs(SENDER);
        }
        match at.pending {
            Pending::Nothing => {}
            Pending::Call => run.step(Step::Call(invoker)),
            Pending::Send => run.step(Step::Send(invoker, Winner::Oneself, Timeout::Never)),
        }
        run.settle();
        run.until_runs(invoker);
        message::make_gates(&mut run.system, at.to());
        let ids = [run.system.ids[0], run.system.ids[1]];
        for id in ids {
            run.system.kernel().thread(id).scheduler.ask_blocked = at.asks;
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
                Some(me @ 0..=1) if me != usize::from(self.at.invoker()) || me == 0 => {
                    self.step(Step::Receive(Winner::Oneself, Timeout::Never));
                }
                _ => self.step(Step::Yield),
            }
        }
        panic!("never settles: {}", self.state.in_words(&self.system.plan.names));
    }

    fn fate(&self, thread: u8) -> Fate {
        let index = usize::from(thread);
        let who = |id| self.at.who(self.state.index(id) as u8);
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

    fn outcome(&self, expected: &Outcome) -> Outcome {
        let threads = &self.state.threads;
        let invoker = &threads[usize::from(self.at.invoker())];
        // Its own record, that of its account, or that of the frozen scheduler above it.
        let branch = [invoker, self.state.of(invoker.account), &threads[1]];
        let record = branch.iter().map(|thread| thread.record);
        let record = record.into_iter().find(|record| record.how != Record::None);
        let current = self.state.current();
        Outcome {
            runs: current.map_or(Who::Nobody, |current| self.at.who(current as u8)),
            invoker: self.fate(self.at.invoker()),
            destination: self.fate(self.at.to()),
            sender: self.fate(SENDER),
            status: (invoker.state == State::Running).then(|| invoker.context.status()),
            why: record.map(|record| record.why).filter(|_| expected.why.is_some()),
        }
    }
}

fn compare(protocol: Protocol) {
    let (mut wrong, mut count) = (BTreeMap::<String, (usize, String)>::new(), 0);
    for (at, cells) in cell::all().filter(|(at, _)| at.protocol == protocol) {
        let mut run = Run::begin(&at);
        let before = run.state.clone();
        for cell in &cells {
            before.put_back(&mut run.system);
            run.state = before.clone();
            run.act(cell.act);
            let awaits = Fate::AwaitsReplyOf(Who::Invoker);
            assert!(!at.serves || run.fate(CLIENT) == awaits, "{cell:?}");
            let expected = rule::outcome(cell);
            let found = run.outcome(&expected);
            count += 1;
            if found != expected {
                let Cell { at, act } = cell;
                let difference = format!("  rule   {expected:?}\n  kernel {found:?}");
                let first = || (0, format!("{at:?}\n{act:?}\n"));
                wrong.entry(difference).or_insert_with(first).0 += 1;
            }
        }
    }
    println!("{protocol:?}: {count} cells");
    assert!(count > 40_000, "{count} cells");
    let text = wrong.iter().take(40).map(|(difference, (cells, first))| {
        format!("{cells} cells, the first of which is {first}{difference}\n")
    });
    let text: String = text.collect();
    assert!(wrong.is_empty(), "{} kinds of cells differ:\n{text}", wrong.len());
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
    assert_eq!(cells, cell::all().map(|(_, cells)| cells.len()).sum());
    println!("{cells} cells in {rows} rows");
    assert!(rows < cells / 20);
}

#[test]
#[ignore = "writes the document into the file that CEDO_TABLE names: cargo xtask table"]
fn write_the_document() {
    let path = std::env::var_os("CEDO_TABLE").expect("CEDO_TABLE names the file to write");
    let text =
        document::text() + &far::document() + &thread_rule::document() + &children::document();
    std::fs::write(path, text).expect("the file can be written");
}

#[test]
fn chain_mode_follows_the_table_in_every_cell() {
    compare(Protocol::Chain);
}
