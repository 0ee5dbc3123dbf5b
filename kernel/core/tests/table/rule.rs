//! The rule of DESIGN.md section 4 (and, for direct mode, rules 3, 4, 7, 8, 12 and 14 of section 6),
//! computed without looking at the kernel.
//!
//! An operation is refused, or it decides what becomes of each thread (who could run, who waits for
//! what). Then somebody is chosen to run.

use crate::cell::{Act, Cell, Destination, Fate, Pending, Situation, Tree, Who};
use crate::message::{By, Message, Receives, Sends};
use crate::operation::{Step, Timeout, Winner};
use cedo_abi::{Label, Status};
use cedo_core::kernel::Protocol;

/// What the rule says about a cell.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
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
    /// The destination goes on instead of the invoker, on its account.
    donated: bool,
    /// Partners of the two phases that could run now.
    send_partner: Option<Who>,
    receive_partner: Option<Who>,
    winner: Winner,
}

pub fn outcome(cell: &Cell) -> Outcome {
    let effect = effect(cell);
    match cell.at.protocol {
        Protocol::Direct => direct(cell, effect),
        Protocol::Chain => chain(cell, effect),
    }
}

impl Situation {
    /// What destination and sender are doing.
    pub fn before(&self) -> [Fate; 2] {
        let destination = match self.destination {
            Destination::Waits | Destination::IsScheduler => Fate::Waits,
            Destination::WaitsForInvoker => Fate::WaitsFor(Who::Invoker),
            Destination::WaitsForSender => Fate::WaitsFor(Who::Sender),
            Destination::Ready => Fate::Ready,
            Destination::Suspended => Fate::Suspended,
            Destination::AwaitsReply | Destination::AwaitsReplyAndDonates => {
                Fate::AwaitsReplyOf(Who::Invoker)
            }
        };
        let sender = match self.pending {
            Pending::Nothing => Fate::Ready,
            Pending::Call | Pending::Send => Fate::QueuedAt(Who::Invoker),
        };
        [destination, sender]
    }
}

fn nothing(at: &Situation) -> Effect {
    let [destination, sender] = at.before();
    Effect {
        invoker: Fate::Ready,
        destination,
        sender,
        status: Status::Ok,
        donated: false,
        send_partner: None,
        receive_partner: None,
        winner: Winner::Oneself,
    }
}

fn effect(cell: &Cell) -> Effect {
    let at = &cell.at;
    let mut effect = nothing(at);
    effect.winner = cell.act.winner();
    match cell.act {
        Act::Message(message) => match refusal(at, &message) {
            Some(status) => {
                effect.status = status;
                effect.winner = Winner::Oneself;
            }
            None => pass(at, &message, &mut effect),
        },
        Act::Step(Step::Suspend(_)) => effect.destination = Fate::Suspended,
        Act::Step(Step::Resume(..) | Step::Abort(_)) => could_run(at, &mut effect),
        Act::Step(Step::Yield) => effect.winner = Winner::Scheduler,
        Act::Step(other) => panic!("{other:?} has no cells"),
    }
    settle_winner(cell, &mut effect);
    effect
}

/// The destination has what it waited for.
fn could_run(at: &Situation, effect: &mut Effect) {
    effect.destination = Fate::Ready;
    effect.send_partner = Some(at.partner());
}

/// What is refused changes nothing.
fn refusal(at: &Situation, message: &Message) -> Option<Status> {
    let is_root = at.tree == Tree::InvokerIsRoot;
    let closed = matches!(message.receives, Receives::FromDestination | Receives::FromSender);
    if is_root && closed && message.receive_timeout == Timeout::Never {
        return Some(Status::MustStayOpen);
    }
    let call = message.sends == Sends::Call;
    match (message.sends, message.by) {
        (Sends::Nothing, _) => None,
        (Sends::Reply, _) => (!at.owes()).then_some(Status::Stale),
        (_, By::EmptySlot) => Some(Status::NoCapability),
        (_, By::ThreadCapability) => Some(Status::WrongKind),
        (Sends::Message, By::WithoutSend) | (Sends::Call, By::WithoutCall) => Some(Status::NoRight),
        _ if is_root && (call || message.send_timeout == Timeout::Never) => {
            Some(Status::MustStayOpen)
        }
        _ if message.send_timeout == Timeout::Zero && !at.destination_waits() => {
            Some(Status::NotReady)
        }
        _ => None,
    }
}

/// Both phases.
fn pass(at: &Situation, message: &Message, effect: &mut Effect) {
    match message.sends {
        Sends::Nothing => {}
        Sends::Message | Sends::Call if !at.destination_waits() => {
            effect.invoker = Fate::QueuedAt(at.partner());
            return;
        }
        Sends::Message => could_run(at, effect),
        Sends::Call => {
            could_run(at, effect);
            effect.invoker = Fate::AwaitsReplyOf(at.partner());
            effect.donated = message.by.lends() && at.destination != Destination::IsScheduler;
            return;
        }
        Sends::Reply => {
            could_run(at, effect);
            effect.donated = at.destination == Destination::AwaitsReplyAndDonates;
        }
    }
    receive(at, message, effect);
}

fn receive(at: &Situation, message: &Message, effect: &mut Effect) {
    let finds_sender = matches!(message.receives, Receives::FromAnyone | Receives::FromSender);
    match (message.receives, at.pending) {
        (Receives::Nothing, _) => {}
        (_, Pending::Call) if finds_sender => effect.sender = Fate::AwaitsReplyOf(Who::Invoker),
        (_, Pending::Send) if finds_sender => {
            effect.sender = Fate::Ready;
            effect.receive_partner = Some(Who::Sender);
        }
        _ if message.receive_timeout == Timeout::Zero => effect.status = Status::NotReady,
        (Receives::FromAnyone, _) => effect.invoker = Fate::Waits,
        (Receives::FromDestination, _) => effect.invoker = Fate::WaitsFor(at.partner()),
        (Receives::FromSender, _) => effect.invoker = Fate::WaitsFor(Who::Sender),
    }
}

/// Who is named and could not go on does not win. Where that is for want of a right, or because the
/// invoker is the root, a status says so.
fn settle_winner(cell: &Cell, effect: &mut Effect) {
    let chosen = match effect.winner {
        Winner::Oneself => return,
        Winner::SendPartner => effect.send_partner.is_some(),
        Winner::ReceivePartner => effect.receive_partner.is_some(),
        Winner::Scheduler => {
            let yields = cell.act == Act::Step(Step::Yield);
            yields || effect.send_partner.or(effect.receive_partner).is_some()
        }
    };
    let weak = matches!(cell.act, Act::Message(message) if !message.by.hands_over());
    let may = match effect.winner {
        _ if cell.at.tree == Tree::InvokerIsRoot => false,
        Winner::SendPartner => !weak,
        _ => true,
    };
    if !chosen || !may {
        effect.winner = Winner::Oneself;
    }
    if chosen && !may && effect.status == Status::Ok && effect.invoker == Fate::Ready {
        effect.status = Status::KeptProcessor;
    }
}

/// Direct mode: those on the current account, else rule 12. Everybody else is *woken*.
fn direct(cell: &Cell, mut effect: Effect) -> Outcome {
    let at = &cell.at;
    let goes_on = effect.invoker == Fate::Ready;
    let lends = at.destination == Destination::AwaitsReplyAndDonates;
    let account = if lends { Who::Destination } else { Who::Invoker };
    let giver = at.tree.scheduler(account);
    let partners = [effect.send_partner, effect.receive_partner];
    let (runs, why) = if effect.donated || lends && effect.send_partner.is_some() {
        // Also rule 14: who was aborted goes on with its time.
        (Who::Destination, Some(Label::Woken))
    } else if lends && effect.destination == Fate::Suspended {
        (giver, Some(Label::Woken))
    } else if at.destination == Destination::IsScheduler && effect.send_partner.is_some() {
        // Rule 4: the stack is popped to it.
        (at.partner(), Some(Label::Lost))
    } else if !goes_on {
        // Rule 12: the first that asked or has records; only the two-level tree has a choice. A root
        // that waits of its own accord leaves the core to those it knows of.
        let told = partners.iter().flatten().any(|who| at.tree.scheduler(*who) == giver);
        let runs = if at.asks || told { giver } else { Who::Root };
        (at.unless_waiting_root(runs, &effect), None)
    } else {
        match effect.winner {
            Winner::Oneself => (Who::Invoker, None),
            Winner::SendPartner => (effect.send_partner.expect("it was chosen"), Some(Label::Lost)),
            Winner::ReceivePartner => {
                (effect.receive_partner.expect("it was chosen"), Some(Label::Lost))
            }
            Winner::Scheduler if cell.act == Act::Step(Step::Yield) => {
                (giver, Some(Label::Yielded))
            }
            Winner::Scheduler => (giver, Some(Label::Lost)),
        }
    };
    if runs == at.partner() && effect.send_partner.is_none() && effect.destination == Fate::Waits {
        // A scheduler that the stack falls back to has a message of the kernel's.
        effect.destination = Fate::Ready;
    }
    finish(at, &effect, runs, why)
}

/// Chain mode: the only one; else every loser's message climbs, and where it meets a scheduler of
/// who was to run, that runs.
fn chain(cell: &Cell, effect: Effect) -> Outcome {
    let at = &cell.at;
    let goes_on = effect.invoker == Fate::Ready;
    let own = goes_on.then_some(Who::Invoker);
    let could: Vec<Who> =
        [own, effect.send_partner, effect.receive_partner].into_iter().flatten().collect();
    let hands_on = matches!(
        cell.act,
        Act::Message(message) if message.sends == Sends::Call && !message.by.lends()
    );
    let yields = cell.act == Act::Step(Step::Yield) && effect.winner == Winner::Scheduler;
    let runs = match could.as_slice() {
        [] => {
            let scheduler = at.tree.scheduler(Who::Invoker);
            let runs = if at.asks { scheduler } else { Who::Root };
            at.unless_waiting_root(runs, &effect)
        }
        [only] if hands_on && !goes_on || yields => at.tree.scheduler(*only),
        [only] => *only,
        // A root never loses.
        several if several.contains(&Who::Root) => Who::Root,
        _ if at.tree == Tree::InvokerIsRoot && goes_on => Who::Invoker,
        several => {
            let wanted = match effect.winner {
                Winner::Oneself => own,
                Winner::SendPartner => effect.send_partner,
                Winner::ReceivePartner => effect.receive_partner,
                Winner::Scheduler => None,
            };
            let losers = several.iter().filter(|who| Some(**who) != wanted);
            losers
                .fold(wanted, |wanted, loser| Some(at.tree.meet(*loser, wanted)))
                .expect("several")
        }
    };
    finish(at, &effect, runs, None)
}

fn finish(at: &Situation, effect: &Effect, runs: Who, why: Option<Label>) -> Outcome {
    let fate = |who: Who, fate: Fate| if who == runs { Fate::Runs } else { fate };
    let invoker = fate(Who::Invoker, effect.invoker);
    let direct = at.protocol == Protocol::Direct;
    Outcome {
        runs,
        invoker,
        destination: fate(at.partner(), effect.destination),
        sender: fate(Who::Sender, effect.sender),
        status: (invoker == Fate::Runs).then_some(effect.status),
        why: why.filter(|_| invoker == Fate::Ready && direct),
    }
}

impl Situation {
    /// Who runs where nobody could. A root that waits itself has dispatched the client that it answered
    /// (rule 7), is told whom its message has woken, or is told nothing, and the core halts.
    fn unless_waiting_root(&self, runs: Who, effect: &Effect) -> Who {
        match (self.tree, effect.send_partner) {
            (Tree::InvokerIsRoot, Some(partner)) if self.owes() => partner,
            (Tree::InvokerIsRoot, Some(_)) => Who::Invoker,
            (Tree::InvokerIsRoot, None) => Who::Nobody,
            _ => runs,
        }
    }
}

impl Tree {
    /// Who schedules `who`.
    pub fn scheduler(self, who: Who) -> Who {
        match (self, who) {
            (Tree::Two, Who::Invoker | Who::Sender) => Who::Scheduler,
            (Tree::InvokerIsRoot, _) => Who::Invoker,
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
