//! Operations on capability tables.

use super::rights::copy_with;
use super::{Test, test};
use crate::cast::{TIMER_IRQ, Who};
use crate::driver::Driver;
use crate::op::{Op, Out};
use crate::servant::ECHO;
use crate::verdict::{Verdict, done, equal, holds, status};
use cedo_lib::abi::call::capability;
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::{Kind, Rights, Status};
use core::sync::atomic::Ordering;

pub const TESTS: &[Test] = &[
    test("a copied gate works and keeps its badge", copied_gate),
    test("a copy to another Space works there", copy_to_other_space),
    test("a taken slot is not overwritten", occupied),
    test("a dropped capability is gone, its original is not", dropped),
    test("identify says kind, rights and badge", identify),
    test("identify says that an empty slot is empty", identify_empty),
    test("a new gate to a thread carries the badge its maker chose", new_gate),
    test("a gate made from a gate keeps the badge", gate_of_gate),
    test("a gate cannot be made without CONTROL of the thread", gate_without_control),
    test("a Region is divided within its bounds", divided),
    test("a part beyond the end of a Region is refused", divided_beyond),
    test("ports are divided within their bounds", ports_divided),
];

fn identity(slot: u64) -> Out {
    Op::capability(capability::IDENTIFY, slot, 0, 0).run()
}

fn make_gate(source: u64, slot: u64, badge: u64) -> Op {
    let all = u64::from(Rights::ALL.0);
    Op::capability(capability::MAKE_GATE, source, slot, SELF).word(1, all).word(2, badge)
}

fn divide(source: u64, slot: u64, first: u64, count: u64) -> Op {
    let all = u64::from(Rights::ALL.0);
    let divide = Op::capability(capability::DIVIDE, source, slot, SELF).word(1, all);
    divide.word(2, first).word(3, count)
}

fn copied_gate(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::A.gate(), 0, Rights::ALL)?;
    driver.carry_out(Who::A, &[Op::receive(ANY)])?;
    done("send", Op::send(gate).tag(1, 0).run())?;
    driver.settle()?;
    equal("badge", driver.outcome(Who::A, 0)?.out.badge, Who::A.badge())
}

fn copy_to_other_space(driver: &mut Driver) -> Verdict {
    driver.give_far_gate(Who::A)?;
    driver.carry_out(Who::Far, &[Op::call(Driver::FAR_SLOT).tag(ECHO, 1).word(0, 41)])?;
    let out = driver.outcome(Who::Far, 0)?.out;
    status("the other Space's call", &out, Status::Ok)?;
    equal("reply", out.words[0], 42)
}

fn occupied(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::A.gate(), 0, Rights::ALL)?;
    let copy = Op::capability(capability::COPY, Who::B.gate(), gate, SELF);
    status("copy", &copy.word(1, u64::from(Rights::ALL.0)).run(), Status::Occupied)?;
    status("make gate", &make_gate(Who::B.thread(), gate, 1).run(), Status::Occupied)?;
    equal("badge", done("identify", identity(gate))?.words[2], Who::A.badge())
}

fn dropped(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::A.gate(), 0, Rights::ALL)?;
    done("drop", Op::capability(capability::DROP, SELF, gate, SELF).run())?;
    status("send", &Op::send(gate).tag(1, 0).run(), Status::NoCapability)?;
    done("the original", Op::call(Who::A.gate()).tag(ECHO, 0).run()).map(|_| ())
}

fn identify(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::A.gate(), 0, Rights::SEND.or(Rights::CALL))?;
    let seen = done("gate", identity(gate))?;
    equal("kind of a gate", seen.words[0], Kind::Gate as u64)?;
    equal("its rights", seen.words[1], Rights::SEND.or(Rights::CALL).0.into())?;
    equal("its badge", seen.words[2], Who::A.badge())?;
    let kinds = [
        (Who::A.thread(), Kind::Thread),
        (driver.frames, Kind::Region),
        (driver.other_space, Kind::Space),
        (driver.cores[0], Kind::Core),
        (driver.ports, Kind::Ports),
        (TIMER_IRQ.load(Ordering::SeqCst), Kind::Irq),
    ];
    for (slot, kind) in kinds {
        equal("kind", done("identify", identity(slot))?.words[0], kind as u64)?;
    }
    Ok(())
}

fn identify_empty(driver: &mut Driver) -> Verdict {
    let seen = identity(driver.slot(0));
    holds("empty", seen.status() == Status::NoCapability || seen.words[0] == Kind::Empty as u64)
}

fn new_gate(driver: &mut Driver) -> Verdict {
    const BADGE: u64 = 0xfeed_face_cafe_f00d;
    done("make gate", make_gate(Who::A.thread(), driver.slot(0), BADGE).run())?;
    driver.carry_out(Who::A, &[Op::receive(ANY)])?;
    done("send", Op::send(driver.slot(0)).tag(1, 0).run())?;
    driver.settle()?;
    equal("badge", driver.outcome(Who::A, 0)?.out.badge, BADGE)
}

fn gate_of_gate(driver: &mut Driver) -> Verdict {
    done("make gate", make_gate(Who::A.gate(), driver.slot(0), 7).run())?;
    equal("badge", done("identify", identity(driver.slot(0)))?.words[2], Who::A.badge())
}

fn gate_without_control(driver: &mut Driver) -> Verdict {
    let weak = copy_with(driver, Who::A.thread(), 0, Rights::STATE)?;
    status("make gate", &make_gate(weak, driver.slot(1), 7).run(), Status::NoRight)
}

fn divided(driver: &mut Driver) -> Verdict {
    done("divide", divide(driver.frames, driver.slot(0), driver.frame(1), 3).run())?;
    let whole = done("whole", identity(driver.frames))?;
    let part = done("part", identity(driver.slot(0)))?;
    equal("first", part.words[2], whole.words[2] + driver.frame(1))?;
    equal("count", part.words[3], 3)
}

fn divided_beyond(driver: &mut Driver) -> Verdict {
    let pages = done("whole", identity(driver.frames))?.words[3];
    let wrong = [(0, pages + 1), (pages, 1), (pages - 1, 2), (1, u64::MAX), (u64::MAX, 2)];
    for (first, count) in wrong {
        let out = divide(driver.frames, driver.slot(0), first, count).run();
        status("divide", &out, Status::BadArgument)?;
    }
    Ok(())
}

fn ports_divided(driver: &mut Driver) -> Verdict {
    done("divide", divide(driver.ports, driver.slot(0), 1, 1).run())?;
    let part = done("identify", identity(driver.slot(0)))?;
    equal("count", part.words[3], 1)?;
    let beyond = divide(driver.ports, driver.slot(1), 3, 2).run();
    status("beyond the end", &beyond, Status::BadArgument)
}
