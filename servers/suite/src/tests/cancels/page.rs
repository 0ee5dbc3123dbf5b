//! The page whose absence is V's fault, and who handles that.

use super::super::rights::copy_with;
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::verdict::{Failure, Verdict, done, holds};
use cedo_lib::View;
use cedo_lib::abi::call::{memory, thread};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::SELF;
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Rights, Status};

/// Where the page is, when it is there, in both Spaces.
pub const ADDRESS: u64 = place::MEMORY + 0x0f00_0000;
/// What is in it.
pub const WORD: u64 = 0xcafe_0bad_5eed_0001;
/// Its place among the frames of the test.
const FRAME: u64 = 8;
/// Scratch slot of the gate to the handler.
const GATE: u64 = 10;

/// Writes what is to be read there.
pub fn fill(driver: &Driver) -> Verdict {
    done("a page", mapping(driver, false, Rights::READ.or(Rights::WRITE)).run())?;
    let Some(view) = View::new(ADDRESS, PAGE_SIZE as usize) else {
        return holds("the page is where memories are", false);
    };
    view.set_word(0, WORD);
    unmap(driver, false)
}

/// Takes it away again.
pub fn unmap(driver: &Driver, far: bool) -> Verdict {
    let unmap = Op::memory(memory::UNMAP, space(driver, far), 0);
    done("the page is taken away", unmap.word(0, ADDRESS).word(1, 1).run()).map(|_| ())
}

/// Brings the page to one of the Spaces.
pub fn mapping(driver: &Driver, far: bool, access: Rights) -> Op {
    let map = Op::memory(memory::MAP, space(driver, far), driver.frames);
    map.word(0, driver.frame(FRAME)).word(1, ADDRESS).word(2, 1).word(3, access.0.into())
}

fn space(driver: &Driver, far: bool) -> u64 {
    if far { driver.other_space } else { SELF }
}

/// A gate to `who` that lends no time: whose fault is handled can be preempted then.
pub fn weak_gate(driver: &Driver, who: Who) -> Result<u64, Failure> {
    copy_with(driver, who.gate(), GATE, Rights::SEND.or(Rights::CALL))
}

/// Lets the thread behind a gate handle the faults of `victim`.
pub fn handled_by(victim: u64, gate: u64) -> Verdict {
    let out = Op::thread(thread::SET_HANDLER, victim).from(gate).run();
    holds("a handler is set", out.status() == Status::Ok)
}
