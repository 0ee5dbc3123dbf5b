//! Both protocols side by side: every pair of states that the same events lead to.

use crate::facts::Fact;
use crate::operation::{Step, in_words};
use crate::play::{Dispatch, Outcome, Play};
use crate::state::Snapshot;
use crate::system::Plan;
use cedo_core::kernel::Protocol;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// An event, and whom schedulers prefer from then on.
pub type Event = (Step, usize);

/// What kind of event makes a difference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kind {
    /// The operation.
    pub event: &'static str,
    /// In direct mode the current thread works on its client's account.
    pub on_client: bool,
    /// How schedulers dispatch.
    pub dispatch: Dispatch,
}

/// All differences of a kind.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Labels of what is told in chain mode only.
    pub chain_tells: BTreeSet<u32>,
    /// Labels of what is told in direct mode only.
    pub direct_tells: BTreeSet<u32>,
    /// Another thread may run in the end.
    pub another_runs: bool,
    /// The shortest way to one.
    pub example: Example,
}

/// How a difference comes about.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Example {
    pub events: Vec<String>,
    pub chain: String,
    pub direct: String,
}

/// What a comparison came to.
#[derive(Default)]
pub struct Comparison {
    pub pairs: usize,
    pub complete: bool,
    pub differences: BTreeMap<Kind, Difference>,
}

/// Both protocols, at the same point of the same program.
pub struct Sides {
    chain: Play,
    direct: Play,
    start: Pair,
}

/// A state of each.
#[derive(Clone)]
pub struct Pair {
    chain: Snapshot,
    pub direct: Snapshot,
}

impl Sides {
    pub fn new(plan: &Plan, dispatch: Dispatch) -> Sides {
        let chain = Play::new(plan, Protocol::Chain, dispatch);
        let direct = Play::new(plan, Protocol::Direct, dispatch);
        let start = Pair { chain: chain.state.clone(), direct: direct.state.clone() };
        Sides { chain, direct, start }
    }

    pub fn start(&self) -> Pair {
        self.start.clone()
    }

    /// What `event` comes to in each, and where that leads.
    pub fn happen(&mut self, from: &Pair, (step, favourite): Event) -> (Pair, [Outcome; 2]) {
        let chain = self.chain.happen(&from.chain, step, favourite);
        let direct = self.direct.happen(&from.direct, step, favourite);
        let to = Pair { chain: self.chain.state.clone(), direct: self.direct.state.clone() };
        (to, [chain, direct])
    }
}

/// Makes everything that `steps` says happen to both, from the start on, in every order; goes on only
/// from where there is no difference.
pub fn compare(
    plan: &Plan,
    dispatch: Dispatch,
    limit: usize,
    steps: impl Fn(&Snapshot) -> Vec<Step>,
) -> Comparison {
    let mut sides = Sides::new(plan, dispatch);
    let mut comparison = Comparison::default();
    let mut seen = HashSet::new();
    let mut work = VecDeque::from([(sides.start(), Vec::new())]);
    while let Some((pair, events)) = work.pop_front() {
        if seen.len() >= limit {
            comparison.pairs = seen.len();
            return comparison;
        }
        if !seen.insert((pair.chain.key(), pair.direct.key())) {
            continue;
        }
        let possible = steps(&pair.direct).into_iter();
        for event in possible.flat_map(|step| (0..plan.names.len()).map(move |who| (step, who))) {
            let (next, [chain, direct]) = sides.happen(&pair, event);
            let mut events: Vec<Event> = events.clone();
            events.push(event);
            if chain == direct {
                work.push_back((next, events));
            } else {
                let on_client = is_on_client(&pair.direct);
                let kind = Kind { event: name(event.0), on_client, dispatch };
                let new = || Difference {
                    example: Example::of(&mut sides, &plan.names, &events, [&chain, &direct]),
                    ..Difference::default()
                };
                comparison.differences.entry(kind).or_insert_with(new).add(&chain, &direct);
            }
        }
    }
    comparison.pairs = seen.len();
    comparison.complete = true;
    comparison
}

impl Difference {
    fn add(&mut self, chain: &Outcome, direct: &Outcome) {
        self.chain_tells.extend(missing(&chain.facts, &direct.facts));
        self.direct_tells.extend(missing(&direct.facts, &chain.facts));
        self.another_runs |= chain.runs != direct.runs;
    }

    /// Adds what was found in another system; its example counts if it is shorter.
    pub fn merge(&mut self, other: Difference) {
        self.chain_tells.extend(other.chain_tells);
        self.direct_tells.extend(other.direct_tells);
        self.another_runs |= other.another_runs;
        let length = self.example.events.len();
        if length == 0 || other.example.events.len() < length {
            self.example = other.example;
        }
    }
}

/// True if the current thread works on the account of another.
fn is_on_client(state: &Snapshot) -> bool {
    state.current().is_some_and(|me| state.index(state.threads[me].account) != me)
}

/// Labels of the facts that are in `these` and not in `those`.
fn missing(these: &[Fact], those: &[Fact]) -> impl Iterator<Item = u32> {
    these.iter().filter(|fact| !those.contains(fact)).map(|fact| fact.label)
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Interrupt(_) => "interrupt",
        Step::Timer => "deadline",
        Step::Acknowledge(_) => "acknowledge and wait",
        Step::Yield => "yield",
        Step::Call(_) => "call",
        Step::CallWithoutDonation(_) => "call without DONATE",
        Step::Send(..) => "send",
        Step::SendAndReceive(..) => "send and receive",
        Step::Reply(..) => "reply",
        Step::ReplyAndWait(..) => "reply and wait",
        Step::Forward(..) => "forward a call",
        Step::Receive(..) => "receive",
        Step::ReceiveFrom(..) => "receive from one thread",
        Step::Fault => "page fault",
        Step::Abort(_) => "abort another's wait",
        Step::Suspend(_) => "suspend another thread",
        Step::Resume(..) => "resume another thread",
        Step::Destroy(_) => "destroy another thread",
        _ => "another operation",
    }
}

impl Example {
    fn of(
        sides: &mut Sides,
        names: &[&str],
        events: &[Event],
        [chain, direct]: [&Outcome; 2],
    ) -> Example {
        let mut pair = sides.start();
        let mut texts = Vec::new();
        for event in events {
            texts.push(in_words(names, pair.direct.current(), event.0));
            pair = sides.happen(&pair, *event).0;
        }
        let (chain, direct) = (in_words_of(chain, names), in_words_of(direct, names));
        Example { events: texts, chain, direct }
    }
}

fn in_words_of(outcome: &Outcome, names: &[&str]) -> String {
    let mut parts: Vec<_> = outcome.facts.iter().map(|fact| fact.in_words(names)).collect();
    parts.push(outcome.runs.map_or("nobody runs".into(), |at| format!("{} runs", names[at])));
    parts.join("; ")
}
