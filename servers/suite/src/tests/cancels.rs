//! Waits that somebody ends, and waits that somebody tries to end: every phase of a message x where
//! the two parties live x what the third party does, generated.
//!
//! V waits for its partner P in the given phase; then the driver does something to V; then P goes on
//! as if nothing had happened. Both must hear the same story: the message arrived, or nothing of it
//! is left. A fault is no wait of V's own: it cannot be cancelled, and is made again after a stop.

mod destroyed;
mod page;

use super::remote_end::{abort, await_steps};
use crate::cast::{REMOTE_SERVANTS, Who};
use crate::driver::{Driver, epoch};
use crate::op::{Op, Out};
use crate::report::{self, Console};
use crate::servant::{LAST_TOKEN, SPIN, STEPS, STOP, probing};
use crate::verdict::{Failure, Verdict, done, equal, failure, holds, label, status};
use cedo_lib::abi::call::{ipc, thread};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::{Label, Rights, Status};
use cedo_lib::raw::probe;
use core::sync::atomic::Ordering;

/// What V waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    SendQueued,
    CallQueued,
    CallTaken,
    Open,
    Closed,
    BothQueued,
    BothWaits,
    FaultQueued,
    FaultTaken,
}

const PHASES: [(Phase, &str); 9] = [
    (Phase::SendQueued, "a send in the queue of its partner"),
    (Phase::CallQueued, "a call in the queue of its partner"),
    (Phase::CallTaken, "a call that its partner has taken"),
    (Phase::Open, "a receive from anybody"),
    (Phase::Closed, "a receive from its partner only"),
    (Phase::BothQueued, "a send and receive, its message in the queue"),
    (Phase::BothWaits, "a send and receive, its message delivered"),
    (Phase::FaultQueued, "a page fault in the queue of its handler"),
    (Phase::FaultTaken, "a page fault that its handler has taken"),
];

impl Phase {
    fn is_fault(self) -> bool {
        matches!(self, Phase::FaultQueued | Phase::FaultTaken)
    }

    /// What can be done to a thread in this phase.
    fn ends(self) -> &'static [(End, &'static str)] {
        if self.is_fault() { &ENDS_OF_FAULTS } else { &ENDS }
    }
}

/// V and P, and what their homes are called. V is less urgent than the driver, or on a core where
/// somebody can keep it from running.
const PLACES: [(Who, Who, &str); 4] = [
    (Who::Low, Who::B, "both here"),
    (Who::Low, Who::R1, "its partner on another core"),
    (Who::Far1, Who::B, "itself on another core"),
    (Who::Far1, Who::R1, "both on another core"),
];

/// What the driver does to V.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Abort,
    AbortOldWait,
    AbortNextWait,
    AbortTwice,
    Suspend,
    SuspendAndAbort,
    AbortPreempted,
    SuspendPreempted,
    Destroy,
}

const ENDS: [(End, &str); 9] = [
    (End::Abort, "is cancelled"),
    (End::AbortTwice, "is cancelled once only"),
    (End::AbortOldWait, "is not cancelled with the number of the wait before"),
    (End::AbortNextWait, "is not cancelled with the number of the wait to come"),
    (End::Suspend, "ends when the thread is stopped"),
    (End::SuspendAndAbort, "cannot be cancelled after the thread is stopped"),
    (End::AbortPreempted, "is not cancelled when it is over and the thread preempted"),
    (End::SuspendPreempted, "keeps its message when the thread is stopped after it, preempted"),
    (End::Destroy, "ends with the thread"),
];

const ENDS_OF_FAULTS: [(End, &str); 5] = [
    (End::Abort, "is not cancelled, with whatever number"),
    (End::Suspend, "is made again after the thread was stopped"),
    (End::AbortPreempted, "is not cancelled when it is over and the thread preempted"),
    (End::SuspendPreempted, "stays over when the thread is stopped after it, preempted"),
    (End::Destroy, "ends with the thread"),
];

impl End {
    /// The wait is over, and V has not run since.
    fn is_late(self) -> bool {
        matches!(self, End::AbortPreempted | End::SuspendPreempted)
    }
}

/// One combination.
#[derive(Clone, Copy)]
struct Cell {
    phase: Phase,
    victim: Who,
    partner: Who,
    end: End,
}

/// Checks the combinations with all parties on this core.
pub fn run_on_one_core(driver: &mut Driver, console: &mut Console) {
    run(driver, console, &PLACES[..1]);
}

/// Checks the others.
pub fn run_on_two_cores(driver: &mut Driver, console: &mut Console) {
    run(driver, console, &PLACES[1..]);
}

fn run(driver: &mut Driver, console: &mut Console, places: &[(Who, Who, &'static str)]) {
    let prepared = page::fill(driver).and_then(|()| destroyed::prepare(driver));
    report::verdict(console, "pages for the waits that others end are there", &prepared);
    for (victim, partner, place) in places.iter().copied() {
        for (phase, waits) in PHASES {
            for (end, ends) in phase.ends().iter().copied() {
                let cell = Cell { phase, victim, partner, end };
                let verdict = match end {
                    End::Destroy => cell.check_destroyed(driver),
                    _ => cell.check(driver),
                };
                let verdict = verdict.and(cell.take_back(driver));
                let cleaned = driver.clean_up();
                report::cell(console, &[waits, ", ", place, ", ", ends], &verdict.and(cleaned));
            }
        }
    }
}

impl Cell {
    fn check(self, driver: &mut Driver) -> Verdict {
        self.begin(driver)?;
        let epoch = self.epoch(driver)?;
        if self.end.is_late() {
            self.keep_processor_from_victim(driver)?;
            self.let_partner_go_on(driver)?;
            self.act(epoch)?;
        } else {
            self.act(epoch)?;
            self.rest(driver)?;
            self.let_partner_go_on(driver)?;
        }
        STOP.store(true, Ordering::SeqCst);
        self.finish(driver, self.partner)?;
        self.judge_partner(driver)?;
        done("V is let go", Op::send(self.victim.gate()).tag(0, 0).run())?;
        self.finish(driver, self.victim)?;
        let seen = driver.outcome(self.victim, 0)?.out;
        if self.phase.is_fault() {
            equal("V's fault is handled as if it had been none", seen.words[0], 0)?;
            return equal("what V reads", seen.words[1], page::WORD);
        }
        let expected = if self.is_in_vain() { Status::Ok } else { Status::Aborted };
        status("V's wait", &seen, expected)
    }

    /// True if V's wait comes to its proper end.
    fn is_in_vain(self) -> bool {
        match self.end {
            End::AbortOldWait | End::AbortNextWait => true,
            End::Destroy => false,
            end => end.is_late() || self.phase.is_fault(),
        }
    }

    /// What the cell has changed beyond what every test may.
    fn take_back(self, driver: &Driver) -> Verdict {
        if !self.phase.is_fault() || self.end == End::Destroy {
            return Ok(());
        }
        page::handled_by(self.victim.thread(), Who::Pager.gate())?;
        page::unmap(driver, self.victim == Who::Far1)
    }

    fn crosses(self) -> bool {
        self.victim == Who::Far1 || self.partner == Who::R1
    }

    /// Gives everybody the time to get to where it waits.
    fn rest(self, driver: &Driver) -> Verdict {
        if self.crosses() { driver.pause() } else { driver.settle_all() }
    }

    /// Waits until this one has done all its steps.
    fn finish(self, driver: &Driver, who: Who) -> Verdict {
        driver.settle_all()?;
        if self.crosses() { driver.await_remote(who) } else { Ok(()) }
    }

    /// Brings P and V to where V waits.
    fn begin(self, driver: &mut Driver) -> Verdict {
        STOP.store(false, Ordering::SeqCst);
        let (gate, drivers) = if self.victim == Who::Far1 {
            driver.give_far_gate(self.partner)?;
            (Driver::FAR_SLOT, driver.far_gate_to_driver()?)
        } else {
            (self.partner.gate(), Who::Driver.gate())
        };
        let (steps, count) = self.partner_steps(driver, self.victim.gate());
        self.order(driver, self.partner, &steps[..count])?;
        if self.phase.is_fault() {
            page::handled_by(self.victim.thread(), page::weak_gate(driver, self.partner)?)?;
        }
        // The second step keeps what P sends after the wait from being taken.
        self.order(driver, self.victim, &[self.wait(gate), Op::receive(drivers)])?;
        if self.crosses() && self.is_taken() {
            await_steps(self.partner, 1)?;
        }
        driver.is_busy("V waits", self.victim)
    }

    fn order(self, driver: &mut Driver, who: Who, steps: &[Op]) -> Verdict {
        if !REMOTE_SERVANTS.contains(&who) {
            driver.order(who, steps)?;
            return self.rest(driver);
        }
        if who == self.victim && self.phase.is_fault() {
            return driver.order_remote(who, steps);
        }
        driver.order_to_wait(who, steps)?;
        driver.pause()
    }

    fn is_taken(self) -> bool {
        matches!(self.phase, Phase::CallTaken | Phase::BothWaits | Phase::FaultTaken)
    }

    /// V's wait. In direct mode a callee with V's time would give it back with its reply: that V is
    /// preempted at all, it has to lend nothing.
    fn wait(self, gate: u64) -> Op {
        let lends = if self.end.is_late() { ipc::NO_DONATION } else { 0 };
        match self.phase {
            Phase::SendQueued => Op::send(gate).tag(1, 0),
            Phase::CallQueued | Phase::CallTaken => Op::call(gate).tag(1, 0).flags(lends),
            Phase::Open => Op::receive(ANY),
            Phase::Closed => Op::receive(gate),
            Phase::BothQueued | Phase::BothWaits => Op::send_and_receive(gate, gate).tag(1, 0),
            Phase::FaultQueued | Phase::FaultTaken => probing(probe::read, page::ADDRESS),
        }
    }

    /// P's steps: perhaps take V's message; wait for the driver; what ends V's wait; then, on the other
    /// core, spin, so that V does not run there. If P handles V's fault, it brings the page itself: V makes
    /// that fault, however late it comes to it.
    fn partner_steps(self, driver: &Driver, victim_gate: u64) -> ([Op; STEPS], usize) {
        let open = Op::receive(ANY);
        let hold = Op::receive(Who::Driver.gate());
        let poll = open.flags(ipc::RECEIVE_ZERO);
        let reply = Op::send(LAST_TOKEN).tag(2, 0);
        // After a send of its own V may still be on its way to where it gets this.
        let may_wait = self.phase == Phase::BothQueued && self.is_in_vain();
        let timeout = if may_wait { 0 } else { ipc::SEND_ZERO };
        let send = Op::send(victim_gate).tag(2, 0).flags(timeout);
        let bring = page::mapping(driver, self.victim == Who::Far1, Rights::READ);
        let spin = Op::raw(SPIN);
        let (steps, count) = match self.phase {
            Phase::SendQueued => ([hold, poll, spin, spin, spin], 3),
            Phase::CallQueued => ([hold, poll, reply, spin, spin], 4),
            Phase::CallTaken => ([open, hold, reply, spin, spin], 4),
            Phase::Open | Phase::Closed => ([hold, send, spin, spin, spin], 3),
            // V goes on to its receive when its message is taken: P waits for the driver once more.
            Phase::BothQueued => ([hold, poll, hold, send, spin], 5),
            Phase::BothWaits => ([open, hold, send, spin, spin], 4),
            Phase::FaultQueued if self.end == End::Destroy => ([hold, poll, reply, spin, spin], 4),
            Phase::FaultQueued => ([hold, open, bring, reply, spin], 5),
            // V's fault comes again when V has been stopped; a servant answers it after its order.
            Phase::FaultTaken if self.end == End::Suspend => {
                return ([open, hold, reply, open, bring], 5);
            }
            Phase::FaultTaken if self.end == End::Destroy => ([open, hold, reply, spin, spin], 4),
            Phase::FaultTaken => ([open, hold, bring, reply, spin], 5),
        };
        (steps, if self.partner == Who::R1 { count } else { count - 1 })
    }

    /// The number of V's wait. On another core V may be on its way there: then the number changes.
    fn epoch(self, driver: &Driver) -> Result<u64, Failure> {
        let mut number = epoch(self.victim)?;
        for _ in 0..100 {
            self.rest(driver)?;
            let before = number;
            number = epoch(self.victim)?;
            if number == before {
                return Ok(number);
            }
        }
        Err(failure("V comes to its wait"))
    }

    fn act(self, epoch: u64) -> Verdict {
        let on = |sub| Op::thread(sub, self.victim.thread());
        let cancel = |epoch: u64| -> Out { on(thread::ABORT).word(0, epoch).run() };
        let restart = || done("resume", on(thread::RESUME).run()).map(|_| ());
        match self.end {
            End::Abort if self.phase.is_fault() => {
                [epoch - 1, epoch, epoch + 1].into_iter().try_for_each(|number| {
                    status("a fault is no wait", &cancel(number), Status::Stale)
                })
            }
            End::Destroy => Ok(()),
            End::Abort => abort(self.victim),
            End::AbortTwice => {
                abort(self.victim)?;
                status("a second time", &cancel(epoch), Status::Stale)
            }
            End::AbortOldWait => status("the wait before", &cancel(epoch - 1), Status::Stale),
            End::AbortNextWait => status("the wait to come", &cancel(epoch + 1), Status::Stale),
            End::Suspend => {
                done("suspend", on(thread::SUSPEND).run())?;
                restart()
            }
            End::SuspendAndAbort => {
                done("suspend", on(thread::SUSPEND).run())?;
                status("a stopped thread", &cancel(epoch), Status::Stale)?;
                restart()
            }
            End::AbortPreempted => status("it is over", &cancel(epoch), Status::Stale),
            End::SuspendPreempted => {
                done("suspend", on(thread::SUSPEND).run())?;
                restart()
            }
        }
    }

    /// V on the driver's core does not run while the driver does; on the other one somebody spins.
    fn keep_processor_from_victim(self, driver: &mut Driver) -> Verdict {
        if self.victim == Who::Far1 && self.partner != Who::R1 {
            driver.order_remote(Who::R1, &[Op::raw(SPIN)])?;
        }
        Ok(())
    }

    /// P does the rest of its steps.
    fn let_partner_go_on(self, driver: &Driver) -> Verdict {
        let let_go = Op::send(self.partner.gate()).tag(0, 0);
        done("P is let go", let_go.run())?;
        if self.phase == Phase::BothQueued {
            driver.settle()?;
            if self.partner == Who::R1 {
                // Its poll would take the second message for what it looks for.
                await_steps(self.partner, 2)?;
            }
            done("P is let go again", let_go.run())?;
        }
        driver.settle()?;
        // A partner that works on V's time only goes on when the driver waits.
        if self.end.is_late() || self.crosses() {
            let (steps, count) = self.partner_steps(driver, self.victim.gate());
            let steps = steps[..count].iter().filter(|step| step.operation != SPIN);
            await_steps(self.partner, steps.count() as u64)?;
        }
        Ok(())
    }

    /// What P's step came to that ended V's wait, or found it ended.
    fn judge_partner(self, driver: &Driver) -> Verdict {
        let is_in_vain = self.is_in_vain();
        let seen = |index| -> Result<Out, Failure> { Ok(driver.outcome(self.partner, index)?.out) };
        let gone = |other| if is_in_vain { Status::Ok } else { other };
        // A gate to a thread that is no more is none.
        let unheard = match self.end {
            End::Destroy => Status::NoCapability,
            _ => Status::NotReady,
        };
        match self.phase {
            Phase::SendQueued => status("P polls", &seen(1)?, gone(Status::NotReady)),
            Phase::CallQueued => {
                status("P polls", &seen(1)?, gone(Status::NotReady))?;
                holds("P's reply reaches V", (seen(2)?.status() == Status::Ok) == is_in_vain)
            }
            Phase::CallTaken => {
                equal("the call that P took", seen(0)?.tag.label(), 1)?;
                status("P replies", &seen(2)?, gone(Status::Stale))
            }
            Phase::Open | Phase::Closed => status("P sends", &seen(1)?, gone(unheard)),
            Phase::BothQueued => {
                status("P polls", &seen(1)?, gone(Status::NotReady))?;
                status("P sends", &seen(3)?, gone(unheard))
            }
            Phase::BothWaits => {
                equal("the message that P took", seen(0)?.tag.label(), 1)?;
                status("P sends", &seen(2)?, gone(unheard))
            }
            Phase::FaultQueued if self.end == End::Destroy => {
                status("P polls", &seen(1)?, Status::NotReady)
            }
            Phase::FaultQueued => {
                label("what P takes", &seen(1)?, Label::Fault)?;
                status("P brings the page", &seen(2)?, Status::Ok)?;
                status("P replies", &seen(3)?, Status::Ok)
            }
            Phase::FaultTaken => {
                label("what P takes", &seen(0)?, Label::Fault)?;
                if !matches!(self.end, End::Suspend | End::Destroy) {
                    status("P brings the page", &seen(2)?, Status::Ok)?;
                    return status("P replies", &seen(3)?, Status::Ok);
                }
                status("P replies", &seen(2)?, Status::Stale)?;
                if self.end == End::Destroy {
                    return Ok(());
                }
                label("what P takes then", &seen(3)?, Label::Fault)?;
                status("P brings the page", &seen(4)?, Status::Ok)
            }
        }
    }
}
