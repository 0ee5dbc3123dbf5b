//! Threads that move to another core, stopped, while others want something of them.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::{Op, Out};
use crate::patience::comes_elsewhere;
use crate::servant::{ECHO, SPIN, STEPS, STOP, probing};
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use ::core::sync::atomic::{AtomicU64, Ordering};
use cedo_lib::abi::call::{capability, object, thread};
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Rights, Status};
use cedo_lib::raw::probe::{see_floating, set_floating};
use cedo_lib::{Stack, ThisThread};

pub const TESTS_ON_TWO_CORES: &[Test] = &[
    test("a thread that moves is called on its new core, from both", called),
    test("a thousand times there and back in a storm of calls, and none is lost", storm),
    test("a thread that waits or runs is not moved", not_stopped),
    test("a scheduler, a root and a handler of interrupts are not moved", not_a_leaf),
    test("who waits for a thread that moves hears of it on both cores", waiters),
    test("without CONTROL and ADOPT no thread is moved", rights),
    test("a thread is moved to a scheduler of another core only", schedulers),
    test("a thread that a fault has stopped is moved and faults there", faulted),
    test("a thread that was never started is moved, started and destroyed", never_started),
    test("a thread whose new scheduler is too deep down is on the new core all the same", too_deep),
    test("a thread that moves takes its floating-point registers along", floating),
    test("a thread that calls the other core for ever is moved there and back", moved_caller),
];

/// Cookie of the thread that moves, on both cores.
const COOKIE: u64 = 230;
/// Instruction pointer where nothing is mapped.
const NOWHERE: u64 = 0x1000;
/// There and back in the storm.
const TURNS: u64 = 1000;
/// Scratch slots: the thread, its child, its gate, weakened capabilities.
const MOVER: u64 = 0;
const CHILD: u64 = 1;
const GATE: u64 = 2;
const WEAK: u64 = 3;
/// First of a line of schedulers, each below the one before.
const LINE: u64 = 3;

/// Each test that starts its thread has one of its own.
static STACKS: [Stack<8192>; 5] = [const { Stack::new() }; 5];
/// Replies of the thread that reached their callers.
static REPLIES: AtomicU64 = AtomicU64::new(0);
/// Calls of the thread that were answered, and those that were neither that nor *aborted*.
static CALLS: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);

/// Makes the thread on `core`, below that core's root; it starts at `instruction`.
fn create(driver: &Driver, core: u64, instruction: u64, stack: u64) -> Verdict {
    let create = Op::object(
        object::CREATE_THREAD,
        driver.frames,
        driver.slot(MOVER),
        driver.frame(2 * MOVER),
    );
    let create = create.word(1, SELF).word(2, core).word(3, utcb(driver, MOVER));
    let create = create.word(4, instruction).word(5, stack).word(6, utcb(driver, MOVER));
    done("create", create.run())?;
    let gate = Op::capability(capability::MAKE_GATE, driver.slot(MOVER), driver.slot(GATE), SELF);
    done("make gate", gate.word(1, Rights::ALL.0.into()).word(2, 5).run())?;
    adopt(driver.slot(MOVER), root_of(core))
}

fn utcb(driver: &Driver, index: u64) -> u64 {
    place::UTCB + 0x4_0000_0000 + (driver.number * 16 + index) * 0x1000
}

const fn root_of(core: u64) -> Who {
    if core == 0 { Who::Root } else { Who::Root1 }
}

fn adopt(child: u64, scheduler: Who) -> Verdict {
    let adopt = Op::thread(thread::SET_SCHEDULER, child).from(scheduler.thread());
    done("set scheduler", adopt.word(0, COOKIE).run()).map(|_| ())
}

/// Makes the thread on core 0 and starts it: it answers calls.
fn create_echo(driver: &Driver, stack: &'static Stack<8192>) -> Verdict {
    create_server(driver, stack, echo)
}

fn create_server(
    driver: &Driver,
    stack: &'static Stack<8192>,
    server: fn(ThisThread, u64),
) -> Verdict {
    let Some(start) = stack.prepare(&driver.this, server, utcb(driver, MOVER), 0) else {
        return holds("the stack is free", false);
    };
    create(driver, 0, start.instruction, start.stack)?;
    resume(driver)
}

/// Answers each call with its first word one higher.
fn echo(_: ThisThread, _: u64) {
    loop {
        let call = Op::receive(ANY).run();
        if call.status() != Status::Ok || call.token == 0 {
            continue;
        }
        let reply = Op::send(call.token).tag(ECHO, 1).word(0, call.words[0] + 1).run();
        let reached = matches!(reply.status(), Status::Ok | Status::KeptProcessor);
        REPLIES.fetch_add(u64::from(reached), Ordering::SeqCst);
    }
}

/// Answers each call with what is in its floating-point registers, and puts the first word there.
fn keep(_: ThisThread, _: u64) {
    loop {
        let call = Op::receive(ANY).run();
        if call.status() != Status::Ok || call.token == 0 {
            continue;
        }
        let kept = see_floating(0, 0).value;
        set_floating(call.words[0], 0);
        Op::send(call.token).tag(ECHO, 1).word(0, kept).run();
    }
}

/// The registers of a new thread are empty, whoever used them before.
fn floating(driver: &mut Driver) -> Verdict {
    set_floating(0xd1, 0);
    create_server(driver, &STACKS[4], keep)?;
    let mut kept = 0;
    for (turn, core) in (1..).zip([1, 0, 1, 0]) {
        suspend(driver)?;
        migrate(driver, core)?;
        resume(driver)?;
        for (who, value) in [(Who::A, turn), (Who::R1, 0x100 + turn)] {
            let steps =
                [probing(set_floating, 0xf00), call(driver, value), probing(see_floating, 0)];
            driver.order(who, &steps)?;
            driver.await_remote(who)?;
            let answer = done("a call", driver.outcome(who, 1)?.out)?;
            equal("the mover's registers", answer.words[0], kept)?;
            equal("the caller's registers", driver.outcome(who, 2)?.out.words[1], 0xf00)?;
            kept = value;
        }
    }
    equal("the driver's registers", see_floating(0, 0).value, 0xd1)?;
    driver.destroy(MOVER)
}

fn resume(driver: &Driver) -> Verdict {
    done("resume", Op::thread(thread::RESUME, driver.slot(MOVER)).run()).map(|_| ())
}

fn suspend(driver: &Driver) -> Verdict {
    done("suspend", Op::thread(thread::SUSPEND, driver.slot(MOVER)).run()).map(|_| ())
}

/// Tries to move the thread in a slot below another one.
fn try_migrate(child: u64, scheduler: u64) -> Out {
    Op::thread(thread::MIGRATE, child).from(scheduler).word(0, COOKIE).run()
}

/// Moves the thread to the root of `core`.
fn migrate(driver: &Driver, core: u64) -> Verdict {
    let out = try_migrate(driver.slot(MOVER), root_of(core).thread());
    equal("it has moved", done("migrate", out)?.words[0], 1)
}

fn refused(what: &'static str, child: u64, scheduler: u64, expected: Status) -> Verdict {
    let out = try_migrate(child, scheduler);
    status(what, &out, expected)?;
    equal("it has not moved", out.words[0], 0)
}

fn call(driver: &Driver, number: u64) -> Op {
    Op::call(driver.slot(GATE)).tag(ECHO, 1).word(0, number)
}

fn called(driver: &mut Driver) -> Verdict {
    create_echo(driver, &STACKS[0])?;
    for core in [1, 0, 1] {
        suspend(driver)?;
        migrate(driver, core)?;
        resume(driver)?;
        for who in [Who::A, Who::R1] {
            driver.order(who, &[call(driver, 70 + core)])?;
            driver.await_remote(who)?;
            let out = driver.outcome(who, 0)?.out;
            equal("the answer", done("a call", out)?.words[0], 71 + core)?;
        }
    }
    driver.destroy(MOVER)
}

/// The calls of an order that were answered; the others have been cancelled.
fn answered(driver: &Driver, who: Who) -> Result<u64, Failure> {
    let mut count = 0;
    for step in 0..STEPS as u64 {
        let out = driver.outcome(who, step)?.out;
        if out.status() == Status::Aborted {
            continue;
        }
        equal("the answer", done("a call in the storm", out)?.words[0], 101 + step)?;
        count += 1;
    }
    Ok(count)
}

fn storm(driver: &mut Driver) -> Verdict {
    create_echo(driver, &STACKS[1])?;
    let before = REPLIES.load(Ordering::SeqCst);
    let calls = ::core::array::from_fn::<Op, STEPS, _>(|step| call(driver, 100 + step as u64));
    let mut count = 0;
    let callers = [Who::A, Who::R1];
    for who in callers {
        driver.order(who, &calls)?;
    }
    for _ in 0..TURNS {
        for core in [1, 0] {
            suspend(driver)?;
            migrate(driver, core)?;
            resume(driver)?;
            for who in callers {
                if crate::board::is_free(who) {
                    count += answered(driver, who)?;
                    driver.order(who, &calls)?;
                }
            }
        }
    }
    for who in callers {
        driver.await_remote(who)?;
        count += answered(driver, who)?;
    }
    let replies = REPLIES.load(Ordering::SeqCst) - before;
    equal("replies that arrived", count, replies)?;
    holds("many calls are answered", count > TURNS / 10)?;
    driver.destroy(MOVER)
}

fn not_stopped(driver: &mut Driver) -> Verdict {
    let there = Who::Root1.thread();
    refused("one that waits for orders", Who::A.thread(), there, Status::WrongState)?;
    driver.carry_out(Who::A, &[Op::call(Who::Low.gate()).tag(1, 0)])?;
    refused("one that is queued", Who::A.thread(), there, Status::WrongState)?;
    refused("one that is ready", Who::Low.thread(), there, Status::WrongState)?;
    STOP.store(false, Ordering::SeqCst);
    driver.order_remote(Who::R1, &[Op::raw(SPIN)])?;
    refused("one that runs", Who::R1.thread(), Who::Root.thread(), Status::WrongState)?;
    STOP.store(true, Ordering::SeqCst);
    driver.await_remote(Who::R1)
}

fn not_a_leaf(driver: &mut Driver) -> Verdict {
    let there = Who::Root1.thread();
    refused("the root of core 1", there, Who::Root.thread(), Status::WrongState)?;
    create(driver, 0, NOWHERE, 0)?;
    let child = Op::object(
        object::CREATE_THREAD,
        driver.frames,
        driver.slot(CHILD),
        driver.frame(2 * CHILD),
    );
    let child = child.word(1, SELF).word(2, 0).word(3, utcb(driver, CHILD)).word(4, NOWHERE);
    done("create", child.run())?;
    let adopt = Op::thread(thread::SET_SCHEDULER, driver.slot(CHILD)).from(driver.slot(MOVER));
    done("set scheduler", adopt.word(0, COOKIE + 1).run())?;
    refused("one with a child", driver.slot(MOVER), there, Status::WrongState)?;
    driver.destroy(CHILD)?;
    migrate(driver, 1)?;
    done("suspend", Op::thread(thread::SUSPEND, Who::Handler.thread()).run())?;
    let seen = refused("a handler", Who::Handler.thread(), there, Status::WrongState);
    done("resume", Op::thread(thread::RESUME, Who::Handler.thread()).run())?;
    seen
}

fn waiters(driver: &mut Driver) -> Verdict {
    for core in [0, 1] {
        create(driver, core, NOWHERE, 0)?;
        driver.order(Who::A, &[call(driver, 1)])?;
        driver.order(Who::B, &[Op::receive(driver.slot(GATE))])?;
        driver.order_to_wait(Who::R1, &[Op::send(driver.slot(GATE)).tag(1, 0)])?;
        // Time enough for the messages of all of them to get there.
        driver.pause()?;
        migrate(driver, 1 - core)?;
        for who in [Who::A, Who::B, Who::R1] {
            driver.await_remote(who)?;
            status("a wait", &driver.outcome(who, 0)?.out, Status::Aborted)?;
        }
        driver.destroy(MOVER)?;
        let drop = Op::capability(capability::DROP, SELF, driver.slot(GATE), SELF);
        done("drop", drop.run())?;
        done("drop", Op::capability(capability::DROP, SELF, driver.slot(MOVER), SELF).run())?;
    }
    Ok(())
}

fn rights(driver: &mut Driver) -> Verdict {
    create(driver, 0, NOWHERE, 0)?;
    let weaken = |from: u64, lacks: Rights, index: u64| {
        let copy = Op::capability(capability::COPY, from, driver.slot(index), SELF);
        done("copy", copy.word(1, (Rights::ALL.0 & !lacks.0).into()).run()).map(|_| ())
    };
    weaken(driver.slot(MOVER), Rights::CONTROL, WEAK)?;
    weaken(Who::Root1.thread(), Rights::ADOPT, WEAK + 1)?;
    let (mover, there) = (driver.slot(MOVER), Who::Root1.thread());
    refused("without CONTROL", driver.slot(WEAK), there, Status::NoRight)?;
    refused("without ADOPT", mover, driver.slot(WEAK + 1), Status::NoRight)?;
    refused("by a gate", driver.slot(GATE), there, Status::WrongKind)?;
    refused("to a gate", mover, Who::R1.gate(), Status::WrongKind)?;
    refused("oneself", Who::Driver.thread(), there, Status::NotOneself)
}

fn schedulers(driver: &mut Driver) -> Verdict {
    create(driver, 0, NOWHERE, 0)?;
    let mover = driver.slot(MOVER);
    refused("its own", mover, Who::Root.thread(), Status::WrongCore)?;
    refused("one below", mover, Who::Nested.thread(), Status::WrongCore)?;
    refused("itself", mover, mover, Status::WrongCore)?;
    refused("none", mover, driver.slot(WEAK), Status::NoCapability)?;
    let edge = Op::thread(thread::MIGRATE, mover).from(Who::Root1.thread()).word(1, 1 << 40);
    status("an unknown edge", &edge.run(), Status::BadArgument)?;
    // A leaf of the other core can become a scheduler.
    let out = try_migrate(mover, Who::R1.thread());
    equal("it has moved", done("migrate", out)?.words[0], 1)?;
    driver.destroy(MOVER)
}

fn faulted(driver: &mut Driver) -> Verdict {
    create(driver, 0, NOWHERE, 0)?;
    for core in [1, 0] {
        resume(driver)?;
        // It is suspended as soon as it has run.
        let mut out = Out::NOTHING;
        comes_elsewhere(|| {
            out = try_migrate(driver.slot(MOVER), root_of(core).thread());
            out.status() != Status::WrongState
        });
        equal("it has moved", done("migrate", out)?.words[0], 1)?;
    }
    driver.destroy(MOVER)
}

fn never_started(driver: &mut Driver) -> Verdict {
    let Some(start) = STACKS[2].prepare(&driver.this, echo, utcb(driver, MOVER), 0) else {
        return holds("the stack is free", false);
    };
    create(driver, 1, start.instruction, start.stack)?;
    migrate(driver, 0)?;
    migrate(driver, 1)?;
    resume(driver)?;
    driver.carry_out(Who::A, &[call(driver, 30)])?;
    driver.await_remote(Who::A)?;
    equal("the answer", driver.outcome(Who::A, 0)?.out.words[0], 31)?;
    driver.destroy(MOVER)?;
    status("suspend", &Op::thread(thread::SUSPEND, driver.slot(MOVER)).run(), Status::NoCapability)
}

/// The deepest of eight schedulers takes no child.
fn too_deep(driver: &mut Driver) -> Verdict {
    create(driver, 0, NOWHERE, 0)?;
    let mut above = Who::Root1.thread();
    for index in LINE..LINE + 8 {
        let slot = driver.slot(index);
        let create =
            Op::object(object::CREATE_THREAD, driver.frames, slot, driver.frame(2 * index));
        let create = create.word(1, SELF).word(2, 1).word(3, utcb(driver, index));
        done("create", create.word(4, NOWHERE).run())?;
        let adopt = Op::thread(thread::SET_SCHEDULER, slot).from(above);
        done("set scheduler", adopt.word(0, COOKIE + index).run())?;
        above = slot;
    }
    let out = try_migrate(driver.slot(MOVER), above);
    status("migrate", &out, Status::TooDeep)?;
    equal("it has moved", out.words[0], 1)?;
    let resume = Op::thread(thread::RESUME, driver.slot(MOVER)).run();
    status("resume", &resume, Status::WrongState)?;
    adopt(driver.slot(MOVER), Who::Root1)?;
    (LINE..LINE + 8).rev().try_for_each(|index| driver.destroy(index))
}

/// Calls a servant of core 1 for ever.
fn caller(_: ThisThread, _: u64) {
    loop {
        let out = Op::call(Who::R1.gate()).tag(ECHO, 1).word(0, 5).run();
        let answered = out.status() == Status::Ok && out.words[0] == 6;
        CALLS.fetch_add(u64::from(answered), Ordering::SeqCst);
        WRONG.fetch_add(u64::from(!answered && out.status() != Status::Aborted), Ordering::SeqCst);
    }
}

fn moved_caller(driver: &mut Driver) -> Verdict {
    let Some(start) = STACKS[3].prepare(&driver.this, caller, utcb(driver, MOVER), 0) else {
        return holds("the stack is free", false);
    };
    create(driver, 0, start.instruction, start.stack)?;
    resume(driver)?;
    for _ in 0..100 {
        for core in [1, 0] {
            suspend(driver)?;
            migrate(driver, core)?;
            resume(driver)?;
            driver.settle()?;
        }
    }
    let before = CALLS.load(Ordering::SeqCst);
    let more = comes_elsewhere(|| CALLS.load(Ordering::SeqCst) > before);
    holds("it goes on calling", more)?;
    equal("wrong answers", WRONG.load(Ordering::SeqCst), 0)?;
    driver.destroy(MOVER)
}
