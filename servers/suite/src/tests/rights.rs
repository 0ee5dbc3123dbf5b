//! Rights of capabilities: each one missing is an error, and they only shrink.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::{Driver, SPACE};
use crate::op::Op;
use crate::servant::{ECHO, LAST_TOKEN, stamp};
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{capability, ipc, object, thread};
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::{Rights, Status};

pub const TESTS: &[Test] = &[
    test("without SEND a gate takes no message", no_send),
    test("without CALL a gate takes no call", no_call),
    test("without DONATE a call is answered, but lends no processor", no_donate),
    test("a caller may choose not to lend the processor", no_donation_flag),
    test("without CONTROL a thread cannot be stopped, started, aborted or destroyed", no_control),
    test("without STATE registers cannot be read or written", no_state),
    test("without ADOPT a thread takes no children", no_adopt),
    test("without OBJECTS a Region gives no kernel objects", no_objects),
    test("rights only shrink along a chain of copies", only_shrink),
];

/// Copies a capability with fewer rights into a scratch slot.
pub fn copy_with(driver: &Driver, source: u64, index: u64, rights: Rights) -> Result<u64, Failure> {
    let slot = driver.slot(index);
    let copy = Op::capability(capability::COPY, source, slot, SELF);
    done("copy with fewer rights", copy.word(1, rights.0.into()).run())?;
    Ok(slot)
}

const GATE: Rights = Rights::SEND.or(Rights::CALL).or(Rights::DONATE).or(Rights::HANDOVER);

const fn without(rights: Rights, less: Rights) -> Rights {
    Rights(rights.0 & !less.0)
}

fn no_send(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::A.gate(), 0, without(GATE, Rights::SEND))?;
    driver.carry_out(Who::A, &[Op::receive(ANY)])?;
    status("send", &Op::send(gate).tag(1, 0).run(), Status::NoRight)?;
    driver.is_busy("A got nothing", Who::A)
}

fn no_call(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::A.gate(), 0, without(GATE, Rights::CALL))?;
    status("call", &Op::call(gate).tag(ECHO, 0).run(), Status::NoRight)?;
    done("send", Op::send(gate).tag(0, 0).run()).map(|_| ())
}

/// A more urgent servant that is ready runs during a call that lends nothing.
fn called_without_lending(driver: &mut Driver, call: Op) -> Verdict {
    driver.carry_out(Who::A, &[Op::receive(ANY), Op::send(LAST_TOKEN).tag(1, 0)])?;
    driver.order(Who::B, &[Op::give_up_processor()])?;
    done("call", call.run())?;
    let mine = stamp();
    driver.settle()?;
    holds("B had its turn", driver.outcome(Who::B, 0)?.stamp < mine)
}

fn no_donate(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::A.gate(), 0, without(GATE, Rights::DONATE))?;
    called_without_lending(driver, Op::call(gate).tag(1, 0))
}

fn no_donation_flag(driver: &mut Driver) -> Verdict {
    let call = Op::call(Who::A.gate()).tag(1, 0).flags(ipc::NO_DONATION);
    called_without_lending(driver, call)
}

fn no_control(driver: &mut Driver) -> Verdict {
    let weak = Rights::STATE.or(Rights::ADOPT);
    let slot = copy_with(driver, Who::A.thread(), 0, weak)?;
    for sub in [thread::SUSPEND, thread::RESUME, thread::ABORT] {
        status("thread operation", &Op::thread(sub, slot).run(), Status::NoRight)?;
    }
    let adopt = Op::thread(thread::SET_SCHEDULER, slot).from(Who::Root.thread());
    status("set scheduler", &adopt.run(), Status::NoRight)?;
    let handler = Op::thread(thread::SET_HANDLER, slot).from(Who::B.gate());
    status("set handler", &handler.run(), Status::NoRight)?;
    let destroy = Op::object(object::DESTROY, slot, 0, 0);
    status("destroy", &destroy.run(), Status::NoRight)?;
    done("A is well", Op::call(Who::A.gate()).tag(ECHO, 0).run()).map(|_| ())
}

fn no_state(driver: &mut Driver) -> Verdict {
    let slot = copy_with(driver, Who::A.thread(), 0, Rights::CONTROL)?;
    status("read", &Op::thread(thread::READ, slot).run(), Status::NoRight)?;
    status("write", &Op::thread(thread::WRITE, slot).run(), Status::NoRight)
}

fn no_adopt(driver: &mut Driver) -> Verdict {
    let slot = copy_with(driver, Who::Nested.thread(), 0, Rights::CONTROL)?;
    done("suspend", Op::thread(thread::SUSPEND, Who::A.thread()).run())?;
    let adopt = Op::thread(thread::SET_SCHEDULER, Who::A.thread()).from(slot).run();
    done("resume", Op::thread(thread::RESUME, Who::A.thread()).run())?;
    status("adopt", &adopt, Status::NoRight)
}

fn no_objects(driver: &mut Driver) -> Verdict {
    let region = copy_with(driver, driver.frames, 0, Rights::READ.or(Rights::WRITE))?;
    let space = Op::object(object::CREATE_SPACE, region, driver.slot(1), driver.frame(0));
    status("create Space", &space.word(1, SPACE).run(), Status::NoRight)
}

fn only_shrink(driver: &mut Driver) -> Verdict {
    let narrow = copy_with(driver, Who::A.gate(), 0, Rights::SEND)?;
    let wide = copy_with(driver, narrow, 1, Rights::ALL)?;
    let seen = Op::capability(capability::IDENTIFY, wide, 0, 0).run();
    let seen = done("identify", seen)?;
    equal("rights of the copy of the copy", seen.words[1], Rights::SEND.0.into())
}
