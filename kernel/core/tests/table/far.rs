//! Messages to a destination on another core, and from a sender there: the rule, the comparison with
//! the kernel, the page.
//!
//! A message crosses, processor time does not: nobody of another core wins or loses, whatever the winner
//! bits say. So the rule says what has become of each thread when everybody has taken what was posted
//! to it, and that the invoker's core does not wait for that.

use crate::cell::{self, Destination, Pending, Who};
use crate::document::{self, Group, Value};
use crate::message::{self, By, Message, Receives, Sends};
use crate::operation::{self, Step, Timeout, Winner};
use crate::pair::Pair;
use crate::system::Plan;
use cedo_abi::Status;
use cedo_arch_host::context::Resume;
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::State;
use cedo_core::object::unusual::LATCHED;
use cedo_floor::ThreadId;
use cedo_machine::CoreNumber;
use std::collections::BTreeMap;

const ROOT: u8 = 0;
const INVOKER: u8 = 1;
const DESTINATION: u8 = 2;
const SENDER: u8 = 3;
/// The root of the other core.
const OTHER_ROOT: u8 = 4;

/// What the destination may be doing, wherever it lives: all but what is about its own core's tree.
fn destinations() -> impl Iterator<Item = Destination> {
    let of_tree = [Destination::AwaitsReplyAndDonates, Destination::IsScheduler];
    cell::DESTINATIONS.into_iter().filter(move |destination| !of_tree.contains(destination))
}

/// Who lives on the other core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Far {
    Destination,
    Sender,
    Both,
}

const FAR: [(Far, &str); 3] = [(Far::Destination, "D"), (Far::Sender, "F"), (Far::Both, "D and F")];

/// What has become of a thread in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    CouldRun,
    Waits,
    WaitsFor(Who),
    AwaitsReplyOf(Who),
    QueuedAt(Who),
    Suspended,
}

#[derive(Clone, Copy, Debug)]
struct Situation {
    protocol: Protocol,
    far: Far,
    destination: Destination,
    pending: Pending,
}

/// What comes of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Outcome {
    invoker: Fate,
    destination: Fate,
    sender: Fate,
    /// The invoker's status, if it could run.
    status: Option<Status>,
    /// The message crosses: meanwhile the root of the invoker's core runs.
    crosses: bool,
}

impl Situation {
    fn all(protocol: Protocol) -> Vec<Situation> {
        let mut all = Vec::new();
        for (far, _) in FAR {
            for destination in destinations() {
                for pending in cell::PENDING {
                    all.push(Situation { protocol, far, destination, pending });
                }
            }
        }
        all
    }

    /// What destination and sender are doing.
    fn before(&self) -> [Fate; 2] {
        let destination = match self.destination {
            Destination::Waits => Fate::Waits,
            Destination::WaitsForInvoker => Fate::WaitsFor(Who::Invoker),
            Destination::WaitsForSender => Fate::WaitsFor(Who::Sender),
            Destination::Ready => Fate::CouldRun,
            Destination::Suspended => Fate::Suspended,
            Destination::AwaitsReply => Fate::AwaitsReplyOf(Who::Invoker),
            other => panic!("{other:?} is of no other core"),
        };
        let sender = match self.pending {
            Pending::Nothing => Fate::CouldRun,
            Pending::Call | Pending::Send => Fate::QueuedAt(Who::Invoker),
        };
        [destination, sender]
    }

    /// Without looking at the kernel.
    fn outcome(&self, message: &Message) -> Outcome {
        let waits = matches!(self.destination, Destination::Waits | Destination::WaitsForInvoker);
        let [destination, sender] = self.before();
        let mut outcome = Outcome {
            invoker: Fate::CouldRun,
            destination,
            sender,
            status: Some(Status::Ok),
            crosses: false,
        };
        if let Some(status) = self.refusal(message) {
            return Outcome { status: Some(status), ..outcome };
        }
        let sends = matches!(message.sends, Sends::Message | Sends::Call);
        outcome.crosses = sends && self.far != Far::Sender;
        if sends && !waits {
            if message.send_timeout == Timeout::Zero {
                return Outcome { status: Some(Status::NotReady), ..outcome };
            }
            let invoker = Fate::QueuedAt(Who::Destination);
            return Outcome { invoker, status: None, ..outcome };
        }
        if message.sends != Sends::Nothing {
            outcome.destination = Fate::CouldRun;
        }
        if message.sends == Sends::Call {
            outcome.invoker = Fate::AwaitsReplyOf(Who::Destination);
        } else {
            self.receive(message, &mut outcome);
        }
        if outcome.invoker != Fate::CouldRun {
            outcome.status = None;
        }
        // A partner of the invoker's own core may win, if the gate lets it.
        let refused = self.far == Far::Sender
            && (message.sends, message.winner) == (Sends::Message, Winner::SendPartner)
            && !message.by.hands_over();
        if refused && outcome.status == Some(Status::Ok) {
            outcome.status = Some(Status::KeptProcessor);
        }
        outcome
    }

    fn refusal(&self, message: &Message) -> Option<Status> {
        match (message.sends, message.by) {
            (Sends::Nothing, _) => None,
            (Sends::Reply, _) => {
                (self.destination != Destination::AwaitsReply).then_some(Status::Stale)
            }
            (_, By::EmptySlot) => Some(Status::NoCapability),
            (_, By::ThreadCapability) => Some(Status::WrongKind),
            (Sends::Message, By::WithoutSend) | (Sends::Call, By::WithoutCall) => {
                Some(Status::NoRight)
            }
            _ => None,
        }
    }

    fn receive(&self, message: &Message, outcome: &mut Outcome) {
        let finds_sender = matches!(message.receives, Receives::FromAnyone | Receives::FromSender);
        match (message.receives, self.pending) {
            (Receives::Nothing, _) => {}
            (_, Pending::Call) if finds_sender => {
                outcome.sender = Fate::AwaitsReplyOf(Who::Invoker);
            }
            (_, Pending::Send) if finds_sender => outcome.sender = Fate::CouldRun,
            _ if message.receive_timeout == Timeout::Zero => {
                outcome.status = Some(Status::NotReady);
            }
            (Receives::FromAnyone, _) => outcome.invoker = Fate::Waits,
            (Receives::FromDestination, _) => outcome.invoker = Fate::WaitsFor(Who::Destination),
            (Receives::FromSender, _) => outcome.invoker = Fate::WaitsFor(Who::Sender),
        }
    }

    /// The kernels in this situation; the invoker runs.
    fn begin(&self) -> Pair {
        let root_of = |far: bool| if far { OTHER_ROOT } else { ROOT };
        let destination = self.far != Far::Sender;
        let sender = self.far != Far::Destination;
        let parent = [ROOT, ROOT, root_of(destination), root_of(sender), OTHER_ROOT];
        let parent = parent.map(usize::from);
        let plan = Plan {
            homes: vec![0, 0, destination.into(), sender.into(), 1],
            started: [INVOKER, DESTINATION, SENDER].map(usize::from).to_vec(),
            protocol: self.protocol,
            ..Plan::new(&["R", "invoker", "destination", "sender", "Q"], &parent)
        };
        let mut pair = Pair::build(&plan);
        let receive = Step::Receive(Winner::Oneself, Timeout::Never);
        match self.destination {
            Destination::Waits => pair.does(DESTINATION, receive),
            Destination::WaitsForInvoker => {
                pair.does(DESTINATION, Step::ReceiveFrom(INVOKER, Timeout::Never));
            }
            Destination::WaitsForSender => {
                pair.does(DESTINATION, Step::ReceiveFrom(SENDER, Timeout::Never));
            }
            Destination::Ready => {}
            Destination::Suspended => pair.does(INVOKER, Step::Suspend(DESTINATION)),
            Destination::AwaitsReply => {
                pair.does(DESTINATION, Step::Call(INVOKER));
                pair.pump();
                pair.does(INVOKER, receive);
            }
            other => panic!("{other:?} is of no other core"),
        }
        pair.pump();
        match self.pending {
            Pending::Nothing => {}
            Pending::Call => pair.does(SENDER, Step::Call(INVOKER)),
            Pending::Send => {
                pair.does(SENDER, Step::Send(INVOKER, Winner::Oneself, Timeout::Never));
            }
        }
        pair.pump();
        pair.until_runs(INVOKER);
        message::make_gates(&mut pair.system, DESTINATION);
        pair.look_at(CoreNumber(0));
        pair
    }
}

/// The message, and what comes of it.
fn play(pair: &mut Pair, message: &Message, far: Far) -> Outcome {
    let roles = message.roles(&pair.system, &pair.state, DESTINATION, SENDER);
    let invoker = pair.system.ids[usize::from(INVOKER)];
    pair.system.kernel().thread(invoker).context.set_resume(Resume::Full);
    operation::enter(pair.system.kernel(), &roles, true);
    pair.look_at(CoreNumber(0));
    let sends = matches!(message.sends, Sends::Message | Sends::Call) && far != Far::Sender;
    let crosses = sends && pair.state.current() == Some(usize::from(ROOT));
    let mut status = None;
    for thread in [DESTINATION, INVOKER, DESTINATION] {
        pair.pump();
        // Before it makes room for others by calls of its own.
        status = status.or_else(|| answer(pair));
        if pair.state.threads[usize::from(thread)].state == State::Ready {
            pair.until_runs(thread);
            pair.repeat(thread);
        }
    }
    pair.pump();
    let [invoker, destination, sender] =
        [INVOKER, DESTINATION, SENDER].map(|thread| fate(pair, thread));
    let status = status.or_else(|| answer(pair)).filter(|_| invoker == Fate::CouldRun);
    Outcome { invoker, destination, sender, status, crosses }
}

/// The status of the invoker's operation, if that is over.
fn answer(pair: &Pair) -> Option<Status> {
    let thread = &pair.state.threads[usize::from(INVOKER)];
    let over = matches!(thread.state, State::Running | State::Ready)
        && !thread.unusual.has(LATCHED)
        && thread.repeat.is_none();
    over.then(|| thread.context.status())
}

fn fate(pair: &Pair, thread: u8) -> Fate {
    let who = |id: ThreadId| match pair.state.index(id) as u8 {
        INVOKER => Who::Invoker,
        DESTINATION => Who::Destination,
        SENDER => Who::Sender,
        _ => Who::Root,
    };
    let mail = &pair.state.mails[usize::from(thread)];
    match pair.state.threads[usize::from(thread)].state {
        State::Running | State::Ready => Fate::CouldRun,
        State::Open => Fate::Waits,
        State::Closed(peer) => Fate::WaitsFor(who(peer.thread)),
        State::Reply(id) => Fate::AwaitsReplyOf(who(id)),
        State::Sending(id) => Fate::QueuedAt(who(id)),
        State::Suspended => Fate::Suspended,
        State::Remote(_) | State::Recalled(_) => {
            match (mail.owed_by(), mail.queued_at(), mail.awaits()) {
                (Some(server), ..) => Fate::AwaitsReplyOf(who(server)),
                (_, Some(receiver), _) => Fate::QueuedAt(who(receiver)),
                (.., Some(partner)) => Fate::WaitsFor(who(partner)),
                _ => panic!("a mail that is nowhere"),
            }
        }
    }
}

fn compare(protocol: Protocol) {
    let messages = message::all();
    let mut wrong = BTreeMap::<String, (usize, String)>::new();
    for at in Situation::all(protocol) {
        let mut pair = at.begin();
        let before = pair.state.clone();
        for message in &messages {
            before.put_back(&mut pair.system);
            pair.state = before.clone();
            pair.look_at(CoreNumber(0));
            let (found, expected) = (play(&mut pair, message, at.far), at.outcome(message));
            if found != expected {
                let difference = format!("  rule   {expected:?}\n  kernel {found:?}");
                let first = || (0, format!("{at:?}\n{message:?}\n"));
                wrong.entry(difference).or_insert_with(first).0 += 1;
            }
        }
    }
    let text = wrong.iter().map(|(difference, (cells, first))| {
        format!("{cells} cells, the first of which is {first}{difference}\n")
    });
    let text: String = text.collect();
    assert!(wrong.is_empty(), "{} kinds of cells differ:\n{text}", wrong.len());
}

#[test]
fn messages_to_another_core_follow_the_rule_in_every_cell_of_direct_mode() {
    compare(Protocol::Direct);
}

#[test]
fn messages_to_another_core_follow_the_rule_in_every_cell_of_chain_mode() {
    compare(Protocol::Chain);
}

/// The page. Both protocols come to the same.
pub fn document() -> String {
    let mut text = String::from(
        "# Messages to another core, every cell\n\n\
         D, F or both live on another core; the invoker is a child of R. The rows say what has become of everybody when all that\n\
         was posted has been taken: *could run* is decided by schedulers, as after an interrupt. Winner bits say nothing about\n\
         another core; without HANDOVER a partner of this one does not win. A send or a call *crosses*: until its verdict is back, nobody runs on the invoker's account, and R does.\n\n",
    );
    let mut groups = Vec::new();
    for at in Situation::all(Protocol::Direct) {
        for message in message::all() {
            let title = format!("Another core: {}", document::phases(&message));
            let group = Group::find(&mut groups, title, &COLUMNS, &RESULTS);
            group.add(&columns(&at, &message), results(&at, &at.outcome(&message)));
        }
    }
    for group in &mut groups {
        group.merge();
        group.write(&mut text);
    }
    text
}

const COLUMNS: [&str; 7] =
    ["elsewhere", "D", "queued at the invoker", "D is named by", "winner", "send", "receive"];
const RESULTS: [&str; 5] = ["invoker", "D", "F", "status", "crosses"];

fn columns(at: &Situation, message: &Message) -> [Value; 7] {
    [
        (at.far as u8, FAR[at.far as usize].1),
        (at.destination as u8, document::destination(at.destination)),
        (at.pending as u8, document::pending(at.pending)),
        (message.by as u8, document::named(message.by)),
        (message.winner as u8, document::wins(message.winner)),
        (message.send_timeout as u8, document::timeout(message.send_timeout)),
        (message.receive_timeout as u8, document::timeout(message.receive_timeout)),
    ]
}

fn results(at: &Situation, outcome: &Outcome) -> Vec<String> {
    let [destination, sender] = at.before();
    let fates = [
        (None, outcome.invoker),
        (Some(destination), outcome.destination),
        (Some(sender), outcome.sender),
    ];
    let fates = fates.map(|(before, fate)| match fate {
        _ if before == Some(fate) => String::new(),
        Fate::CouldRun => "could run".to_owned(),
        Fate::Waits => "waits".to_owned(),
        Fate::WaitsFor(who) => format!("waits for {}", document::name(who)),
        Fate::AwaitsReplyOf(who) => format!("awaits the reply of {}", document::name(who)),
        Fate::QueuedAt(who) => format!("queued at {}", document::name(who)),
        Fate::Suspended => "suspended".to_owned(),
    });
    let status = outcome.status.map_or(String::new(), |status| format!("{status:?}"));
    let crosses = if outcome.crosses { "yes" } else { "" };
    fates.into_iter().chain([status, crosses.to_owned()]).collect()
}
