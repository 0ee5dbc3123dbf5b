//! A cell of the table: what the threads are doing, and what the invoker does.

use crate::message::{self, Message, Sends};
use crate::operation::{Step, Winner};
use crate::system::Plan;
use cedo_core::kernel::Protocol;

const ROOT: u8 = 0;
const SCHEDULER: u8 = 1;
const LEAF: u8 = 2;
pub const DESTINATION: u8 = 3;
pub const SENDER: u8 = 4;
/// For whom the invoker may be working.
pub const CLIENT: u8 = 5;

/// The threads of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Who {
    Root,
    Scheduler,
    Invoker,
    Destination,
    Sender,
    Client,
    /// The core halts.
    Nobody,
}

/// What has become of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
    /// It is the invoker's scheduler, and has granted it its time.
    IsScheduler,
}

/// What the other sender has queued at the invoker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Pending {
    Nothing,
    Call,
    Send,
}

/// Who schedules whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tree {
    /// The root over all three threads.
    One,
    /// The root over the destination and a scheduler; that over invoker and sender.
    Two,
    /// The invoker is the root, over the others.
    InvokerIsRoot,
    /// The root over all three threads; the invoker is a scheduler, over one more that waits.
    InvokerSchedules,
}

pub const TREES: [Tree; 4] = [Tree::One, Tree::Two, Tree::InvokerIsRoot, Tree::InvokerSchedules];
pub const DESTINATIONS: [Destination; 8] = [
    Destination::Waits,
    Destination::WaitsForInvoker,
    Destination::WaitsForSender,
    Destination::Ready,
    Destination::Suspended,
    Destination::AwaitsReply,
    Destination::AwaitsReplyAndDonates,
    Destination::IsScheduler,
];
pub const PENDING: [Pending; 3] = [Pending::Nothing, Pending::Call, Pending::Send];

/// What everybody is doing before the invoker does anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Situation {
    pub protocol: Protocol,
    pub tree: Tree,
    /// Schedulers ask to be told when a child blocks.
    pub asks: bool,
    pub destination: Destination,
    pub pending: Pending,
    /// The invoker runs on the account of one more thread, which called it. It decides about that
    /// one's time as about its own, so the rule does not ask.
    pub serves: bool,
}

/// What the invoker does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    Message(Message),
    Step(Step),
}

#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub at: Situation,
    pub act: Act,
}

impl Situation {
    /// The index of the invoker.
    pub fn invoker(&self) -> u8 {
        match self.tree {
            Tree::One | Tree::Two => LEAF,
            Tree::InvokerIsRoot => ROOT,
            Tree::InvokerSchedules => SCHEDULER,
        }
    }

    /// The index of the destination.
    pub fn to(&self) -> u8 {
        match (self.destination, self.tree) {
            (Destination::IsScheduler, Tree::Two) => SCHEDULER,
            (Destination::IsScheduler, _) => ROOT,
            _ => DESTINATION,
        }
    }

    pub fn who(&self, index: u8) -> Who {
        match index {
            _ if index == self.invoker() => Who::Invoker,
            DESTINATION => Who::Destination,
            SENDER => Who::Sender,
            CLIENT => Who::Client,
            SCHEDULER => Who::Scheduler,
            _ => Who::Root,
        }
    }

    /// The destination, which may be a scheduler.
    pub fn partner(&self) -> Who {
        self.who(self.to())
    }

    /// True if a message of the invoker reaches the destination at once.
    pub fn destination_waits(&self) -> bool {
        matches!(
            self.destination,
            Destination::Waits | Destination::WaitsForInvoker | Destination::IsScheduler
        )
    }

    /// True if the invoker owes the destination a reply.
    pub fn owes(&self) -> bool {
        matches!(self.destination, Destination::AwaitsReply | Destination::AwaitsReplyAndDonates)
    }

    pub fn plan(&self) -> Plan {
        let parent = match self.tree {
            Tree::One | Tree::InvokerIsRoot => [0, 0, 0, 0, 0, 0],
            Tree::Two => [0, 0, 1, 0, 1, 1],
            Tree::InvokerSchedules => [0, 0, 1, 0, 0, 0],
        };
        let mut started = vec![DESTINATION.into(), SENDER.into(), CLIENT.into()];
        if self.tree != Tree::InvokerIsRoot {
            started.insert(0, self.invoker().into());
        }
        let names = ["R", "S", "invoker", "destination", "sender", "client"];
        let count = if self.serves { names.len() } else { usize::from(CLIENT) };
        started.retain(|thread| *thread < count);
        Plan { started, protocol: self.protocol, ..Plan::new(&names[..count], &parent[..count]) }
    }

    fn makes_sense(&self) -> bool {
        let lends = self.destination == Destination::AwaitsReplyAndDonates;
        if self.serves && (lends || !self.asks || !matches!(self.tree, Tree::One | Tree::Two)) {
            return false;
        }
        if self.tree == Tree::InvokerSchedules && lends {
            // Schedulers never run on another's account.
            return false;
        }
        if self.tree == Tree::InvokerIsRoot {
            // Nobody waits long at a root, which waits whenever others run; it works for itself, and
            // is its own scheduler.
            return self.pending == Pending::Nothing
                && !lends
                && self.destination != Destination::IsScheduler;
        }
        // A server that works for somebody has found nothing pending, or it had taken that.
        !lends || self.pending == Pending::Nothing
    }

    /// What the invoker can do here.
    fn acts(&self) -> Vec<Act> {
        let to = self.to();
        let mut steps = vec![Step::Yield];
        if self.destination != Destination::IsScheduler {
            match self.destination {
                Destination::Suspended => {
                    steps.extend(message::WINNERS.map(|winner| Step::Resume(to, winner)));
                }
                Destination::Ready => steps.push(Step::Suspend(to)),
                _ => steps.extend([Step::Suspend(to), Step::Abort(to)]),
            }
        }
        let messages = message::all().into_iter();
        messages.map(Act::Message).chain(steps.into_iter().map(Act::Step)).collect()
    }
}

impl Act {
    /// The winner bits, where they mean something.
    pub fn winner(self) -> Winner {
        match self {
            Act::Message(message) if message.sends != Sends::Call => message.winner,
            Act::Step(Step::Resume(_, winner)) => winner,
            _ => Winner::Oneself,
        }
    }
}

/// Every situation.
pub fn situations() -> Vec<Situation> {
    let mut all = Vec::new();
    for protocol in [Protocol::Direct, Protocol::Chain] {
        for tree in TREES {
            for asks in [true, false] {
                for destination in DESTINATIONS {
                    for (pending, serves) in PENDING.into_iter().flat_map(alone_and_serving) {
                        all.push(Situation { protocol, tree, asks, destination, pending, serves });
                    }
                }
            }
        }
    }
    all.retain(Situation::makes_sense);
    all
}

fn alone_and_serving(pending: Pending) -> [(Pending, bool); 2] {
    [(pending, false), (pending, true)]
}

/// Every cell, by situation.
pub fn all() -> impl Iterator<Item = (Situation, Vec<Cell>)> {
    situations().into_iter().map(|at| {
        let cells = at.acts().into_iter().map(|act| Cell { at, act }).collect();
        (at, cells)
    })
}
