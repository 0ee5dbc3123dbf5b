//! Waits that others end: on another core, in numbers, and by the end of who is waited for.

use super::{Test, test};
use crate::board;
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::{Op, Out};
use crate::patience::comes_elsewhere;
use crate::servant::LAST_TOKEN;
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{capability, object, thread};
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Rights, Status};
use cedo_lib::{Stack, ThisThread};
use core::sync::atomic::{AtomicU64, Ordering};

pub const TESTS: &[Test] = &[
    test("who receives from a destroyed thread only hears that it is gone", closed_receive),
    test("who receives from a suspended thread only hears of it", closed_receive_suspended),
    test("all of many who wait for a destroyed thread hear of it", crowd),
    test("the children of a destroyed scheduler go to its scheduler", orphans),
    test("a ready child of a destroyed scheduler is its scheduler's, and runs", ready_orphans),
];

pub const TESTS_ON_TWO_CORES: &[Test] = &[
    test("a call that another core has taken is cancelled", abort_taken),
    test("a call queued at another core is cancelled", abort_queued),
    test("a send queued at another core is cancelled", abort_send),
    test("a receive from a thread of another core only is cancelled", abort_closed),
    test("a wait of a thread of another core is cancelled from here", abort_from_here),
    test("who awaits a reply of another core can be stopped and started", suspend_waiting),
    test("who awaits a reply of another core can be destroyed", destroy_waiting),
    test("who receives from a destroyed thread of another core hears of it", closed_remote),
    test("a message of its only partner on another core arrives", closed_message),
];

const OPEN: Op = Op::receive(ANY);
/// Instruction pointer where nothing is mapped: a thread that starts there faults at once.
const NOWHERE: u64 = 0x1000;
/// First cookie of new threads.
const COOKIE: u64 = 200;
/// Threads of the crowd that fault, with the thread that they wait for as handler.
const FAULTERS: u64 = 7;

/// Each new thread that runs has its own.
static STACKS: [Stack<8192>; 3] = [const { Stack::new() }; 3];
/// How many times the new thread has run.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// Creates a thread of this core in scratch slot `index`, which starts at `instruction`.
fn create(driver: &Driver, index: u64, instruction: u64, stack: u64, argument: u64) -> Verdict {
    let (slot, frame) = (driver.slot(index), driver.frame(2 * index));
    let create = Op::object(object::CREATE_THREAD, driver.frames, slot, frame);
    let create = create.word(1, SELF).word(2, 0).word(3, utcb(driver, index));
    let create = create.word(4, instruction).word(5, stack).word(6, argument);
    done("create", create.run()).map(|_| ())
}

fn utcb(driver: &Driver, index: u64) -> u64 {
    place::UTCB + 0x3_0000_0000 + (driver.number * 16 + index) * 0x1000
}

/// Creates a thread in scratch slot `index` that runs `body` when it is started.
fn create_running(
    driver: &Driver,
    index: u64,
    stack: &'static Stack<8192>,
    body: fn(ThisThread, u64),
) -> Verdict {
    let utcb = utcb(driver, index);
    let Some(start) = stack.prepare(&driver.this, body, utcb, 0) else {
        return holds("the stack is free", false);
    };
    create(driver, index, start.instruction, start.stack, utcb)
}

/// A gate with all rights to the thread in scratch slot `index`, in scratch slot 11.
fn gate_to(driver: &Driver, index: u64) -> Result<u64, Failure> {
    let gate = driver.slot(11);
    let make = Op::capability(capability::MAKE_GATE, driver.slot(index), gate, SELF);
    done("make gate", make.word(1, Rights::ALL.0.into()).word(2, 5).run())?;
    Ok(gate)
}

/// Lets the root schedule the thread in scratch slot `index`, and starts that.
fn start(driver: &Driver, index: u64) -> Verdict {
    let child = driver.slot(index);
    let adopt = Op::thread(thread::SET_SCHEDULER, child).from(Who::Root.thread());
    done("set scheduler", adopt.word(0, COOKIE + index).run())?;
    done("resume", Op::thread(thread::RESUME, child).run()).map(|_| ())
}

fn closed_receive(driver: &mut Driver) -> Verdict {
    create(driver, 0, NOWHERE, 0, 0)?;
    let gate = gate_to(driver, 0)?;
    driver.carry_out(Who::A, &[Op::receive(gate)])?;
    driver.is_busy("A waits", Who::A)?;
    driver.destroy(0)?;
    driver.settle()?;
    status("A's receive", &driver.outcome(Who::A, 0)?.out, Status::PartnerGone)
}

fn closed_receive_suspended(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[Op::receive(Who::B.gate())])?;
    done("suspend", Op::thread(thread::SUSPEND, Who::B.thread()).run())?;
    done("resume", Op::thread(thread::RESUME, Who::B.thread()).run())?;
    driver.settle()?;
    status("A's receive", &driver.outcome(Who::A, 0)?.out, Status::Aborted)
}

/// More than one entry handles: a caller, a closed receiver, and threads whose faults the victim
/// would have to handle.
fn crowd(driver: &mut Driver) -> Verdict {
    create(driver, FAULTERS, NOWHERE, 0, 0)?;
    let gate = gate_to(driver, FAULTERS)?;
    driver.carry_out(Who::A, &[Op::call(gate).tag(1, 0)])?;
    driver.carry_out(Who::B, &[Op::receive(gate)])?;
    for index in 0..FAULTERS {
        create(driver, index, NOWHERE, 0, 0)?;
        let handler = Op::thread(thread::SET_HANDLER, driver.slot(index)).from(gate);
        done("set handler", handler.run())?;
        start(driver, index)?;
    }
    driver.settle_all()?;
    driver.destroy(FAULTERS)?;
    driver.settle_all()?;
    status("A's call", &driver.outcome(Who::A, 0)?.out, Status::PartnerGone)?;
    status("B's receive", &driver.outcome(Who::B, 0)?.out, Status::PartnerGone)?;
    for index in 0..FAULTERS {
        // Stopped by a fault that nobody handles any more.
        done("resume", Op::thread(thread::RESUME, driver.slot(index)).run())?;
        driver.settle_all()?;
        driver.destroy(index)?;
    }
    Ok(())
}

fn count(_: ThisThread, _: u64) {
    RUNS.fetch_add(1, Ordering::SeqCst);
}

/// A scheduler that never runs, and a child of it that has not been started.
fn family(driver: &Driver, stack: &'static Stack<8192>) -> Verdict {
    create(driver, 0, NOWHERE, 0, 0)?;
    let adopt = Op::thread(thread::SET_SCHEDULER, driver.slot(0)).from(Who::Root.thread());
    done("set scheduler", adopt.word(0, COOKIE).run())?;
    create_running(driver, 1, stack, count)?;
    let adopt = Op::thread(thread::SET_SCHEDULER, driver.slot(1)).from(driver.slot(0));
    done("set scheduler", adopt.word(0, COOKIE + 1).run()).map(|_| ())
}

fn ready_orphans(driver: &mut Driver) -> Verdict {
    let before = RUNS.load(Ordering::SeqCst);
    family(driver, &STACKS[2])?;
    done("resume", Op::thread(thread::RESUME, driver.slot(1)).run())?;
    driver.destroy(0)?;
    driver.settle_all()?;
    equal("turns of the child", RUNS.load(Ordering::SeqCst), before + 1)?;
    driver.destroy(1)
}

fn orphans(driver: &mut Driver) -> Verdict {
    let before = RUNS.load(Ordering::SeqCst);
    family(driver, &STACKS[0])?;
    driver.destroy(0)?;
    equal("turns of the child", RUNS.load(Ordering::SeqCst), before)?;
    done("resume", Op::thread(thread::RESUME, driver.slot(1)).run())?;
    driver.settle_all()?;
    equal("turns of the child", RUNS.load(Ordering::SeqCst), before + 1)?;
    driver.destroy(1)
}

/// Cancels what `who` waits for. One of another core may be on its way into its wait.
pub fn abort(who: Who) -> Verdict {
    let mut out = Out::NOTHING;
    comes_elsewhere(|| {
        // Of a thread that is gone both say so.
        let seen = Op::thread(thread::READ, who.thread()).run();
        out = Op::thread(thread::ABORT, who.thread()).word(0, seen.words[0]).run();
        out.status() != Status::Stale
    });
    done("abort", out).map(|_| ())
}

/// Waits until a servant of another core has done this many steps of its order.
pub fn await_steps(who: Who, steps: u64) -> Verdict {
    let reached = comes_elsewhere(|| board::steps(who) >= steps);
    holds("a servant of another core does its steps", reached)
}

/// A does this with R1, which does that, at least `steps` of it; then A's wait is cancelled.
fn cancelled(driver: &mut Driver, act: Op, remote: &[Op], steps: u64) -> Verdict {
    driver.order_to_wait(Who::R1, remote)?;
    driver.carry_out(Who::A, &[act])?;
    driver.pause()?;
    await_steps(Who::R1, steps)?;
    driver.is_busy("A waits", Who::A)?;
    abort(Who::A)?;
    driver.await_remote(Who::A)?;
    status("A's wait", &driver.outcome(Who::A, 0)?.out, Status::Aborted)
}

fn abort_taken(driver: &mut Driver) -> Verdict {
    let wait_for_b = Op::receive(Who::B.gate());
    let reply = Op::send(LAST_TOKEN).tag(6, 0);
    cancelled(driver, Op::call(Who::R1.gate()).tag(4, 0), &[OPEN, wait_for_b, reply], 1)?;
    driver.carry_out(Who::B, &[Op::send(Who::R1.gate()).tag(6, 0)])?;
    driver.await_remote(Who::R1)?;
    status("R1's reply", &driver.outcome(Who::R1, 2)?.out, Status::Stale)
}

fn abort_queued(driver: &mut Driver) -> Verdict {
    cancelled(driver, Op::call(Who::R1.gate()).tag(4, 0), &[Op::receive(Who::B.gate())], 0)
}

fn abort_send(driver: &mut Driver) -> Verdict {
    cancelled(driver, Op::send(Who::R1.gate()).tag(4, 0), &[Op::receive(Who::B.gate())], 0)
}

fn abort_closed(driver: &mut Driver) -> Verdict {
    cancelled(driver, Op::receive(Who::R1.gate()), &[OPEN], 0)
}

fn abort_from_here(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[Op::receive(Who::B.gate())])?;
    driver.order_to_wait(Who::R1, &[Op::call(Who::A.gate()).tag(4, 0)])?;
    driver.pause()?;
    driver.is_busy("R1 waits", Who::R1)?;
    abort(Who::R1)?;
    driver.await_remote(Who::R1)?;
    status("R1's call", &driver.outcome(Who::R1, 0)?.out, Status::Aborted)
}

fn suspend_waiting(driver: &mut Driver) -> Verdict {
    driver.order_to_wait(Who::R1, &[OPEN, Op::receive(Who::B.gate())])?;
    driver.carry_out(Who::A, &[Op::call(Who::R1.gate()).tag(4, 0)])?;
    driver.pause()?;
    done("suspend", Op::thread(thread::SUSPEND, Who::A.thread()).run())?;
    driver.is_busy("A is suspended", Who::A)?;
    done("resume", Op::thread(thread::RESUME, Who::A.thread()).run())?;
    driver.await_remote(Who::A)?;
    status("A's call", &driver.outcome(Who::A, 0)?.out, Status::Aborted)
}

/// Calls R1 and waits for ever.
fn call_r1(_: ThisThread, _: u64) {
    Op::call(Who::R1.gate()).tag(4, 0).run();
    RUNS.fetch_add(1, Ordering::SeqCst);
}

fn destroy_waiting(driver: &mut Driver) -> Verdict {
    let before = RUNS.load(Ordering::SeqCst);
    let reply = Op::send(LAST_TOKEN).tag(6, 0);
    driver.order_to_wait(Who::R1, &[OPEN, Op::receive(Who::B.gate()), reply])?;
    create_running(driver, 0, &STACKS[1], call_r1)?;
    start(driver, 0)?;
    driver.pause()?;
    await_steps(Who::R1, 1)?;
    driver.destroy(0)?;
    driver.carry_out(Who::B, &[Op::send(Who::R1.gate()).tag(6, 0)])?;
    driver.await_remote(Who::R1)?;
    equal("R1's call", driver.outcome(Who::R1, 0)?.out.tag.label(), 4)?;
    status("R1's reply", &driver.outcome(Who::R1, 2)?.out, Status::Stale)?;
    equal("returns", RUNS.load(Ordering::SeqCst), before)
}

fn closed_remote(driver: &mut Driver) -> Verdict {
    create(driver, 0, NOWHERE, 0, 0)?;
    let gate = gate_to(driver, 0)?;
    driver.order_to_wait(Who::R1, &[Op::receive(gate)])?;
    driver.is_busy("R1 waits", Who::R1)?;
    driver.destroy(0)?;
    driver.await_remote(Who::R1)?;
    status("R1's receive", &driver.outcome(Who::R1, 0)?.out, Status::PartnerGone)
}

fn closed_message(driver: &mut Driver) -> Verdict {
    driver.order_to_wait(Who::R1, &[Op::receive(Who::A.gate()), OPEN])?;
    driver.carry_out(Who::B, &[Op::send(Who::R1.gate()).tag(8, 0)])?;
    driver.carry_out(Who::A, &[Op::send(Who::R1.gate()).tag(7, 0)])?;
    driver.await_remote(Who::R1)?;
    equal("the partner's", driver.outcome(Who::R1, 0)?.out.tag.label(), 7)?;
    equal("the other's", driver.outcome(Who::R1, 1)?.out.tag.label(), 8)
}
