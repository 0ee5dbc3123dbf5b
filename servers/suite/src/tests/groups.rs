//! Groups of register state: who asks for some gets those and no others.

use super::memory::map;
use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::{Op, Out};
use crate::servant::PROBE;
use crate::verdict::{Failure, Verdict, done, equal, label, status};
use cedo_lib::abi::call::{ipc, thread};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::state::{BASES, GENERAL, INSTRUCTION};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::abi::{Label, Rights, Status, notice};

pub const TESTS: &[Test] = &[
    test("each group of registers is read alone", read_alone),
    test("a fault brings the groups that its handler asks for", of_a_fault),
    test("an unknown group of registers is refused", unknown),
];

fn read(who: Who, groups: u64) -> Op {
    Op::thread(thread::READ, who.thread()).word(0, groups)
}

fn read_alone(driver: &mut Driver) -> Verdict {
    let out = done("general", read(Who::A, GENERAL).run())?;
    let state = driver.this.utcb().received();
    equal("groups", state.mask, GENERAL)?;
    equal("instruction pointer", state.general[INSTRUCTION], out.words[1])?;
    done("bases", read(Who::A, BASES).run())?;
    equal("groups", driver.this.utcb().received().mask, BASES)?;
    done("both", read(Who::A, GENERAL | BASES).run())?;
    equal("groups", driver.this.utcb().received().mask, GENERAL | BASES)?;
    done("none", read(Who::A, 0).run()).map(|_| ())
}

/// The next message, with these groups of the thread it is about, and what came of them.
fn faulted(driver: &mut Driver, receive: Op, groups: u64) -> Result<(Out, StateArea), Failure> {
    let out = receive.flags(groups << ipc::WANT_SHIFT).run();
    label("a fault", &out, Label::Fault)?;
    equal("address", out.words[notice::FAULT_ADDRESS], driver.area())?;
    Ok((out, driver.this.utcb().received()))
}

/// The driver is the handler of A's faults for the time of a test.
fn of_a_fault(driver: &mut Driver) -> Verdict {
    let set = |gate| Op::thread(thread::SET_HANDLER, Who::A.thread()).from(gate).run();
    done("the driver is the handler", set(Who::Driver.gate()))?;
    let seen = groups_of_faults(driver);
    done("the pager is the handler", set(Who::Pager.gate()))?;
    seen
}

fn groups_of_faults(driver: &mut Driver) -> Verdict {
    driver.order(Who::A, &[Op::raw(PROBE).word(0, 0).word(1, driver.area())])?;
    let (mut out, state) = faulted(driver, Op::receive(ANY), GENERAL)?;
    equal("general alone", state.mask, GENERAL)?;
    equal("instruction", state.general[INSTRUCTION], out.words[notice::INSTRUCTION])?;
    for groups in [BASES, GENERAL | BASES] {
        // The page is still missing: it faults again.
        let again = Op::reply_and_wait(out.token);
        let (next, state) = faulted(driver, again, groups)?;
        equal("groups", state.mask, groups)?;
        out = next;
    }
    done("map", map(driver, 0, 0, 1, Rights::READ).run())?;
    done("reply", Op::send(out.token).run())?;
    driver.settle()?;
    equal("caught", driver.outcome(Who::A, 0)?.out.words[0], 0)
}

fn unknown(_: &mut Driver) -> Verdict {
    status("read", &read(Who::A, 8).run(), Status::BadArgument)?;
    status("read", &read(Who::A, 8 | GENERAL).run(), Status::BadArgument)
}
