//! What an operation comes to: grants that are consumed or not, what a receive takes, epochs.

use crate::check::Finding;
use crate::operation::Step;
use crate::state::Snapshot;
use cedo_abi::{Label, Status, Tag};
use cedo_core::kernel::Protocol;
use cedo_core::object::irq::IrqState;
use cedo_core::object::thread::{Record, State};
use cedo_core::object::unusual::LATCHED;
use cedo_machine::Context;

/// Something that a thread could take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pending {
    Timer,
    Irq(usize),
    Told(usize),
    Stuck,
    Sender(usize),
}

/// Everything that is wrong with what `step` came to.
pub fn findings(
    before: &Snapshot,
    after: &Snapshot,
    step: Step,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    epochs(before, after, step, names, found);
    edges(before, after, step, found);
    let Some(me) = before.current() else { return };
    let heard = pending(before, me);
    if step == Step::Fault && after.threads[me].state == State::Suspended {
        unhandled(after, me, names, found);
    }
    if step == Step::Fault {
        circle(before, after, me, names, found);
    }
    match step {
        Step::Dispatch(account) | Step::Reschedule(account) => {
            if heard.is_some() || !before.has_seen_all(me) {
                refused(before, after, me, usize::from(account), names, found);
            } else {
                let walks = matches!(step, Step::Dispatch(_));
                granted(before, after, usize::from(account), walks, names, found);
            }
        }
        Step::Idle | Step::IdleRunWoken => {
            let news = heard.is_some() || !before.has_seen_all(me);
            if news != (after.current() == Some(me)) || !news && after.current().is_some() {
                found.push(("a root idles only where there is no news", names[me].into()));
            }
        }
        _ => {}
    }
    let receives = matches!(step, Step::Receive(..) | Step::Dispatch(_) | Step::Idle);
    if let Some(first) = heard.filter(|_| receives) {
        taken(before, after, me, first, names, found);
    }
}

/// Invariant 6: an epoch counts the IPC operations of its thread, and nothing else.
fn epochs(
    before: &Snapshot,
    after: &Snapshot,
    step: Step,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    for (index, thread) in after.threads.iter().enumerate().filter(|(at, _)| after.alive[*at]) {
        let rise = thread.epoch.wrapping_sub(before.threads[index].epoch);
        let expected = before.current() == Some(index) && step.is_ipc();
        if rise != u64::from(expected) {
            found.push(("epochs count operations", format!("{}: {rise}", names[index])));
        }
    }
}

/// An edge that comes before the acknowledgement is not lost.
fn edges(before: &Snapshot, after: &Snapshot, step: Step, found: &mut Vec<Finding>) {
    for (line, irq) in after.irqs.iter().enumerate().filter(|(line, _)| after.irq_exists(*line)) {
        let was = &before.irqs[line];
        let came = step == Step::Interrupt(line as u8) && was.state == IrqState::Delivered;
        if (was.again || came) && !irq.again && irq.state == IrqState::Armed {
            found.push(("no edge is lost", format!("line {line}")));
        }
        if came && irq.state == IrqState::Delivered && !irq.again {
            found.push(("no edge is lost", format!("line {line}")));
        }
    }
}

/// A fault that nobody handles: the scheduler of `me` has been told, or will be.
fn unhandled(after: &Snapshot, me: usize, names: &[&str], found: &mut Vec<Finding>) {
    let thread = &after.threads[me];
    let context = &after.of(thread.branch.scheduler).context;
    let label = Tag(context.tag()).kernel_label();
    let told = label == Some(Label::Fault) && context.badge() == thread.branch.cookie;
    let queued = thread.record.how == Record::Notice && thread.record.why == Label::Fault;
    let is_root = after.local().root == Some(thread.id);
    if !told && !queued && !is_root {
        found.push(("a scheduler hears of faults that nobody handles", names[me].into()));
    }
}

/// Section 10: who waits for the faulter, on whatever core, is no handler of its fault.
fn circle(
    before: &Snapshot,
    after: &Snapshot,
    me: usize,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    let thread = &before.threads[me];
    let Some(handler) = thread.handler.map(|gate| before.index(gate.thread)) else { return };
    let mail = &before.mails[handler];
    let waits = [mail.owed_by(), mail.queued_at()].contains(&Some(thread.id));
    if waits && before.alive[handler] && after.threads[me].state != State::Suspended {
        found.push(("who waits for a faulter does not handle its fault", names[me].into()));
    }
}

/// What an open receive of `me` must take.
fn pending(state: &Snapshot, me: usize) -> Option<Pending> {
    let thread = &state.threads[me];
    if me == state.index(state.local().root.expect("a root")) && state.local().timer_pending {
        return Some(Pending::Timer);
    }
    let irq = state.irqs_of(me).first().copied().map(Pending::Irq);
    let told = || state.queue(me).first().copied().map(Pending::Told);
    let stuck = || thread.scheduler.unheard.map(|_| Pending::Stuck);
    let sender = || state.mails_in(thread.senders).first().copied().map(Pending::Sender);
    irq.or_else(told).or_else(stuck).or_else(sender)
}

/// A dispatch that found news: the account keeps its token, and the scheduler goes on, unless in chain
/// mode the sender of what it heard climbs past it.
fn refused(
    before: &Snapshot,
    after: &Snapshot,
    me: usize,
    account: usize,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    let (was, is) = (&before.threads[account].record, &after.threads[account].record);
    let recorded = matches!(is.how, Record::Queued | Record::Delivered);
    let kept = recorded && was.sequence == is.sequence;
    let goes_on = after.current() == Some(me) || before.local().protocol == Protocol::Chain;
    if !kept || !goes_on || after.threads[me].context.status() != Status::News {
        found.push(("news keeps a grant from being consumed", names[account].into()));
    }
}

/// Rule 11: the leaf runs, or the first frozen scheduler that has something to take.
fn granted(
    before: &Snapshot,
    after: &Snapshot,
    account: usize,
    walks: bool,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    let mut at = account;
    let mut stops = false;
    while before.local().protocol == Protocol::Direct
        && before.threads[at].state == State::Open
        && let Some(below) = before.threads[at].scheduler.granted
    {
        stops = !walks || pending(before, at).is_some();
        if stops {
            break;
        }
        at = before.index(below);
    }
    let runs = if stops { at } else { before.index(before.threads[at].leaf) };
    // A receive that is completed now finds nothing, or in chain mode lets a sender climb past it.
    let nothing = pending(before, runs).is_none() || before.local().protocol == Protocol::Chain;
    let waits_on = before.threads[runs].unusual.has(LATCHED) && nothing;
    if after.current() != Some(runs) && !waits_on {
        let text = format!("of {}: {} should run", names[account], names[runs]);
        found.push(("a grant reaches the leaf, or who has something to take", text));
    }
    // A scheduler that stops the walk has a new record of its child, which comes before senders.
    let comes_later =
        |first: &Pending| stops && matches!(first, Pending::Stuck | Pending::Sender(_));
    let takes = before.threads[runs].unusual.has(LATCHED) || stops;
    if let Some(first) = pending(before, runs).filter(|first| takes && !comes_later(first)) {
        taken(before, after, runs, first, names, found);
    }
}

/// Interrupts, then the kernel's messages, then senders.
fn taken(
    before: &Snapshot,
    after: &Snapshot,
    me: usize,
    first: Pending,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    let label = Tag(after.threads[me].context.tag()).kernel_label();
    let has = match first {
        Pending::Timer => !after.local().timer_pending,
        Pending::Irq(line) => after.irqs[line].state == IrqState::Delivered,
        Pending::Told(account) => {
            after.threads[account].record.how != before.threads[account].record.how
        }
        Pending::Stuck => label == Some(Label::Stuck),
        Pending::Sender(sender) => after.mails[sender].queued_at().is_none(),
    };
    if !has {
        let text = format!("{}: {first:?}", names[me]);
        found.push(("what is pending is taken in its order", text));
    }
}
