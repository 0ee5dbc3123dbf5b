//! Mapping, and what a mapping allows.

use super::rights::copy_with;
use super::{Test, test};
use crate::driver::{Driver, SPACE};
use crate::op::Op;
use crate::pager;
use crate::verdict::{Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{memory, object};
use cedo_lib::abi::info::feature;
use cedo_lib::abi::layout::{KERNEL_INFO, PAGE_SIZE};
use cedo_lib::abi::name::SELF;
use cedo_lib::abi::state::Cause;
use cedo_lib::abi::{Rights, Status};
use cedo_lib::clock;
use cedo_lib::raw::{probe, publish_code};

pub const TESTS: &[Test] = &[
    test("what is written through one mapping is read through another", shared),
    test("a mapping for reading cannot be written", read_only),
    test("a mapping without EXECUTE cannot be run", no_execute),
    test("a mapping with EXECUTE can be run", execute),
    test("a mapping has no more rights than its Region", region_limits),
    test("an unmapped address faults", unmapped),
    test("a frame keeps its contents while it is unmapped", keeps_contents),
    test("a mapped address is not mapped again", occupied),
    test("a call maps at most 32 pages and says how many it did", at_most_32),
    test("pages beyond the end of a Region are refused", beyond_region),
    test("a Space without stock maps nothing, and maps after it got some", no_stock),
    test("mapped frames cannot become objects", mapped_frames_are_busy),
    test("the frames of objects cannot be mapped", object_frames_are_busy),
    test("the kernel information page can be read and not written", information_page),
];

const READ_WRITE: Rights = Rights::READ.or(Rights::WRITE);
const MARK: u64 = 0x0123_4567_89ab_cdef;

/// Map `pages` pages of the test's frames from `frame` on at `offset` pages into the test's area.
pub fn map(driver: &Driver, frame: u64, offset: u64, pages: u64, access: Rights) -> Op {
    let address = driver.area() + offset * PAGE_SIZE;
    let map = Op::memory(memory::MAP, SELF, driver.frames).word(0, driver.frame(frame));
    map.word(1, address).word(2, pages).word(3, access.0.into())
}

fn unmap(driver: &Driver, offset: u64, pages: u64) -> Op {
    let address = driver.area() + offset * PAGE_SIZE;
    Op::memory(memory::UNMAP, SELF, 0).word(0, address).word(1, pages)
}

/// Whether a read of this address succeeds, and what it reads.
fn read(address: u64) -> Option<u64> {
    let seen = probe::read(address, 0);
    (seen.caught == 0).then_some(seen.value)
}

fn can_write(address: u64, value: u64) -> bool {
    probe::write(address, value).caught == 0
}

fn shared(driver: &mut Driver) -> Verdict {
    done("first mapping", map(driver, 0, 0, 1, READ_WRITE).run())?;
    done("second mapping", map(driver, 0, 5, 1, Rights::READ).run())?;
    holds("write", can_write(driver.area() + 8, MARK))?;
    equal("read", read(driver.area() + 5 * PAGE_SIZE + 8).unwrap_or(0), MARK)
}

fn read_only(driver: &mut Driver) -> Verdict {
    done("map", map(driver, 0, 0, 1, Rights::READ).run())?;
    holds("read", read(driver.area()).is_some())?;
    holds("write faults", !can_write(driver.area(), MARK))?;
    equal("cause", pager::last().cause, Cause::WriteFault as u64)
}

/// Puts code that returns at once into the test's first frame.
fn put_code(driver: &Driver) -> Verdict {
    done("map for writing", map(driver, 0, 0, 1, READ_WRITE).run())?;
    holds("write", can_write(driver.area(), probe::RETURN))?;
    publish_code(driver.area(), 8);
    Ok(())
}

fn no_execute(driver: &mut Driver) -> Verdict {
    if clock::information().features & feature::NO_EXECUTE == 0 {
        return Ok(());
    }
    put_code(driver)?;
    equal("caught", probe::execute(driver.area(), 0).caught, 1)?;
    equal("cause", pager::last().cause, Cause::ExecuteFault as u64)?;
    equal("address", pager::last().address, driver.area())
}

fn execute(driver: &mut Driver) -> Verdict {
    put_code(driver)?;
    done("map for running", map(driver, 0, 3, 1, Rights::READ.or(Rights::EXECUTE)).run())?;
    equal("caught", probe::execute(driver.area() + 3 * PAGE_SIZE, 0).caught, 0)
}

fn region_limits(driver: &mut Driver) -> Verdict {
    let narrow = copy_with(driver, driver.frames, 0, Rights::READ)?;
    let wide = map(driver, 0, 0, 1, READ_WRITE).from(narrow).run();
    if wide.status() == Status::Ok {
        return holds("a write faults", !can_write(driver.area(), MARK));
    }
    status("map", &wide, Status::NoRight)
}

fn unmapped(driver: &mut Driver) -> Verdict {
    done("map", map(driver, 0, 0, 2, READ_WRITE).run())?;
    holds("write", can_write(driver.area() + PAGE_SIZE, MARK))?;
    let out = done("unmap", unmap(driver, 1, 1).run())?;
    equal("pages done", out.words[0], 1)?;
    holds("read faults", read(driver.area() + PAGE_SIZE).is_none())?;
    equal("cause", pager::last().cause, Cause::ReadFault as u64)?;
    equal("address", pager::last().address, driver.area() + PAGE_SIZE)?;
    holds("its neighbour is there", read(driver.area()).is_some())
}

fn keeps_contents(driver: &mut Driver) -> Verdict {
    done("map", map(driver, 0, 0, 1, READ_WRITE).run())?;
    holds("write", can_write(driver.area(), MARK))?;
    done("unmap", unmap(driver, 0, 1).run())?;
    done("map again", map(driver, 0, 9, 1, READ_WRITE).run())?;
    equal("read", read(driver.area() + 9 * PAGE_SIZE).unwrap_or(0), MARK)
}

fn occupied(driver: &mut Driver) -> Verdict {
    done("map", map(driver, 0, 0, 1, READ_WRITE).run())?;
    status("map again", &map(driver, 1, 0, 1, READ_WRITE).run(), Status::Occupied)
}

fn at_most_32(driver: &mut Driver) -> Verdict {
    let first = Op::memory(memory::MAP, SELF, driver.frames).word(0, 0).word(1, driver.area());
    let out = first.word(2, 40).word(3, Rights::READ.0.into()).run();
    let out = done("map", out)?;
    equal("pages mapped", out.words[0], memory::PAGES_PER_CALL)?;
    let out = done("unmap", unmap(driver, 0, 32).run())?;
    equal("pages unmapped", out.words[0], memory::PAGES_PER_CALL)
}

fn beyond_region(driver: &mut Driver) -> Verdict {
    let map = Op::memory(memory::MAP, SELF, driver.frames).word(1, driver.area());
    for (first, pages) in [(1 << 20, 1), (u64::MAX, 1), (0, u64::MAX), (u64::MAX - 1, 4)] {
        let out = map.word(0, first).word(2, pages).word(3, Rights::READ.0.into()).run();
        status("map", &out, Status::BadArgument)?;
    }
    Ok(())
}

fn no_stock(driver: &mut Driver) -> Verdict {
    let space = driver.slot(0);
    let create = Op::object(object::CREATE_SPACE, driver.frames, space, driver.frame(0));
    done("create Space", create.word(1, SPACE).run())?;
    let map = Op::memory(memory::MAP, space, driver.frames).word(0, driver.frame(30));
    let map = map.word(1, driver.area()).word(2, 1).word(3, Rights::READ.0.into());
    status("map without stock", &map.run(), Status::NoStock)?;
    let stock = Op::memory(memory::STOCK, space, driver.frames);
    let out = done("stock", stock.word(0, driver.frame(SPACE)).word(1, 7).run())?;
    equal("pages taken, two by two", out.words[0], 6)?;
    done("map", map.run())?;
    driver.destroy(0)
}

fn mapped_frames_are_busy(driver: &mut Driver) -> Verdict {
    done("map", map(driver, 0, 0, 1, READ_WRITE).run())?;
    let create = Op::object(object::CREATE_SPACE, driver.frames, driver.slot(0), driver.frame(0));
    status("create Space", &create.word(1, SPACE).run(), Status::FramesBusy)
}

fn object_frames_are_busy(driver: &mut Driver) -> Verdict {
    let create = Op::object(object::CREATE_SPACE, driver.frames, driver.slot(0), driver.frame(0));
    done("create Space", create.word(1, SPACE).run())?;
    for frame in 0..SPACE {
        let out = map(driver, frame, frame, 1, Rights::READ).run();
        status("map", &out, Status::FramesBusy)?;
    }
    driver.destroy(0)
}

fn information_page(_: &mut Driver) -> Verdict {
    equal("magic", read(KERNEL_INFO).unwrap_or(0), cedo_lib::abi::info::MAGIC)?;
    holds("write faults", !can_write(KERNEL_INFO, 0))
}
