//! The five operations of DESIGN.md section 4, with never and with zero.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::servant::LAST_TOKEN;
use crate::verdict::{Verdict, done, equal, status};
use cedo_lib::abi::Status;
use cedo_lib::abi::call::ipc;
use cedo_lib::abi::name::ANY;

pub const TESTS: &[Test] = &[
    test("a send with zero to a thread that waits is delivered", send_zero_waiting),
    test("a send with zero to a thread that does not wait is not ready", send_zero_busy),
    test("a send with never waits until its partner receives", send_never_busy),
    test("a receive with zero and nothing pending is not ready", receive_zero),
    test("a receive with never gets a message that comes later", receive_never),
    test("a call with zero to a thread that does not wait is not ready", call_zero_busy),
    test("a call with never waits for its turn and then for the reply", call_never_busy),
    test("send and receive is one operation with two partners", send_and_receive),
    test("send and receive with zero receive delivers and finds nothing", send_and_receive_zero),
    test("reply and wait answers one caller and takes the next", reply_and_wait),
    test("a reply with no one to wait for takes a sender already queued", reply_takes_queued),
    test("a closed receive takes only its partner's message", closed_receive),
    test("an open receive takes senders first come, first served", first_come_first_served),
    test("senders and callers stand in one queue", one_queue),
    test("a sender with zero leaves nothing behind", zero_leaves_nothing),
];

const OPEN: Op = Op::receive(ANY);

fn send_zero_waiting(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN])?;
    let send = Op::send(Who::A.gate()).tag(1, 1).word(0, 77).flags(ipc::SEND_ZERO);
    done("send", send.run())?;
    driver.settle()?;
    equal("word", driver.outcome(Who::A, 0)?.out.words[0], 77)
}

/// Makes A wait for B alone, so that nobody else can send to it.
fn make_busy(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[Op::receive(Who::B.gate()), OPEN, OPEN, OPEN])?;
    driver.is_busy("A waits for B", Who::A)
}

fn send_zero_busy(driver: &mut Driver) -> Verdict {
    make_busy(driver)?;
    let send = Op::send(Who::A.gate()).tag(1, 0).flags(ipc::SEND_ZERO);
    status("send", &send.run(), Status::NotReady)
}

fn send_never_busy(driver: &mut Driver) -> Verdict {
    make_busy(driver)?;
    driver.carry_out(Who::C, &[Op::send(Who::A.gate()).tag(5, 0)])?;
    driver.is_busy("C waits for A", Who::C)?;
    driver.carry_out(Who::B, &[Op::send(Who::A.gate()).tag(4, 0)])?;
    status("C's send", &driver.outcome(Who::C, 0)?.out, Status::Ok)?;
    done("A's last message", Op::send(Who::A.gate()).tag(6, 0).run())?;
    done("A's very last message", Op::send(Who::A.gate()).tag(7, 0).run())?;
    driver.settle()?;
    for (index, label) in [(0, 4_u32), (1, 5), (2, 6), (3, 7)] {
        equal("label", driver.outcome(Who::A, index)?.out.tag.label(), label)?;
    }
    Ok(())
}

fn receive_zero(_: &mut Driver) -> Verdict {
    status("open", &OPEN.flags(ipc::RECEIVE_ZERO).run(), Status::NotReady)?;
    let closed = Op::receive(Who::A.gate()).flags(ipc::RECEIVE_ZERO);
    status("closed", &closed.run(), Status::NotReady)
}

fn receive_never(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN])?;
    driver.is_busy("A waits", Who::A)?;
    done("send", Op::send(Who::A.gate()).tag(9, 0).run())?;
    driver.settle()?;
    status("receive", &driver.outcome(Who::A, 0)?.out, Status::Ok)
}

fn call_zero_busy(driver: &mut Driver) -> Verdict {
    make_busy(driver)?;
    let call = Op::call(Who::A.gate()).tag(1, 0).flags(ipc::SEND_ZERO);
    status("call", &call.run(), Status::NotReady)
}

fn call_never_busy(driver: &mut Driver) -> Verdict {
    let busy = Op::receive(Who::B.gate());
    driver.carry_out(Who::A, &[busy, OPEN, Op::send(LAST_TOKEN).tag(8, 1).word(0, 80)])?;
    driver.carry_out(Who::C, &[Op::call(Who::A.gate()).tag(7, 0)])?;
    driver.is_busy("C waits for A", Who::C)?;
    driver.carry_out(Who::B, &[Op::send(Who::A.gate()).tag(4, 0)])?;
    let reply = driver.outcome(Who::C, 0)?.out;
    status("C's call", &reply, Status::Ok)?;
    equal("reply", reply.words[0], 80)
}

fn send_and_receive(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN, Op::send(Who::C.gate()).tag(3, 0)])?;
    driver.carry_out(Who::B, &[OPEN])?;
    let both = Op::send_and_receive(Who::B.gate(), Who::A.gate()).tag(2, 0);
    driver.carry_out(Who::C, &[both])?;
    equal("B got C's", driver.outcome(Who::B, 0)?.out.tag.label(), 2)?;
    driver.is_busy("C waits for A", Who::C)?;
    done("let A send", Op::send(Who::A.gate()).tag(1, 0).run())?;
    driver.settle()?;
    equal("C got A's", driver.outcome(Who::C, 0)?.out.tag.label(), 3)
}

fn send_and_receive_zero(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN])?;
    let both = Op::send_and_receive(Who::A.gate(), Who::B.gate()).tag(2, 0);
    status("both", &both.flags(ipc::RECEIVE_ZERO).run(), Status::NotReady)?;
    driver.settle()?;
    equal("A got it", driver.outcome(Who::A, 0)?.out.tag.label(), 2)
}

fn reply_and_wait(driver: &mut Driver) -> Verdict {
    let answer = Op::reply_and_wait(LAST_TOKEN).tag(6, 0);
    driver.carry_out(Who::A, &[OPEN, answer, answer, Op::send(LAST_TOKEN).tag(6, 0)])?;
    for label in [11, 12, 13] {
        let out = done("call", Op::call(Who::A.gate()).tag(label, 0).run())?;
        equal("reply", out.tag.label(), 6)?;
    }
    driver.settle()?;
    for (index, label) in [(0, 11_u32), (1, 12), (2, 13)] {
        equal("call number", driver.outcome(Who::A, index)?.out.tag.label(), label)?;
    }
    Ok(())
}

fn reply_takes_queued(driver: &mut Driver) -> Verdict {
    let closed = Op::receive(Who::B.gate());
    let answer = Op::reply_and_wait(LAST_TOKEN).tag(6, 0);
    driver.carry_out(Who::A, &[closed, answer, Op::send(LAST_TOKEN).tag(9, 0)])?;
    driver.carry_out(Who::C, &[Op::call(Who::A.gate()).tag(3, 0)])?;
    driver.carry_out(Who::B, &[Op::call(Who::A.gate()).tag(2, 0)])?;
    equal("B's reply", driver.outcome(Who::B, 0)?.out.tag.label(), 6)?;
    equal("C's reply", driver.outcome(Who::C, 0)?.out.tag.label(), 9)?;
    equal("A took C's call", driver.outcome(Who::A, 1)?.out.tag.label(), 3)
}

fn closed_receive(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[Op::receive(Who::B.gate()), OPEN])?;
    driver.carry_out(Who::C, &[Op::send(Who::A.gate()).tag(3, 0)])?;
    driver.is_busy("A does not take C's message", Who::A)?;
    driver.carry_out(Who::B, &[Op::send(Who::A.gate()).tag(2, 0)])?;
    equal("first", driver.outcome(Who::A, 0)?.out.tag.label(), 2)?;
    equal("second", driver.outcome(Who::A, 1)?.out.tag.label(), 3)
}

fn first_come_first_served(driver: &mut Driver) -> Verdict {
    let order = [Who::C, Who::Far, Who::Low];
    let steps = [Op::receive(Who::B.gate()), OPEN, OPEN, OPEN];
    driver.carry_out(Who::A, &steps)?;
    driver.give_far_gate(Who::A)?;
    for (label, who) in (10..).zip(order) {
        let gate = if who == Who::Far { Driver::FAR_SLOT } else { Who::A.gate() };
        driver.order(who, &[Op::send(gate).tag(label, 0)])?;
        driver.settle_all()?;
    }
    driver.carry_out(Who::B, &[Op::send(Who::A.gate()).tag(2, 0)])?;
    for (index, label) in [(1, 10_u32), (2, 11), (3, 12)] {
        equal("label", driver.outcome(Who::A, index)?.out.tag.label(), label)?;
    }
    Ok(())
}

fn one_queue(driver: &mut Driver) -> Verdict {
    let closed = Op::receive(Who::B.gate());
    driver.carry_out(Who::A, &[closed, OPEN, OPEN, Op::send(LAST_TOKEN).tag(1, 0)])?;
    driver.carry_out(Who::C, &[Op::send(Who::A.gate()).tag(3, 0)])?;
    driver.order(Who::Low, &[Op::call(Who::A.gate()).tag(4, 0)])?;
    driver.settle_all()?;
    driver.carry_out(Who::B, &[Op::send(Who::A.gate()).tag(2, 0)])?;
    driver.settle_all()?;
    equal("the send", driver.outcome(Who::A, 1)?.out.tag.label(), 3)?;
    equal("the call", driver.outcome(Who::A, 2)?.out.tag.label(), 4)?;
    status("its reply", &driver.outcome(Who::Low, 0)?.out, Status::Ok)
}

fn zero_leaves_nothing(driver: &mut Driver) -> Verdict {
    make_busy(driver)?;
    for _ in 0..3 {
        let send = Op::send(Who::A.gate()).tag(1, 0).flags(ipc::SEND_ZERO);
        status("send", &send.run(), Status::NotReady)?;
    }
    driver.carry_out(Who::B, &[Op::send(Who::A.gate()).tag(2, 0)])?;
    driver.is_busy("A waits for a second message, which nobody sent", Who::A)
}
