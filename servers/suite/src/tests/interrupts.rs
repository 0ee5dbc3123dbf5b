//! Interrupts of a timer, an edge.

use super::{Test, test};
use crate::board;
use crate::cast::{self, TIMER_LINE, Who};
use crate::driver::Driver;
use crate::op::Op;
use crate::patience::comes;
use crate::servant::LAST_TOKEN;
use crate::stage::SLEEP;
use crate::verdict::{Failure, Verdict, done, equal, holds, label, status};
use cedo_lib::Clock;
use cedo_lib::abi::call::ipc;
use cedo_lib::abi::name::{ANY, MY_SCHEDULER};
use cedo_lib::abi::{Label, Status, notice};
use cedo_lib::alarm::Alarm;
use cedo_lib::raw::relax;
use core::sync::atomic::Ordering;

pub const TESTS: &[Test] = &[
    test("an interrupt is a message with its badge and line", message),
    test("an interrupt interrupts who runs", interrupts),
    test("an interrupt that came while nobody waited is delivered later", pending),
    test("interrupts that nobody took become one", coalesce),
    test("acknowledging and waiting for the next is one operation", acknowledge_and_wait),
    test("an interrupt's token counts once", token_once),
    test("an interrupt does not end a closed receive", closed_receive),
    test("interrupts come before senders", before_senders),
];

/// How long one shot takes.
const SHOT_NS: u64 = 200_000;

/// How long an emulator on a busy machine may take to deliver an edge.
const EDGE_NS: u64 = 100_000_000;

const OPEN: Op = Op::receive(ANY);

fn timer() -> Result<Alarm, Failure> {
    cast::timer().ok_or(Failure::missing("a timer"))
}

/// Starts the timer, and returns when its edge must have come.
pub fn fire() -> Verdict {
    arm()?;
    late_edges_pass()
}

/// Sleeps until an edge must have come, whatever the emulator.
pub fn late_edges_pass() -> Verdict {
    let until_ns = Clock::of_core(0).now_ns() + EDGE_NS;
    done("sleep", Op::call(MY_SCHEDULER).tag(SLEEP, 1).word(0, until_ns).run()).map(|_| ())
}

/// Ends the interrupts of the clock that firmware leaves running.
pub fn silence() -> Verdict {
    timer().map(|timer| timer.silence())
}

/// Starts the timer.
pub fn arm() -> Verdict {
    arm_later(0).map(|_| ())
}

/// Starts the timer for something that must happen before its edge: a busy host may be slow, so later
/// attempts (0 is the first) have more time. Returns how much.
pub fn arm_later(attempt: u32) -> Result<u64, Failure> {
    let delay_ns = SHOT_NS << (attempt / 4).min(7);
    timer().map(|timer| timer.set(delay_ns))?;
    Ok(delay_ns)
}

/// Spins for some nanoseconds of core 0's clock.
pub fn spin(time_ns: u64) {
    let clock = Clock::of_core(0);
    let end_ns = clock.now_ns() + time_ns;
    while clock.now_ns() < end_ns {
        relax();
    }
}

fn message(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN])?;
    fire_for(1)?;
    let got = driver.outcome(Who::Handler, 0)?.out;
    label("label", &got, Label::Irq)?;
    equal("line", got.words[notice::IRQ_LINE], TIMER_LINE.load(Ordering::SeqCst))?;
    equal("badge", got.badge, Driver::IRQ_BADGE)?;
    holds("a token to acknowledge with", got.token != 0)
}

fn interrupts(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN])?;
    arm()?;
    // The driver never gives up the processor here.
    let free = comes(|| {
        relax();
        board::is_free(Who::Handler)
    });
    holds("the handler ran while the driver was spinning", free)
}

/// Starts the timer, and waits until the handler has done this many steps.
pub fn fire_for(steps: u64) -> Verdict {
    arm()?;
    let waited = comes(|| {
        let done = board::steps(Who::Handler) >= steps;
        if !done {
            spin(SHOT_NS);
        }
        done
    });
    holds("the handler takes its steps", waited)
}

fn pending(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[Op::receive(Who::B.gate()), OPEN])?;
    fire()?;
    driver.is_busy("the handler waits for B", Who::Handler)?;
    driver.carry_out(Who::B, &[Op::send(Who::Handler.gate()).tag(1, 0)])?;
    label("the interrupt", &driver.outcome(Who::Handler, 1)?.out, Label::Irq)
}

fn coalesce(driver: &mut Driver) -> Verdict {
    let poll = OPEN.flags(ipc::RECEIVE_ZERO);
    let answer = Op::send(LAST_TOKEN);
    driver.carry_out(Who::Handler, &[Op::receive(Who::B.gate()), poll, answer, poll])?;
    fire()?;
    fire()?;
    fire()?;
    driver.carry_out(Who::B, &[Op::send(Who::Handler.gate()).tag(1, 0)])?;
    label("the first", &driver.outcome(Who::Handler, 1)?.out, Label::Irq)?;
    status("the second", &driver.outcome(Who::Handler, 3)?.out, Status::NotReady)
}

fn acknowledge_and_wait(driver: &mut Driver) -> Verdict {
    let next = Op::reply_and_wait(LAST_TOKEN);
    driver.carry_out(Who::Handler, &[OPEN, next, next])?;
    for steps in 1..=3 {
        driver.is_busy("the handler waits", Who::Handler)?;
        fire_for(steps)?;
    }
    for index in 0..3 {
        label("an interrupt", &driver.outcome(Who::Handler, index)?.out, Label::Irq)?;
    }
    Ok(())
}

fn token_once(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN, Op::send(LAST_TOKEN), Op::send(LAST_TOKEN)])?;
    fire_for(3)?;
    status("first", &driver.outcome(Who::Handler, 1)?.out, Status::Ok)?;
    status("second", &driver.outcome(Who::Handler, 2)?.out, Status::Stale)
}

fn closed_receive(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[Op::receive(Who::B.gate()), OPEN])?;
    fire()?;
    driver.is_busy("the handler waits for B", Who::Handler)
}

fn before_senders(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[Op::receive(Who::B.gate()), OPEN, OPEN])?;
    driver.carry_out(Who::C, &[Op::send(Who::Handler.gate()).tag(3, 0)])?;
    fire()?;
    driver.carry_out(Who::B, &[Op::send(Who::Handler.gate()).tag(2, 0)])?;
    label("first", &driver.outcome(Who::Handler, 1)?.out, Label::Irq)?;
    equal("then", driver.outcome(Who::Handler, 2)?.out.tag.label(), 3)
}
