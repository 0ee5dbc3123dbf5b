//! Breadth-first search over all states that a system can reach.

use crate::check::{self, View};
use crate::liveness::Graph;
use crate::memory;
use crate::operation::{self, Step, in_words};
use crate::program::Programs;
use crate::state::Snapshot;
use crate::step_check;
use crate::system::{Plan, System};
use crate::time_check;
use cedo_abi::Status;
use cedo_core::kernel::Protocol;
use cedo_core::object::irq::IrqState;
use cedo_core::object::thread::{ErrandKind, Record, State};
use cedo_machine::CoreNumber;
use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Kinds of counterexamples after which a search ends.
const MAX_KINDS: usize = 6;

/// Nobody runs on a core.
const NOBODY: u8 = 0xff;

/// Ends every search of this program. With the environment variable `CEDO_SEARCH_FIRST`, the first
/// counterexample sets it: that something is wrong is all that is asked for then.
pub static ENDED: AtomicBool = AtomicBool::new(false);

/// A system, what its threads do, and how far to go.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub plan: Plan,
    pub programs: Programs,
    /// Most states to visit.
    pub limit: usize,
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Report {
    pub states: usize,
    pub steps: usize,
    /// All states were visited.
    pub complete: bool,
    /// It ended because the host has no memory for more.
    pub out_of_memory: bool,
    /// One text per kind of broken rule: rule, finding, trace.
    pub counterexamples: Vec<String>,
}

/// A step, on which core, and who ran there before.
#[derive(Clone, Copy)]
struct Action {
    step: Step,
    core: u8,
    actor: u8,
}

struct Node {
    parent: u32,
    /// How the state came about.
    action: Action,
    /// Bits of the accounts that are ready and do not run.
    ready: u16,
    /// Bits of the threads in an operation that is under way.
    away: u16,
}

/// A search under way.
struct Search<'a> {
    case: &'a Case,
    system: System,
    seen: HashMap<u128, u32>,
    nodes: Vec<Node>,
    /// (from, to), interrupts left out.
    edges: Vec<(u32, u32)>,
    frontier: VecDeque<(u32, Snapshot)>,
    kinds: Vec<&'static str>,
    report: Report,
}

/// Visits every state that `case` can reach.
pub fn explore(case: &Case) -> Report {
    quieten();
    let mut system = System::build(&case.plan);
    let first = Snapshot::take(&mut system, None);
    let mut search = Search {
        case,
        system,
        seen: HashMap::new(),
        nodes: Vec::new(),
        edges: Vec::new(),
        frontier: VecDeque::new(),
        kinds: Vec::new(),
        report: Report::default(),
    };
    let start = Action { step: Step::Timer, core: 0, actor: NOBODY };
    search.add(first, u32::MAX, start);
    while let Some((number, state)) = search.frontier.pop_front() {
        let enough = search.nodes.len() >= case.limit || search.kinds.len() >= MAX_KINDS;
        search.report.out_of_memory = !enough && memory::is_short(number as usize);
        if enough || search.report.out_of_memory || ENDED.load(Ordering::Relaxed) {
            search.frontier.push_front((number, state));
            break;
        }
        let mut state = state;
        for core in 0..state.locals.len() {
            state.core = core;
            search.expand(number, &state);
        }
    }
    search.report.complete = search.frontier.is_empty();
    search.report.states = search.nodes.len();
    let whole = search.report.complete && search.kinds.is_empty();
    if whole && !case.programs.lazy && case.plan.protocol == Protocol::Direct {
        search.everything_comes_to_pass();
    }
    search.report
}

impl Search<'_> {
    fn expand(&mut self, number: u32, state: &Snapshot) {
        for step in self.case.programs.steps(state) {
            self.report.steps += 1;
            let Some(mut after) = self.make(number, state, step) else { continue };
            step_check::learn(state, &mut after);
            let found = step_check::findings(state, &after, step, &self.case.plan.names);
            for (rule, text) in &found {
                self.counterexample(rule, text, number, Some((state, step)));
            }
            if found.is_empty() {
                let to = self.add(after, number, Action::of(state, step));
                if !matches!(step, Step::Interrupt(_) | Step::Timer) {
                    self.edges.push((number, to));
                }
            }
        }
        self.refused(number, state);
    }

    /// Makes a step; the state after it, unless the kernel panics.
    fn make(&mut self, number: u32, state: &Snapshot, step: Step) -> Option<Snapshot> {
        state.put_back(&mut self.system);
        let system = &mut self.system;
        system.core = CoreNumber(state.core as u8);
        let now = system.pass_time();
        SILENT.set(true);
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            operation::perform(system, state, step);
            let after = Snapshot::take(system, Some(state));
            after.key();
            after
        }));
        SILENT.set(false);
        match result {
            Ok(after) => {
                if let Some(text) = time_check::finding(state, &after, now, &self.case.plan.names) {
                    self.counterexample("times add up", &text, number, Some((state, step)));
                }
                Some(after)
            }
            Err(payload) => {
                let text = payload
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_default();
                let rule = kind_of_panic(&text);
                self.counterexample(rule, &text, number, Some((state, step)));
                None
            }
        }
    }

    /// Old and foreign tokens and old epochs: *stale*, and nothing has changed.
    fn refused(&mut self, number: u32, state: &Snapshot) {
        let Some(me) = state.current() else { return };
        let mut steps = Vec::new();
        for (index, thread) in state.threads.iter().enumerate().filter(|(at, _)| state.alive[*at]) {
            let place = index as u8;
            let recorded = matches!(thread.record.how, Record::Queued | Record::Delivered);
            if state.threads[me].is_scheduler() && recorded {
                steps.push(Step::DispatchStale(place));
            }
            if recorded && !state.is_above(me, index) {
                steps.push(Step::Dispatch(place));
            }
            if let State::Reply(by) = thread.state {
                steps.push(match state.index(by) == me {
                    true => Step::ReplyStale(place),
                    false => Step::ReplyAndWait(place, operation::Winner::Oneself),
                });
            }
            let here = state.is_here(index) && state.named[index];
            if index != me && state.threads[me].is_scheduler() && here {
                steps.push(Step::AbortStale(place));
            }
        }
        for (line, irq) in (0..).zip(&state.irqs).filter(|(_, irq)| irq.state != IrqState::Armed) {
            if state.irq_exists(line.into()) {
                let mine = state.index(irq.handler) == me && irq.state == IrqState::Delivered;
                steps.push(if mine {
                    Step::AcknowledgeStale(line)
                } else {
                    Step::Acknowledge(line)
                });
            }
        }
        let key = state.key();
        for step in steps {
            let Some(mut after) = self.make(number, state, step) else { continue };
            let thread = &after.threads[me];
            let (status, seen) = (thread.context.status(), after.has_seen_all(me));
            // An answer tells of events; that is all it may change.
            if seen && !state.has_seen_all(me) {
                after.threads[me].context = state.threads[me].context;
            }
            if status != Status::Stale || after.key() != key {
                let text = format!("{status:?}");
                self.counterexample(
                    "a stale name changes nothing",
                    &text,
                    number,
                    Some((state, step)),
                );
            }
        }
    }

    /// Adds a state unless it is known; its number.
    fn add(&mut self, mut state: Snapshot, parent: u32, action: Action) -> u32 {
        let key = state.key();
        if let Some(number) = self.seen.get(&key) {
            return *number;
        }
        let number = self.nodes.len() as u32;
        self.seen.insert(key, number);
        let (mut found, mut ready) = (Vec::new(), 0);
        for core in 0..state.locals.len() {
            state.core = core;
            let view = View::of(&state, &self.case.plan.names);
            found.extend(check::findings(&view, self.case.programs.lazy));
            let runs = state.local().grantee.filter(|_| state.local().current.is_some());
            let runs = runs.map(|id| state.index(id));
            ready |= bits(&state, |at| view.ready[at] && Some(at) != runs);
        }
        let away = bits(&state, |at| is_away(&state, at));
        self.nodes.push(Node { parent, action, ready, away });
        for (rule, text) in &found {
            let text = format!("{text}; {}", state.in_words(&self.case.plan.names));
            self.counterexample(rule, &text, number, None);
        }
        if found.is_empty() {
            self.frontier.push_back((number, state));
        }
        number
    }

    fn counterexample(
        &mut self,
        rule: &'static str,
        text: &str,
        number: u32,
        last: Option<(&Snapshot, Step)>,
    ) {
        if self.kinds.contains(&rule) {
            return;
        }
        self.kinds.push(rule);
        if std::env::var_os("CEDO_SEARCH_FIRST").is_some() {
            ENDED.store(true, Ordering::Relaxed);
        }
        let names = &self.case.plan.names;
        let mut lines = self.trace(number);
        if let Some((state, step)) = last {
            lines.push(Action::of(state, step).in_words(names, state.locals.len()));
        }
        if let Some((state, _)) = last {
            lines.push(state.in_words(names));
        }
        let trace = lines.join("\n    ");
        self.report
            .counterexamples
            .push(format!("{}: broken: {rule} ({text}) after\n    {trace}", self.case.name));
    }

    fn trace(&self, number: u32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut at = number;
        while self.nodes[at as usize].parent != u32::MAX {
            let node = &self.nodes[at as usize];
            lines.push(node.action.in_words(&self.case.plan.names, self.cores()));
            at = node.parent;
        }
        lines.reverse();
        lines
    }

    /// In no state is it too late, without an interrupt: every account that could run can still come
    /// to run, or stop being ready, and every operation on a thread of another core can come to its
    /// end.
    fn everything_comes_to_pass(&mut self) {
        let graph = Graph::new(self.nodes.len(), &self.edges);
        for (at, name) in self.case.plan.names.iter().enumerate() {
            let without = |bits: fn(&Node) -> u16| {
                self.nodes.iter().map(|node| bits(node) & 1 << at == 0).collect()
            };
            // States are numbered in the order of their distance.
            let starved = graph.first_without_way_to(without(|node| node.ready));
            let stranded = graph.first_without_way_to(without(|node| node.away));
            for (rule, bad) in [
                ("who could run can come to run", starved),
                ("an operation can come to its end", stranded),
            ] {
                if let Some(bad) = bad {
                    self.counterexample(rule, name, bad as u32, None);
                }
            }
        }
    }

    fn cores(&self) -> usize {
        usize::from(*self.case.plan.homes.iter().max().expect("a thread")) + 1
    }
}

impl Action {
    fn of(state: &Snapshot, step: Step) -> Action {
        let actor = state.current().map_or(NOBODY, |current| current as u8);
        Action { step, core: state.core as u8, actor }
    }

    fn in_words(self, names: &[&str], cores: usize) -> String {
        let actor = (self.actor != NOBODY).then_some(usize::from(self.actor));
        let text = in_words(names, actor, self.step);
        match self.step {
            Step::Interrupt(_) | Step::Timer | Step::Signal if cores > 1 => {
                format!("on core {}, {text}", self.core)
            }
            _ => text,
        }
    }
}

/// The threads, as bits, for which `is` holds.
fn bits(state: &Snapshot, is: impl Fn(usize) -> bool) -> u16 {
    (0..state.threads.len()).filter(|at| is(*at)).fold(0, |bits, at| bits | 1 << at)
}

/// True if the mail of a thread carries an operation, or is called back.
fn is_away(state: &Snapshot, at: usize) -> bool {
    state.alive[at]
        && match state.threads[at].state {
            State::Recalled(_) => true,
            State::Remote(errand) => errand.kind == ErrandKind::Operation,
            _ => false,
        }
}

/// The texts of the kernel's own invariants name a rule each.
fn kind_of_panic(text: &str) -> &'static str {
    const RULES: [&str; 14] = [
        "the current thread is running",
        "the current thread works for the grantee",
        "a running thread has completed its receive",
        "who granted its time waits",
        "the grants lead to the grantee",
        "a scheduler's ready children count",
        "one thread runs",
        "only a waiting scheduler has granted its time",
        "a waiting thread is on its own account",
        "a waiting thread has nothing pending",
        "an account has one leaf",
        "a running account is not recorded",
        "a ready account is in one place",
        "what cannot run is not recorded ready",
    ];
    RULES.into_iter().find(|rule| text.contains(rule)).unwrap_or("the kernel does not panic")
}

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Panics inside a step are counterexamples, reported with their trace.
fn quieten() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !SILENT.get() {
                usual(info);
            }
        }));
    });
}
