//! Operations on threads: stop, start, look, change, cancel.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::{Driver, epoch};
use crate::op::Op;
use crate::servant::{PROGRESS, SPIN, STOP};
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::Status;
use cedo_lib::abi::call::{ipc, thread};
use cedo_lib::abi::name::{ANY, NOBODY};
use cedo_lib::abi::state::{BASES, GENERAL, INSTRUCTION, REGISTERS, STACK};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::raw::probe::BAD_ADDRESSES;
use core::sync::atomic::Ordering;

pub const TESTS: &[Test] = &[
    test("a suspended thread does not run, a resumed one does", suspend_and_resume),
    test("a thread suspended in a wait comes back from it", suspended_in_wait),
    test("a message to a suspended thread waits", message_to_suspended),
    test("only a suspended thread can be resumed", resume_twice),
    test("registers can be read", read),
    test("registers can be written, and the thread goes on with them", write),
    test("register state with an address of the kernel is refused", kernel_state),
    test("register state with an unknown group is refused", unknown_group),
    test("a wait is cancelled by its epoch", abort),
    test("a wait that is over is not cancelled", abort_stale),
    test("a thread that does not wait is not cancelled", abort_ready),
    test("epochs only rise, one for each operation", epochs),
    test("a running or waiting thread keeps its scheduler", scheduler_when_stopped),
    test("a scheduler cannot be put below itself", cycle),
    test("a thread without a handler can be given one again", handler),
    test("a thread cannot stop, start or send to itself", oneself),
];

const OPEN: Op = Op::receive(ANY);

fn on(sub: u8, who: Who) -> Op {
    Op::thread(sub, who.thread())
}

fn suspend_and_resume(driver: &mut Driver) -> Verdict {
    STOP.store(false, Ordering::SeqCst);
    driver.order(Who::Low, &[Op::raw(SPIN)])?;
    done("suspend", on(thread::SUSPEND, Who::Low).run())?;
    let before = PROGRESS.load(Ordering::SeqCst);
    driver.settle_all()?;
    equal("turns while suspended", PROGRESS.load(Ordering::SeqCst), before)?;
    STOP.store(true, Ordering::SeqCst);
    done("resume", on(thread::RESUME, Who::Low).run())?;
    driver.settle_all()?;
    driver.outcome(Who::Low, 0).map(|_| ())
}

fn suspended_in_wait(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN])?;
    done("suspend", on(thread::SUSPEND, Who::A).run())?;
    done("resume", on(thread::RESUME, Who::A).run())?;
    driver.settle()?;
    // It may wait again, or hear that the wait was cut short; it must not hang.
    let send = Op::send(Who::A.gate()).tag(1, 0).flags(ipc::SEND_ZERO);
    done("send", send.run())?;
    driver.settle()?;
    let seen = driver.outcome(Who::A, 0)?.out.status();
    holds("ok or aborted", seen == Status::Ok || seen == Status::Aborted)
}

fn message_to_suspended(driver: &mut Driver) -> Verdict {
    done("suspend", on(thread::SUSPEND, Who::A).run())?;
    let send = Op::send(Who::A.gate()).tag(0, 0).flags(ipc::SEND_ZERO);
    status("zero", &send.run(), Status::NotReady)?;
    driver.carry_out(Who::B, &[Op::send(Who::A.gate()).tag(0, 0)])?;
    driver.is_busy("B waits", Who::B)?;
    done("resume", on(thread::RESUME, Who::A).run())?;
    driver.settle()?;
    status("B's send", &driver.outcome(Who::B, 0)?.out, Status::Ok)
}

fn resume_twice(_: &mut Driver) -> Verdict {
    status("a waiting thread", &on(thread::RESUME, Who::A).run(), Status::WrongState)?;
    done("suspend", on(thread::SUSPEND, Who::A).run())?;
    done("resume", on(thread::RESUME, Who::A).run())?;
    status("again", &on(thread::RESUME, Who::A).run(), Status::WrongState)
}

fn read(driver: &mut Driver) -> Verdict {
    let out = done("read", on(thread::READ, Who::A).word(0, GENERAL | BASES).run())?;
    let state = driver.this.utcb().received();
    equal("groups", state.mask, GENERAL | BASES)?;
    equal("instruction pointer", state.general[INSTRUCTION], out.words[1])?;
    equal("stack pointer", state.general[STACK], out.words[2])?;
    holds("a user's address", out.words[1] > 0x1000 && out.words[1] < 1 << 47)
}

/// Stops Low in the middle of its step and reads its registers.
fn stopped_state(driver: &mut Driver) -> Result<StateArea, Failure> {
    STOP.store(false, Ordering::SeqCst);
    driver.order(Who::Low, &[Op::raw(SPIN)])?;
    done("suspend", on(thread::SUSPEND, Who::Low).run())?;
    done("read", on(thread::READ, Who::Low).word(0, GENERAL).run())?;
    Ok(driver.this.utcb().received())
}

/// Lets Low finish.
fn go_on(driver: &mut Driver) -> Verdict {
    STOP.store(true, Ordering::SeqCst);
    done("resume", on(thread::RESUME, Who::Low).run())?;
    driver.settle_all()?;
    driver.outcome(Who::Low, 0).map(|_| ())
}

fn write(driver: &mut Driver) -> Verdict {
    let state = stopped_state(driver)?;
    driver.this.utcb_mut().set_reply(&state);
    done("write", on(thread::WRITE, Who::Low).run())?;
    done("read", on(thread::READ, Who::Low).word(0, GENERAL).run())?;
    let again = driver.this.utcb().received();
    holds("the same registers", again.general[REGISTERS..] == state.general[REGISTERS..])?;
    go_on(driver)
}

fn kernel_state(driver: &mut Driver) -> Verdict {
    let good = stopped_state(driver)?;
    for address in BAD_ADDRESSES {
        let mut bad = good;
        bad.general[INSTRUCTION] = address;
        driver.this.utcb_mut().set_reply(&bad);
        status("write", &on(thread::WRITE, Who::Low).run(), Status::BadAddress)?;
    }
    done("read", on(thread::READ, Who::Low).word(0, GENERAL).run())?;
    holds("nothing changed", driver.this.utcb().received().general == good.general)?;
    go_on(driver)
}

fn unknown_group(driver: &mut Driver) -> Verdict {
    let mut state = stopped_state(driver)?;
    state.mask = 1 << 40;
    driver.this.utcb_mut().set_reply(&state);
    let out = on(thread::WRITE, Who::Low).run();
    let refused = [Status::BadArgument, Status::BadAddress];
    holds("write is refused", refused.contains(&out.status()))?;
    go_on(driver)
}

fn abort(driver: &mut Driver) -> Verdict {
    let waits = [OPEN, Op::receive(Who::B.gate()), Op::send(Who::B.gate()).tag(1, 0)];
    done("suspend B", on(thread::SUSPEND, Who::B).run())?;
    driver.carry_out(Who::A, &waits)?;
    for _ in waits {
        done("abort", on(thread::ABORT, Who::A).word(0, epoch(Who::A)?).run())?;
        driver.settle()?;
    }
    for index in 0..waits.len() as u64 {
        status("the wait", &driver.outcome(Who::A, index)?.out, Status::Aborted)?;
    }
    done("resume B", on(thread::RESUME, Who::B).run()).map(|_| ())
}

fn abort_stale(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN, OPEN])?;
    let first = epoch(Who::A)?;
    done("send", Op::send(Who::A.gate()).tag(1, 0).run())?;
    driver.settle()?;
    for wrong in [first, first + 2, 0, u64::MAX] {
        status("abort", &on(thread::ABORT, Who::A).word(0, wrong).run(), Status::Stale)?;
    }
    driver.is_busy("A waits", Who::A)
}

fn abort_ready(driver: &mut Driver) -> Verdict {
    driver.order(Who::Low, &[Op::give_up_processor()])?;
    let out = on(thread::ABORT, Who::Low).word(0, epoch(Who::Low)?).run();
    status("abort", &out, Status::Stale)
}

fn epochs(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::A, &[OPEN, OPEN, OPEN])?;
    for _ in 0..2 {
        let before = epoch(Who::A)?;
        equal("epoch of the same wait", epoch(Who::A)?, before)?;
        done("send", Op::send(Who::A.gate()).tag(1, 0).run())?;
        driver.settle()?;
        equal("epoch of the next wait", epoch(Who::A)?, before + 1)?;
    }
    Ok(())
}

fn scheduler_when_stopped(_: &mut Driver) -> Verdict {
    let adopt = on(thread::SET_SCHEDULER, Who::A).from(Who::Nested.thread());
    status("set scheduler", &adopt.run(), Status::WrongState)
}

fn cycle(_: &mut Driver) -> Verdict {
    done("suspend", on(thread::SUSPEND, Who::Nested).run())?;
    let below = on(thread::SET_SCHEDULER, Who::Nested).from(Who::N1.thread()).run();
    let itself = on(thread::SET_SCHEDULER, Who::Nested).from(Who::Nested.thread()).run();
    done("resume", on(thread::RESUME, Who::Nested).run())?;
    status("below its own child", &below, Status::Cycle)?;
    status("below itself", &itself, Status::Cycle)
}

fn handler(_: &mut Driver) -> Verdict {
    done("nobody", on(thread::SET_HANDLER, Who::A).from(NOBODY).run())?;
    done("the pager", on(thread::SET_HANDLER, Who::A).from(Who::Pager.gate()).run()).map(|_| ())
}

fn oneself(_: &mut Driver) -> Verdict {
    status("suspend", &on(thread::SUSPEND, Who::Driver).run(), Status::NotOneself)?;
    status("resume", &on(thread::RESUME, Who::Driver).run(), Status::NotOneself)?;
    status("send", &Op::send(Who::Driver.gate()).tag(1, 0).run(), Status::NotOneself)?;
    status("call", &Op::call(Who::Driver.gate()).tag(1, 0).run(), Status::NotOneself)
}
