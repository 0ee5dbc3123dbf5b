//! Between cores: messages and wake-ups cross, processor time does not.

use super::messages::{all_lengths, echo};
use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::patience::comes;
use crate::servant::{ECHO, LAST_TOKEN, PROGRESS, SPIN, STOP};
use crate::verdict::{Verdict, done, equal, holds, status};
use ::core::sync::atomic::Ordering;
use cedo_lib::abi::call::{capability, core, ipc, object, thread};
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Rights, Status};

pub const TESTS: &[Test] = &[
    test("0 to 64 words arrive unchanged on another core, same Space", same_space),
    test("0 to 64 words arrive unchanged on another core, another Space", other_space),
    test("a thousand calls to another core are a thousand replies", many_calls),
    test("a send to another core is delivered with its badge", send),
    test("a send with zero to a busy thread of another core is not ready", send_zero_busy),
    test("a send with zero to a waiting thread of another core is delivered", send_zero_waiting),
    test("a sender of another core waits its turn", queued),
    test("a thread of another core can call back", call_back),
    test("a thread of another core can be stopped and started", suspend),
    test("a spinning thread of another core can be stopped", suspend_spinning),
    test("registers of a stopped thread of another core can be read", read_remote),
    test("a thread can be made for another core and destroyed from here", create_remote),
    test("who waits here for a destroyed thread of another core hears of it", partner_gone),
    test("a scheduler must be on its child's core", scheduler_on_core),
    test("a kick of another core is accepted", kick),
    test("both cores call each other without losing a message", both_ways),
];

const OPEN: Op = Op::receive(ANY);

fn same_space(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::R1)
}

fn other_space(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::Far1)
}

fn many_calls(driver: &mut Driver) -> Verdict {
    (0..1000).try_for_each(|_| echo(driver, Who::R1, 4))
}

fn send(driver: &mut Driver) -> Verdict {
    driver.order_remote(Who::R1, &[OPEN])?;
    done("send", Op::send(Who::R1.gate()).tag(5, 2).word(0, 50).word(1, 51).run())?;
    driver.await_remote(Who::R1)?;
    let got = driver.outcome(Who::R1, 0)?;
    equal("badge", got.out.badge, Who::R1.badge())?;
    equal("words in order", got.in_order, 2)
}

fn send_zero_busy(driver: &mut Driver) -> Verdict {
    driver.order_to_wait(Who::R1, &[Op::receive(Who::Far1.gate())])?;
    let send = Op::send(Who::R1.gate()).tag(5, 0).flags(ipc::SEND_ZERO);
    status("send", &send.run(), Status::NotReady)
}

fn send_zero_waiting(driver: &mut Driver) -> Verdict {
    driver.order_to_wait(Who::R1, &[OPEN])?;
    done("send", Op::send(Who::R1.gate()).tag(5, 0).flags(ipc::SEND_ZERO).run())?;
    driver.await_remote(Who::R1)?;
    equal("label", driver.outcome(Who::R1, 0)?.out.tag.label(), 5)
}

fn queued(driver: &mut Driver) -> Verdict {
    driver.order_to_wait(Who::R1, &[Op::receive(Who::B.gate()), OPEN, OPEN])?;
    driver.carry_out(Who::A, &[Op::send(Who::R1.gate()).tag(5, 0)])?;
    driver.pause()?;
    driver.is_busy("A waits for its turn", Who::A)?;
    driver.carry_out(Who::B, &[Op::send(Who::R1.gate()).tag(6, 0)])?;
    done("the driver's", Op::send(Who::R1.gate()).tag(7, 0).run())?;
    driver.await_remote(Who::R1)?;
    for (index, label) in [(0, 6_u32), (1, 5), (2, 7)] {
        equal("label", driver.outcome(Who::R1, index)?.out.tag.label(), label)?;
    }
    Ok(())
}

fn call_back(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN, Op::send(LAST_TOKEN).tag(6, 1).word(0, 60)])?;
    driver.order_remote(Who::R1, &[Op::call(Who::A.gate()).tag(4, 0)])?;
    driver.await_remote(Who::R1)?;
    equal("reply", driver.outcome(Who::R1, 0)?.out.words[0], 60)?;
    equal("call", driver.outcome(Who::A, 0)?.out.tag.label(), 4)
}

fn suspend(driver: &mut Driver) -> Verdict {
    done("suspend", Op::thread(thread::SUSPEND, Who::R1.thread()).run())?;
    let send = Op::send(Who::R1.gate()).tag(0, 0).flags(ipc::SEND_ZERO);
    status("send", &send.run(), Status::NotReady)?;
    done("resume", Op::thread(thread::RESUME, Who::R1.thread()).run())?;
    driver.pause()?;
    echo(driver, Who::R1, 3)
}

fn suspend_spinning(driver: &mut Driver) -> Verdict {
    STOP.store(false, Ordering::SeqCst);
    driver.order_remote(Who::R1, &[Op::raw(SPIN)])?;
    let before = PROGRESS.load(Ordering::SeqCst);
    let spins = comes(|| {
        super::interrupts::spin(300_000);
        PROGRESS.load(Ordering::SeqCst) > before
    });
    holds("it spins", spins)?;
    done("suspend", Op::thread(thread::SUSPEND, Who::R1.thread()).run())?;
    let before = PROGRESS.load(Ordering::SeqCst);
    super::interrupts::spin(300_000);
    equal("turns while stopped", PROGRESS.load(Ordering::SeqCst), before)?;
    STOP.store(true, Ordering::SeqCst);
    done("resume", Op::thread(thread::RESUME, Who::R1.thread()).run())?;
    driver.await_remote(Who::R1)
}

fn read_remote(driver: &mut Driver) -> Verdict {
    done("suspend", Op::thread(thread::SUSPEND, Who::R1.thread()).run())?;
    let seen = Op::thread(thread::READ, Who::R1.thread()).run();
    done("resume", Op::thread(thread::RESUME, Who::R1.thread()).run())?;
    driver.pause()?;
    let seen = done("read", seen)?;
    holds("a user's address", seen.words[1] > 0x1000 && seen.words[1] < 1 << 47)
}

/// A thread of core 1 in scratch slot 0 that never runs, and a gate to it in slot 2.
fn create(driver: &Driver) -> Verdict {
    let make = Op::object(object::CREATE_THREAD, driver.frames, driver.slot(0), driver.frame(0));
    let make = make.word(1, SELF).word(2, 1).word(4, 0x1000);
    let utcb = place::UTCB + 0x2_0000_0000 + driver.number * 0x1000;
    done("create", make.word(3, utcb).run())?;
    let gate = Op::capability(capability::MAKE_GATE, driver.slot(0), driver.slot(2), SELF);
    let all = u64::from(Rights::ALL.0);
    done("make gate", gate.word(1, all).word(2, 5).run()).map(|_| ())
}

fn create_remote(driver: &mut Driver) -> Verdict {
    create(driver)?;
    driver.destroy(0)?;
    let send = Op::send(driver.slot(2)).tag(1, 0).flags(ipc::SEND_ZERO);
    status("send", &send.run(), Status::NoCapability)
}

fn partner_gone(driver: &mut Driver) -> Verdict {
    create(driver)?;
    driver.carry_out(Who::A, &[Op::call(driver.slot(2)).tag(1, 0)])?;
    driver.pause()?;
    driver.is_busy("A waits", Who::A)?;
    driver.destroy(0)?;
    driver.await_remote(Who::A)?;
    status("A's call", &driver.outcome(Who::A, 0)?.out, Status::PartnerGone)
}

fn scheduler_on_core(driver: &mut Driver) -> Verdict {
    done("suspend", Op::thread(thread::SUSPEND, Who::A.thread()).run())?;
    let adopt = Op::thread(thread::SET_SCHEDULER, Who::A.thread()).from(Who::Root1.thread());
    let seen = adopt.run();
    done("resume", Op::thread(thread::RESUME, Who::A.thread()).run())?;
    driver.settle()?;
    status("set scheduler", &seen, Status::WrongCore)
}

fn kick(driver: &mut Driver) -> Verdict {
    done("kick", Op::core(core::KICK, driver.cores[1]).word(0, 4).run())?;
    driver.pause()
}

fn both_ways(driver: &mut Driver) -> Verdict {
    let call = |who: Who, first| Op::call(who.gate()).tag(ECHO, 3).word(0, first);
    for round in 0..100 {
        driver.order(Who::R1, &[call(Who::B, 100); 5])?;
        driver.order(Who::A, &[call(Who::Far1, 200); 5])?;
        driver.settle()?;
        echo(driver, Who::Far1, round % 65)?;
        driver.await_remote(Who::R1)?;
        driver.await_remote(Who::A)?;
        for index in 0..5 {
            equal("B's echo", driver.outcome(Who::R1, index)?.out.words[0], 101)?;
            equal("its echo", driver.outcome(Who::A, index)?.out.words[0], 201)?;
        }
    }
    Ok(())
}
