//! What must hold in every state, written from DESIGN.md section 12 and not from the kernel.

use crate::state::Snapshot;
use crate::stuck_check;
use cedo_core::kernel::Protocol;
use cedo_core::object::irq::IrqState;
use cedo_core::object::thread::{Record, State};
use cedo_core::object::unusual::LATCHED;
use cedo_machine::Trigger;

/// One broken rule: its name, and what was found.
pub type Finding = (&'static str, String);

/// A state seen with the words of the contract.
pub struct View<'a> {
    pub state: &'a Snapshot,
    pub names: &'a [&'static str],
    /// By thread: its scheduler; nobody for the root.
    pub scheduler: Vec<Option<usize>>,
    pub granted: Vec<Option<usize>>,
    pub account: Vec<usize>,
    /// From the root of the core that is looked at along the grants.
    pub stack: Vec<usize>,
    /// Waits with a grant out that is not on the stack.
    pub frozen: Vec<bool>,
    /// By account: a thread on it could run, or it is frozen.
    pub ready: Vec<bool>,
    pub root: usize,
}

impl<'a> View<'a> {
    pub fn of(state: &'a Snapshot, names: &'a [&'static str]) -> View<'a> {
        let count = state.threads.len();
        let threads = &state.threads;
        let index = |id| state.index(id);
        let root = state.root();
        let granted: Vec<_> =
            threads.iter().map(|thread| thread.scheduler.granted.map(index)).collect();
        let scheduler = (0..count)
            .map(|at| Some(index(threads[at].branch.scheduler)).filter(|above| *above != at))
            .collect();
        let mut stack = vec![root];
        while let Some(next) = granted[stack[stack.len() - 1]] {
            assert!(stack.len() <= count, "grants that lead in a circle");
            stack.push(next);
        }
        let frozen: Vec<bool> = (0..count)
            .map(|at| {
                let waits = state.is_here(at) && threads[at].state == State::Open;
                waits && granted[at].is_some() && !stack.contains(&at)
            })
            .collect();
        let account: Vec<usize> = threads.iter().map(|thread| index(thread.account)).collect();
        let mut ready = frozen.clone();
        for at in (0..count).filter(|at| state.is_here(*at)) {
            ready[account[at]] |= threads[at].state == State::Ready;
        }
        View { state, names, scheduler, granted, account, stack, frozen, ready, root }
    }

    pub fn is(&self, at: usize, wanted: State) -> bool {
        self.state.is_here(at) && self.state.threads[at].state == wanted
    }

    /// The threads of the core that is looked at.
    pub fn living(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.state.threads.len()).filter(|at| self.state.is_here(*at))
    }

    fn direct(&self) -> bool {
        self.state.local().protocol == Protocol::Direct
    }
}

/// Everything that is wrong with a state. `lazy`: schedulers wait although they know better.
pub fn findings(view: &View<'_>, lazy: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    running(view, &mut found);
    accounts(view, &mut found);
    stack(view, &mut found);
    recorded(view, lazy, &mut found);
    waits(view, &mut found);
    pending(view, &mut found);
    posts(view, &mut found);
    halted(view, lazy, &mut found);
    stuck_check::findings(view, &mut found);
    found
}

/// Invariant 1: one thread runs, and the kernel knows which.
fn running(view: &View<'_>, found: &mut Vec<Finding>) {
    let running: Vec<_> = view.living().filter(|at| view.is(*at, State::Running)).collect();
    let current: Vec<_> = view.state.current().into_iter().collect();
    if running != current {
        found.push(("one thread runs", format!("running {running:?}, current {current:?}")));
    }
    if let Some(current) = view.state.current() {
        let grantee = view.state.local().grantee.map(|id| view.state.index(id));
        if Some(view.account[current]) != grantee {
            let text = format!("{} is not on the grantee's", view.names[current]);
            found.push(("the current thread is on the grantee's account", text));
        }
        if view.state.threads[current].unusual.has(LATCHED) {
            found.push(("who runs has its message", view.names[current].into()));
        }
    }
}

/// Invariant 5: nobody runs on two accounts, no account has two leaves.
fn accounts(view: &View<'_>, found: &mut Vec<Finding>) {
    let threads = &view.state.threads;
    let mut leaves: Vec<Vec<usize>> = vec![Vec::new(); threads.len()];
    for at in view.living() {
        let own = view.account[at] == at;
        if matches!(threads[at].state, State::Ready | State::Running) {
            leaves[view.account[at]].push(at);
        }
        if threads[at].is_scheduler() && !own {
            found.push(("schedulers work for themselves", view.names[at].into()));
        }
        if threads[at].state == State::Open && !own {
            found.push(("who waits is on its own account", view.names[at].into()));
        }
        if !own && client_of(view, at).is_none() {
            found.push(("who works for another owes it an answer", view.names[at].into()));
        }
        let depth = client_of(view, at).map_or(0, |client| threads[client].call_depth + 1);
        if view.direct() && threads[at].call_depth != depth {
            let text = format!("{}: {}", view.names[at], threads[at].call_depth);
            found.push(("donated calls are counted", text));
        }
        if !view.state.alive[view.account[at]] {
            found.push(("an account exists", view.names[at].into()));
        }
    }
    for (account, leaves) in leaves.iter().enumerate() {
        if leaves.len() > 1 {
            let leaves: Vec<_> = leaves.iter().map(|leaf| view.names[*leaf]).collect();
            found.push(("one leaf", format!("{}: {leaves:?}", view.names[account])));
        }
        if view.frozen[account] && !leaves.is_empty() {
            found.push(("who is frozen waits", view.names[account].into()));
        }
    }
}

/// Whose call brought `at` to an account that is not its own.
fn client_of(view: &View<'_>, at: usize) -> Option<usize> {
    if view.account[at] == at {
        return None;
    }
    view.living().find(|client| {
        let awaits = view.state.threads[*client].state == State::Reply(view.state.threads[at].id);
        awaits && view.account[*client] == view.account[at]
    })
}

/// Rule 2: the grants lead along tree edges to the grantee.
fn stack(view: &View<'_>, found: &mut Vec<Finding>) {
    for at in view.living() {
        if view.granted[at].is_some() && !view.is(at, State::Open) {
            found.push(("who granted its time waits", view.names[at].into()));
        }
        if view.granted[at].is_some() && !view.direct() {
            found.push(("nothing is granted in chain mode", view.names[at].into()));
        }
        if let Some(granted) = view.granted[at]
            && view.frozen[at]
            && !view.ready[granted]
        {
            let text = format!("{} over {}", view.names[at], view.names[granted]);
            found.push(("what is frozen could go on", text));
        }
    }
    let grantee = view.state.local().grantee.map(|id| view.state.index(id));
    let top = view.stack[view.stack.len() - 1];
    if view.direct() && view.state.current().is_some() && Some(top) != grantee {
        found.push(("the grants lead to the grantee", view.names[top].into()));
    }
    for pair in view.stack.windows(2) {
        let mut at = Some(pair[1]);
        while at.is_some() && at != Some(pair[0]) {
            at = view.scheduler[at.expect("checked")];
        }
        if at.is_none() {
            found.push(("a grant goes down the tree", view.names[pair[1]].into()));
        }
    }
}

/// Invariants 2 and 3: a ready account is in exactly one place, and its scheduler can learn of it.
fn recorded(view: &View<'_>, lazy: bool, found: &mut Vec<Finding>) {
    let state = view.state;
    let grantee = state.local().grantee.map(|id| state.index(id));
    let lists_of = |at: usize| match &state.threads[at].scheduler {
        scheduler if state.alive[at] => (state.queue(at), state.records(scheduler.delivered)),
        _ => (Vec::new(), Vec::new()),
    };
    let lists: Vec<_> = (0..state.threads.len()).map(lists_of).collect();
    for at in view.living() {
        let Some(above) = view.scheduler[at] else { continue };
        let how = state.threads[at].record.how;
        let queued = lists[above].0.iter().filter(|other| **other == at).count();
        let delivered = lists[above].1.iter().filter(|other| **other == at).count();
        let expected = match how {
            Record::None => (0, 0),
            Record::Queued | Record::Notice => (1, 0),
            Record::Delivered => (0, 1),
        };
        if (queued, delivered) != expected {
            let text = format!("{} {how:?}: {queued} {delivered}", view.names[at]);
            found.push(("a record is where it says", text));
        }
        let recorded = matches!(how, Record::Queued | Record::Delivered);
        let mut givers = view.living().filter(|giver| view.granted[*giver] == Some(at));
        let kept = givers.any(|giver| view.frozen[giver]);
        let works = Some(at) == grantee && state.current().is_some() || view.stack.contains(&at);
        let ready = view.ready[at] && !works;
        if ready && usize::from(recorded) + usize::from(kept) != 1 {
            let text = format!("{} recorded {recorded}, kept {kept}", view.names[at]);
            found.push(("a ready account is in one place", text));
        }
        if !ready && recorded {
            found.push(("only what could run is recorded", view.names[at].into()));
        }
        let idles = view.is(above, State::Open) && !view.stack.contains(&above);
        if idles && view.granted[above].is_none() && how == Record::Queued {
            found.push(("who waits is told", view.names[above].into()));
        }
        if idles
            && view.granted[above].is_none()
            && how == Record::Delivered
            && !lazy
            && view.direct()
        {
            let text = format!("{} waits for {}", view.names[above], view.names[at]);
            found.push(("who knows does not wait", text));
        }
    }
}

/// Invariants 7 and 9: each wait is known to exactly one thread, or under way to it.
fn waits(view: &View<'_>, found: &mut Vec<Finding>) {
    let state = view.state;
    for at in view.living() {
        let thread = &state.threads[at];
        let count_in = |list: fn(&Snapshot, usize) -> Vec<usize>| {
            let owners = (0..state.threads.len()).filter(|owner| state.alive[*owner]);
            owners.flat_map(|owner| list(state, owner)).filter(|mail| *mail == at).count()
        };
        let owed = count_in(|state, owner| state.mails_in(state.threads[owner].owed));
        let queued = count_in(|state, owner| state.mails_in(state.threads[owner].senders));
        let closed = count_in(|state, owner| state.mails_in(state.threads[owner].closed));
        let posted = state.posted.iter().flatten().filter(|id| **id == thread.id).count();
        let lists = (owed, queued, closed, posted);
        let right = match thread.state {
            State::Reply(by) => lists == (1, 0, 0, 0) && state.mails[at].owed_by() == Some(by),
            State::Sending(to) => lists == (0, 1, 0, 0) && state.mails[at].queued_at() == Some(to),
            State::Closed(on) => {
                lists == (0, 0, 1, 0) && state.mails[at].awaits() == Some(on.thread)
            }
            State::Remote(_) | State::Recalled(_) => owed + queued + closed + posted == 1,
            _ => lists == (0, 0, 0, 0),
        };
        if !right {
            let text = format!("{} {:?}: {lists:?}", view.names[at], thread.state);
            found.push(("a wait is in one list", text));
        }
    }
}

/// Invariant 4: no lost wake-up.
fn pending(view: &View<'_>, found: &mut Vec<Finding>) {
    let state = view.state;
    for at in view.living() {
        let thread = &state.threads[at];
        let open = thread.state == State::Open && !view.frozen[at];
        let timer = at == view.root && state.local().timer_pending;
        if open && (thread.senders.first.is_some() || thread.irqs.first.is_some() || timer) {
            found.push(("no wake-up is lost", view.names[at].into()));
        }
    }
    for (line, irq) in state.irqs.iter().enumerate().filter(|(line, _)| state.irq_exists(*line)) {
        let handler = state.index(irq.handler);
        let listed = state.irqs_of(handler).iter().filter(|other| **other == line).count();
        if listed != usize::from(irq.state == IrqState::Pending) {
            found.push(("a pending interrupt is in its handler's list", format!("line {line}")));
        }
    }
    masks(state, found);
}

/// Section 10: a level line is masked from delivery until it is acknowledged, an edge line never; one
/// that nobody handles always.
fn masks(state: &Snapshot, found: &mut Vec<Finding>) {
    for (line, irq) in state.irqs.iter().enumerate() {
        let wanted = match irq.trigger {
            _ if !state.irq_exists(line) => true,
            Trigger::Level => irq.state != IrqState::Armed,
            Trigger::Edge => false,
        };
        if state.masked[line] != wanted {
            let text = format!("line {line}, {:?}, masked: {}", irq.trigger, state.masked[line]);
            found.push(("lines are masked as their trigger says", text));
        }
    }
}

/// A core that has posts has been signalled.
fn posts(view: &View<'_>, found: &mut Vec<Finding>) {
    let state = view.state;
    if !state.posted[state.core].is_empty() && !state.signalled[state.core] {
        found.push(("a core is told of its posts", format!("core {}", state.core)));
    }
}

/// Invariant 14: a halted core has a root that waits, and nothing that could run.
fn halted(view: &View<'_>, lazy: bool, found: &mut Vec<Finding>) {
    if view.state.current().is_some() {
        return;
    }
    let root = &view.state.threads[view.root];
    if root.state != State::Open || root.scheduler.granted.is_some() {
        found.push(("a halted core has a waiting root", format!("{:?}", root.state)));
    }
    if root.scheduler.has_queued() || root.scheduler.unheard.is_some() {
        found.push(("a halted core has told its root", String::new()));
    }
    let of_the_root = |at: usize| {
        let above = std::iter::successors(Some(at), |at| view.scheduler[*at]);
        above.last() == Some(view.root)
    };
    let could_run = |at: &usize| view.ready[*at] && of_the_root(*at);
    let ready: Vec<_> = view.living().filter(could_run).collect();
    if !lazy && view.direct() && !ready.is_empty() {
        let names: Vec<_> = ready.iter().map(|at| view.names[*at]).collect();
        found.push(("a halted core has nothing to run", format!("{names:?}")));
    }
}
