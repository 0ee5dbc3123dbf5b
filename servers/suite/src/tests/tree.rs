//! Schedulers that are busy, stopped or gone, and who hears of what in a tree of them: tests of the
//! root of core 0, with the scheduler Nested below it and that one's child N1. Some are tests of
//! every root.

use super::interrupts::{arm, arm_later, spin};
use super::scheduling::{Test, test};
use super::scheduling::{about, about_waiting, by_deadline, clock, ready_below, run_x, spinning};
use crate::board;
use crate::cast::{Who, is_chain};
use crate::op::{Op, Out};
use crate::patience::comes;
use crate::servant::{CALLS, CALLS_MADE, CALLS_WRONG, PROGRESS, SPIN, STOP};
use crate::stage::{CARRY_OUT, PREEMPTIONS_HEARD, Stage, cookie_of_n1};
use crate::verdict::{Failure, Verdict, done, equal, holds, label, status};
use ::core::sync::atomic::Ordering;
use cedo_lib::abi::call::{core, ipc, thread};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::{Label, Status, notice};

pub(super) const ROOTS: &[Test] = &[
    test("hears later of a deadline that passes while it works", deadline_while_busy),
    test("takes the processor from a child anywhere in and around its calls", anywhere),
];

pub(super) const ROOT_OF_CORE_0: &[Test] = &[
    test("hears later of a device that interrupts while it works", device_while_busy),
    test("hears of its deadline and of a device in one tick, each once", two_in_one_tick),
    test("hears of the ready child of a stopped scheduler, and dispatches it", stuck),
    test("hears of a child that becomes ready below a scheduler in a closed wait", stuck_closed),
    test("hears nothing of that once the scheduler goes on", stuck_withdrawn),
    test("adopts the child of a stopped scheduler, and gives it back", adopts),
    test("hears of an interrupt below in the order of its protocol", order_of_chain),
];

/// Lets Handler wait for its line.
fn handler_waits(stage: &mut Stage) -> Verdict {
    stage.order(Who::Handler, &[Op::receive(ANY)])?;
    let token = stage.token(Who::Handler)?;
    let out = done("dispatch", stage.dispatch(token, 0))?;
    about_waiting(stage, &out, Who::Handler)
}

fn deadline_while_busy(stage: &mut Stage) -> Verdict {
    let Some(core) = stage.core else { return Ok(()) };
    let deadline_ns = clock(stage).now_ns() + 100_000;
    done("deadline", Op::core(core::DEADLINE, core).word(0, deadline_ns).run())?;
    let before = stage.event;
    let out = hear(stage, |out| out.tag.kernel_label() == Some(Label::Irq))?;
    holds("not before", clock(stage).now_ns() >= deadline_ns)?;
    equal("line", out.words[notice::IRQ_LINE], notice::LINE_TIMER)?;
    equal("nobody lost the processor", out.words[notice::IRQ_CHILD_TOKEN], 0)?;
    holds("the event number rose", stage.event > before)?;
    status("nothing more", &stage.next(), Status::NotReady)
}

fn device_while_busy(stage: &mut Stage) -> Verdict {
    handler_waits(stage)?;
    let before = stage.event;
    arm()?;
    let heard = hear(stage, |out| out.badge != 0)?;
    about(stage, &heard, Label::Woken, Who::Handler)?;
    holds("the event number rose", stage.event > before)?;
    status("nothing more", &stage.next(), Status::NotReady)
}

/// The next message like this, for which the scheduler looks now and then without waiting.
fn hear(stage: &mut Stage, wanted: impl Fn(&Out) -> bool) -> Result<Out, Failure> {
    let mut out = Out::NOTHING;
    let heard = comes(|| {
        out = stage.next();
        let heard = out.status().is_done() && wanted(&out);
        if !heard {
            spin(100_000);
        }
        heard
    });
    holds("a message comes", heard).map(|()| out)
}

/// The core's deadline is when the device interrupts, or as near as an emulator can make it.
fn two_in_one_tick(stage: &mut Stage) -> Verdict {
    for attempt in 0..50 {
        handler_waits(stage)?;
        let token = spinning(stage)?;
        let now_ns = clock(stage).now_ns();
        let deadline_ns = now_ns + arm_later(attempt)?;
        let out = stage.dispatch_until(token, deadline_ns);
        if out.status() != Status::News {
            return each_once(stage, done("dispatch", out)?);
        }
        stage.clean_up()?;
    }
    holds("the interrupt comes after the dispatch for once", false)
}

/// The deadline, the handler and the child that both took the processor from, each in one message.
fn each_once(stage: &mut Stage, first: Out) -> Verdict {
    let (mut deadlines, mut losses, mut out) = (0_u64, 0_u64, first);
    let heard = comes(|| {
        if out.status().is_done() {
            let is_deadline = out.tag.kernel_label() == Some(Label::Irq);
            let child = if is_deadline { out.words[notice::IRQ_CHILD] } else { out.badge };
            deadlines += u64::from(is_deadline);
            losses += u64::from(child == stage.cookie(stage.x));
        }
        let heard = deadlines > 0 && stage.token(Who::Handler).is_ok();
        if !heard {
            spin(100_000);
            out = stage.next();
        }
        heard
    });
    holds("both are heard of", heard)?;
    equal("messages of the deadline", deadlines, 1)?;
    equal("messages that the child lost the processor", losses, 1)?;
    stage.token(stage.x)?;
    status("nothing more", &stage.next(), Status::NotReady)
}

/// N1 is ready; Nested, which has not run since, is stopped.
fn stop_nested(stage: &mut Stage, steps: &[Op]) -> Verdict {
    let out = stage.order(Who::N1, steps)?;
    ready_below(stage, &out, Who::Nested)?;
    on_nested(thread::SUSPEND)
}

fn on_nested(sub: u8) -> Verdict {
    done("a stop or a start", Op::thread(sub, Who::Nested.thread()).run()).map(|_| ())
}

/// A message says that N1 is ready below Nested, which does not see to it; N1's token.
fn is_stuck(stage: &Stage, out: &Out) -> Result<u64, Failure> {
    about(stage, out, Label::Stuck, Who::Nested)?;
    equal("leaf", out.words[notice::LEAF], cookie_of_n1())?;
    holds("a token", out.token != 0)?;
    Ok(out.token)
}

/// Lets Nested go on, and everybody come to rest.
fn start_nested(stage: &mut Stage) -> Verdict {
    on_nested(thread::RESUME)?;
    stage.clean_up()?;
    holds("N1 has finished its order", board::is_free(Who::N1))
}

fn stuck(stage: &mut Stage) -> Verdict {
    stop_nested(stage, &[Op::give_up_processor(), Op::give_up_processor()])?;
    let out = done("a message", stage.next())?;
    let seen = stuck_twice(stage, &out);
    let started = start_nested(stage);
    seen.and(started)
}

/// N1 is dispatched past its scheduler, yields, and is stuck again.
fn stuck_twice(stage: &mut Stage, out: &Out) -> Verdict {
    let token = is_stuck(stage, out)?;
    let out = done("dispatch", stage.dispatch(token, 0))?;
    equal("steps of N1", board::steps(Who::N1), 0)?;
    is_stuck(stage, &out)?;
    status("the token of the grant before", &stage.dispatch(token, 0), Status::Stale)
}

fn stuck_closed(stage: &mut Stage) -> Verdict {
    carry_out(stage, Op::receive(stage.x.gate()))?;
    let out = stage.order(Who::N1, &[Op::give_up_processor()])?;
    let seen = stuck_twice(stage, &out);
    // X's message ends Nested's wait.
    let out = run_x(stage, &[Op::send(Who::Nested.gate()).tag(1, 0)]);
    stage.clean_up()?;
    seen?;
    out?;
    holds("N1 has finished its order", board::is_free(Who::N1))
}

/// Nested makes this call, and waits in it.
fn carry_out(stage: &mut Stage, op: Op) -> Verdict {
    for (word, value) in (crate::servant::FIRST_STEP..).zip(op.pack()) {
        stage.this.utcb_mut().set_word(word, value);
    }
    let words = crate::servant::FIRST_STEP + crate::op::OP_WORDS;
    let send = Op::send(Who::Nested.gate()).tag(CARRY_OUT, words).flags(ipc::SEND_ZERO);
    done("an order to Nested", send.run())?;
    let out = done("a message about it", stage.next())?;
    about(stage, &out, Label::Woken, Who::Nested)?;
    let token = stage.token(Who::Nested)?;
    let out = done("dispatch", stage.dispatch(token, 0))?;
    about_waiting(stage, &out, Who::Nested)
}

fn stuck_withdrawn(stage: &mut Stage) -> Verdict {
    stop_nested(stage, &[Op::give_up_processor()])?;
    on_nested(thread::RESUME)?;
    let out = done("a message", stage.next())?;
    holds("not stuck", out.tag.kernel_label() != Some(Label::Stuck))?;
    equal("cookie", out.badge, stage.cookie(Who::Nested))?;
    stage.clean_up()?;
    holds("N1 has finished its order", board::is_free(Who::N1))
}

fn adopts(stage: &mut Stage) -> Verdict {
    const COOKIE: u64 = 0xad0b;
    stop_nested(stage, &[Op::give_up_processor(), Op::give_up_processor()])?;
    let on = |sub| Op::thread(sub, Who::N1.thread());
    let child_of = |who: Who, cookie| {
        done("suspend", on(thread::SUSPEND).run())?;
        let adopt = on(thread::SET_SCHEDULER).from(who.thread()).word(0, cookie);
        done("set scheduler", adopt.word(1, thread::EDGE_STATE).run())?;
        done("resume", on(thread::RESUME).run()).map(|_| ())
    };
    child_of(Who::Root, COOKIE)?;
    let out = hear(stage, |out| out.badge == COOKIE);
    let ran = out.and_then(|out| done("dispatch", stage.dispatch(out.token, 0)));
    let back = child_of(Who::Nested, cookie_of_n1());
    let started = start_nested(stage);
    let ran = ran?;
    label("N1 runs as the root's child", &ran, Label::Yielded)?;
    equal("cookie", ran.badge, COOKIE)?;
    back?;
    started
}

/// Preemptions that Nested hears of: none in direct mode, where the root takes back and gives again
/// what Nested had; in chain mode it hears of each of its child's, before the child goes on.
fn order_of_chain(stage: &mut Stage) -> Verdict {
    for attempt in 0..50 {
        if preempt_below(stage, attempt)? {
            let token = stage.token(Who::Handler)?;
            done("the handler's turn", stage.dispatch(token, 0))?;
            let heard = heard_until_goes_on(stage)?;
            return equal("preemptions that Nested heard of", heard, u64::from(is_chain()));
        }
        stage.clean_up()?;
    }
    holds("the interrupt comes after the dispatch for once", false)
}

/// How many preemptions Nested hears of until N1 goes on.
fn heard_until_goes_on(stage: &mut Stage) -> Result<u64, Failure> {
    let heard = || PREEMPTIONS_HEARD.load(Ordering::SeqCst);
    let progress = || PROGRESS.load(Ordering::SeqCst);
    let before = (heard(), progress());
    turns_of_nested(stage, || heard() > before.0 || progress() > before.1)?;
    Ok(heard() - before.0)
}

/// Dispatches Nested until this is so. On a busy host one turn may be over before Nested has run.
fn turns_of_nested(stage: &mut Stage, mut is_so: impl FnMut() -> bool) -> Verdict {
    let mut seen = Ok(());
    let came = comes(|| {
        seen = turn_of_nested(stage);
        seen.is_err() || is_so()
    });
    seen?;
    holds("Nested and N1 run", came)
}

/// Dispatches Nested for 5 ms.
fn turn_of_nested(stage: &mut Stage) -> Verdict {
    let token = stage.token(Who::Nested)?;
    let until_ns = clock(stage).now_ns() + 5_000_000;
    let out = done("dispatch", stage.dispatch_until(token, until_ns))?;
    by_deadline(stage, &out, Who::Nested)
}

/// N1 spins until the device takes the processor from it. False if that was faster than the dispatch, or
/// than Nested.
fn preempt_below(stage: &mut Stage, attempt: u32) -> Result<bool, Failure> {
    handler_waits(stage)?;
    STOP.store(false, Ordering::SeqCst);
    stage.order(Who::N1, &[Op::raw(SPIN)])?;
    let progress = || PROGRESS.load(Ordering::SeqCst);
    let before = progress();
    turns_of_nested(stage, || progress() > before)?;
    let token = stage.token(Who::Nested)?;
    let before = progress();
    arm_later(attempt)?;
    let out = stage.dispatch(token, 0);
    if out.status() == Status::News || progress() == before {
        return Ok(false);
    }
    about(stage, &done("dispatch", out)?, Label::Preempted, Who::Nested)?;
    equal("leaf", out.words[notice::LEAF], leaf_cookie(stage))?;
    if stage.token(Who::Handler).is_err() {
        hear(stage, |out| out.badge != 0)?;
    }
    stage.token(Who::Handler).map(|_| true)
}

/// What a message about Nested's preemption says of the leaf: in chain mode each level is told of the
/// one below it.
fn leaf_cookie(stage: &Stage) -> u64 {
    if is_chain() { stage.cookie(Who::Nested) } else { cookie_of_n1() }
}

/// X calls Y on and on; deadlines fall on every point of both, in user mode and in the kernel.
fn anywhere(stage: &mut Stage) -> Verdict {
    STOP.store(false, Ordering::SeqCst);
    CALLS_MADE.store(0, Ordering::SeqCst);
    CALLS_WRONG.store(0, Ordering::SeqCst);
    stage.order(stage.x, &[Op::raw(CALLS).word(0, stage.y.gate())])?;
    // A call is counted when it begins: a second one, when the first is over.
    let are_answered = || CALLS_MADE.load(Ordering::SeqCst) > 1;
    let mut interrupted = 0_u64;
    for turn in 0..500 {
        let Some(token) = stage.most_urgent() else {
            done("a message", stage.next())?;
            continue;
        };
        // On a slow host a dispatch takes longer than that: then turns get longer, until X has got an answer.
        let more_ns = if are_answered() { 0 } else { turn * 10_000 };
        let until_ns = clock(stage).now_ns() + 10_000 + turn * 977 % 40_000 + more_ns;
        let out = stage.dispatch_until(token, until_ns);
        interrupted += u64::from(out.tag.kernel_label() == Some(Label::Irq));
    }
    holds("deadlines take the processor", interrupted > 100)?;
    holds("calls are answered", are_answered())?;
    stage.clean_up()?;
    equal("wrong answers", CALLS_WRONG.load(Ordering::SeqCst), 0)
}
