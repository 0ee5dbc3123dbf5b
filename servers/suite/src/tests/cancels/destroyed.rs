//! V is made for the cell, and destroyed while it waits.

use super::super::remote_end::await_steps;
use super::{Cell, Phase, page};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::{OP_WORDS, Op};
use crate::patience::comes_elsewhere;
use crate::servant::{self, STOP};
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{capability, memory, object, thread};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::SELF;
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Rights, Status};
use cedo_lib::stack::{FIRST_WORDS, first_words};
use cedo_lib::{ThisThread, View};
use core::array;
use core::sync::atomic::{AtomicU64, Ordering};

/// Scratch slots of the thread, and of the gate to it.
const THREAD: u64 = 0;
const GATE: u64 = 11;
/// Its frames and those of its stack among the frames of the test.
const FRAME: u64 = 0;
const STACK_FRAME: u64 = 4;
const STACK: u64 = place::MEMORY + 0x0f10_0000;
const STACK_PAGES: u64 = 2;
const UTCB: u64 = place::UTCB + 0x3_8000_0000;
const COOKIE: u64 = 210;

/// What V does.
static STEP: [AtomicU64; OP_WORDS] = [const { AtomicU64::new(0) }; OP_WORDS];
/// 1: it is about to; 2: it has.
static SEEN: AtomicU64 = AtomicU64::new(0);

/// Maps the stack, where it stays.
pub fn prepare(driver: &Driver) -> Verdict {
    let access = Rights::READ.or(Rights::WRITE).0.into();
    let map = Op::memory(memory::MAP, SELF, driver.frames).word(0, driver.frame(STACK_FRAME));
    let out = map.word(1, STACK).word(2, STACK_PAGES).word(3, access).run();
    // The cells of two cores find that of the cells of one.
    holds("a stack", matches!(out.status(), Status::Ok | Status::Occupied))
}

fn victim(mut this: ThisThread, _: u64) {
    let step = Op::unpack(array::from_fn(|word| STEP[word].load(Ordering::SeqCst)));
    SEEN.store(1, Ordering::SeqCst);
    servant::perform(&mut this, &step);
    SEEN.store(2, Ordering::SeqCst);
}

impl Cell {
    pub(super) fn check_destroyed(self, driver: &mut Driver) -> Verdict {
        STOP.store(false, Ordering::SeqCst);
        self.make(driver)?;
        let (steps, count) = self.partner_steps(driver, driver.slot(GATE));
        self.order(driver, self.partner, &steps[..count])?;
        self.start(driver)?;
        driver.destroy(THREAD)?;
        self.let_partner_go_on(driver)?;
        STOP.store(true, Ordering::SeqCst);
        self.finish(driver, self.partner)?;
        self.judge_partner(driver)?;
        equal("V is about to wait", SEEN.load(Ordering::SeqCst), 1)?;
        let gone = Op::thread(thread::READ, driver.slot(THREAD)).run();
        status("V", &gone, Status::NoCapability)
    }

    fn core(self) -> u64 {
        u64::from(self.victim == Who::Far1)
    }

    /// V, which has not started.
    fn make(self, driver: &Driver) -> Verdict {
        let (entry, words) = first_words(victim, UTCB, 0);
        let top = (STACK_PAGES * PAGE_SIZE / 8) as usize;
        let Some(stack) = View::new(STACK, (STACK_PAGES * PAGE_SIZE) as usize) else {
            return holds("the stack is where memories are", false);
        };
        (top - FIRST_WORDS..).zip(words).for_each(|(place, word)| stack.set_word(place, word));
        let stack_pointer = STACK + ((top - FIRST_WORDS) * 8) as u64;
        let thread = driver.slot(THREAD);
        let create = Op::object(object::CREATE_THREAD, driver.frames, thread, driver.frame(FRAME));
        let create = create.word(1, SELF).word(2, self.core()).word(3, UTCB);
        let create = create.word(4, entry).word(5, stack_pointer).word(6, UTCB);
        done("create", create.run())?;
        let make = Op::capability(capability::MAKE_GATE, thread, driver.slot(GATE), SELF);
        done("make gate", make.word(1, Rights::ALL.0.into()).word(2, 5).run()).map(|_| ())
    }

    /// V starts, and waits when this returns.
    fn start(self, driver: &Driver) -> Verdict {
        for (place, word) in STEP.iter().zip(self.wait(self.partner.gate()).pack()) {
            place.store(word, Ordering::SeqCst);
        }
        SEEN.store(0, Ordering::SeqCst);
        let thread = driver.slot(THREAD);
        let handler = match self.phase {
            phase if phase.is_fault() => page::weak_gate(driver, self.partner)?,
            _ => Who::Pager.gate(),
        };
        page::handled_by(thread, handler)?;
        let root = if self.core() == 0 { Who::Root } else { Who::Root1 };
        let adopt = Op::thread(thread::SET_SCHEDULER, thread).from(root.thread());
        done("set scheduler", adopt.word(0, COOKIE).run())?;
        done("resume", Op::thread(thread::RESUME, thread).run())?;
        self.rest(driver)?;
        let begun = comes_elsewhere(|| SEEN.load(Ordering::SeqCst) == 1);
        holds("V begins", begun)?;
        if self.is_taken() {
            await_steps(self.partner, 1)?;
        }
        self.waits(driver)
    }

    /// V's number does not change any more, and it has had time to get to its wait.
    fn waits(self, driver: &Driver) -> Verdict {
        let read = || -> Result<u64, Failure> {
            Ok(done("read", Op::thread(thread::READ, driver.slot(THREAD)).run())?.words[0])
        };
        let is_message = !matches!(self.phase, Phase::FaultQueued | Phase::FaultTaken);
        let mut failed = Ok(());
        let there = comes_elsewhere(|| match read() {
            // Its first wait is its first operation.
            Ok(epoch) => epoch == u64::from(is_message),
            Err(failure) => {
                failed = Err(failure);
                true
            }
        });
        failed?;
        holds("V waits", there)?;
        self.rest(driver)
    }
}
