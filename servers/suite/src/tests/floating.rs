//! Floating-point registers: each thread has its own, and no other thread sees them.

use super::memory::map;
use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::pager;
use crate::servant::{PROBE, SPIN, STOP, probing};
use crate::verdict::{Failure, Verdict, done, equal, label, status};
use ::core::sync::atomic::{AtomicU64, Ordering};
use cedo_lib::abi::call::{ipc, thread};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::state::{BASES, Cause, FLOATING_POINT, FLOATING_POINT_WORDS, GENERAL};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::abi::{Label, Rights, Status};
use cedo_lib::raw::probe::{
    FLOATING_CONTROL, FLOATING_EXCEPTION, FLOATING_PLACES, see_floating, set_floating,
};

pub const TESTS: &[Test] = &[
    test("each thread keeps its floating-point registers while others use theirs", own),
    test("a thread that is preempted keeps its floating-point registers", preempted),
    test("floating-point registers are read while the processor has them", read),
    test("floating-point registers that are written are those the thread goes on with", write),
    test(
        "a fault brings floating-point registers if its handler asks, and a reply changes them",
        fault,
    ),
    test(
        "floating-point registers that no processor has are refused nobody and harm nobody",
        strange,
    ),
    test("a floating-point exception is a floating-point fault, and the thread's own", exception),
];

type Words = [u64; FLOATING_POINT_WORDS];

/// Lets a servant put a value into its registers.
fn set(driver: &mut Driver, who: Who, value: u64) -> Verdict {
    driver.carry_out(who, &[probing(set_floating, value)])?;
    equal("faults", driver.outcome(who, 0)?.out.words[0], 0)
}

/// What a servant finds in its registers.
fn see(driver: &mut Driver, who: Who) -> Result<u64, Failure> {
    driver.carry_out(who, &[probing(see_floating, 0)])?;
    let [caught, value, ..] = driver.outcome(who, 0)?.out.words;
    equal("faults", caught, 0)?;
    Ok(value)
}

fn own(driver: &mut Driver) -> Verdict {
    const ALL: [Who; 3] = [Who::A, Who::B, Who::Far];
    for turn in 1..=20 {
        set_floating(turn << 8 | 0xd, 0);
        for (who, number) in ALL.into_iter().zip(1..) {
            set(driver, who, turn << 8 | number)?;
        }
        for (who, number) in ALL.into_iter().zip(1..) {
            equal("a servant's", see(driver, who)?, turn << 8 | number)?;
        }
        equal("the driver's", see_floating(0, 0).value, turn << 8 | 0xd)?;
    }
    Ok(())
}

fn preempted(driver: &mut Driver) -> Verdict {
    STOP.store(false, Ordering::SeqCst);
    let steps = [probing(set_floating, 0x0103), Op::raw(SPIN), probing(see_floating, 0)];
    driver.order(Who::Low, &steps)?;
    set(driver, Who::A, 0xa)?;
    set_floating(0xd, 0);
    let (a, own) = (see(driver, Who::A), see_floating(0, 0).value);
    STOP.store(true, Ordering::SeqCst);
    driver.settle_all()?;
    equal("A's", a?, 0xa)?;
    equal("the driver's", own, 0xd)?;
    equal("Low's", driver.outcome(Who::Low, 2)?.out.words[1], 0x0103)
}

/// Reads groups of a servant's registers.
fn read_groups(who: Who, groups: u64) -> Verdict {
    done("read", Op::thread(thread::READ, who.thread()).word(0, groups).run()).map(|_| ())
}

fn holds_value(words: &Words, value: u64) -> Verdict {
    for place in FLOATING_PLACES {
        equal("a register", words[*place], value)?;
    }
    Ok(())
}

fn read(driver: &mut Driver) -> Verdict {
    for value in [0x1111, 0x2222] {
        set(driver, Who::A, value)?;
        read_groups(Who::A, FLOATING_POINT)?;
        equal("groups", driver.this.utcb().received().mask, FLOATING_POINT)?;
        holds_value(&driver.this.utcb().received_floating(), value)?;
        equal("A's", see(driver, Who::A)?, value)?;
    }
    set(driver, Who::A, 0x3333)?;
    read_groups(Who::A, GENERAL | BASES)?;
    holds_value(&driver.this.utcb().received_floating(), 0x2222)
}

/// Gives a servant that waits for orders these registers.
fn write_words(driver: &mut Driver, who: Who, words: &Words) -> Verdict {
    done("suspend", Op::thread(thread::SUSPEND, who.thread()).run())?;
    driver.this.utcb_mut().set_reply_floating(words);
    driver.this.utcb_mut().set_reply(&StateArea { mask: FLOATING_POINT, ..StateArea::EMPTY });
    let written = Op::thread(thread::WRITE, who.thread()).run();
    done("resume", Op::thread(thread::RESUME, who.thread()).run())?;
    done("write", written)?;
    driver.settle()
}

/// The registers of a servant, with this value in some and other rounding.
fn changed(driver: &Driver, value: u64) -> Words {
    let mut words = driver.this.utcb().received_floating();
    FLOATING_PLACES.iter().for_each(|place| words[*place] = value);
    words[FLOATING_CONTROL.0] ^= FLOATING_CONTROL.1;
    words
}

fn write(driver: &mut Driver) -> Verdict {
    for value in [0x4444, 0x5555] {
        set(driver, Who::A, 7)?;
        set(driver, Who::B, 8)?;
        read_groups(Who::A, FLOATING_POINT)?;
        let words = changed(driver, value);
        write_words(driver, Who::A, &words)?;
        equal("A's", see(driver, Who::A)?, value)?;
        equal("B's", see(driver, Who::B)?, 8)?;
        read_groups(Who::A, FLOATING_POINT)?;
        let control = FLOATING_CONTROL.0;
        let found = driver.this.utcb().received_floating()[control];
        equal("the control register", found, words[control])?;
    }
    Ok(())
}

fn fault(driver: &mut Driver) -> Verdict {
    let set_handler = |gate| Op::thread(thread::SET_HANDLER, Who::A.thread()).from(gate).run();
    set(driver, Who::A, 0x6666)?;
    done("the driver is the handler", set_handler(Who::Driver.gate()))?;
    let seen = answer_fault(driver);
    done("the pager is the handler", set_handler(Who::Pager.gate()))?;
    seen?;
    equal("A's", see(driver, Who::A)?, 0x7777)
}

fn answer_fault(driver: &mut Driver) -> Verdict {
    driver.order(Who::A, &[Op::raw(PROBE).word(0, 0).word(1, driver.area())])?;
    let out = Op::receive(ANY).flags(FLOATING_POINT << ipc::WANT_SHIFT).run();
    label("a fault", &out, Label::Fault)?;
    equal("groups", driver.this.utcb().received().mask, FLOATING_POINT)?;
    holds_value(&driver.this.utcb().received_floating(), 0x6666)?;
    done("map", map(driver, 0, 0, 1, Rights::READ).run())?;
    let words = changed(driver, 0x7777);
    driver.this.utcb_mut().set_reply_floating(&words);
    driver.this.utcb_mut().set_reply(&StateArea { mask: FLOATING_POINT, ..StateArea::EMPTY });
    done("reply", Op::send(out.token).flags(ipc::STATE).run())?;
    driver.settle()?;
    equal("caught", driver.outcome(Who::A, 0)?.out.words[0], 0)
}

fn strange(driver: &mut Driver) -> Verdict {
    set_floating(0xd, 0);
    for words in [[u64::MAX; FLOATING_POINT_WORDS], [0x5555_aaaa_5555_aaaa; FLOATING_POINT_WORDS]] {
        write_words(driver, Who::A, &words)?;
        // Reserved bits are cleared; what is left are registers like any.
        set(driver, Who::A, 9)?;
        equal("A's", see(driver, Who::A)?, 9)?;
    }
    let out = Op::thread(thread::READ, Who::A.thread()).word(0, 2 * FLOATING_POINT).run();
    status("an unknown group", &out, Status::BadArgument)?;
    equal("the driver's", see_floating(0, 0).value, 0xd)
}

fn exception(driver: &mut Driver) -> Verdict {
    static WORD: AtomicU64 = AtomicU64::new(0);
    let Some(probe) = FLOATING_EXCEPTION else { return Ok(()) };
    set(driver, Who::B, 0xb)?;
    driver.carry_out(Who::A, &[probing(probe, (&raw const WORD).addr() as u64)])?;
    equal("faults", driver.outcome(Who::A, 0)?.out.words[0], 1)?;
    equal("cause", pager::last().cause, Cause::FloatingPoint as u64)?;
    // A's exception is still pending.
    equal("B's", see(driver, Who::B)?, 0xb)?;
    set(driver, Who::A, 0xa)?;
    equal("A's", see(driver, Who::A)?, 0xa)
}
