//! Revoking takes back what was made by means of a capability, wherever it is and whoever uses it; so
//! does unmapping with what another core still has in its translations.

use super::memory::map;
use super::rights::copy_with;
use super::{Test, test};
use crate::cast::Who;
use crate::driver::{Driver, SPACE};
use crate::op::Op;
use crate::patience::comes_elsewhere;
use crate::servant::{ECHO, PROGRESS, probing_on};
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{capability, memory, object};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::SELF;
use cedo_lib::abi::{Rights, Status};
use cedo_lib::raw::probe;
use core::sync::atomic::Ordering;

pub const TESTS: &[Test] = &[
    test(
        "revoking takes back copies of copies, in other Spaces too, and keeps the original",
        copies,
    ),
    test("revoking a Region takes back what was mapped from it", mappings),
    test("revoking a Region destroys what was made of it, and its frames are free again", objects),
    test("revoking a Region takes back page tables made of it, with what they map", stock),
    test("a revocation that one thread leaves in the middle is ended by another one", two_threads),
];

pub const TESTS_ON_TWO_CORES: &[Test] = &[
    test("a page that another core reads is gone for it when unmapping returns", unmapped_reader),
    test("a page that another core writes is gone for it when unmapping returns", unmapped_writer),
    test("a page that another core reads is gone for it when revoking returns", revoked_reader),
    test("a page that another core writes is gone for it when revoking returns", revoked_writer),
];

const READ_WRITE: Rights = Rights::READ.or(Rights::WRITE);
const ALL: u64 = Rights::ALL.0 as u64;
const MARK: u64 = 0x7265_766f_6b65_0001;
const POISON: u64 = 0x7265_766f_6b65_0bad;
/// Frames of the part that is revoked.
const PART: u64 = 24;
/// Frames for page tables.
const STOCK: u64 = 8;
/// Times that a page is taken from another core.
const ROUNDS: u64 = 25;

/// One step of a revocation; true if there is more to do.
fn revoke_step(slot: u64) -> Result<bool, Failure> {
    let out = done("revoke", Op::capability(capability::REVOKE, slot, 0, 0).run())?;
    Ok(out.words[0] != 0)
}

fn revoke(slot: u64) -> Verdict {
    for _ in 0..100_000 {
        if !revoke_step(slot)? {
            return Ok(());
        }
    }
    holds("revoking comes to an end", false)
}

/// A part of the test's frames of its own, in scratch slot 0.
fn divide(driver: &Driver, pages: u64) -> Result<u64, Failure> {
    let slot = driver.slot(0);
    let divide = Op::capability(capability::DIVIDE, driver.frames, slot, SELF).word(1, ALL);
    done("divide", divide.word(2, driver.frame(0)).word(3, pages).run())?;
    Ok(slot)
}

/// Maps a page of the part.
fn map_part(driver: &Driver, part: u64, page: u64, offset: u64) -> Verdict {
    let map = Op::memory(memory::MAP, SELF, part).word(0, page).word(2, 1);
    let map = map.word(1, driver.area() + offset * PAGE_SIZE).word(3, READ_WRITE.0.into());
    done("map a page of the part", map.run()).map(|_| ())
}

fn is_empty(what: &'static str, slot: u64) -> Verdict {
    let seen = Op::capability(capability::IDENTIFY, slot, 0, 0).run();
    status(what, &seen, Status::NoCapability)
}

fn copies(driver: &mut Driver) -> Verdict {
    let first = copy_with(driver, Who::A.gate(), 0, Rights::ALL)?;
    let second = copy_with(driver, first, 1, Rights::ALL)?;
    let far = Op::capability(capability::COPY, second, Driver::FAR_SLOT, driver.other_space);
    done("a copy for the other Space", far.word(1, ALL).run())?;
    revoke(first)?;
    is_empty("the copy", second)?;
    driver.carry_out(Who::Far, &[Op::call(Driver::FAR_SLOT).tag(ECHO, 0)])?;
    status("the other Space's", &driver.outcome(Who::Far, 0)?.out, Status::NoCapability)?;
    done("the original", Op::call(first).tag(ECHO, 0).run()).map(|_| ())
}

fn mappings(driver: &mut Driver) -> Verdict {
    let part = divide(driver, PART)?;
    for page in 0..PART {
        map_part(driver, part, page, page)?;
        holds("write", probe::write(driver.area() + page * PAGE_SIZE, MARK).caught == 0)?;
    }
    done("a page of its neighbour", map(driver, PART, PART, 1, READ_WRITE).run())?;
    revoke(part)?;
    for page in 0..PART {
        let seen = probe::read(driver.area() + page * PAGE_SIZE, 0);
        equal("a read of what was taken back is caught", seen.caught, 1)?;
    }
    let neighbour = probe::read(driver.area() + PART * PAGE_SIZE, 0);
    equal("the neighbour is there", neighbour.caught, 0)
}

fn create_space(region: u64, first: u64, slot: u64) -> Op {
    Op::object(object::CREATE_SPACE, region, slot, first).word(1, SPACE)
}

fn objects(driver: &mut Driver) -> Verdict {
    let part = divide(driver, PART)?;
    let space = driver.slot(1);
    done("create a Space", create_space(part, 0, space).run())?;
    let copy = copy_with(driver, space, 2, Rights::ALL)?;
    let busy = create_space(part, SPACE - 1, driver.slot(3)).run();
    status("a frame that is taken", &busy, Status::FramesBusy)?;
    revoke(part)?;
    is_empty("the Space", space)?;
    is_empty("its copy", copy)?;
    done("create a Space of the same frames", create_space(part, 0, space).run())?;
    revoke(part)
}

fn stock(driver: &mut Driver) -> Verdict {
    // Far from what the Space has already, so that the page needs tables.
    let address = driver.area() + (1 << 30);
    let part = divide(driver, STOCK)?;
    let space = driver.slot(1);
    done("create a Space", create_space(driver.frames, driver.frame(STOCK), space).run())?;
    let give = Op::memory(memory::STOCK, space, part).word(0, 0).word(1, STOCK);
    done("stock", give.run())?;
    let map = Op::memory(memory::MAP, space, driver.frames).word(0, driver.frame(STOCK + SPACE));
    let map = map.word(1, address).word(2, 1).word(3, READ_WRITE.0.into());
    done("map through tables of the part", map.run())?;
    status("it is mapped", &map.run(), Status::Occupied)?;
    revoke(part)?;
    status("no table is left", &map.run(), Status::NoStock)?;
    done("stock again", give.run())?;
    done("nothing was there", map.run())?;
    driver.destroy(1)
}

fn two_threads(driver: &mut Driver) -> Verdict {
    let part = divide(driver, PART)?;
    let space = driver.slot(1);
    done("create a Space", create_space(part, 0, space).run())?;
    for page in SPACE..PART {
        map_part(driver, part, page, page)?;
    }
    holds("there is more to do than one call does", revoke_step(part)?)?;
    let step = Op::capability(capability::REVOKE, part, 0, 0);
    let more = |driver: &mut Driver| {
        driver.carry_out(Who::A, &[step])?;
        // A step may wait for the other cores to have seen it.
        driver.await_remote(Who::A)?;
        Ok(done("A's step", driver.outcome(Who::A, 0)?.out)?.words[0] != 0)
    };
    let mut steps = 0;
    while more(driver)? {
        steps += 1;
        holds("A comes to the end", steps < 100_000)?;
    }
    is_empty("the Space", space)?;
    let seen = probe::read(driver.area() + SPACE * PAGE_SIZE, 0);
    equal("a read of what was taken back is caught", seen.caught, 1)
}

/// A servant of another core uses a page of the part all the time; `take` takes it away. From then on
/// nothing that is written to the frame is read there, and nothing that is written there arrives.
fn taken_from_another_core(
    driver: &mut Driver,
    use_it: probe::Probe,
    take: fn(&Driver, u64, u64) -> Verdict,
) -> Verdict {
    let part = divide(driver, PART)?;
    // The same frame by another way, which stays.
    done("a mapping to look through", map(driver, 0, 1, 1, READ_WRITE).run())?;
    let (used, seen) = (driver.area(), driver.area() + PAGE_SIZE);
    for _ in 0..ROUNDS {
        holds("the mark is written", probe::write(seen, MARK).caught == 0)?;
        map_part(driver, part, 0, 0)?;
        let before = PROGRESS.load(Ordering::SeqCst);
        driver.order(Who::R1, &[probing_on(use_it, used, MARK)])?;
        let uses = || PROGRESS.load(Ordering::SeqCst) > before + 10;
        holds("the other core uses the page", comes_elsewhere(uses))?;
        take(driver, part, used)?;
        holds("the frame is written", probe::write(seen, POISON).caught == 0)?;
        driver.await_remote(Who::R1)?;
        let out = driver.outcome(Who::R1, 0)?.out;
        equal("the other core's last try is caught", out.words[0], 1)?;
        holds("it never read what came later", out.words[1] != POISON)?;
        equal("it wrote nothing later", probe::read(seen, 0).value, POISON)?;
    }
    Ok(())
}

fn by_unmapping(_: &Driver, _: u64, address: u64) -> Verdict {
    let unmap = Op::memory(memory::UNMAP, SELF, 0).word(0, address).word(1, 1);
    equal("pages unmapped", done("unmap", unmap.run())?.words[0], 1)
}

fn by_revoking(_: &Driver, part: u64, _: u64) -> Verdict {
    revoke(part)
}

fn unmapped_reader(driver: &mut Driver) -> Verdict {
    taken_from_another_core(driver, probe::read, by_unmapping)
}

fn unmapped_writer(driver: &mut Driver) -> Verdict {
    taken_from_another_core(driver, probe::write, by_unmapping)
}

fn revoked_reader(driver: &mut Driver) -> Verdict {
    taken_from_another_core(driver, probe::read, by_revoking)
}

fn revoked_writer(driver: &mut Driver) -> Verdict {
    taken_from_another_core(driver, probe::write, by_revoking)
}
