//! Which steps are possible in a state: every thread does, at any time, any operation of its program.

use crate::operation::{Step, Timeout, Winner};
use crate::state::Snapshot;
use cedo_core::kernel::Protocol;
use cedo_core::object::irq::IrqState;
use cedo_core::object::thread::State;
use cedo_machine::Trigger;

/// What a thread may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// This very step.
    Do(Step),
    /// Receive from anyone, owing nothing.
    Wait,
    /// Receive from anyone, whatever it owes.
    WaitOwing,
    /// Reply to each caller it owes, and go on.
    Reply(Winner),
    /// Reply to each caller it owes, and wait.
    ReplyAndWait(Winner),
    /// Pass each call it owes a reply on to this thread, and wait if true.
    Forward(u8, bool),
    /// Reply to each caller it owes, and receive from this thread only.
    ReplyAndReceiveFrom(u8),
}

/// Programs of a system, by thread, and how its schedulers behave.
#[derive(Clone, Debug)]
pub struct Programs {
    /// By thread.
    pub lines: Vec<Vec<Line>>,
    /// Who behaves as a scheduler, with or without children.
    pub schedulers: Vec<usize>,
    /// Lazy schedulers wait although they know of ready children.
    pub lazy: bool,
    /// The core's deadline may pass at any time.
    pub timer: bool,
    /// Interrupts also come while their handler has not acknowledged the one before.
    pub edges: bool,
    /// Schedulers also stop dispatches at the first scheduler below, and roots idle in both ways.
    pub rich_schedulers: bool,
}

impl Programs {
    /// All steps that the core which is looked at can make in `state`.
    pub fn steps(&self, state: &Snapshot) -> Vec<Step> {
        let mut steps = Vec::new();
        for (line, irq) in state.irqs.iter().enumerate() {
            // Further ones coalesce.
            let fires = match irq.trigger {
                Trigger::Edge => {
                    irq.state == IrqState::Armed
                        || irq.state == IrqState::Delivered && !irq.again && self.edges
                }
                Trigger::Level => !state.masked[line],
            };
            let here = state.is_here(state.index(irq.handler));
            if fires && here && state.irq_exists(line) {
                steps.push(Step::Interrupt(line as u8));
            }
        }
        if self.timer && !state.local().timer_pending {
            steps.push(Step::Timer);
        }
        if !state.posted[state.core].is_empty() {
            steps.push(Step::Signal);
        }
        let Some(me) = state.current() else { return steps };
        if self.schedulers.contains(&me) {
            self.scheduler_steps(state, me, &mut steps);
        }
        let owed = state.mails_in(state.threads[me].owed);
        for line in &self.lines[me] {
            self.line_steps(state, me, *line, &owed, &mut steps);
        }
        steps
    }

    fn line_steps(
        &self,
        state: &Snapshot,
        me: usize,
        line: Line,
        owed: &[usize],
        steps: &mut Vec<Step>,
    ) {
        let clients = owed.iter().map(|client| *client as u8);
        match line {
            Line::Do(step) => {
                if names_only_living(state, step) && makes_sense(state, step) {
                    steps.push(step);
                }
            }
            Line::Wait if !owed.is_empty() => {}
            Line::Wait | Line::WaitOwing => {
                let delivered = |line: &usize| {
                    state.irqs[*line].state == IrqState::Delivered
                        && state.index(state.irqs[*line].handler) == me
                };
                steps.push(match (0..state.irqs.len()).find(delivered) {
                    Some(line) => Step::Acknowledge(line as u8),
                    None => Step::Receive(Winner::Oneself, Timeout::Never),
                });
            }
            Line::Reply(winner) => steps.extend(clients.map(|to| Step::Reply(to, winner))),
            Line::ReplyAndWait(winner) => {
                steps.extend(clients.map(|to| Step::ReplyAndWait(to, winner)));
            }
            Line::Forward(to, waits) => {
                let clients = clients.filter(|client| *client != to);
                let clients = clients.filter(|_| state.alive[usize::from(to)]);
                steps.extend(clients.map(|client| Step::Forward(client, to, waits)));
            }
            Line::ReplyAndReceiveFrom(from) => {
                steps.extend(clients.map(|to| Step::ReplyAndReceiveFrom(to, from)));
            }
        }
    }

    /// Dispatches, waits, and answers to children that called.
    fn scheduler_steps(&self, state: &Snapshot, me: usize, steps: &mut Vec<Step>) {
        let known = known_tokens(state, me);
        for account in &known {
            steps.push(Step::Dispatch(*account));
            if self.rich_schedulers {
                steps.push(Step::Reschedule(*account));
            }
        }
        let owed = state.mails_in(state.threads[me].owed);
        for client in &owed {
            let account = state.index(state.threads[*client].account);
            let dispatches = state.local().protocol == Protocol::Direct
                && state.index(state.threads[account].branch.scheduler) == me;
            if self.lazy || known.is_empty() || dispatches {
                steps.push(Step::ReplyAndWait(*client as u8, Winner::Oneself));
            }
            if self.lazy || !known.is_empty() {
                steps.push(Step::Reply(*client as u8, Winner::SendPartner));
            }
        }
        let may_wait = self.lazy || known.is_empty() && owed.is_empty();
        if !may_wait {
            return;
        }
        if me != state.root() {
            let delivered = (0..state.irqs.len()).find(|line| {
                state.irqs[*line].state == IrqState::Delivered
                    && state.index(state.irqs[*line].handler) == me
            });
            steps.push(match delivered {
                Some(line) => Step::Acknowledge(line as u8),
                None => Step::Receive(Winner::Oneself, Timeout::Never),
            });
            return;
        }
        steps.push(Step::Idle);
        if self.rich_schedulers {
            steps.push(Step::IdleRunWoken);
            steps.push(Step::Receive(Winner::Oneself, Timeout::Never));
        }
    }
}

/// The recorded accounts whose token a scheduler has.
pub fn known_tokens(state: &Snapshot, me: usize) -> Vec<u8> {
    let mut known = state.records(state.threads[me].scheduler.delivered);
    let told = (0..state.threads.len()).filter(|index| state.told[me] & 1 << index != 0);
    for index in told {
        if !known.contains(&index) {
            known.push(index);
        }
    }
    known.sort_unstable();
    known.into_iter().map(|index| index as u8).collect()
}

/// Nothing is done to what is gone.
fn names_only_living(state: &Snapshot, step: Step) -> bool {
    let lives = |index: u8| state.named[usize::from(index)];
    match step {
        Step::Call(to)
        | Step::CallWithoutDonation(to)
        | Step::Send(to, ..)
        | Step::SendWeakly(to, _)
        | Step::ReceiveFrom(to, _)
        | Step::Abort(to)
        | Step::AbortStale(to)
        | Step::Suspend(to)
        | Step::Resume(to, _)
        | Step::Destroy(to)
        | Step::Write(to)
        | Step::SetRoot(to) => lives(to),
        Step::Migrate(target, scheduler) | Step::Adopt(target, scheduler) => {
            lives(target) && lives(scheduler)
        }
        Step::SendAndReceive(to, from) => lives(to) && from.is_none_or(lives),
        _ => true,
    }
}

/// Leaves out what would be refused without any change.
fn makes_sense(state: &Snapshot, step: Step) -> bool {
    let is = |index: u8| state.threads[usize::from(index)].state;
    match step {
        Step::Resume(target, _) => is(target) == State::Suspended,
        Step::Suspend(target) => is(target) != State::Suspended,
        Step::SetRoot(target) => {
            is(target) == State::Suspended && state.threads[usize::from(target)].is_own_scheduler()
        }
        Step::Migrate(target, scheduler) => {
            let home = |index: u8| state.homes[usize::from(index)];
            is(target) == State::Suspended && home(target) != home(scheduler)
        }
        Step::Adopt(target, scheduler) => {
            let above = state.threads[usize::from(target)].branch.scheduler;
            let home = |index: u8| state.homes[usize::from(index)];
            is(target) == State::Suspended
                && home(target) == home(scheduler)
                && state.index(above) != usize::from(scheduler)
        }
        Step::Abort(target) => {
            !matches!(is(target), State::Suspended | State::Ready | State::Running)
        }
        // One that is ready forgets what it would do again.
        Step::Write(target) => !matches!(is(target), State::Suspended | State::Running),
        _ => true,
    }
}
