//! Objects live in frames that their creator hands over and gets back.

use super::rights::copy_with;
use super::{Test, test};
use crate::cast::Who;
use crate::driver::{Driver, SPACE};
use crate::op::Op;
use crate::pager;
use crate::stage::NEW_HEARD;
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{capability, ipc, object, thread};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::SELF;
use cedo_lib::abi::state::Cause;
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Rights, Status};
use cedo_lib::{Stack, ThisThread};
use core::sync::atomic::{AtomicU64, Ordering};

pub const TESTS: &[Test] = &[
    test("a new thread does not run before it has a scheduler and is resumed", born_stopped),
    test("a new thread gets its argument and runs", new_thread_runs),
    test("its scheduler hears of a new thread once, when it is started", new_thread_is_reported),
    test("a thread in a new Space runs on that Space's page table", new_space),
    test("a destroyed thread's capability names nothing", stale_afterwards),
    test("the frames of a destroyed thread can be used again", frames_again),
    test("a gate to a destroyed thread never reaches its successor", no_successor),
    test("who is queued at a destroyed thread hears that it is gone", queued_partner_gone),
    test("frames in use give no second object", frames_busy),
    test("frames beyond the Region give no object", beyond_region),
    test("a taken slot takes no new object", slot_taken),
    test("a thread cannot destroy itself", not_oneself),
    test("destroying needs CONTROL", destroy_needs_control),
];

const STACK_BYTES: usize = 8192;
static STACK: Stack<STACK_BYTES> = Stack::new();
/// What the new thread was told.
static TOLD: AtomicU64 = AtomicU64::new(0);

/// Instruction pointer where nothing is mapped: a thread that starts there faults at once.
const NOWHERE: u64 = 0x1000;

/// The UTCB address of this test's new thread.
fn utcb(driver: &Driver) -> u64 {
    place::UTCB + 0x1_0000_0000 + driver.number * PAGE_SIZE
}

/// Creates a thread of the driver's Space in scratch slot 0 that starts at `instruction`.
fn create(driver: &Driver, instruction: u64, stack: u64, argument: u64) -> Op {
    let create = Op::object(object::CREATE_THREAD, driver.frames, driver.slot(0), driver.frame(0));
    let create = create.word(1, SELF).word(2, 0).word(3, utcb(driver));
    create.word(4, instruction).word(5, stack).word(6, argument)
}

/// Lets the root schedule the thread in scratch slot 0, and the pager handle its faults.
fn start(driver: &Driver) -> Verdict {
    let thread = driver.slot(0);
    let adopt = Op::thread(thread::SET_SCHEDULER, thread).from(Who::Root.thread());
    done("set scheduler", adopt.word(0, 99).run())?;
    let handler = Op::thread(thread::SET_HANDLER, thread).from(Who::Pager.gate());
    done("set handler", handler.run())?;
    done("resume", Op::thread(thread::RESUME, thread).run()).map(|_| ())
}

fn born_stopped(driver: &mut Driver) -> Verdict {
    let before = pager::COUNT.load(Ordering::SeqCst);
    done("create", create(driver, NOWHERE, 0, 0).run())?;
    driver.settle_all()?;
    equal("faults", pager::COUNT.load(Ordering::SeqCst), before)?;
    driver.destroy(0)
}

fn say(_: ThisThread, argument: u64) {
    TOLD.store(argument, Ordering::SeqCst);
}

fn new_thread_runs(driver: &mut Driver) -> Verdict {
    let start_at = STACK.prepare(&driver.this, say, utcb(driver), 4711);
    let Some(start_at) = start_at else { return holds("the stack is free", false) };
    done("create", create(driver, start_at.instruction, start_at.stack, utcb(driver)).run())?;
    start(driver)?;
    driver.settle_all()?;
    equal("argument", TOLD.load(Ordering::SeqCst), 4711)?;
    driver.destroy(0)
}

fn new_thread_is_reported(driver: &mut Driver) -> Verdict {
    let heard = || NEW_HEARD.load(Ordering::SeqCst);
    let before = heard();
    done("create", create(driver, NOWHERE, 0, 0).run())?;
    let adopt = Op::thread(thread::SET_SCHEDULER, driver.slot(0)).from(Who::Root.thread());
    done("set scheduler", adopt.word(0, 99).run())?;
    driver.settle_all()?;
    equal("messages before the thread is started", heard(), before)?;
    pager::hold_next_fault();
    start(driver)?;
    driver.settle_all()?;
    equal("messages *new*", heard(), before + 1)?;
    driver.destroy(0)
}

fn new_space(driver: &mut Driver) -> Verdict {
    let space = driver.slot(1);
    let make = Op::object(object::CREATE_SPACE, driver.frames, space, driver.frame(2));
    done("create Space", make.word(1, SPACE).run())?;
    let stock = Op::memory(cedo_lib::abi::call::memory::STOCK, space, driver.frames);
    done("stock", stock.word(0, driver.frame(2 + SPACE)).word(1, 12).run())?;
    // The driver's own code is not mapped in the new Space: the first fetch faults.
    let code = new_space as fn(&mut Driver) -> Verdict as usize as u64;
    done("create thread", create(driver, code, 0, 0).word(1, space).run())?;
    let before = pager::COUNT.load(Ordering::SeqCst);
    pager::hold_next_fault();
    start(driver)?;
    driver.settle_all()?;
    equal("faults", pager::COUNT.load(Ordering::SeqCst), before + 1)?;
    equal("cause", pager::last().cause, Cause::ExecuteFault as u64)?;
    equal("address", pager::last().address, code)?;
    driver.destroy(0)?;
    driver.destroy(1)
}

/// A thread that waits for ever after its first fault, for tests that destroy it.
fn victim(driver: &Driver) -> Result<u64, Failure> {
    done("create", create(driver, NOWHERE, 0, 0).run())?;
    let gate = driver.slot(2);
    let make = Op::capability(capability::MAKE_GATE, driver.slot(0), gate, SELF);
    done("make gate", make.word(1, Rights::ALL.0.into()).word(2, 5).run())?;
    Ok(gate)
}

fn stale_afterwards(driver: &mut Driver) -> Verdict {
    let gate = victim(driver)?;
    driver.destroy(0)?;
    let thread = driver.slot(0);
    status("suspend", &Op::thread(thread::SUSPEND, thread).run(), Status::NoCapability)?;
    status("send", &Op::send(gate).tag(1, 0).run(), Status::NoCapability)?;
    status("call", &Op::call(gate).tag(1, 0).run(), Status::NoCapability)?;
    let again = Op::object(object::DESTROY, thread, 0, 0).run();
    status("destroy again", &again, Status::NoCapability)
}

/// Creates a thread in scratch slot `index` out of the frames of one just destroyed: they return
/// when every core has left the kernel once.
fn create_again(driver: &Driver, index: u64) -> Verdict {
    let create = create(driver, NOWHERE, 0, 0).from(driver.slot(index));
    for _ in 0..1000 {
        let out = create.run();
        if out.status() != Status::FramesBusy {
            return status("create in the same frames", &out, Status::Ok);
        }
        driver.settle_all()?;
    }
    holds("the frames become quiet", false)
}

fn frames_again(driver: &mut Driver) -> Verdict {
    for _ in 0..5 {
        create_again(driver, 0)?;
        driver.destroy(0)?;
        let drop = Op::capability(capability::DROP, SELF, driver.slot(0), SELF);
        done("drop", drop.run())?;
    }
    Ok(())
}

fn no_successor(driver: &mut Driver) -> Verdict {
    let gate = victim(driver)?;
    driver.destroy(0)?;
    create_again(driver, 3)?;
    let send = Op::send(gate).tag(1, 0).flags(ipc::SEND_ZERO);
    status("send through the old gate", &send.run(), Status::NoCapability)?;
    driver.destroy(3)
}

fn queued_partner_gone(driver: &mut Driver) -> Verdict {
    let gate = victim(driver)?;
    driver.carry_out(Who::A, &[Op::send(gate).tag(1, 0)])?;
    driver.carry_out(Who::B, &[Op::call(gate).tag(1, 0)])?;
    driver.destroy(0)?;
    driver.settle()?;
    status("A's send", &driver.outcome(Who::A, 0)?.out, Status::PartnerGone)?;
    status("B's call", &driver.outcome(Who::B, 0)?.out, Status::PartnerGone)
}

fn frames_busy(driver: &mut Driver) -> Verdict {
    done("create", create(driver, NOWHERE, 0, 0).run())?;
    let second = create(driver, NOWHERE, 0, 0).from(driver.slot(1));
    let second = second.word(3, utcb(driver) + 0x1000_0000);
    status("create in the same frames", &second.run(), Status::FramesBusy)?;
    let overlap = second.word(0, driver.frame(1));
    status("create in one of them", &overlap.run(), Status::FramesBusy)?;
    driver.destroy(0)
}

fn beyond_region(driver: &mut Driver) -> Verdict {
    for frame in [1 << 20, u64::MAX, u64::MAX - 1] {
        let out = create(driver, NOWHERE, 0, 0).word(0, frame).run();
        status("create", &out, Status::BadArgument)?;
    }
    Ok(())
}

fn slot_taken(driver: &mut Driver) -> Verdict {
    copy_with(driver, Who::A.gate(), 0, Rights::ALL)?;
    status("create", &create(driver, NOWHERE, 0, 0).run(), Status::Occupied)
}

fn not_oneself(_: &mut Driver) -> Verdict {
    let out = Op::object(object::DESTROY, Who::Driver.thread(), 0, 0).run();
    status("destroy", &out, Status::NotOneself)
}

fn destroy_needs_control(driver: &mut Driver) -> Verdict {
    let weak = copy_with(driver, Who::A.thread(), 0, Rights::STATE.or(Rights::ADOPT))?;
    status("destroy", &Op::object(object::DESTROY, weak, 0, 0).run(), Status::NoRight)
}
