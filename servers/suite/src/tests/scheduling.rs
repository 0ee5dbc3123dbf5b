//! What a scheduler hears and what it can do: the same tests run in a root and in a scheduler below
//! one, with two children X and Y; some need the powers of a root.

use super::{interrupts, tree};
use crate::board;
use crate::cast::{Who, is_chain};
use crate::op::{Op, Out};
use crate::outcome::Outcome;
use crate::patience::comes;
use crate::report::{self, Console};
use crate::servant::{self, PROBE, PROGRESS, SPIN, STOP};
use crate::stage::Stage;
use crate::verdict::{Failure, Verdict, done, equal, holds, label, status};
use ::core::array;
use ::core::sync::atomic::Ordering;
use cedo_lib::Clock;
use cedo_lib::abi::call::{core, ipc, thread};
use cedo_lib::abi::name::{ANY, NOBODY, SELF, Token};
use cedo_lib::abi::state::{GENERAL, INSTRUCTION};
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Label, Status, notice};
use cedo_lib::raw::probe::RECOVERY;

/// An address where nothing is ever mapped.
const UNMAPPED: u64 = place::MEMORY + 0x7000_0000;

/// A sentence about a scheduler.
pub(super) struct Test {
    sentence: &'static str,
    body: fn(&mut Stage) -> Verdict,
}

pub(super) const fn test(sentence: &'static str, body: fn(&mut Stage) -> Verdict) -> Test {
    Test { sentence, body }
}

const EVERY_SCHEDULER: &[Test] = &[
    test("hears that a child is woken", woken),
    test("hears that a child yields", yielded),
    test("hears that a child blocks", blocked),
    test("hears of the child that handed the processor over", lost),
    test("hears of both where a child left it to the scheduler", left_to_scheduler),
    test("hears of a woken child after the one that woke it goes on", woken_by_sibling),
    test("gets news instead of a dispatch when it has not heard everything", news),
    test("cannot dispatch a child twice with one token", token_once),
    test("cannot dispatch with a token nobody gave it", forged_token),
    test("can change the cookie of a child", cookie),
    test("gets the registers of a child if it asks for them", registers),
    test("hears nothing of a child that was suspended while ready", suspended),
    test("hears a new story when a suspended child is resumed", resumed),
    test("hears of a child whose wait was cancelled", aborted),
    test("charges time to the child that ran", time),
];

const ROOTS: &[Test] = &[
    test("gets the processor at its deadline, and not before", deadline),
    test("wakes from a halt at its deadline, and not before", idle_until_deadline),
    test("may not call, nor wait in a send or for one partner", must_stay_open),
    test("keeps the processor when it yields", root_yields),
    test("hears of a kick", kicked),
    test("gets news instead of a halt when it has not heard everything", idle_news),
];

const BELOW_THE_ROOT: &[Test] =
    &[test("goes on with an error when a child on its grant cancels its wait", aborted_by_child)];

const ROOT_OF_CORE_0: &[Test] = &[
    test("hears who took the processor from a child", preempted_by_device),
    test("goes on with the leaf below a scheduler after its deadline", leaf_below),
];

/// What a scheduler without a child's handler hears: only where the pager is on the same core.
const ON_CORE_0: &[Test] = &[test("hears of a fault that nobody handles", fault)];

/// Runs all tests of this scheduler.
pub fn run_all(stage: &mut Stage) {
    let mut console = Console::new(stage.printer);
    run(stage, &mut console, EVERY_SCHEDULER);
    run(stage, &mut console, if stage.core.is_some() { ROOTS } else { BELOW_THE_ROOT });
    if stage.core.is_some() {
        run(stage, &mut console, tree::ROOTS);
    }
    if stage.who == Who::Root {
        run(stage, &mut console, ROOT_OF_CORE_0);
        run(stage, &mut console, tree::ROOT_OF_CORE_0);
    }
    if stage.who != Who::Root1 {
        run(stage, &mut console, ON_CORE_0);
    }
}

fn run(stage: &mut Stage, console: &mut Console, tests: &[Test]) {
    let prefix = match stage.who {
        Who::Nested => "a scheduler below the root",
        Who::Root1 => "the root of core 1",
        _ => "the root",
    };
    for test in tests {
        let verdict = stage.clean_up().and_then(|()| (test.body)(stage));
        let after = stage.clean_up();
        report::about(console, prefix, test.sentence, &verdict.and(after));
    }
}

/// Orders X to do this and dispatches it; what comes next.
pub(super) fn run_x(stage: &mut Stage, steps: &[Op]) -> Result<Out, Failure> {
    stage.order(stage.x, steps)?;
    let token = stage.token(stage.x)?;
    done("dispatch", stage.dispatch(token, 0))
}

/// A message about this child has this label.
pub(super) fn about(stage: &Stage, out: &Out, wanted: Label, who: Who) -> Verdict {
    label("label", out, wanted)?;
    equal("cookie", out.badge, stage.cookie(who))
}

/// In direct mode the child keeps the processor all the while: its scheduler's grant is the root's then.
fn aborted_by_child(stage: &mut Stage) -> Verdict {
    run_x(stage, &[Op::thread(thread::READ, stage.who.thread())])?;
    let report = Op::call(stage.x.gate()).tag(servant::REPORT, 1).word(0, 0);
    let seen = done("the child's report", report.run())?;
    // The report, the order, what follows from it, and the dispatch: the wait that the child cancels.
    let packed = array::from_fn(|index| servant::word(&stage.this, &seen, index));
    let epoch = Outcome::unpack(packed).out.words[0] + 4;
    let abort = Op::thread(thread::ABORT, stage.who.thread()).word(0, epoch);
    stage.order(stage.x, &[abort])?;
    let token = stage.token(stage.x)?;
    status("dispatch", &stage.dispatch(token, 0), Status::Aborted)?;
    // In chain mode who wakes up takes the processor at once.
    equal("steps that the child has done", board::steps(stage.x), u64::from(!is_chain()))
}

fn woken(stage: &mut Stage) -> Verdict {
    let out = stage.order(stage.x, &[])?;
    about(stage, &out, Label::Woken, stage.x)?;
    equal("leaf", out.words[notice::LEAF], out.badge)?;
    holds("a token", out.token >> 63 == 1)?;
    holds("a user's address", out.words[notice::INSTRUCTION] < 1 << 47)
}

/// Nothing is left to run after this child: a root hears *idle*, which is about nobody.
pub(super) fn about_waiting(stage: &Stage, out: &Out, who: Who) -> Verdict {
    if stage.core.is_some() {
        return label("label", out, Label::Idle);
    }
    about(stage, out, Label::Blocked, who)
}

fn yielded(stage: &mut Stage) -> Verdict {
    let out = run_x(stage, &[Op::give_up_processor()])?;
    about(stage, &out, Label::Yielded, stage.x)
}

fn blocked(stage: &mut Stage) -> Verdict {
    let out = run_x(stage, &[Op::receive(ANY)])?;
    about_waiting(stage, &out, stage.x)
}

/// Brings Y into an open receive of its order.
fn y_waits(stage: &mut Stage) -> Verdict {
    stage.order(stage.y, &[Op::receive(ANY), Op::give_up_processor()])?;
    let token = stage.token(stage.y)?;
    let out = done("dispatch", stage.dispatch(token, 0))?;
    about_waiting(stage, &out, stage.y)
}

fn lost(stage: &mut Stage) -> Verdict {
    y_waits(stage)?;
    let send = Op::send(stage.y.gate()).tag(1, 0).flags(ipc::WINNER_SEND);
    let out = run_x(stage, &[send])?;
    about(stage, &out, Label::Lost, stage.x)?;
    if is_chain() {
        return is_with_it(stage, &out, stage.y);
    }
    let out = done("next", stage.next())?;
    about(stage, &out, Label::Yielded, stage.y)
}

/// In chain mode the message about one child, which lost, takes the processor from the other one, which
/// is recorded too: both tokens come at once.
fn is_with_it(stage: &Stage, out: &Out, other: Who) -> Verdict {
    equal("the other one", out.words[notice::PREEMPTER], stage.cookie(other))?;
    equal("its token", out.words[notice::PREEMPTER_TOKEN], stage.token(other)?)
}

/// A message says that somebody below `who` is ready now. In chain mode `who` was activated, and
/// preempted by the thread that goes on.
pub(super) fn ready_below(stage: &Stage, out: &Out, who: Who) -> Verdict {
    about(stage, out, if is_chain() { Label::Preempted } else { Label::Woken }, who)
}

fn left_to_scheduler(stage: &mut Stage) -> Verdict {
    y_waits(stage)?;
    let send = Op::send(stage.y.gate()).tag(1, 0).flags(ipc::WINNER_SCHEDULER);
    run_x(stage, &[send])?;
    while stage.next().status().is_done() {}
    holds("X is ready", stage.token(stage.x).is_ok())?;
    holds("Y is ready", stage.token(stage.y).is_ok())
}

fn woken_by_sibling(stage: &mut Stage) -> Verdict {
    y_waits(stage)?;
    let send = Op::send(stage.y.gate()).tag(1, 0);
    let first = run_x(stage, &[send, Op::give_up_processor()])?;
    about(stage, &first, Label::Woken, stage.y)?;
    if is_chain() {
        return is_with_it(stage, &first, stage.x);
    }
    let second = done("next", stage.next())?;
    about(stage, &second, Label::Yielded, stage.x)
}

fn news(stage: &mut Stage) -> Verdict {
    stage.order(stage.x, &[Op::give_up_processor()])?;
    let token = stage.token(stage.x)?;
    let old = stage.event;
    stage.order(stage.y, &[])?;
    let seen = stage.event;
    holds("the event number rose", seen > old)?;
    stage.event = old;
    let out = stage.dispatch(token, 0);
    status("dispatch with an old number", &out, Status::News)?;
    stage.event = stage.event.max(seen);
    let out = done("dispatch", stage.dispatch(token, 0))?;
    about(stage, &out, Label::Yielded, stage.x)
}

fn token_once(stage: &mut Stage) -> Verdict {
    stage.order(stage.x, &[Op::give_up_processor()])?;
    let token = stage.token(stage.x)?;
    done("first", stage.dispatch(token, 0))?;
    status("second", &stage.dispatch(token, 0), Status::Stale)
}

fn forged_token(stage: &mut Stage) -> Verdict {
    stage.order(stage.x, &[])?;
    let token = Token(stage.token(stage.x)?);
    for change in [1, 2, 77] {
        let forged = Token::new(token.frame(), token.sequence().wrapping_add(change));
        status("sequence", &stage.dispatch(forged.0, 0), Status::Stale)?;
        let forged = Token::new(token.frame().wrapping_add(change), token.sequence());
        status("frame", &stage.dispatch(forged.0, 0), Status::Stale)?;
    }
    stage.token(stage.x).map(|_| ())
}

fn cookie(stage: &mut Stage) -> Verdict {
    const OTHER: u64 = 0xc00c_1e00;
    let steps = [Op::give_up_processor(), Op::give_up_processor()];
    stage.order(stage.x, &steps)?;
    let token = stage.token(stage.x)?;
    let set = |token, cookie| Op::thread(thread::SET_COOKIE, SELF).from(token).word(0, cookie);
    done("set", set(token, OTHER).run())?;
    let out = done("dispatch", stage.dispatch(token, 0))?;
    let restored = set(out.token, stage.cookie(stage.x)).run();
    let seen = out.badge;
    let again = stage.dispatch(out.token, 0);
    equal("cookie", seen, OTHER)?;
    done("set back", restored)?;
    about(stage, &again, Label::Yielded, stage.x)
}

fn registers(stage: &mut Stage) -> Verdict {
    stage.order(stage.x, &[Op::give_up_processor()])?;
    let token = stage.token(stage.x)?;
    let out = done("dispatch", stage.dispatch(token, ipc::WANT_STATE))?;
    about(stage, &out, Label::Yielded, stage.x)?;
    let state = stage.this.utcb().received();
    equal("general registers", state.mask & GENERAL, GENERAL)?;
    equal("instruction", state.general[INSTRUCTION], out.words[notice::INSTRUCTION])
}

fn suspended(stage: &mut Stage) -> Verdict {
    stage.order(stage.x, &[])?;
    let token = stage.token(stage.x)?;
    done("suspend", Op::thread(thread::SUSPEND, stage.x.thread()).run())?;
    status("dispatch", &stage.dispatch(token, 0), Status::Stale)
}

fn resumed(stage: &mut Stage) -> Verdict {
    stage.order(stage.x, &[Op::give_up_processor()])?;
    done("suspend", Op::thread(thread::SUSPEND, stage.x.thread()).run())?;
    done("resume", Op::thread(thread::RESUME, stage.x.thread()).run())?;
    let out = done("a message", stage.next())?;
    equal("cookie", out.badge, stage.cookie(stage.x))?;
    let token = stage.token(stage.x)?;
    let out = done("dispatch", stage.dispatch(token, 0))?;
    about(stage, &out, Label::Yielded, stage.x)
}

fn aborted(stage: &mut Stage) -> Verdict {
    run_x(stage, &[Op::receive(ANY)])?;
    let seen = done("read", Op::thread(thread::READ, stage.x.thread()).run())?;
    let abort = Op::thread(thread::ABORT, stage.x.thread()).word(0, seen.words[0]);
    done("abort", abort.run())?;
    let out = done("a message", stage.next())?;
    about(stage, &out, Label::Woken, stage.x)
}

fn time(stage: &mut Stage) -> Verdict {
    let first = run_x(stage, &[Op::give_up_processor()])?.words[notice::TIME_NS];
    stage.clean_up()?;
    let second = run_x(stage, &[Op::give_up_processor()])?.words[notice::TIME_NS];
    holds("it rises", first > 0 && second > first)?;
    holds("by less than a second", second - first < 1_000_000_000)
}

/// This core's clock.
pub(super) fn clock(stage: &Stage) -> Clock {
    Clock::of_core(u32::from(stage.who == Who::Root1))
}

fn deadline(stage: &mut Stage) -> Verdict {
    let before = PROGRESS.load(Ordering::SeqCst);
    for delay_ns in [100_000, 1_000_000, 5_000_000] {
        let token = spinning(stage)?;
        let deadline_ns = clock(stage).now_ns() + delay_ns;
        let out = done("dispatch", stage.dispatch_until(token, deadline_ns))?;
        let now_ns = clock(stage).now_ns();
        holds("not before", now_ns >= deadline_ns)?;
        by_deadline(stage, &out, stage.x)?;
        stage.clean_up()?;
    }
    holds("the child ran", PROGRESS.load(Ordering::SeqCst) > before)
}

/// The message of the core's deadline, which took the processor from this child.
pub(super) fn by_deadline(stage: &Stage, out: &Out, who: Who) -> Verdict {
    label("label", out, Label::Irq)?;
    equal("line", out.words[notice::IRQ_LINE], notice::LINE_TIMER)?;
    equal("child", out.words[notice::IRQ_CHILD], stage.cookie(who))?;
    equal("its token", out.words[notice::IRQ_CHILD_TOKEN], stage.token(who)?)
}

fn idle(stage: &Stage, deadline_ns: u64) -> Result<Op, Failure> {
    let Some(core) = stage.core else { return holds("a root", false).map(|()| Op::raw(0)) };
    Ok(Op::core(core::IDLE, core).word(0, stage.event).word(1, deadline_ns))
}

fn idle_until_deadline(stage: &mut Stage) -> Verdict {
    for delay_ns in [50_000, 200_000, 2_000_000] {
        let deadline_ns = clock(stage).now_ns() + delay_ns;
        let out = done("idle", idle(stage, deadline_ns)?.run())?;
        stage.take_in(&out);
        holds("not before", clock(stage).now_ns() >= deadline_ns)?;
    }
    Ok(())
}

fn must_stay_open(stage: &mut Stage) -> Verdict {
    let gate = stage.x.gate();
    status("call", &Op::call(gate).tag(0, 0).run(), Status::MustStayOpen)?;
    status("send", &Op::send(gate).tag(0, 0).run(), Status::MustStayOpen)?;
    status("closed receive", &Op::receive(gate).run(), Status::MustStayOpen)
}

fn root_yields(_: &mut Stage) -> Verdict {
    status("yield", &Op::give_up_processor().run(), Status::KeptProcessor)
}

fn kicked(stage: &mut Stage) -> Verdict {
    let Some(core) = stage.core else { return Ok(()) };
    done("kick", Op::core(core::KICK, core).word(0, 5).run())?;
    done("kick again", Op::core(core::KICK, core).word(0, 8).run())?;
    let out = done("a message", stage.next())?;
    label("label", &out, Label::Kick)?;
    equal("bits", out.words[notice::KICK_BITS], 13)?;
    status("nothing more", &stage.next(), Status::NotReady)
}

fn idle_news(stage: &mut Stage) -> Verdict {
    let old = stage.event;
    stage.order(stage.x, &[])?;
    stage.event = old;
    let out = idle(stage, 0)?.run();
    stage.take_in(&out);
    status("idle with an old number", &out, Status::News)
}

/// Lets X spin; returns its token.
pub(super) fn spinning(stage: &mut Stage) -> Result<u64, Failure> {
    STOP.store(false, Ordering::SeqCst);
    stage.order(stage.x, &[Op::raw(SPIN)])?;
    stage.token(stage.x)
}

fn preempted_by_device(stage: &mut Stage) -> Verdict {
    for attempt in 0..50 {
        if let Some(out) = interrupted(stage, attempt)? {
            about(stage, &out, Label::Preempted, stage.x)?;
            equal("preempter", out.words[notice::PREEMPTER], stage.cookie(Who::Handler))?;
            holds("its token", out.words[notice::PREEMPTER_TOKEN] != 0)?;
            stage.token(stage.x)?;
            return stage.token(Who::Handler).map(|_| ());
        }
        stage.clean_up()?;
    }
    holds("the interrupt comes after the dispatch for once", false)
}

/// Lets X spin until the timer interrupts it; nothing if the timer was faster than the dispatch,
/// which an emulator on a busy machine makes possible.
fn interrupted(stage: &mut Stage, attempt: u32) -> Result<Option<Out>, Failure> {
    let handler = Who::Handler;
    stage.order(handler, &[Op::receive(ANY)])?;
    let token = stage.token(handler)?;
    let out = done("dispatch", stage.dispatch(token, 0))?;
    about_waiting(stage, &out, handler)?;
    let token = spinning(stage)?;
    interrupts::arm_later(attempt)?;
    let out = stage.dispatch(token, 0);
    if out.status() == Status::News {
        return Ok(None);
    }
    done("dispatch", out).map(Some)
}

fn leaf_below(stage: &mut Stage) -> Verdict {
    STOP.store(false, Ordering::SeqCst);
    let out = stage.order(Who::N1, &[Op::raw(SPIN)])?;
    ready_below(stage, &out, Who::Nested)?;
    for _ in 0..3 {
        let before = PROGRESS.load(Ordering::SeqCst);
        let mut seen = Ok(());
        let ran = comes(|| {
            seen = slice_of_nested(stage);
            seen.is_err() || PROGRESS.load(Ordering::SeqCst) > before
        });
        seen?;
        holds("the leaf ran", ran)?;
    }
    Ok(())
}

/// Nested and who is below it run until a deadline, which a busy host may let pass before they do.
fn slice_of_nested(stage: &mut Stage) -> Verdict {
    let token = stage.token(Who::Nested)?;
    let until_ns = clock(stage).now_ns() + 5_000_000;
    let out = done("dispatch", stage.dispatch_until(token, until_ns))?;
    by_deadline(stage, &out, Who::Nested)
}

fn fault(stage: &mut Stage) -> Verdict {
    let thread = stage.x.thread();
    let set = |handler| Op::thread(thread::SET_HANDLER, thread).from(handler).run();
    done("no handler", set(NOBODY))?;
    let out = run_x(stage, &[Op::raw(PROBE).word(0, 0).word(1, UNMAPPED)]);
    let restored = set(Who::Pager.gate());
    let mut out = out?;
    if out.tag.kernel_label() == Some(Label::Blocked) {
        // Its time is up because of the fault; both are told.
        out = done("the next message", stage.next())?;
    }
    about(stage, &out, Label::Fault, stage.x)?;
    done("the pager again", restored)?;
    // The thread is stopped; it goes on behind the probe.
    done("read", Op::thread(thread::READ, thread).word(0, GENERAL).run())?;
    let mut state = stage.this.utcb().received();
    state.general[INSTRUCTION] = state.general[RECOVERY];
    stage.this.utcb_mut().set_reply(&state);
    done("write", Op::thread(thread::WRITE, thread).run())?;
    done("resume", Op::thread(thread::RESUME, thread).run()).map(|_| ())
}
