//! The rule for operations on a thread by its capability: what comes of each in every state of the
//! thread, with and without the right, on one core and from another, without looking at the kernel.
//! And the same as a page to read.

use cedo_abi::Status;
use cedo_core::kernel::Protocol;
use std::fmt::Write;

/// What the invoker does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Read,
    /// Registers with the same instruction pointer.
    Write,
    /// Registers with another one.
    WriteElsewhere,
    Suspend,
    Resume,
    ResumePartnerWins,
    /// With the epoch that READ says.
    Abort,
    /// With the one before.
    AbortOld,
    /// To the root of the thread's core.
    SetScheduler,
    /// To the root of the other core.
    SetSchedulerElsewhere,
    SetHandler,
    SetForeign,
    /// To the root of the other core.
    Migrate,
    /// To the root of the thread's own core.
    MigrateNowhere,
    Destroy,
}

/// All of them, as people read them.
pub const OPERATIONS: [(Operation, &str); 15] = [
    (Operation::Read, "READ"),
    (Operation::Write, "WRITE, the same instruction pointer"),
    (Operation::WriteElsewhere, "WRITE, another instruction pointer"),
    (Operation::Suspend, "SUSPEND"),
    (Operation::Resume, "RESUME"),
    (Operation::ResumePartnerWins, "RESUME, the thread wins"),
    (Operation::Abort, "ABORT with the thread's epoch"),
    (Operation::AbortOld, "ABORT with the epoch before"),
    (Operation::SetScheduler, "SET_SCHEDULER, of its own core"),
    (Operation::SetSchedulerElsewhere, "SET_SCHEDULER, of another core"),
    (Operation::SetHandler, "SET_HANDLER"),
    (Operation::SetForeign, "SET_FOREIGN"),
    (Operation::Migrate, "MIGRATE"),
    (Operation::MigrateNowhere, "MIGRATE to the core where it is"),
    (Operation::Destroy, "DESTROY"),
];

/// What the thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    New,
    Suspended,
    /// Suspended, with a child.
    Scheduler,
    /// Suspended, and the handler of a line.
    Handler,
    Ready,
    /// Only possible on another core than the invoker's.
    Runs,
    Waits,
    WaitsForPartner,
    Queued,
    AwaitsReply,
}

/// All of them, as people read them.
pub const TARGETS: [(Target, &str); 10] = [
    (Target::New, "was never started"),
    (Target::Suspended, "is suspended"),
    (Target::Scheduler, "is suspended, and schedules another one"),
    (Target::Handler, "is suspended, and handles a line"),
    (Target::Ready, "is ready"),
    (Target::Runs, "runs, on another core"),
    (Target::Waits, "waits for anybody"),
    (Target::WaitsForPartner, "waits for one partner only"),
    (Target::Queued, "is queued at its partner"),
    (Target::AwaitsReply, "awaits its partner's reply"),
];

/// By what capability the invoker names the thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    Rightly,
    /// Without CONTROL, or STATE where that is what it takes.
    WithoutRight,
    /// The new scheduler is named without ADOPT.
    WithoutAdopt,
    ByGate,
    ByNothing,
    /// The thread is the invoker.
    Oneself,
}

pub const NAMED: [(Named, &str); 6] = [
    (Named::Rightly, ""),
    (Named::WithoutRight, "without the right"),
    (Named::WithoutAdopt, "the new scheduler without ADOPT"),
    (Named::ByGate, "by a gate to it"),
    (Named::ByNothing, "by an empty slot"),
    (Named::Oneself, "the invoker itself"),
];

/// How somebody waits for the thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiter {
    Sends,
    Calls,
    /// From the thread only.
    Receives,
}

pub const WAITERS: [Waiter; 3] = [Waiter::Sends, Waiter::Calls, Waiter::Receives];

/// What concerns who waits for the thread, too.
const ENDS: [Operation; 3] = [Operation::Suspend, Operation::Migrate, Operation::Destroy];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    pub operation: Operation,
    pub target: Target,
    pub named: Named,
    /// Invoker and thread are on one core.
    pub here: bool,
    /// Whom the thread waits for is on another core than it.
    pub partner_far: bool,
    /// Who waits for the thread, and whether on another core than it.
    pub waiter: Option<(Waiter, bool)>,
}

/// What has become of the thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    AsBefore,
    Ready,
    /// It runs; the invoker has handed it the processor.
    Runs,
    Suspended,
    /// On the other core, suspended, below its new scheduler.
    Moved,
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub status: Status,
    pub after: After,
}

impl Operation {
    fn names_scheduler(self) -> bool {
        matches!(
            self,
            Operation::SetScheduler
                | Operation::SetSchedulerElsewhere
                | Operation::Migrate
                | Operation::MigrateNowhere
        )
    }
}

impl Target {
    fn is_stopped(self) -> bool {
        matches!(self, Target::New | Target::Suspended | Target::Scheduler | Target::Handler)
    }

    fn is_in_wait(self) -> bool {
        self == Target::Waits || self.has_partner()
    }

    fn has_partner(self) -> bool {
        matches!(self, Target::WaitsForPartner | Target::Queued | Target::AwaitsReply)
    }
}

/// Every cell.
pub fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (operation, _) in OPERATIONS {
        for (named, _) in NAMED {
            for (target, _) in TARGETS {
                for (here, partner_far) in
                    [(true, false), (true, true), (false, false), (false, true)]
                {
                    let waiter = None;
                    cells.push(Cell { operation, target, named, here, partner_far, waiter });
                }
            }
        }
    }
    cells.retain(Cell::makes_sense);
    let alone = cells.clone().into_iter().filter(|cell| {
        let ends = ENDS.contains(&cell.operation) && cell.named == Named::Rightly;
        ends && !cell.partner_far
    });
    let waiters = || WAITERS.into_iter().flat_map(|waiter| [(waiter, false), (waiter, true)]);
    cells.extend(
        alone.flat_map(|cell| waiters().map(move |waiter| Cell { waiter: Some(waiter), ..cell })),
    );
    cells.retain(Cell::can_have_its_waiter);
    cells
}

impl Cell {
    fn makes_sense(&self) -> bool {
        let oneself = self.named == Named::Oneself;
        !(self.target == Target::Runs && self.here)
            && (!self.partner_far || self.target.has_partner())
            && (self.named != Named::WithoutAdopt || self.operation.names_scheduler())
            && (!oneself || self.here && self.target == Target::Ready)
    }

    /// A thread that waits for anybody takes what is sent; one that runs leaves its core to no waiter.
    fn can_have_its_waiter(&self) -> bool {
        match self.waiter {
            Some((Waiter::Sends | Waiter::Calls, _)) if self.target == Target::Waits => false,
            Some((_, far)) => far || self.target != Target::Runs,
            None => true,
        }
    }

    /// What who waits for the thread hears; nothing if it waits on.
    pub fn waiter_hears(&self, protocol: Protocol) -> Option<Status> {
        let done = self.outcome(protocol).status == Status::Ok;
        let status = match self.operation {
            Operation::Suspend | Operation::Migrate => Status::Aborted,
            Operation::Destroy => Status::PartnerGone,
            _ => return None,
        };
        (done && self.waiter.is_some()).then_some(status)
    }

    pub fn outcome(&self, protocol: Protocol) -> Outcome {
        let refused = |status| Outcome { status, after: After::AsBefore };
        match self.named {
            Named::Rightly => self.operation_outcome(protocol),
            Named::WithoutRight | Named::WithoutAdopt => refused(Status::NoRight),
            // DESTROY looks at the right before it looks at what is to be destroyed.
            Named::ByGate if self.operation == Operation::Destroy => refused(Status::NoRight),
            Named::ByGate => refused(Status::WrongKind),
            Named::ByNothing => refused(Status::NoCapability),
            Named::Oneself => refused(Status::NotOneself),
        }
    }

    fn operation_outcome(&self, protocol: Protocol) -> Outcome {
        let target = self.target;
        let done = |after| Outcome { status: Status::Ok, after };
        let refused = |status| Outcome { status, after: After::AsBefore };
        let only_if =
            |condition, after, status| if condition { done(after) } else { refused(status) };
        // On another core than the invoker's its partner runs, on its time, which it has again when
        // the call ends early.
        let elsewhere = !self.here && !self.partner_far;
        let has_time = target == Target::AwaitsReply && elsewhere && protocol == Protocol::Direct;
        let waits_no_more = if has_time { After::Runs } else { After::Ready };
        match self.operation {
            Operation::Read | Operation::SetHandler | Operation::SetForeign => {
                done(After::AsBefore)
            }
            Operation::Write => {
                only_if(target != Target::Runs, After::AsBefore, Status::WrongState)
            }
            Operation::WriteElsewhere if target.is_in_wait() => done(waits_no_more),
            Operation::WriteElsewhere => {
                only_if(target != Target::Runs, After::AsBefore, Status::WrongState)
            }
            Operation::Suspend if target.is_stopped() => done(After::AsBefore),
            Operation::Suspend => done(After::Suspended),
            Operation::Resume => only_if(target.is_stopped(), After::Ready, Status::WrongState),
            Operation::ResumePartnerWins => {
                // A new thread runs when it is dispatched, processor time does not cross cores, and in chain
                // mode the invoker's loss takes the processor to their scheduler.
                let wins = self.here && target != Target::New && protocol == Protocol::Direct;
                let after = if wins { After::Runs } else { After::Ready };
                only_if(target.is_stopped(), after, Status::WrongState)
            }
            Operation::Abort => only_if(target.is_in_wait(), waits_no_more, Status::Stale),
            Operation::AbortOld => refused(Status::Stale),
            Operation::SetScheduler => {
                only_if(target.is_stopped(), After::AsBefore, Status::WrongState)
            }
            Operation::SetSchedulerElsewhere => refused(Status::WrongCore),
            Operation::Migrate => {
                let leaf = matches!(target, Target::New | Target::Suspended);
                only_if(leaf, After::Moved, Status::WrongState)
            }
            Operation::MigrateNowhere => refused(Status::WrongCore),
            Operation::Destroy => done(After::Gone),
        }
    }
}

/// The page.
pub fn document() -> String {
    let mut text = String::from(
        "# Operations on a thread, every cell\n\nGenerated from the rule; `cargo test -p cedo-core --test table` holds the kernel \
         against it, with invoker and\nthread on one core and on two, and the thread and whom it waits for, too. What is refused changes nothing.\n\n\
         | the thread | operation | status | the thread then |\n|---|---|---|---|\n",
    );
    for (target, state) in TARGETS {
        for (operation, name) in OPERATIONS {
            let cell = |here, partner_far, protocol| {
                let named = Named::Rightly;
                let waiter = None;
                Cell { operation, target, named, here, partner_far, waiter }.outcome(protocol)
            };
            let there = cell(false, false, Protocol::Direct);
            let mut then = after(there.after).to_owned();
            for (here, partner_far, protocol, where_else) in [
                (false, false, Protocol::Chain, "in chain mode"),
                (true, false, Protocol::Direct, "on the invoker's core"),
                (true, false, Protocol::Chain, "on the invoker's core in chain mode"),
                (false, true, Protocol::Direct, "if its partner is on another core"),
            ] {
                let other = cell(here, partner_far, protocol).after;
                if other != there.after && !(here && target == Target::Runs) {
                    let _ = write!(then, "; {where_else} {}", after(other));
                }
            }
            let _ = writeln!(text, "| {state} | {name} | {:?} | {then} |", there.status);
        }
    }
    text += "\nWho waits for the thread, on whichever core (it has sent, called, or receives from it only), hears *aborted* when it is\n\
             suspended or has moved, *partner gone* when it is destroyed, and waits on if that was refused.\n\
             \nWhatever the thread is doing, and on whichever core:\n\n\
             | it is named | operation | status |\n|---|---|---|\n";
    for (named, how) in NAMED.into_iter().skip(1) {
        let which = match named {
            Named::WithoutAdopt => "SET_SCHEDULER, MIGRATE",
            Named::ByGate => "any but DESTROY, to which it says NoRight",
            _ => "any",
        };
        let operation = Operation::Migrate;
        let target = Target::Ready;
        let (here, partner_far, waiter) = (true, false, None);
        let cell = Cell { operation, target, named, here, partner_far, waiter };
        let _ = writeln!(text, "| {how} | {which} | {:?} |", cell.outcome(Protocol::Direct).status);
    }
    text
}

fn after(after: After) -> &'static str {
    match after {
        After::AsBefore => "as before",
        After::Ready => "ready",
        After::Runs => "runs",
        After::Suspended => "suspended",
        After::Moved => "suspended, on the other core",
        After::Gone => "gone",
    }
}
