//! The rule of DESIGN.md section 4 (and, for direct mode, rules 3, 8 and 12 of section 6), computed
//! without looking at the kernel.
//!
//! An operation first decides what becomes of each thread (who could run, who waits for what), then
//! who runs.

use crate::cell::{Cell, Destination, Fate, Pending, Tree, Who};
use crate::operation::{Step, Timeout, Winner};
use cedo_abi::{Label, Status};
use cedo_core::kernel::Protocol;

/// What the rule says about a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub runs: Who,
    pub invoker: Fate,
    pub destination: Fate,
    pub sender: Fate,
    /// The invoker's status, where it goes on at once.
    pub status: Option<Status>,
    /// Why the invoker, or the scheduler frozen above it, is recorded, if it is (direct mode).
    pub why: Option<Label>,
}

/// What an operation does to the threads, before anybody is chosen.
struct Effect {
    invoker: Fate,
    destination: Fate,
    sender: Fate,
    status: Status,
    /// Goes on instead of the invoker, on its account.
    donated: bool,
    /// Partners that could run now, in order.
    partners: Vec<Who>,
    winner: Winner,
}

pub fn outcome(cell: &Cell) -> Outcome {
    let effect = effect(cell);
    match cell.protocol {
        Protocol::Direct => direct(cell, effect),
        Protocol::Chain => chain(cell, effect),
    }
}

fn destination_before(cell: &Cell) -> Fate {
    match cell.destination {
        Destination::Waits => Fate::Waits,
        Destination::WaitsForInvoker => Fate::WaitsFor(Who::Invoker),
        Destination::WaitsForSender => Fate::WaitsFor(Who::Sender),
        Destination::Ready => Fate::Ready,
        Destination::Suspended => Fate::Suspended,
        Destination::AwaitsReply | Destination::AwaitsReplyAndDonates => {
            Fate::AwaitsReplyOf(Who::Invoker)
        }
    }
}

fn nothing(cell: &Cell) -> Effect {
    Effect {
        invoker: Fate::Ready,
        destination: destination_before(cell),
        sender: match cell.pending {
            Pending::Nothing => Fate::Ready,
            Pending::Call | Pending::Send => Fate::QueuedAt(Who::Invoker),
        },
        status: Status::Ok,
        donated: false,
        partners: Vec::new(),
        winner: Winner::Oneself,
    }
}

fn effect(cell: &Cell) -> Effect {
    let mut effect = nothing(cell);
    match cell.step {
        Step::Call(_) | Step::CallWithoutDonation(_) => call(cell, &mut effect),
        Step::Send(_, winner, timeout) => send(cell, winner, timeout, &mut effect),
        Step::SendWeakly(_, winner) => {
            send(cell, winner, Timeout::Never, &mut effect);
            if winner == Winner::SendPartner && !effect.partners.is_empty() {
                effect.winner = Winner::Oneself;
                effect.status = Status::KeptProcessor;
            }
        }
        Step::SendAndReceive(_, from) => {
            if cell.destination_waits() {
                effect.destination = Fate::Ready;
                effect.partners.push(Who::Destination);
                let from = from.map(|_| Who::Sender);
                receive(cell, from, Timeout::Never, &mut effect);
            } else {
                effect.invoker = Fate::QueuedAt(Who::Destination);
            }
        }
        Step::Receive(winner, timeout) => {
            effect.winner = winner;
            receive(cell, None, timeout, &mut effect);
        }
        Step::ReceiveFrom(from, timeout) => {
            receive(cell, Some(cell.who(from)), timeout, &mut effect);
        }
        Step::Reply(_, winner) => {
            effect.winner = winner;
            replied(cell, &mut effect);
        }
        Step::ReplyAndWait(..) => {
            replied(cell, &mut effect);
            receive(cell, None, Timeout::Never, &mut effect);
        }
        Step::Suspend(_) => effect.destination = Fate::Suspended,
        Step::Resume(_, winner) => {
            effect.destination = Fate::Ready;
            effect.partners.push(Who::Destination);
            effect.winner = winner;
        }
        Step::Abort(_) => {
            effect.destination = Fate::Ready;
            effect.partners.push(Who::Destination);
        }
        Step::Yield => effect.winner = Winner::Scheduler,
        other => panic!("{other:?} has no cells"),
    }
    effect
}

fn call(cell: &Cell, effect: &mut Effect) {
    if !cell.destination_waits() {
        effect.invoker = Fate::QueuedAt(Who::Destination);
        return;
    }
    effect.invoker = Fate::AwaitsReplyOf(Who::Destination);
    effect.destination = Fate::Ready;
    effect.donated = matches!(cell.step, Step::Call(_));
    effect.partners.push(Who::Destination);
}

fn send(cell: &Cell, winner: Winner, timeout: Timeout, effect: &mut Effect) {
    if cell.destination_waits() {
        effect.destination = Fate::Ready;
        effect.partners.push(Who::Destination);
        effect.winner = winner;
    } else if timeout == Timeout::Zero {
        effect.status = Status::NotReady;
    } else {
        effect.invoker = Fate::QueuedAt(Who::Destination);
    }
}

/// The receive phase of the invoker, from anyone or from one partner only.
fn receive(cell: &Cell, from: Option<Who>, timeout: Timeout, effect: &mut Effect) {
    let finds_sender = from.is_none() || from == Some(Who::Sender);
    match cell.pending {
        Pending::Call if finds_sender => effect.sender = Fate::AwaitsReplyOf(Who::Invoker),
        Pending::Send if finds_sender => {
            effect.sender = Fate::Ready;
            effect.partners.push(Who::Sender);
        }
        _ if timeout == Timeout::Zero => effect.status = Status::NotReady,
        _ => effect.invoker = from.map_or(Fate::Waits, Fate::WaitsFor),
    }
}

/// The client has its reply; if it lends the invoker its time, that ends.
fn replied(cell: &Cell, effect: &mut Effect) {
    effect.destination = Fate::Ready;
    effect.partners.push(Who::Destination);
    effect.donated = cell.destination == Destination::AwaitsReplyAndDonates;
}

/// Direct mode: those on the current account, else rule 12. Everybody else is *woken*.
fn direct(cell: &Cell, effect: Effect) -> Outcome {
    let goes_on = effect.invoker == Fate::Ready;
    let own_grant = cell.tree.scheduler(Who::Invoker);
    let last = effect.partners.last().copied();
    let (runs, why) = if effect.donated {
        (Who::Destination, Some(Label::Woken))
    } else if !goes_on {
        let giver = own_grant;
        // Rule 12: the first that asked or has records; only the two-level tree has a choice.
        let told = effect.partners.iter().any(|who| cell.tree.scheduler(*who) == giver);
        let runs = if cell.asks || told { giver } else { Who::Root };
        (runs, None)
    } else {
        let yields = matches!(cell.step, Step::Yield);
        match (effect.winner, effect.partners.first()) {
            (Winner::SendPartner, Some(partner)) => (*partner, Some(Label::Lost)),
            (Winner::ReceivePartner, Some(_)) => (last.expect("there is one"), Some(Label::Lost)),
            (Winner::Scheduler, _) if yields => (own_grant, Some(Label::Yielded)),
            (Winner::Scheduler, Some(_)) => (own_grant, Some(Label::Lost)),
            _ => (Who::Invoker, None),
        }
    };
    finish(cell, effect, runs, why)
}

/// Chain mode: the only one; else every loser's message climbs, and where it meets a scheduler of
/// who was to run, that runs.
fn chain(cell: &Cell, effect: Effect) -> Outcome {
    let mut could = effect.partners.clone();
    let goes_on = effect.invoker == Fate::Ready;
    if goes_on {
        could.insert(0, Who::Invoker);
    }
    let hands_on = matches!(cell.step, Step::CallWithoutDonation(_));
    let yields = matches!(cell.step, Step::Yield);
    let runs = match (could.as_slice(), effect.winner) {
        ([], _) => {
            let scheduler = cell.tree.scheduler(Who::Invoker);
            if cell.asks { scheduler } else { Who::Root }
        }
        ([only], _) if hands_on || yields => cell.tree.scheduler(*only),
        ([only], _) => *only,
        (several, winner) => {
            let wanted = match winner {
                Winner::Oneself => several.first().copied().filter(|_| goes_on),
                Winner::SendPartner => effect.partners.first().copied(),
                Winner::ReceivePartner => effect.partners.last().copied(),
                Winner::Scheduler => None,
            };
            let losers = several.iter().filter(|who| Some(**who) != wanted);
            losers
                .fold(wanted, |wanted, loser| Some(cell.tree.meet(*loser, wanted)))
                .expect("several")
        }
    };
    finish(cell, effect, runs, None)
}

fn finish(cell: &Cell, effect: Effect, runs: Who, why: Option<Label>) -> Outcome {
    let fate = |who: Who, fate: Fate| if who == runs { Fate::Runs } else { fate };
    let invoker = fate(Who::Invoker, effect.invoker);
    let direct = cell.protocol == Protocol::Direct;
    Outcome {
        runs,
        invoker,
        destination: fate(Who::Destination, effect.destination),
        sender: fate(Who::Sender, effect.sender),
        status: (invoker == Fate::Runs).then_some(effect.status),
        why: why.filter(|_| invoker == Fate::Ready && direct),
    }
}

impl Tree {
    /// Who schedules `who`.
    pub fn scheduler(self, who: Who) -> Who {
        match (self, who) {
            (Tree::Two, Who::Invoker | Who::Sender) => Who::Scheduler,
            _ => Who::Root,
        }
    }

    /// Where the message of `loser` meets a scheduler of `wanted`, or its own scheduler.
    fn meet(self, loser: Who, wanted: Option<Who>) -> Who {
        let own = self.scheduler(loser);
        match wanted {
            None => own,
            Some(Who::Root) => Who::Root,
            Some(Who::Scheduler) => own,
            Some(wanted) if self.scheduler(wanted) == own => own,
            Some(_) => Who::Root,
        }
    }
}
