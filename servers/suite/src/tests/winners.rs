//! Winner bits: who goes on where more than one thread could (DESIGN.md section 4).
//!
//! In chain mode whoever loses takes the processor to the scheduler by its message, and that decides
//! by priority, whatever the bits say (docs/protocols.md).

use super::{Test, test};
use crate::cast::{Who, is_chain};
use crate::driver::Driver;
use crate::op::Op;
use crate::servant::{LAST_TOKEN, stamp};
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{capability, ipc, thread};
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::{Rights, Status};

/// How often what a deadline of the scheduler's may come into is tried.
const ATTEMPTS: usize = 20;

pub const TESTS: &[Test] = &[
    test("a sender that keeps the processor goes on first, in chain mode by priority", keep),
    test(
        "a sender that hands over goes on after its partner, in chain mode by priority",
        hand_over,
    ),
    test("a sender that leaves it to the scheduler goes on by priority", scheduler_decides),
    test(
        "a receiver that keeps the processor goes on first, in chain mode by priority",
        receiver_keeps,
    ),
    test("a receiver can let the sender it took go on first", receiver_hands_over),
    test("without the right to hand over, a sender hears that it keeps the processor", no_right),
    test("a call is a silent loan of the processor", call_lends),
    test("resume can hand over to the resumed thread", resume_hands_over),
];

const OPEN: Op = Op::receive(ANY);

/// True if the servant's first step ended before the driver's next one, which `op` is.
fn partner_came_first(driver: &mut Driver, who: Who, op: Op) -> Result<bool, Failure> {
    done("the operation", op.run())?;
    let mine = stamp();
    driver.settle_all()?;
    Ok(driver.outcome(who, 0)?.stamp < mine)
}

/// What `attempt` comes to. A deadline in the middle lets the scheduler decide: then it is tried again.
fn under_a_deadline(
    driver: &mut Driver,
    wanted: bool,
    attempt: impl Fn(&mut Driver) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let mut found = !wanted;
    for _ in 0..ATTEMPTS {
        found = attempt(driver)?;
        if found == wanted {
            break;
        }
    }
    Ok(found)
}

fn keep(driver: &mut Driver) -> Verdict {
    let send = Op::send(Who::A.gate()).tag(1, 0).flags(ipc::WINNER_SELF);
    let urgent_first = under_a_deadline(driver, is_chain(), |driver| {
        driver.carry_out(Who::A, &[OPEN])?;
        partner_came_first(driver, Who::A, send)
    })?;
    equal("urgent partner first", urgent_first, is_chain())
}

/// Makes the less urgent servant wait.
fn low_waits(driver: &mut Driver) -> Verdict {
    driver.order(Who::Low, &[OPEN])?;
    driver.settle_all()?;
    driver.is_busy("the less urgent servant waits", Who::Low)
}

fn hand_over(driver: &mut Driver) -> Verdict {
    // The driver is more urgent; it comes back only when its scheduler decides again, which is when
    // the partner waits or gives up the processor.
    let send = Op::send(Who::Low.gate()).tag(1, 0).flags(ipc::WINNER_SEND);
    let partner_first = under_a_deadline(driver, !is_chain(), |driver| {
        low_waits(driver)?;
        partner_came_first(driver, Who::Low, send)
    })?;
    equal("less urgent partner first", partner_first, !is_chain())
}

fn scheduler_decides(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN])?;
    let send = Op::send(Who::A.gate()).tag(1, 0).flags(ipc::WINNER_SCHEDULER);
    equal("urgent partner first", partner_came_first(driver, Who::A, send)?, true)?;
    low_waits(driver)?;
    let send = Op::send(Who::Low.gate()).tag(1, 0).flags(ipc::WINNER_SCHEDULER);
    equal("less urgent partner first", partner_came_first(driver, Who::Low, send)?, false)
}

/// Lets A wait in a send to the driver.
fn a_sends(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[Op::send(Who::Driver.gate()).tag(3, 0)])?;
    driver.is_busy("A waits for the driver", Who::A)
}

fn receiver_keeps(driver: &mut Driver) -> Verdict {
    let receive = OPEN.flags(ipc::RECEIVE_ZERO | ipc::WINNER_SELF);
    let urgent_first = under_a_deadline(driver, is_chain(), |driver| {
        a_sends(driver)?;
        partner_came_first(driver, Who::A, receive)
    })?;
    equal("urgent sender first", urgent_first, is_chain())
}

fn receiver_hands_over(driver: &mut Driver) -> Verdict {
    let receive = OPEN.flags(ipc::RECEIVE_ZERO | ipc::WINNER_RECEIVE);
    let sender_first = under_a_deadline(driver, true, |driver| {
        a_sends(driver)?;
        partner_came_first(driver, Who::A, receive)
    })?;
    equal("sender first", sender_first, true)
}

fn no_right(driver: &mut Driver) -> Verdict {
    let slot = driver.slot(0);
    let copy = Op::capability(capability::COPY, Who::A.gate(), slot, SELF);
    done("copy", copy.word(1, Rights::SEND.0.into()).run())?;
    let send = Op::send(slot).tag(1, 0).flags(ipc::WINNER_SEND);
    let urgent_first = under_a_deadline(driver, is_chain(), |driver| {
        driver.carry_out(Who::A, &[OPEN])?;
        status("send", &send.run(), Status::KeptProcessor)?;
        let mine = stamp();
        driver.settle()?;
        Ok(driver.outcome(Who::A, 0)?.stamp < mine)
    })?;
    equal("urgent partner first", urgent_first, is_chain())
}

fn call_lends(driver: &mut Driver) -> Verdict {
    // In chain mode the answer leaves two that could go on, and the scheduler decides.
    let urgent_first = under_a_deadline(driver, is_chain(), urgent_came_before_the_answer)?;
    equal("a more urgent one did", urgent_first, is_chain())
}

/// The less urgent servant answers although more urgent threads could run: the call lends.
fn urgent_came_before_the_answer(driver: &mut Driver) -> Result<bool, Failure> {
    let waiting = [OPEN, Op::send(LAST_TOKEN).tag(1, 0)];
    driver.order(Who::Low, &waiting)?;
    driver.settle_all()?;
    driver.order(Who::A, &[Op::give_up_processor()])?;
    done("call", Op::call(Who::Low.gate()).tag(1, 0).run())?;
    let mine = stamp();
    driver.settle_all()?;
    holds("the callee ran at once", driver.outcome(Who::Low, 0)?.stamp < mine)?;
    Ok(driver.outcome(Who::A, 0)?.stamp < mine)
}

fn resume_hands_over(driver: &mut Driver) -> Verdict {
    driver.order(Who::A, &[Op::give_up_processor()])?;
    done("suspend", Op::thread(thread::SUSPEND, Who::A.thread()).run())?;
    let resume = Op::thread(thread::RESUME, Who::A.thread()).flags(ipc::WINNER_SEND);
    done("resume", resume.run())?;
    driver.settle()?;
    status("A's step", &driver.outcome(Who::A, 0)?.out, Status::Ok)
}
