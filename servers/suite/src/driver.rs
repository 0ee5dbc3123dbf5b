//! What a test may use: orders to servants, their outcomes, scratch slots, frames and addresses.

use crate::board;
use crate::cast::{REMOTE_SERVANTS, SERVANTS, Who};
use crate::op::{OP_WORDS, Op};
use crate::outcome::{Outcome, WORDS};
use crate::patience::comes_elsewhere;
use crate::servant::{self, ECHO, FIRST_STEP, ORDER, REPORT, STOP};
use crate::stage::SETTLE;
use crate::tests::interrupts::spin;
use crate::verdict::{Failure, Verdict, done, holds};
use cedo_lib::ThisThread;
use cedo_lib::abi::call::{Call, capability, ipc, object, thread};
use cedo_lib::abi::name::{MY_SCHEDULER, SELF};
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Rights, Status};
use core::array;
use core::sync::atomic::Ordering;

/// Scratch slots of one test.
pub const SCRATCH_SLOTS: u64 = 12;
/// Frames at the beginning of the Region "frames" that belong to no single test.
pub const SHARED_FRAMES: u64 = 2304;
/// Frames of one test behind those.
pub const FRAMES: u64 = 32;
/// Frames of the smallest Space: what it takes itself, and one frame of capability table.
pub const SPACE: u64 = object::SPACE_FRAMES + 1;
/// Bytes of address space of one test.
const AREA_BYTES: u64 = 0x10_0000;
/// First address that tests map at.
const AREA: u64 = place::MEMORY + 0x1000_0000;

/// The thread that runs tests, and what belongs to the test that runs.
pub struct Driver {
    pub this: ThisThread,
    /// First scratch slot.
    pub first_slot: u64,
    /// Slots of what the description gives: a Region to make objects of, ...
    pub frames: u64,
    /// ... the other Space, ...
    pub other_space: u64,
    /// ... ports of no device, ...
    pub ports: u64,
    /// ... and the cores.
    pub cores: [u64; 2],
    /// How many tests came before.
    pub number: u64,
}

impl Driver {
    /// A free slot of the other Space.
    pub const FAR_SLOT: u64 = 120;
    /// Badge of the timer's interrupt, by the system description.
    pub const IRQ_BADGE: u64 = 0x200;

    /// A slot that is empty when a test starts.
    pub fn slot(&self, index: u64) -> u64 {
        self.first_slot + index
    }

    /// A frame of the Region that no test used before, as an offset in pages.
    pub fn frame(&self, index: u64) -> u64 {
        SHARED_FRAMES + self.number * FRAMES + index
    }

    /// A page-aligned address that no test mapped before.
    pub fn area(&self) -> u64 {
        AREA + self.number * AREA_BYTES
    }

    /// Tells a servant what to do; it does so when it gets the processor.
    pub fn order(&mut self, who: Who, steps: &[Op]) -> Verdict {
        for (index, step) in steps.iter().enumerate() {
            for (offset, word) in step.pack().into_iter().enumerate() {
                let place = FIRST_STEP + index * OP_WORDS + offset;
                self.this.utcb_mut().set_word(place, word);
            }
        }
        let words = FIRST_STEP + steps.len() * OP_WORDS;
        let order = Op::send(who.gate()).tag(ORDER, words).word(0, steps.len() as u64);
        // One of another core may be on its way back from its last order.
        let patience = if REMOTE_SERVANTS.contains(&who) { 0 } else { ipc::SEND_ZERO };
        done("an order to a servant", order.flags(patience).run()).map(|_| ())
    }

    /// Gives an order whose first step is a message to a servant of another core, and returns when it
    /// has begun that: when it waits, if it has to.
    pub fn order_to_wait(&mut self, who: Who, steps: &[Op]) -> Verdict {
        // Its answer is the beginning of its wait for orders, which has the number read then.
        done("a servant waits for orders", Op::call(who.gate()).tag(ECHO, 0).run())?;
        let orders = epoch(who)?;
        self.order(who, steps)?;
        let waits = comes_elsewhere(|| epoch(who).is_ok_and(|epoch| epoch > orders));
        holds("a servant of another core begins its first step", waits)
    }

    /// Time enough for other cores to do what they can.
    pub fn pause(&self) -> Verdict {
        (0..20).try_for_each(|_| self.settle_all())?;
        spin(2_000_000);
        Ok(())
    }

    /// The same for a servant of another core, which has begun, and had time to go on, when this
    /// returns.
    pub fn order_remote(&mut self, who: Who, steps: &[Op]) -> Verdict {
        board::set_steps(who, 0);
        self.order(who, steps)?;
        let begun = comes_elsewhere(|| !board::is_free(who) || board::steps(who) > 0);
        holds("a servant of another core begins its order", begun)?;
        self.pause()
    }

    /// Lets every more urgent thread run until it waits.
    pub fn settle(&self) -> Verdict {
        done("the driver yields", Op::give_up_processor().run()).map(|_| ())
    }

    /// Lets every thread run until it waits, the less urgent ones too.
    pub fn settle_all(&self) -> Verdict {
        let settle = Op::call(MY_SCHEDULER).tag(SETTLE, 0);
        done("the driver waits for all others", settle.run()).map(|_| ())
    }

    /// Waits until every servant waits for orders, those of other cores too: until then the first
    /// server is not done with starting them, and interrupts whoever runs on this core.
    pub fn await_all(&self) -> Verdict {
        for who in REMOTE_SERVANTS.into_iter().filter(|who| who.gate() != 0) {
            self.await_remote(who)?;
        }
        self.settle_all()
    }

    /// Puts a gate to `who` into the other Space, at [`Driver::FAR_SLOT`].
    pub fn give_far_gate(&self, who: Who) -> Verdict {
        let copy = Op::capability(capability::COPY, who.gate(), Driver::FAR_SLOT, self.other_space);
        done("a gate for the other Space", copy.word(1, Rights::ALL.0.into()).run()).map(|_| ())
    }

    /// A slot of the other Space with a gate to the driver.
    pub fn far_gate_to_driver(&self) -> Result<u64, Failure> {
        let slot = Driver::FAR_SLOT + 6;
        let gate = Who::Driver.gate();
        let copy = Op::capability(capability::COPY, gate, slot, self.other_space);
        let given = copy.word(1, Rights::ALL.0.into()).run().status();
        // It is there if a test has asked before.
        holds("a gate to the driver", matches!(given, Status::Ok | Status::Occupied))?;
        Ok(slot)
    }

    /// Orders these steps, which `who` begins only when it is let go: until then it waits for nobody
    /// but the driver.
    pub fn keep_busy(&mut self, who: Who, steps: &[Op]) -> Verdict {
        let gate = match who {
            Who::Far | Who::Far1 => self.far_gate_to_driver()?,
            _ => Who::Driver.gate(),
        };
        let mut all = [Op::receive(gate); servant::STEPS];
        for (place, step) in all[1..].iter_mut().zip(steps) {
            *place = *step;
        }
        self.carry_out(who, &all[..=steps.len()])
    }

    /// Ends that.
    pub fn let_go(&mut self, who: Who) -> Verdict {
        done("the servant is let go", Op::send(who.gate()).tag(0, 0).run())?;
        self.settle()
    }

    /// Gives an order and lets it happen.
    pub fn carry_out(&mut self, who: Who, steps: &[Op]) -> Verdict {
        self.order(who, steps)?;
        self.settle()
    }

    /// What step `index` of the servant's last order came to; a failure if it is still at it.
    pub fn outcome(&self, who: Who, index: u64) -> Result<Outcome, Failure> {
        holds("the servant has finished its order", board::is_free(who))?;
        let request = Op::call(who.gate()).tag(REPORT, 1).word(0, index);
        let out = done("a servant is asked for a report", request.run())?;
        let words = array::from_fn::<u64, WORDS, _>(|index| servant::word(&self.this, &out, index));
        Ok(Outcome::unpack(words))
    }

    /// The servant has not finished its order.
    pub fn is_busy(&self, what: &'static str, who: Who) -> Verdict {
        holds(what, !board::is_free(who))
    }

    /// Destroys the object in a scratch slot, in as many calls as it takes.
    pub fn destroy(&self, index: u64) -> Verdict {
        for _ in 0..1000 {
            let out = Op::object(object::DESTROY, self.slot(index), 0, 0).run();
            if done("destroy", out)?.words[0] == 0 {
                return Ok(());
            }
        }
        holds("destroying comes to an end", false)
    }

    /// Waits until a servant is free that works on another core, or with somebody there.
    pub fn await_remote(&self, who: Who) -> Verdict {
        let free = comes_elsewhere(|| board::is_free(who));
        holds("a servant of another core finishes its order", free)
    }

    /// Brings every servant back to where it waits for orders, and empties the scratch slots.
    pub fn clean_up(&self) -> Verdict {
        STOP.store(true, Ordering::SeqCst);
        self.settle_all()?;
        let servants = SERVANTS.iter().chain(&REMOTE_SERVANTS);
        for who in servants.filter(|who| who.gate() != 0) {
            self.free(*who)?;
        }
        STOP.store(false, Ordering::SeqCst);
        for index in 0..SCRATCH_SLOTS {
            self.empty(self.slot(index))?;
        }
        Op::capability(capability::DROP, SELF, Driver::FAR_SLOT, self.other_space).run();
        Ok(())
    }

    /// Takes back what was made by means of a scratch slot, and drops what is there.
    fn empty(&self, slot: u64) -> Verdict {
        for _ in 0..100_000 {
            let out = Op::capability(capability::REVOKE, slot, 0, 0).run();
            if out.status() != Status::Ok || out.words[0] == 0 {
                return done("drop", Op::capability(capability::DROP, SELF, slot, SELF).run())
                    .map(|_| ());
            }
        }
        holds("revoking comes to an end", false)
    }

    /// Cancels what a servant waits for until it waits for orders.
    fn free(&self, who: Who) -> Verdict {
        for _ in 0..200 {
            if board::is_free(who) {
                return Ok(());
            }
            Op::thread(thread::RESUME, who.thread()).run();
            let seen = Op::thread(thread::READ, who.thread()).run();
            Op::thread(thread::ABORT, who.thread()).word(0, seen.words[0]).run();
            self.settle()?;
        }
        holds("a servant comes back to wait for orders", false)
    }
}

/// How many messages this thread has begun: the number of its wait.
pub fn epoch(who: Who) -> Result<u64, Failure> {
    Ok(done("read", Op::thread(thread::READ, who.thread()).run())?.words[0])
}

/// The call with a number no kernel has.
pub const UNKNOWN_CALL: u64 = 0xee;

/// An operation word of this call with a sub-operation nobody has.
pub const fn unknown_sub(call: Call) -> Op {
    Op::new(call, 0x77, 0)
}
