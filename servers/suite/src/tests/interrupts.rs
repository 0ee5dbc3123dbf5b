//! Interrupts of the programmable interval timer, channel 0, an edge.

use super::{Test, test};
use crate::board;
use crate::cast::{TIMER_PORTS, Who};
use crate::driver::Driver;
use crate::op::Op;
use crate::servant::LAST_TOKEN;
use crate::verdict::{Verdict, done, equal, holds, label, status};
use cedo_lib::Clock;
use cedo_lib::abi::call::{Call, ipc, ports};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::{Label, Status, notice};
use core::hint::spin_loop;
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

/// Ticks of the timer per second. Source: Intel 8254 data sheet; the PC's crystal.
const TICKS_PER_SECOND: u64 = 1_193_182;
const COMMAND: u64 = 0x43;
const CHANNEL_0: u64 = 0x40;
/// Channel 0, low byte then high byte, mode 0: one edge when the count is over.
const ONE_SHOT: u64 = 0x30;
/// How long one shot takes.
const SHOT_NS: u64 = 200_000;

/// How long an emulator on a busy machine may take to deliver the edge.
const PATIENCE_NS: u64 = 30_000_000;

const OPEN: Op = Op::receive(ANY);

fn out(port: u64, value: u64) -> Verdict {
    let timer = TIMER_PORTS.load(Ordering::SeqCst);
    let write = Op::new(Call::Ports, ports::WRITE, 0).to(timer);
    done("port", write.word(0, port).word(1, 1).word(2, value).run()).map(|_| ())
}

/// Starts the timer, and returns when its edge must have come.
pub fn fire() -> Verdict {
    arm()?;
    spin(PATIENCE_NS);
    Ok(())
}

/// Ends the interrupts of the clock that firmware leaves running: mode 0 without a count.
pub fn silence() -> Verdict {
    out(COMMAND, ONE_SHOT)
}

/// Starts the timer.
pub fn arm() -> Verdict {
    let count = SHOT_NS * TICKS_PER_SECOND / 1_000_000_000;
    out(COMMAND, ONE_SHOT)?;
    out(CHANNEL_0, count & 0xff)?;
    out(CHANNEL_0, count >> 8)
}

/// Spins for some nanoseconds of core 0's clock.
pub fn spin(time_ns: u64) {
    let clock = Clock::of_core(0);
    let end_ns = clock.now_ns() + time_ns;
    while clock.now_ns() < end_ns {
        spin_loop();
    }
}

fn message(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN])?;
    fire_for(1)?;
    let got = driver.outcome(Who::Handler, 0)?.out;
    label("label", &got, Label::Irq)?;
    equal("line", got.words[notice::IRQ_LINE], 2)?;
    equal("badge", got.badge, Driver::IRQ_BADGE)?;
    holds("a token to acknowledge with", got.token != 0)
}

fn interrupts(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN])?;
    arm()?;
    // The driver never gives up the processor here.
    let clock = Clock::of_core(0);
    let limit_ns = clock.now_ns() + 100 * PATIENCE_NS;
    let mut free = false;
    while !free && clock.now_ns() < limit_ns {
        free = board::is_free(Who::Handler);
        spin_loop();
    }
    holds("the handler ran while the driver was spinning", free)
}

/// Starts the timer, and waits until the handler has done this many steps.
pub fn fire_for(steps: u64) -> Verdict {
    arm()?;
    let waited = (0..20_000).any(|_| {
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
