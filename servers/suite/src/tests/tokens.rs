//! Reply tokens: they count once, and only in the hands of the one who owes the answer.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::{Driver, epoch};
use crate::op::Op;
use crate::servant::LAST_TOKEN;
use crate::verdict::{Failure, Verdict, done, equal, status};
use cedo_lib::abi::call::{ipc, thread};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::{Status, Token};

pub const TESTS: &[Test] = &[
    test("a token counts once", once),
    test("a token that was never given out is stale", forged),
    test("a token is worth nothing to anybody but its owner", foreign),
    test("a token is stale when its caller has given up", caller_gave_up),
    test("a stale token in reply and wait changes nothing and does not wait", does_not_wait),
    test("a server may answer its callers in any order", any_order),
    test("a reply to a stopped caller arrives, or both sides hear that it did not", stopped_caller),
];

const OPEN: Op = Op::receive(ANY);
const ANSWER: Op = Op::send(LAST_TOKEN).tag(6, 1).word(0, 66);

fn once(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN, ANSWER, ANSWER])?;
    let out = done("call", Op::call(Who::A.gate()).tag(1, 0).run())?;
    equal("reply", out.words[0], 66)?;
    driver.settle()?;
    status("first", &driver.outcome(Who::A, 1)?.out, Status::Ok)?;
    status("second", &driver.outcome(Who::A, 2)?.out, Status::Stale)
}

/// Lets C call A, which keeps the token for later and goes on; returns the token.
fn c_waits(driver: &mut Driver) -> Result<u64, Failure> {
    driver.carry_out(Who::A, &[OPEN])?;
    driver.carry_out(Who::C, &[Op::call(Who::A.gate()).tag(1, 0)])?;
    driver.is_busy("C waits for A's reply", Who::C)?;
    Ok(driver.outcome(Who::A, 0)?.out.token)
}

/// A replies with the token it kept, and C has its answer.
fn a_answers(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[ANSWER])?;
    equal("C's reply", driver.outcome(Who::C, 0)?.out.words[0], 66)
}

fn forged(driver: &mut Driver) -> Verdict {
    let token = Token(c_waits(driver)?);
    let near = [-2_i32, -1, 1, 2, 1000];
    for change in near {
        let sequence = token.sequence().wrapping_add_signed(change);
        let frame = token.frame().wrapping_add_signed(change) & 0x7fff_ffff;
        for forged in [Token::new(token.frame(), sequence), Token::new(frame, token.sequence())] {
            status("forged", &Op::send(forged.0).tag(1, 0).run(), Status::Stale)?;
        }
    }
    for frame in [0, 1, 0x7fff_ffff, 0x7fff_0000, 0x100] {
        status("wild", &Op::send(Token::new(frame, 0).0).tag(1, 0).run(), Status::Stale)?;
    }
    a_answers(driver)
}

fn foreign(driver: &mut Driver) -> Verdict {
    let token = c_waits(driver)?;
    status("the driver's use", &Op::send(token).tag(1, 0).run(), Status::Stale)?;
    driver.carry_out(Who::B, &[Op::send(token).tag(1, 0)])?;
    status("B's use", &driver.outcome(Who::B, 0)?.out, Status::Stale)?;
    driver.is_busy("C still waits", Who::C)?;
    a_answers(driver)
}

fn caller_gave_up(driver: &mut Driver) -> Verdict {
    c_waits(driver)?;
    done("abort", Op::thread(thread::ABORT, Who::C.thread()).word(0, epoch(Who::C)?).run())?;
    driver.settle()?;
    status("C's call", &driver.outcome(Who::C, 0)?.out, Status::Aborted)?;
    driver.carry_out(Who::A, &[ANSWER])?;
    status("A's reply", &driver.outcome(Who::A, 0)?.out, Status::Stale)
}

fn does_not_wait(driver: &mut Driver) -> Verdict {
    let wrong = Op::reply_and_wait(Token::new(77, 77).0).tag(1, 0);
    driver.carry_out(Who::A, &[wrong, OPEN])?;
    done("send", Op::send(Who::A.gate()).tag(5, 0).run())?;
    driver.settle()?;
    status("reply and wait", &driver.outcome(Who::A, 0)?.out, Status::Stale)?;
    equal("the message came later", driver.outcome(Who::A, 1)?.out.tag.label(), 5)
}

fn any_order(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN, OPEN, ANSWER])?;
    driver.carry_out(Who::C, &[Op::call(Who::A.gate()).tag(1, 0)])?;
    driver.carry_out(Who::B, &[Op::call(Who::A.gate()).tag(2, 0)])?;
    equal("B, who came later, has its reply", driver.outcome(Who::B, 0)?.out.words[0], 66)?;
    driver.is_busy("C waits", Who::C)?;
    let token = driver.outcome(Who::A, 0)?.out.token;
    driver.carry_out(Who::A, &[Op::send(token).tag(6, 1).word(0, 67)])?;
    equal("C's reply", driver.outcome(Who::C, 0)?.out.words[0], 67)
}

fn stopped_caller(driver: &mut Driver) -> Verdict {
    c_waits(driver)?;
    done("suspend", Op::thread(thread::SUSPEND, Who::C.thread()).run())?;
    let late = ANSWER.flags(ipc::SEND_ZERO);
    driver.carry_out(Who::A, &[late])?;
    done("resume", Op::thread(thread::RESUME, Who::C.thread()).run())?;
    driver.settle()?;
    let answered = driver.outcome(Who::C, 0)?.out;
    let replied = driver.outcome(Who::A, 0)?.out;
    // Stopping ends a wait: either the reply came through, or both sides know that it did not.
    match answered.status() {
        Status::Ok => status("A's reply", &replied, Status::Ok),
        _ => status("A's reply", &replied, Status::Stale),
    }
}
