//! The table as a page to read: one section for each kind of operation, one row for all cells that
//! come to the same.

use crate::cell::{self, Act, Cell, Destination, Fate, Pending, Tree, Who};
use crate::message::{By, Message, Receives, Sends};
use crate::operation::{Step, Timeout, Winner, in_words};
use crate::rule::{self, Outcome};
use cedo_core::kernel::Protocol;
use std::collections::BTreeMap;
use std::fmt::Write;

const NAMES: [&str; 5] = ["R", "S", "the invoker", "D", "F"];

const HEAD: &str = "\
# Who runs next, every cell

Generated from the rule; `cargo test -p cedo-core --test table` holds the kernel against it.

The *invoker* makes an operation; *D* is its partner, *F* another sender; *S* is the scheduler of the invoker and of F where there
is one, *R* the root, which schedules everybody else. A row says who runs then, and what becomes of the others: *ready* is
preempted and recorded at its scheduler; where there is nothing, D and F are as before. Trees: `R`, the root is the scheduler of all;
`R+S`; `root`, the invoker is the root itself; `scheduler`, it is one below R. *Asks*: schedulers want to hear that a child blocks; one that does not is passed over.
`*`: whatever it is, it makes no difference.

";

/// What a row of this table has a set of values of, in the order of its columns, and what it says.
const COLUMNS: [&str; 8] = [
    "D",
    "queued at the invoker",
    "schedulers",
    "the invoker's time",
    "D is named by",
    "winner",
    "send",
    "receive",
];
const RESULTS: [&str; 6] = ["runs", "invoker", "D", "F", "status", "reported"];

/// Values that a column can have.
const MOST_VALUES: usize = u16::BITS as usize;

/// A value of a column: its place in the order of values, and its words.
pub type Value = (u8, &'static str);
/// By column: bit n for the value whose place is n.
type Values = Vec<u16>;

/// An operation.
pub struct Group {
    pub title: String,
    pub rows: Vec<Row>,
    columns: &'static [&'static str],
    results: &'static [&'static str],
    /// By column: all values there are.
    values: Values,
    /// By column and place: their words.
    words: Vec<[&'static str; MOST_VALUES]>,
    /// What rows say, each once.
    said: Vec<Vec<String>>,
}

/// Cells of a group with the same results.
pub struct Row {
    columns: Values,
    /// Place in [`Group::said`].
    results: usize,
    pub cells: usize,
}

/// The whole page.
pub fn text() -> String {
    let mut text = HEAD.to_owned();
    groups().iter().for_each(|group| group.write(&mut text));
    text
}

/// All operations, in the order of the cells.
pub fn groups() -> Vec<Group> {
    let mut groups = Vec::new();
    for cell in cell::all().flat_map(|(_, cells)| cells) {
        let group = Group::find(&mut groups, title(&cell), &COLUMNS, &RESULTS);
        group.add(&columns(&cell), results(&cell, &rule::outcome(&cell)));
    }
    groups.iter_mut().for_each(Group::merge);
    groups
}

fn results(cell: &Cell, outcome: &Outcome) -> Vec<String> {
    let [destination, sender] = cell.at.before();
    let unless_same = |before, now| if now == before { String::new() } else { fate(now) };
    vec![
        name(outcome.runs).to_owned(),
        fate(outcome.invoker),
        unless_same(destination, outcome.destination),
        unless_same(sender, outcome.sender),
        outcome.status.map_or(String::new(), |status| format!("{status:?}")),
        outcome.why.map_or(String::new(), |why| format!("{why:?}").to_lowercase()),
    ]
}

fn title(cell: &Cell) -> String {
    let protocol = match cell.at.protocol {
        Protocol::Direct => "Direct mode",
        Protocol::Chain => "Chain mode",
    };
    let act = match cell.act {
        Act::Message(message) => phases(&message),
        Act::Step(Step::Resume(to, _)) => in_words(&NAMES, None, Step::Resume(to, Winner::Oneself)),
        Act::Step(Step::Suspend(_)) => "suspend D".to_owned(),
        Act::Step(Step::Abort(_)) => "abort D".to_owned(),
        Act::Step(_) => "yield".to_owned(),
    };
    format!("{protocol}: {}", act.trim_start_matches("nobody: "))
}

/// What a message does, as a title.
pub fn phases(message: &Message) -> String {
    let sends = match message.sends {
        Sends::Nothing => "",
        Sends::Message => "send to D",
        Sends::Call => "call D",
        Sends::Reply => "reply to D",
    };
    let receives = match message.receives {
        _ if message.sends == Sends::Call => "",
        Receives::Nothing => "",
        Receives::FromAnyone => "receive",
        Receives::FromDestination => "receive from D only",
        Receives::FromSender => "receive from F only",
    };
    let both = !sends.is_empty() && !receives.is_empty();
    format!("{sends}{}{receives}", if both { ", then " } else { "" })
}

/// What distinguishes the cells of a group.
fn columns(cell: &Cell) -> [Value; 8] {
    let (by, send, receive) = match cell.act {
        Act::Message(message) => (message.by, message.send_timeout, message.receive_timeout),
        Act::Step(_) => (By::AllRights, Timeout::Never, Timeout::Never),
    };
    let winner = match cell.act {
        Act::Message(message) => message.winner,
        act @ Act::Step(_) => act.winner(),
    };
    [
        (cell.at.destination as u8, destination(cell.at.destination)),
        (cell.at.pending as u8, pending(cell.at.pending)),
        schedulers(cell.at.tree, cell.at.asks),
        (cell.at.serves as u8, if cell.at.serves { "a client's" } else { "its own" }),
        (by as u8, named(by)),
        (winner as u8, wins(winner)),
        (send as u8, timeout(send)),
        (receive as u8, timeout(receive)),
    ]
}

impl Group {
    /// The group with this title, which is made if there is none.
    pub fn find<'a>(
        groups: &'a mut Vec<Group>,
        title: String,
        columns: &'static [&'static str],
        results: &'static [&'static str],
    ) -> &'a mut Group {
        let place = groups.iter().position(|group| group.title == title).unwrap_or(groups.len());
        if place == groups.len() {
            let (values, words) = (vec![0; columns.len()], vec![[""; MOST_VALUES]; columns.len()]);
            let (rows, said) = (Vec::new(), Vec::new());
            groups.push(Group { title, rows, columns, results, values, words, said });
        }
        &mut groups[place]
    }

    /// Adds a cell.
    pub fn add(&mut self, columns: &[Value], results: Vec<String>) {
        for (column, (place, words)) in columns.iter().enumerate() {
            self.values[column] |= 1 << place;
            self.words[column][usize::from(*place)] = words;
        }
        let known = self.said.iter().position(|said| *said == results);
        let place = known.unwrap_or(self.said.len());
        if place == self.said.len() {
            self.said.push(results);
        }
        let columns = columns.iter().map(|(place, _)| 1 << place).collect();
        self.rows.push(Row { columns, results: place, cells: 1 });
    }

    /// Rows that differ in one column only become one, until there are no such.
    pub fn merge(&mut self) {
        loop {
            let before = self.rows.len();
            for column in (0..self.columns.len()).rev() {
                self.merge_by(column);
            }
            if self.rows.len() == before {
                break;
            }
        }
        let order = |row: &Row| row.columns.iter().map(|set| set.trailing_zeros()).collect();
        self.rows
            .sort_by_cached_key(|row| -> (Vec<u32>, Values) { (order(row), row.columns.clone()) });
    }

    fn merge_by(&mut self, column: usize) {
        let mut merged: BTreeMap<(Values, usize), Row> = BTreeMap::new();
        for row in self.rows.drain(..) {
            let mut key = (row.columns.clone(), row.results);
            key.0[column] = 0;
            match merged.get_mut(&key) {
                Some(same) => {
                    same.columns[column] |= row.columns[column];
                    same.cells += row.cells;
                }
                None => _ = merged.insert(key, row),
            }
        }
        self.rows = merged.into_values().collect();
    }

    /// As a section of the page. A column in which nothing makes a difference is left out.
    pub fn write(&self, text: &mut String) {
        let _ = writeln!(text, "## {}\n", self.title);
        let differs = |column: &usize| {
            self.rows.iter().any(|row| row.columns[*column] != self.values[*column])
        };
        let shown: Vec<usize> = (0..self.columns.len()).filter(differs).collect();
        let head = shown.iter().map(|column| self.columns[*column]);
        let head: Vec<_> = head.chain(self.results.iter().copied()).collect();
        let _ = writeln!(text, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
        for row in &self.rows {
            let column = |column: &usize| self.in_words(*column, row.columns[*column]);
            let results = self.said[row.results].iter().cloned();
            let words: Vec<_> = shown.iter().map(column).chain(results).collect();
            let _ = writeln!(text, "| {} |", words.join(" | "));
        }
        text.push('\n');
    }

    fn in_words(&self, column: usize, values: u16) -> String {
        if values == self.values[column] && values.count_ones() > 1 {
            return "*".to_owned();
        }
        let words = self.words[column].iter().enumerate();
        let words = words.filter(|(place, _)| values >> place & 1 != 0).map(|(_, words)| *words);
        words.collect::<Vec<_>>().join(" or ")
    }
}

fn schedulers(tree: Tree, asks: bool) -> Value {
    match (tree, asks) {
        (Tree::One, true) => (0, "R asks"),
        (Tree::One, false) => (1, "R"),
        (Tree::Two, true) => (2, "R+S ask"),
        (Tree::Two, false) => (3, "R+S"),
        (Tree::InvokerIsRoot, true) => (4, "root asks"),
        (Tree::InvokerIsRoot, false) => (5, "root"),
        (Tree::InvokerSchedules, true) => (6, "R asks, scheduler"),
        (Tree::InvokerSchedules, false) => (7, "R, scheduler"),
    }
}

pub fn destination(destination: Destination) -> &'static str {
    match destination {
        Destination::Waits => "waits",
        Destination::WaitsForInvoker => "waits for the invoker",
        Destination::WaitsForSender => "waits for F",
        Destination::Ready => "ready",
        Destination::Suspended => "suspended",
        Destination::AwaitsReply => "called the invoker",
        Destination::AwaitsReplyAndDonates => "called, and lends its time",
        Destination::IsScheduler => "is the invoker's scheduler",
    }
}

pub fn pending(pending: Pending) -> &'static str {
    match pending {
        Pending::Nothing => "nothing",
        Pending::Call => "a call of F",
        Pending::Send => "a send of F",
    }
}

pub fn named(by: By) -> &'static str {
    match by {
        By::AllRights => "a gate",
        By::Weak => "a gate without DONATE, HANDOVER",
        By::NotDonating => "a gate, NO_DONATION",
        By::WithoutDonate => "a gate without DONATE",
        By::WithoutHandover => "a gate without HANDOVER",
        By::WithoutSend => "a gate without SEND",
        By::WithoutCall => "a gate without CALL",
        By::ThreadCapability => "no gate",
        By::EmptySlot => "an empty slot",
    }
}

pub fn wins(winner: Winner) -> &'static str {
    match winner {
        Winner::Oneself => "self",
        Winner::SendPartner => "send partner",
        Winner::ReceivePartner => "receive partner",
        Winner::Scheduler => "my scheduler",
    }
}

pub fn timeout(timeout: Timeout) -> &'static str {
    match timeout {
        Timeout::Never => "never",
        Timeout::Zero => "zero",
    }
}

pub fn name(who: Who) -> &'static str {
    match who {
        Who::Root => "R",
        Who::Scheduler => "S",
        Who::Invoker => "the invoker",
        Who::Destination => "D",
        Who::Sender => "F",
        Who::Client => "the client",
        Who::Nobody => "nobody",
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
