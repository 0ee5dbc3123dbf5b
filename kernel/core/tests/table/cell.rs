//! A cell of the table: what the threads are doing, and what the invoker does.

use crate::operation::{Step, Timeout, Winner, in_words};
use crate::system::Plan;
use cedo_core::kernel::Protocol;

pub const INVOKER: u8 = 2;
pub const DESTINATION: u8 = 3;
pub const SENDER: u8 = 4;

/// The threads of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Root,
    Scheduler,
    Invoker,
    Destination,
    Sender,
}

/// What has become of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Runs,
    /// Could run, and is recorded.
    Ready,
    /// In an open receive.
    Waits,
    WaitsFor(Who),
    AwaitsReplyOf(Who),
    QueuedAt(Who),
    Suspended,
}

/// What the destination is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Destination {
    Waits,
    WaitsForInvoker,
    WaitsForSender,
    Ready,
    Suspended,
    /// The invoker owes it a reply.
    AwaitsReply,
    /// The same, and the invoker works on its account.
    AwaitsReplyAndDonates,
}

/// What the other sender has queued at the invoker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pending {
    Nothing,
    Call,
    Send,
}

/// Who schedules whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tree {
    /// The root over all three threads.
    One,
    /// The root over the destination and a scheduler; that over invoker and sender.
    Two,
}

#[derive(Clone, Debug)]
pub struct Cell {
    pub protocol: Protocol,
    pub tree: Tree,
    /// Schedulers ask to be told when a child blocks.
    pub asks: bool,
    pub destination: Destination,
    pub pending: Pending,
    pub step: Step,
}

impl Cell {
    /// The cell as a sentence.
    pub fn name(&self) -> String {
        let names = ["R", "S", "the invoker", "the destination", "the other sender"];
        format!(
            "{:?} mode, {:?} level(s), schedulers {}: destination {:?}, pending {:?}: {}",
            self.protocol,
            self.tree,
            if self.asks { "ask" } else { "do not ask" },
            self.destination,
            self.pending,
            in_words(&names, Some(INVOKER.into()), self.step)
        )
    }

    /// True if a message of the invoker reaches the destination at once.
    pub fn destination_waits(&self) -> bool {
        matches!(self.destination, Destination::Waits | Destination::WaitsForInvoker)
    }

    pub fn who(&self, index: u8) -> Who {
        match index {
            INVOKER => Who::Invoker,
            DESTINATION => Who::Destination,
            SENDER => Who::Sender,
            1 => Who::Scheduler,
            _ => Who::Root,
        }
    }

    pub fn plan(&self) -> Plan {
        let parent = match self.tree {
            Tree::One => [0, 0, 0, 0, 0],
            Tree::Two => [0, 0, 1, 0, 1],
        };
        Plan {
            started: vec![INVOKER.into(), DESTINATION.into(), SENDER.into()],
            protocol: self.protocol,
            ..Plan::new(&["R", "S", "invoker", "destination", "sender"], &parent)
        }
    }

    fn makes_sense(&self) -> bool {
        let owes = matches!(
            self.destination,
            Destination::AwaitsReply | Destination::AwaitsReplyAndDonates
        );
        let replies = matches!(self.step, Step::Reply(..) | Step::ReplyAndWait(..));
        let suspended = self.destination == Destination::Suspended;
        let lends = self.destination == Destination::AwaitsReplyAndDonates;
        match self.step {
            // A server that works for somebody has found nothing pending, or it had taken that.
            _ if lends && (!replies || self.pending != Pending::Nothing) => false,
            _ if owes != replies => false,
            Step::Resume(..) => suspended,
            Step::Suspend(_) => !suspended,
            Step::Abort(_) => !suspended && self.destination != Destination::Ready,
            Step::SendAndReceive(_, Some(_)) => self.pending != Pending::Nothing || !suspended,
            _ => true,
        }
    }
}

/// Every cell.
pub fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for protocol in [Protocol::Direct, Protocol::Chain] {
        for (tree, asks) in
            [(Tree::One, true), (Tree::One, false), (Tree::Two, true), (Tree::Two, false)]
        {
            for destination in [
                Destination::Waits,
                Destination::WaitsForInvoker,
                Destination::WaitsForSender,
                Destination::Ready,
                Destination::Suspended,
                Destination::AwaitsReply,
                Destination::AwaitsReplyAndDonates,
            ] {
                for pending in [Pending::Nothing, Pending::Call, Pending::Send] {
                    let make = |step| Cell { protocol, tree, asks, destination, pending, step };
                    cells.extend(steps().into_iter().map(make).filter(Cell::makes_sense));
                }
            }
        }
    }
    cells
}

/// What the invoker can do.
fn steps() -> Vec<Step> {
    let winners = [Winner::Oneself, Winner::SendPartner, Winner::Scheduler];
    let mut steps = vec![
        Step::Call(DESTINATION),
        Step::CallWithoutDonation(DESTINATION),
        Step::SendWeakly(DESTINATION, Winner::Oneself),
        Step::SendWeakly(DESTINATION, Winner::SendPartner),
        Step::SendAndReceive(DESTINATION, None),
        Step::SendAndReceive(DESTINATION, Some(SENDER)),
        Step::ReplyAndWait(DESTINATION, Winner::Oneself),
        Step::Yield,
        Step::Suspend(DESTINATION),
        Step::Abort(DESTINATION),
        Step::Resume(DESTINATION, Winner::Oneself),
        Step::Resume(DESTINATION, Winner::SendPartner),
    ];
    for timeout in [Timeout::Never, Timeout::Zero] {
        steps.extend(winners.map(|winner| Step::Send(DESTINATION, winner, timeout)));
        let winners = [Winner::Oneself, Winner::ReceivePartner, Winner::Scheduler];
        steps.extend(winners.map(|winner| Step::Receive(winner, timeout)));
        steps.extend([DESTINATION, SENDER].map(|from| Step::ReceiveFrom(from, timeout)));
    }
    steps.extend(winners.map(|winner| Step::Reply(DESTINATION, winner)));
    steps
}
