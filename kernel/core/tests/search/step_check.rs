//! What must hold of every step: grants end with a record, and what the kernel takes out of a queue
//! for somebody is in that thread's registers afterwards.

use crate::check::{Finding, View};
use crate::operation::Step;
use crate::state::Snapshot;
use crate::{answer_check, queue_check};
use cedo_abi::call::core::ON_EMPTY_HALT;
use cedo_abi::{Label, Tag, Token, notice};
use cedo_arch_host::HostContext;
use cedo_core::kernel::Protocol;
use cedo_core::object::irq::IrqState;
use cedo_core::object::thread::{Record, State};
use cedo_core::object::unusual::LATCHED;
use cedo_machine::Context;

/// Everything that is wrong with `step`, which leads from `before` to `after`.
pub fn findings(
    before: &Snapshot,
    after: &Snapshot,
    step: Step,
    names: &[&'static str],
) -> Vec<Finding> {
    let mut found = Vec::new();
    answer_check::findings(before, after, step, names, &mut found);
    queue_check::findings(before, after, names, &mut found);
    delivered_records(before, after, names, &mut found);
    delivered_notices(before, after, names, &mut found);
    delivered_calls(before, after, names, &mut found);
    delivered_interrupts(before, after, names, &mut found);
    names_children(before, after, names, &mut found);
    root_regains(before, after, step, &mut found);
    if after.local().protocol == Protocol::Direct {
        ended_grants(before, after, names, &mut found);
    }
    found
}

fn lives_on(before: &Snapshot, after: &Snapshot, index: usize) -> bool {
    before.alive[index] && after.alive[index]
}

/// A scheduler has the token of every record that left its queue.
fn delivered_records(
    before: &Snapshot,
    after: &Snapshot,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    for (index, thread) in after.threads.iter().enumerate() {
        let was = &before.threads[index];
        let same =
            was.record.sequence == thread.record.sequence && was.record.how == Record::Delivered;
        if thread.record.how != Record::Delivered || same || !lives_on(before, after, index) {
            continue;
        }
        let scheduler = after.of(thread.branch.scheduler);
        let token = Token::new(thread.id.frame().0, thread.record.sequence).0;
        let words = scheduler.context.words();
        if scheduler.context.token() != token && words[notice::PREEMPTER_TOKEN] != token {
            let text = format!("of {}", names[index]);
            found.push(("a delivered record is in the scheduler's registers", text));
        }
    }
}

/// A scheduler has the message of every notice that left its queue, unless that is void, or the thread
/// is another one's now.
fn delivered_notices(
    before: &Snapshot,
    after: &Snapshot,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    for (index, thread) in after.threads.iter().enumerate() {
        let was = &before.threads[index];
        let gone = was.record.how == Record::Notice && thread.record.how == Record::None;
        let void = matches!(thread.state, State::Ready | State::Running);
        let account_runs = after.of(thread.leaf).account == thread.id
            && matches!(after.of(thread.leaf).state, State::Ready | State::Running);
        let granted = thread.scheduler.granted.is_some();
        let void = void || was.branch.scheduler != thread.branch.scheduler;
        if !gone || void || account_runs || granted || !lives_on(before, after, index) {
            continue;
        }
        let scheduler = after.of(thread.branch.scheduler);
        let label = Tag(scheduler.context.tag()).kernel_label();
        let about = scheduler.context.badge() == thread.branch.cookie;
        if !about || label != Some(was.record.why) {
            found.push(("a delivered notice is in the registers", names[index].into()));
        }
    }
}

/// Who owes a reply has the token for it.
fn delivered_calls(before: &Snapshot, after: &Snapshot, names: &[&str], found: &mut Vec<Finding>) {
    for (index, mail) in after.mails.iter().enumerate() {
        let was = &before.mails[index];
        let Some(server) = mail.owed_by().filter(|_| after.alive[index]) else { continue };
        if was.owed_by() == Some(server) && was.sequence() == mail.sequence() {
            continue;
        }
        let token = Token::new(after.threads[index].id.frame().0, mail.sequence()).0;
        if after.of(server).context.token() != token {
            let text = format!("of {}", names[index]);
            found.push(("a delivered call is in the server's registers", text));
        }
    }
}

/// A handler has the token of every interrupt it took.
fn delivered_interrupts(
    before: &Snapshot,
    after: &Snapshot,
    names: &[&str],
    found: &mut Vec<Finding>,
) {
    for (line, irq) in after.irqs.iter().enumerate() {
        let was = &before.irqs[line];
        if irq.state != IrqState::Delivered || was.sequence == irq.sequence {
            continue;
        }
        let handler = after.of(irq.handler);
        if handler.context.token() as u32 != irq.sequence {
            let text = names[after.index(irq.handler)].into();
            found.push(("a delivered interrupt is in the handler's registers", text));
        }
    }
    let told_root = before.local().timer_pending && !after.local().timer_pending;
    let root = after.of(after.local().root.expect("a root"));
    if told_root && root.context.words()[notice::IRQ_LINE] != notice::LINE_TIMER {
        found.push(("a delivered deadline is in the root's registers", String::new()));
    }
}

/// Who hears of a thread knows it: the cookie of a message is that of a child of its own.
fn names_children(before: &Snapshot, after: &Snapshot, names: &[&str], found: &mut Vec<Finding>) {
    for (index, thread) in after.threads.iter().enumerate() {
        let context = &thread.context;
        let label = Tag(context.tag()).kernel_label();
        let about_a_child = matches!(
            label,
            Some(
                Label::Preempted
                    | Label::Yielded
                    | Label::Lost
                    | Label::Woken
                    | Label::Blocked
                    | Label::New
                    | Label::Stuck
                    | Label::Idle
            )
        );
        let void = label == Some(Label::Idle) && context.badge() == 0;
        let was = &before.threads[index].context;
        let message = |of: &HostContext| (of.tag(), of.badge(), of.token(), of.words());
        let heard = thread.state == State::Running && message(context) != message(was);
        if !about_a_child || void || !heard || !lives_on(before, after, index) {
            continue;
        }
        let cookie = context.badge();
        // It may end, or get another scheduler, in the very step.
        let known = [before, after].into_iter().any(|state| {
            state.threads.iter().enumerate().any(|(at, child)| {
                let own = state.alive[at] && child.branch.scheduler == thread.id && at != index;
                own && child.branch.cookie == cookie
            })
        });
        if !known {
            found.push(("a message names a child of who hears it", names[index].into()));
        }
    }
}

/// Section 4: where nobody could run, the root is told at last. So a core halts because its root
/// waits, or wants it to.
fn root_regains(before: &Snapshot, after: &Snapshot, step: Step, found: &mut Vec<Finding>) {
    let root = after.root();
    let by_root = before.current() == Some(root);
    let halts = before.current().is_some() && after.current().is_none();
    let waits = after.threads[root].state == State::Open;
    if halts && waits && !by_root && after.local().options & ON_EMPTY_HALT == 0 {
        found.push(("a root is told that nothing runs", format!("{step:?}")));
    }
}

/// Invariant 5: whoever had granted its time and has no longer is told of that child, or runs, or
/// has not asked.
fn ended_grants(
    before: &Snapshot,
    after: &Snapshot,
    names: &[&'static str],
    found: &mut Vec<Finding>,
) {
    let view = View::of(after, names);
    for (giver, thread) in before.threads.iter().enumerate() {
        let Some(child) = thread.scheduler.granted else { continue };
        let now = after.threads[giver].scheduler.granted;
        if now == Some(child) || !lives_on(before, after, giver) {
            continue;
        }
        let child = after.index(child);
        let told = !matches!(after.threads[child].record.how, Record::None);
        let active = after.threads[giver].state != State::Open;
        let asked = thread.scheduler.ask_blocked && after.alive[child];
        let at_stopped = view.scheduler[child] != Some(giver);
        if !told && !active && asked && !at_stopped || now.is_some() && !told && view.ready[child] {
            let text = format!("{} of {}", names[giver], names[child]);
            found.push(("a grant ends with a record", text));
        }
    }
}

/// Notes which tokens schedulers have of children that are not their own: from *stuck*. They are good as
/// long as the scheduler is above the child.
pub fn learn(before: &Snapshot, after: &mut Snapshot) {
    for scheduler in 0..after.threads.len() {
        let mut told = after.told[scheduler];
        for index in 0..after.threads.len() {
            let (was, is) = (&before.threads[index].record, &after.threads[index].record);
            let recorded = matches!(is.how, Record::Queued | Record::Delivered);
            let same = recorded && was.sequence == is.sequence;
            if !same || !after.alive[index] || !after.is_above(scheduler, index) {
                told &= !(1 << index);
            }
        }
        let thread = &after.threads[scheduler];
        let context = &thread.context;
        let stuck = Tag(context.tag()).kernel_label() == Some(Label::Stuck);
        if stuck
            && matches!(thread.state, State::Running | State::Ready)
            && !thread.unusual.has(LATCHED)
        {
            let token = Token(context.token());
            let named = after.threads.iter().position(|thread| {
                thread.id.frame().0 == token.frame() && thread.record.sequence == token.sequence()
            });
            let good = |index: &usize| after.alive[*index] && after.is_above(scheduler, *index);
            if let Some(index) = named.filter(good) {
                told |= 1 << index;
            }
        }
        after.told[scheduler] = told;
    }
}
