//! Passing calls on.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::{Op, Out};
use crate::servant::{ECHO, LAST_TOKEN};
use crate::verdict::{Verdict, done, equal, status};
use cedo_lib::abi::Status;
use cedo_lib::abi::call::ipc;
use cedo_lib::abi::name::ANY;

pub const TESTS: &[Test] = &[
    test("a call that is passed on is answered by whom it was passed on to", here),
    test("a call is passed on with the server's words, the long ones too", long),
    test("a call passed on to a busy server waits for it", busy),
    test("a server can pass a call on and wait for the next", and_wait),
    test("a call is passed on once", once),
    test("a call is not passed on to its caller, to oneself, or without a token", refused),
];

/// The same between cores.
pub const TESTS_ON_TWO_CORES: &[Test] = &[
    test("a call is passed on to another core, and answered from there", to_another_core),
    test("a call of another core is passed on", from_another_core),
    test("a call of another core is passed back to that core", there_and_back),
];

const OPEN: Op = Op::receive(ANY);

fn forward(to: Who) -> Op {
    Op::send(to.gate()).flags(ipc::FORWARD).from(LAST_TOKEN)
}

fn echo(to: Who) -> Op {
    forward(to).tag(ECHO, 2).word(0, 70).word(1, 80)
}

fn answered(out: &Out) -> Verdict {
    done("call", *out)?;
    equal("first word", out.words[0], 71)?;
    equal("second word", out.words[1], 81)
}

/// `who` passes the driver's call on to `to`.
fn passed_on(driver: &mut Driver, who: Who, to: Who) -> Verdict {
    driver.settle()?;
    driver.order(who, &[OPEN, echo(to)])?;
    answered(&Op::call(who.gate()).tag(5, 1).word(0, 1).run())
}

fn here(driver: &mut Driver) -> Verdict {
    passed_on(driver, Who::A, Who::B)?;
    passed_on(driver, Who::A, Who::Far)
}

fn long(driver: &mut Driver) -> Verdict {
    driver.order(Who::A, &[OPEN, forward(Who::Far).tag(ECHO, 60)])?;
    let out = done("call", Op::call(Who::A.gate()).tag(5, 0).run())?;
    equal("words", out.tag.words(), 60)
}

fn busy(driver: &mut Driver) -> Verdict {
    driver.order(Who::B, &[Op::receive(Who::A.gate())])?;
    let release = Op::send(Who::B.gate()).tag(9, 0);
    driver.order(Who::A, &[OPEN, echo(Who::B), release])?;
    answered(&Op::call(Who::A.gate()).tag(5, 0).run())
}

fn and_wait(driver: &mut Driver) -> Verdict {
    let waits = echo(Who::B).flags(ipc::FORWARD | ipc::RECEIVE);
    driver.order(Who::A, &[OPEN, waits, Op::send(LAST_TOKEN).tag(6, 1).word(0, 60)])?;
    answered(&Op::call(Who::A.gate()).tag(5, 0).run())?;
    let second = done("the next call", Op::call(Who::A.gate()).tag(5, 0).run())?;
    equal("answer", second.words[0], 60)
}

fn once(driver: &mut Driver) -> Verdict {
    driver.order(Who::A, &[OPEN, echo(Who::B), echo(Who::B), Op::send(LAST_TOKEN).tag(6, 0)])?;
    answered(&Op::call(Who::A.gate()).tag(5, 0).run())?;
    driver.settle_all()?;
    let (again, reply) = (driver.outcome(Who::A, 2)?, driver.outcome(Who::A, 3)?);
    status("a second time", &again.out, Status::Stale)?;
    status("a reply", &reply.out, Status::Stale)
}

fn refused(driver: &mut Driver) -> Verdict {
    let reply = Op::send(LAST_TOKEN).tag(6, 0);
    let winner = echo(Who::B).flags(ipc::FORWARD | ipc::WINNER_SEND);
    driver.order(Who::A, &[OPEN, echo(Who::A), echo(Who::B).from(ANY), winner, reply])?;
    done("call", Op::call(Who::A.gate()).tag(5, 0).run())?;
    driver.settle_all()?;
    status("to oneself", &driver.outcome(Who::A, 1)?.out, Status::NotOneself)?;
    status("without a token", &driver.outcome(Who::A, 2)?.out, Status::BadArgument)?;
    status("with winner bits", &driver.outcome(Who::A, 3)?.out, Status::BadArgument)
}

fn to_another_core(driver: &mut Driver) -> Verdict {
    passed_on(driver, Who::A, Who::R1)?;
    passed_on(driver, Who::A, Who::Far1)
}

fn from_another_core(driver: &mut Driver) -> Verdict {
    driver.order(Who::A, &[OPEN, echo(Who::B)])?;
    driver.order(Who::R1, &[Op::call(Who::A.gate()).tag(5, 0)])?;
    driver.await_remote(Who::R1)?;
    answered(&driver.outcome(Who::R1, 0)?.out)
}

fn there_and_back(driver: &mut Driver) -> Verdict {
    driver.order(Who::A, &[OPEN, echo(Who::Far1)])?;
    driver.order(Who::R1, &[Op::call(Who::A.gate()).tag(5, 0)])?;
    driver.await_remote(Who::R1)?;
    answered(&driver.outcome(Who::R1, 0)?.out)
}
