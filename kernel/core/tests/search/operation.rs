//! What can happen next: an interrupt, or an operation of the current thread.

use crate::state::Snapshot;
use crate::system::{GATES, KEEPING_GATES, LOSING_GATES, System, THREADS};
use cedo_abi::call::{Call, core, ipc, object, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::name::{ANY, NOBODY};
use cedo_abi::state::Cause;
use cedo_abi::{Token, name};
use cedo_arch_host::Roles;
use cedo_arch_host::context::Resume;
use cedo_core::kernel::Protocol;
use cedo_machine::{Context, Fault, Interrupt, Line, Next, Upcalls};
use cedo_simulated::Simulated;
use std::fmt::Write;

/// Winner bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Winner {
    Oneself,
    SendPartner,
    ReceivePartner,
    Scheduler,
}

impl Winner {
    pub fn bits(self) -> u64 {
        match self {
            Winner::Oneself => ipc::WINNER_SELF,
            Winner::SendPartner => ipc::WINNER_SEND,
            Winner::ReceivePartner => ipc::WINNER_RECEIVE,
            Winner::Scheduler => ipc::WINNER_SCHEDULER,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Winner::Oneself => "",
            Winner::SendPartner => ", partner wins",
            Winner::ReceivePartner => ", receive partner wins",
            Winner::Scheduler => ", my scheduler decides",
        }
    }
}

/// How long a phase waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timeout {
    Never,
    Zero,
}

/// A step. Threads and interrupt lines are numbered as in the plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    Interrupt(u8),
    Timer,
    /// The core takes its posts.
    Signal,
    Call(u8),
    CallWithoutDonation(u8),
    Send(u8, Winner, Timeout),
    SendWeakly(u8, Winner),
    SendAndReceive(u8, Option<u8>),
    Receive(Winner, Timeout),
    ReceiveFrom(u8, Timeout),
    Reply(u8, Winner),
    /// With the token of the call before.
    ReplyStale(u8),
    ReplyAndWait(u8, Winner),
    ReplyAndReceiveFrom(u8, u8),
    /// Passes the call of the first on to the second, and waits if true.
    Forward(u8, u8, bool),
    Acknowledge(u8),
    /// With the token of the interrupt before.
    AcknowledgeStale(u8),
    Dispatch(u8),
    Reschedule(u8),
    DispatchStale(u8),
    Idle,
    IdleRunWoken,
    Yield,
    Abort(u8),
    AbortStale(u8),
    Suspend(u8),
    Resume(u8, Winner),
    Destroy(u8),
    /// The first to the core of the second, which becomes its scheduler.
    Migrate(u8, u8),
    /// The second becomes the scheduler of the first, on their core.
    Adopt(u8, u8),
    /// Registers with an instruction pointer where the thread has never been.
    Write(u8),
    /// This thread becomes the root of its core.
    SetRoot(u8),
    Fault,
}

impl Step {
    /// True for what an epoch counts.
    pub fn is_ipc(self) -> bool {
        !matches!(
            self,
            Step::Interrupt(_)
                | Step::Timer
                | Step::Signal
                | Step::Fault
                | Step::Yield
                | Step::Abort(_)
                | Step::AbortStale(_)
                | Step::Suspend(_)
                | Step::Resume(..)
                | Step::Destroy(_)
                | Step::Migrate(..)
                | Step::Adopt(..)
                | Step::Write(_)
                | Step::SetRoot(_)
        )
    }
}

/// Makes `step` happen in the state that `system` is in, which is `state`.
pub fn perform(system: &mut System, state: &Snapshot, step: Step) -> Next {
    let current = state.local().current;
    if let Some(current) = current {
        system.kernel().thread(current).context.set_resume(Resume::Full);
    }
    match step {
        Step::Interrupt(line) => {
            system.world.delivered(Line(line.into()));
            return system.kernel().interrupt(Interrupt::Line(Line(line.into())));
        }
        Step::Timer => return system.kernel().interrupt(Interrupt::Timer),
        Step::Signal => {
            system.world.set_signal(system.core, false);
            return system.kernel().interrupt(Interrupt::Signal);
        }
        Step::Fault => {
            let fault = Fault { cause: Cause::ReadFault, address: 0x1000, code: 4 };
            return system.kernel().fault(fault);
        }
        Step::Write(_) => system.prepare_registers(state.current().expect("somebody runs")),
        _ => {}
    }
    let roles = roles(system, state, step);
    enter(system.kernel(), &roles, true).0
}

/// The current thread makes a call, as the machine does it: by the short cut if that will do and
/// `may_be_short`. True if it did.
pub fn enter(kernel: &mut Simulated, roles: &Roles, may_be_short: bool) -> (Next, bool) {
    let current = kernel.local.current.expect("somebody runs");
    let context = &mut kernel.thread(current).context;
    context.set_request(&roles.request());
    context.set_resume(Resume::Short);
    if may_be_short && kernel.short_cut(&roles.request()) {
        let next = kernel.local.current.expect("a short cut leads to a thread");
        kernel.thread(next).context.set_words(&roles.words);
        return (Next::User, true);
    }
    kernel.thread(current).context.set_words(&roles.words);
    (kernel.system_call(), false)
}

/// The registers of a call.
pub fn roles(system: &System, state: &Snapshot, step: Step) -> Roles {
    let me = state.current().expect("somebody runs");
    let old_reply = |client: u8, age: u32| {
        let sequence = state.mails[usize::from(client)].sequence().wrapping_sub(age);
        Token::new(system.ids[usize::from(client)].frame().0, sequence).0
    };
    let reply = |client: u8| old_reply(client, 0);
    let interrupt = |line: u8, age: u32| {
        let sequence = state.irqs[usize::from(line)].sequence.wrapping_sub(age);
        Token::new(system.irqs[usize::from(line)].frame().0, sequence).0
    };
    let grant = |account: u8, age: u32| {
        let thread = &state.threads[usize::from(account)];
        Token::new(thread.id.frame().0, thread.record.sequence.wrapping_sub(age)).0
    };
    let seen = state.threads[me].context.result() >> 16;
    let zero = |timeout: Timeout, bit: u64| if timeout == Timeout::Zero { bit } else { 0 };
    let gate = |to: u8| GATES + u64::from(to);
    let (both, send, receive) = (ipc::SEND | ipc::RECEIVE, ipc::SEND, ipc::RECEIVE);
    match step {
        Step::Call(to) => ipc_roles(both | ipc::CALL, gate(to), 0, 0),
        Step::CallWithoutDonation(to) => {
            ipc_roles(both | ipc::CALL, KEEPING_GATES + u64::from(to), 0, 0)
        }
        Step::Send(to, winner, timeout) => {
            let flags = send | winner.bits() | zero(timeout, ipc::SEND_ZERO);
            ipc_roles(flags, gate(to), 0, 0)
        }
        Step::SendWeakly(to, winner) => {
            ipc_roles(send | winner.bits(), LOSING_GATES + u64::from(to), 0, 0)
        }
        Step::SendAndReceive(to, from) => ipc_roles(both, gate(to), from.map_or(ANY, gate), 0),
        Step::Receive(winner, timeout) => {
            ipc_roles(receive | winner.bits() | zero(timeout, ipc::RECEIVE_ZERO), 0, ANY, 0)
        }
        Step::ReceiveFrom(from, timeout) => {
            ipc_roles(receive | zero(timeout, ipc::RECEIVE_ZERO), 0, gate(from), 0)
        }
        Step::Reply(client, winner) => ipc_roles(send | winner.bits(), reply(client), 0, 0),
        Step::ReplyStale(client) => ipc_roles(send, old_reply(client, 2), 0, 0),
        Step::ReplyAndWait(client, winner) => {
            ipc_roles(both | winner.bits(), reply(client), ANY, 0)
        }
        Step::Forward(client, to, waits) => {
            let flags = if waits { both } else { send };
            ipc_roles(flags | ipc::FORWARD, gate(to), reply(client), 0)
        }
        Step::ReplyAndReceiveFrom(client, from) => ipc_roles(both, reply(client), gate(from), 0),
        Step::Acknowledge(line) => ipc_roles(both, interrupt(line, 0), ANY, 0),
        Step::AcknowledgeStale(line) => ipc_roles(both, interrupt(line, 1), ANY, 0),
        Step::Dispatch(account) => ipc_roles(both, grant(account, 0), ANY, seen),
        Step::Reschedule(account) => {
            ipc_roles(both | ipc::RESCHEDULE, grant(account, 0), ANY, seen)
        }
        Step::DispatchStale(account) => ipc_roles(both, grant(account, 2), ANY, seen),
        _ => other_roles(state, step, seen),
    }
}

fn ipc_roles(flags: u64, to: u64, from: u64, word: u64) -> Roles {
    let operation = operation(Call::Ipc, 0, flags);
    Roles { operation, to, from, tag: 0, words: [word, 0, 0, 0, 0, 0, 0] }
}

fn other_roles(state: &Snapshot, step: Step, seen: u64) -> Roles {
    let make = |call, sub, flags, to, word| Roles {
        operation: operation(call, sub, flags),
        to,
        from: NOBODY,
        tag: 0,
        words: [word, 0, 0, 0, 0, 0, 0],
    };
    let at = |index: u8| THREADS + u64::from(index);
    let this_core = u64::from(slot::CORE_0) + state.core as u64;
    let epoch = |index: u8| state.threads[usize::from(index)].epoch;
    match step {
        Step::Idle => make(Call::Core, core::IDLE, 0, this_core, seen),
        Step::IdleRunWoken => make(Call::Core, core::IDLE, core::RUN_WOKEN, this_core, seen),
        Step::Yield => make(Call::Yield, 0, 0, name::SELF, 0),
        Step::Abort(target) => make(Call::Thread, thread::ABORT, 0, at(target), epoch(target)),
        Step::AbortStale(target) => {
            make(Call::Thread, thread::ABORT, 0, at(target), epoch(target).wrapping_sub(1))
        }
        Step::Suspend(target) => make(Call::Thread, thread::SUSPEND, 0, at(target), 0),
        Step::Resume(target, winner) => {
            make(Call::Thread, thread::RESUME, winner.bits(), at(target), 0)
        }
        Step::Migrate(target, scheduler) | Step::Adopt(target, scheduler) => {
            let cookie = 10 + u64::from(target);
            let moves = matches!(step, Step::Migrate(..));
            let sub = if moves { thread::MIGRATE } else { thread::SET_SCHEDULER };
            let roles = make(Call::Thread, sub, 0, at(target), cookie);
            Roles { from: at(scheduler), ..roles }
        }
        Step::Write(target) => make(Call::Thread, thread::WRITE, 0, at(target), 0),
        Step::SetRoot(target) => {
            let protocol = match state.local().protocol {
                Protocol::Direct => core::DIRECT,
                Protocol::Chain => core::CHAIN,
            };
            let roles = make(Call::Core, core::SET_ROOT, 0, this_core, protocol);
            Roles { from: at(target), ..roles }
        }
        Step::Destroy(target) => make(Call::Object, object::DESTROY, 0, at(target), 0),
        other => panic!("{other:?} is IPC"),
    }
}

/// A step in words.
pub fn in_words(names: &[&str], current: Option<usize>, step: Step) -> String {
    let name = |index: u8| names[usize::from(index)];
    let mut text = String::new();
    if !matches!(step, Step::Interrupt(_) | Step::Timer | Step::Signal) {
        let _ = write!(text, "{}: ", current.map_or("nobody", |current| names[current]));
    }
    let wins = Winner::in_words;
    let within = |timeout: Timeout| if timeout == Timeout::Zero { ", timeout zero" } else { "" };
    let _ = match step {
        Step::Call(to) => write!(text, "call {}", name(to)),
        Step::CallWithoutDonation(to) => write!(text, "call {} without donation", name(to)),
        Step::Send(to, winner, timeout) => {
            write!(text, "send {}{}{}", name(to), wins(winner), within(timeout))
        }
        Step::SendWeakly(to, winner) => {
            write!(text, "send {} by a gate without HANDOVER{}", name(to), wins(winner))
        }
        Step::SendAndReceive(to, from) => {
            let from = from.map_or("anyone", name);
            write!(text, "send {} and receive from {from}", name(to))
        }
        Step::Receive(winner, timeout) => {
            write!(text, "receive{}{}", wins(winner), within(timeout))
        }
        Step::ReceiveFrom(from, timeout) => {
            write!(text, "receive from {} only{}", name(from), within(timeout))
        }
        Step::Reply(client, winner) => write!(text, "reply {}{}", name(client), wins(winner)),
        Step::ReplyStale(client) => write!(text, "reply {} with an old token", name(client)),
        Step::ReplyAndWait(client, winner) => {
            write!(text, "reply {} and wait{}", name(client), wins(winner))
        }
        Step::ReplyAndReceiveFrom(client, from) => {
            write!(text, "reply {} and receive from {} only", name(client), name(from))
        }
        Step::Forward(client, to, waits) => {
            let waits = if waits { " and wait" } else { "" };
            write!(text, "forward the call of {} to {}{waits}", name(client), name(to))
        }
        Step::Acknowledge(line) => write!(text, "acknowledge line {line} and wait"),
        Step::AcknowledgeStale(line) => write!(text, "acknowledge line {line} with an old token"),
        Step::Dispatch(account) => write!(text, "dispatch {}", name(account)),
        Step::Reschedule(account) => write!(text, "dispatch {}, reschedule", name(account)),
        Step::DispatchStale(account) => {
            write!(text, "dispatch {} with an old token", name(account))
        }
        other => write!(text, "{}", other_in_words(name, other)),
    };
    text
}

/// A step that is no IPC, in words.
fn other_in_words<'a>(name: impl Fn(u8) -> &'a str, step: Step) -> String {
    match step {
        Step::Interrupt(line) => format!("interrupt on line {line}"),
        Step::Timer => "the deadline passes".into(),
        Step::Signal => "the core takes its posts".into(),
        Step::Idle => "idle".into(),
        Step::IdleRunWoken => "idle, run who is woken".into(),
        Step::Yield => "yield".into(),
        Step::Abort(target) => format!("abort {}", name(target)),
        Step::AbortStale(target) => format!("abort {} in an old wait", name(target)),
        Step::Suspend(target) => format!("suspend {}", name(target)),
        Step::Resume(target, winner) => format!("resume {}{}", name(target), winner.in_words()),
        Step::Migrate(target, scheduler) => {
            format!("migrate {} to {}", name(target), name(scheduler))
        }
        Step::Adopt(target, scheduler) => {
            format!("put {} below {}", name(target), name(scheduler))
        }
        Step::Write(target) => format!("send {} elsewhere by its registers", name(target)),
        Step::Destroy(target) => format!("destroy {}", name(target)),
        Step::SetRoot(target) => format!("make {} the root", name(target)),
        Step::Fault => "page fault".into(),
        other => panic!("{other:?} is IPC"),
    }
}
