//! Memory and capabilities that come with messages.

use super::rights::copy_with;
use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::{Op, Out};
use crate::outcome::Outcome;
use crate::servant::{ECHO, GIFT, LAST_TOKEN, PROBE};
use crate::verdict::{Failure, Verdict, done, equal, holds, status};
use cedo_lib::abi::call::{capability, memory};
use cedo_lib::abi::item::{Item, MAX_PAGES};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::{Kind, Rights, Status};
use cedo_lib::raw::probe;

pub const TESTS: &[Test] = &[
    test("a copied gate arrives with the rights of the item, and its giver keeps it", copied),
    test("a moved gate works at the receiver's and is gone from its giver's slot", moved),
    test("a part of a Region arrives with its extent", part),
    test("memory that is mapped by a message is the same on both sides", mapped),
    test("memory that is lent for reading cannot be written", lent_for_reading),
    test("a gift that is sent before anybody waits arrives, too", queued),
    test("a reply brings a capability", reply_with_capability),
    test("a reply brings memory", reply_with_memory),
    test("a gift without a window is an error to both", no_window),
    test("a window that is too small is an error to both", too_small),
    test("a slot that is taken is an error to both", slot_taken),
    test("a page that is mapped is an error to both, with the pages before it", page_taken),
    test("what a sender does not have it cannot give, and the receiver waits on", not_had),
    test("what is in use does not move, and the receiver waits on", in_use),
    test("a message maps at most 32 pages", at_most_32),
    test("revoking takes back what messages brought", revoked),
];

pub const TESTS_ON_TWO_CORES: &[Test] = &[
    test("capabilities go to another core", capabilities_to_other_core),
    test("capabilities come from another core", capabilities_from_other_core),
    test("memory is mapped across cores", memory_across_cores),
    test("a reply brings memory and capabilities from another core", remote_reply),
    test("what does not get there is an error to both across cores", remote_errors),
];

const READ_WRITE: Rights = Rights::READ.or(Rights::WRITE);
const SEND_CALL: Rights = Rights::SEND.or(Rights::CALL);
const MARK: u64 = 0x6769_6674_0000_0001;
/// Where the receiver's window for capabilities begins.
const SLOT: u64 = Driver::FAR_SLOT;
/// Pages of memory items.
const PAGES: u64 = 3;

/// A step that brings this item.
fn with(op: Op, item: Item) -> Op {
    let [head, first, second, third] = item.0;
    op.flags(GIFT).word(1, head).word(2, first).word(3, second).word(4, third)
}

/// A step with room for pages.
fn room(op: Op, address: u64, pages: u64) -> Op {
    op.flags(GIFT).word(5, address | pages)
}

/// A step with room for capabilities.
fn slots(op: Op, first: u64, count: u64) -> Op {
    op.flags(GIFT).word(6, first << 32 | count)
}

/// A Region of the test's own in a scratch slot.
fn region(driver: &Driver, index: u64, pages: u64) -> Result<u64, Failure> {
    let slot = driver.slot(index);
    let divide = Op::capability(capability::DIVIDE, driver.frames, slot, SELF);
    let rights = READ_WRITE.or(Rights::EXECUTE).0.into();
    let divide = divide.word(1, rights).word(2, driver.frame(0)).word(3, pages);
    done("divide", divide.run()).map(|_| slot)
}

fn memory(slot: u64, access: Rights) -> Item {
    Item::memory(slot as u32, 0, PAGES, access)
}

/// An open receive with room for whatever comes.
fn ready(driver: &Driver) -> Op {
    slots(room(Op::receive(ANY), driver.area(), PAGES), SLOT, 1)
}

/// What a servant finds in a slot of its table.
fn identified(driver: &mut Driver, who: Who, slot: u64) -> Result<Out, Failure> {
    let step = Op::capability(capability::IDENTIFY, slot, 0, 0);
    driver.carry_out(who, &[step])?;
    finish(driver, who)
}

fn finish(driver: &Driver, who: Who) -> Result<Out, Failure> {
    driver.await_remote(who)?;
    Ok(driver.outcome(who, 0)?.out)
}

/// `sender` sends this item to `receiver`, which waits with room for it; what receiver and sender got.
fn carry(
    driver: &mut Driver,
    (sender, receiver): (Who, Who),
    item: Item,
    receive: Op,
) -> Result<(Out, Out), Failure> {
    driver.carry_out(receiver, &[receive])?;
    if receiver == Who::Far1 || receiver == Who::R1 {
        super::interrupts::spin(2_000_000);
    }
    driver.carry_out(sender, &[with(Op::send(receiver.gate()).tag(5, 1), item)])?;
    let sent = finish(driver, sender)?;
    Ok((finish(driver, receiver)?, sent))
}

/// The same with room for anything, and it arrives.
fn arrives(driver: &mut Driver, pair: (Who, Who), item: Item) -> Result<Out, Failure> {
    let receive = ready(driver);
    arrives_in(driver, pair, item, receive)
}

fn arrives_in(
    driver: &mut Driver,
    pair: (Who, Who),
    item: Item,
    receive: Op,
) -> Result<Out, Failure> {
    let (got, sent) = carry(driver, pair, item, receive)?;
    status("receiver", &got, Status::Ok)?;
    holds("sender", sent.status().is_done())?;
    Ok(got)
}

/// Both hear this, with these amounts.
fn cut(
    driver: &mut Driver,
    pair: (Who, Who),
    item: Item,
    receive: Op,
    (wanted, pages): (Status, u64),
) -> Verdict {
    let (got, sent) = carry(driver, pair, item, receive)?;
    for out in [got, sent] {
        status("status", &out, wanted)?;
        equal("items that arrived", out.words[0], 0)?;
        equal("pages of the next", out.words[1], pages)?;
    }
    Ok(())
}

fn copied(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::B.gate(), 0, Rights::ALL)?;
    let item = Item::capability(gate as u32, SEND_CALL);
    let got = arrives(driver, (Who::A, Who::Far), item)?;
    equal("reported slot", got.words[2], SLOT)?;
    equal("reported kind", got.words[3], Kind::Gate as u64)?;
    let seen = identified(driver, Who::Far, SLOT)?;
    equal("rights", seen.words[1], SEND_CALL.0.into())?;
    equal("badge", seen.words[2], Who::B.badge())?;
    done("the giver's", Op::capability(capability::IDENTIFY, gate, 0, 0).run()).map(|_| ())
}

fn moved(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::B.gate(), 0, Rights::ALL)?;
    let item = Item::capability(gate as u32, Rights::ALL).moves();
    arrives(driver, (Who::A, Who::Far), item)?;
    let seen = Op::capability(capability::IDENTIFY, gate, 0, 0).run();
    status("the giver's slot", &seen, Status::NoCapability)?;
    driver.carry_out(Who::Far, &[Op::call(SLOT).tag(ECHO, 1).word(0, 41)])?;
    equal("reply", driver.outcome(Who::Far, 0)?.out.words[0], 42)
}

fn part(driver: &mut Driver) -> Verdict {
    let region = region(driver, 0, 8)?;
    let item = Item::part(region as u32, 2, 5, Rights::READ);
    let got = arrives(driver, (Who::A, Who::Far), item)?;
    equal("reported kind", got.words[3], Kind::Region as u64)?;
    equal("reported pages", got.words[4], 5)?;
    let whole = done("identify", Op::capability(capability::IDENTIFY, region, 0, 0).run())?;
    let seen = identified(driver, Who::Far, SLOT)?;
    equal("rights", seen.words[1], Rights::READ.0.into())?;
    equal("first page", seen.words[2], whole.words[2] + 2)?;
    equal("pages", seen.words[3], 5)
}

/// Reads or writes by a probe of a servant's; what it came to.
fn probed(driver: &mut Driver, who: Who, write: u64, address: u64) -> Result<Out, Failure> {
    let step = Op::raw(PROBE).word(0, write).word(1, address).word(2, MARK + 1);
    driver.carry_out(who, &[step])?;
    finish(driver, who)
}

/// Maps the Region's pages in the driver's Space and writes a mark into the last one.
fn marked(driver: &Driver, region: u64) -> Verdict {
    let map = Op::memory(memory::MAP, SELF, region).word(1, driver.area()).word(2, PAGES);
    done("map", map.word(3, READ_WRITE.0.into()).run())?;
    let last = driver.area() + (PAGES - 1) * PAGE_SIZE;
    holds("write", probe::write(last, MARK).caught == 0)
}

/// The page behind a window of the receiver's that leads to the marked one.
fn last_page(driver: &Driver) -> u64 {
    driver.area() + (PAGES - 1) * PAGE_SIZE
}

fn mapped_between(driver: &mut Driver, sender: Who, receiver: Who) -> Verdict {
    let region = region(driver, 0, PAGES)?;
    marked(driver, region)?;
    let item = memory(region, READ_WRITE);
    let got = arrives(driver, (sender, receiver), item)?;
    equal("reported address", got.words[2], driver.area())?;
    equal("reported pages", got.words[3], PAGES)?;
    let at = last_page(driver);
    let seen = probed(driver, receiver, 0, at)?;
    equal("a fault", seen.words[0], 0)?;
    equal("the mark", seen.words[1], MARK)?;
    equal("a fault", probed(driver, receiver, 1, at)?.words[0], 0)?;
    equal("what the receiver wrote", probe::read(at, 0).value, MARK + 1)
}

fn mapped(driver: &mut Driver) -> Verdict {
    mapped_between(driver, Who::A, Who::Far)
}

fn lent_for_reading(driver: &mut Driver) -> Verdict {
    let region = region(driver, 0, PAGES)?;
    marked(driver, region)?;
    let item = memory(region, Rights::READ);
    arrives(driver, (Who::A, Who::Far), item)?;
    let at = last_page(driver);
    equal("the mark", probed(driver, Who::Far, 0, at)?.words[1], MARK)?;
    equal("a write faults", probed(driver, Who::Far, 1, at)?.words[0], 1)?;
    equal("the mark", probe::read(at, 0).value, MARK)
}

fn queued(driver: &mut Driver) -> Verdict {
    let region = region(driver, 0, PAGES)?;
    for (slot, item) in [
        (0, memory(region, Rights::READ)),
        (SLOT + 2, Item::part(region as u32, 0, 1, Rights::READ)),
    ] {
        let receive = slots(room(Op::receive(ANY), driver.area(), PAGES), slot, 1);
        driver.keep_busy(Who::Far, &[receive])?;
        driver.carry_out(Who::A, &[with(Op::send(Who::Far.gate()).tag(5, 1), item)])?;
        driver.is_busy("the sender waits", Who::A)?;
        driver.let_go(Who::Far)?;
        finish(driver, Who::Far)?;
        status("receiver", &driver.outcome(Who::Far, 1)?.out, Status::Ok)?;
        holds("sender", finish(driver, Who::A)?.status().is_done())?;
    }
    Ok(())
}

/// `client` calls `server` with room for whatever comes; the answer brings this item. What client and
/// server got.
fn answered(
    driver: &mut Driver,
    (server, client): (Who, Who),
    item: Item,
) -> Result<(Out, Out), Failure> {
    let reply = with(Op::send(LAST_TOKEN).tag(6, 1), item);
    driver.carry_out(server, &[Op::receive(ANY), reply])?;
    let gate = if client == Who::Far { Driver::FAR_SLOT + 1 } else { server.gate() };
    let call = room(Op::call(gate).tag(3, 0), driver.area(), PAGES);
    driver.carry_out(client, &[slots(call, SLOT, 1)])?;
    let got = finish(driver, client)?;
    finish(driver, server)?;
    let Outcome { out, .. } = driver.outcome(server, 1)?;
    Ok((got, out))
}

/// The other Space gets a gate to A for the time of a test.
fn far_calls_a(driver: &Driver) -> Verdict {
    let all = u64::from(Rights::ALL.0);
    let gate = copy_with(driver, Who::A.gate(), 5, Rights::ALL)?;
    let to = Driver::FAR_SLOT + 1;
    let copy = Op::capability(capability::COPY, gate, to, driver.other_space).word(1, all);
    done("a gate for the other Space", copy.run()).map(|_| ())
}

fn reply_with_capability(driver: &mut Driver) -> Verdict {
    far_calls_a(driver)?;
    let gate = copy_with(driver, Who::B.gate(), 0, Rights::ALL)?;
    let item = Item::capability(gate as u32, Rights::SEND).moves();
    let (got, sent) = answered(driver, (Who::A, Who::Far), item)?;
    status("client", &got, Status::Ok)?;
    holds("server", sent.status().is_done())?;
    equal("rights", identified(driver, Who::Far, SLOT)?.words[1], Rights::SEND.0.into())
}

fn reply_with_memory(driver: &mut Driver) -> Verdict {
    far_calls_a(driver)?;
    let region = region(driver, 0, PAGES)?;
    marked(driver, region)?;
    let (got, sent) = answered(driver, (Who::A, Who::Far), memory(region, Rights::READ))?;
    status("client", &got, Status::Ok)?;
    holds("server", sent.status().is_done())?;
    let at = last_page(driver);
    equal("the mark", probed(driver, Who::Far, 0, at)?.words[1], MARK)
}

fn no_window(driver: &mut Driver) -> Verdict {
    let region = region(driver, 0, PAGES)?;
    let pair = (Who::A, Who::Far);
    let overflow = (Status::Overflow, 0);
    cut(driver, pair, memory(region, Rights::READ), Op::receive(ANY), overflow)?;
    let receive = room(Op::receive(ANY), driver.area(), PAGES);
    let item = Item::capability(region as u32, Rights::READ).moves();
    cut(driver, pair, item, receive, overflow)?;
    done("the giver's", Op::capability(capability::IDENTIFY, region, 0, 0).run()).map(|_| ())
}

fn too_small(driver: &mut Driver) -> Verdict {
    let region = region(driver, 0, PAGES)?;
    let pair = (Who::A, Who::Far);
    let receive = room(Op::receive(ANY), driver.area(), PAGES - 1);
    cut(driver, pair, memory(region, Rights::READ), receive, (Status::Overflow, 0))?;
    let beyond = slots(Op::receive(ANY), 4000, 9);
    let item = Item::capability(region as u32, Rights::READ);
    cut(driver, pair, item, beyond, (Status::Overflow, 0))
}

fn slot_taken(driver: &mut Driver) -> Verdict {
    driver.give_far_gate(Who::B)?;
    let gate = copy_with(driver, Who::C.gate(), 0, Rights::ALL)?;
    let item = Item::capability(gate as u32, Rights::ALL).moves();
    let receive = ready(driver);
    cut(driver, (Who::A, Who::Far), item, receive, (Status::Occupied, 0))?;
    equal("badge", identified(driver, Who::Far, SLOT)?.words[2], Who::B.badge())?;
    done("the giver's", Op::capability(capability::IDENTIFY, gate, 0, 0).run()).map(|_| ())
}

fn page_taken(driver: &mut Driver) -> Verdict {
    let region = region(driver, 0, PAGES)?;
    let map = Op::memory(memory::MAP, driver.other_space, region).word(1, last_page(driver));
    done("map", map.word(2, 1).word(3, Rights::READ.0.into()).run())?;
    let receive = ready(driver);
    let item = memory(region, Rights::READ);
    cut(driver, (Who::A, Who::Far), item, receive, (Status::Occupied, PAGES - 1))
}

/// A's send with this item ends with this status, and nobody else hears of it.
fn refused(driver: &mut Driver, item: Item, wanted: Status) -> Verdict {
    let send = Op::send(Who::Far.gate()).tag(5, 1);
    driver.carry_out(Who::A, &[with(send, item)])?;
    status("sender", &driver.outcome(Who::A, 0)?.out, wanted)?;
    driver.is_busy("the receiver waits on", Who::Far)
}

fn not_had(driver: &mut Driver) -> Verdict {
    let region = copy_with(driver, driver.frames, 0, Rights::READ)? as u32;
    let empty = driver.slot(3) as u32;
    let gate = Who::B.gate() as u32;
    let receive = ready(driver);
    driver.carry_out(Who::Far, &[receive])?;
    refused(driver, Item::capability(empty, Rights::ALL), Status::NoCapability)?;
    refused(driver, Item::memory(empty, 0, 1, Rights::READ), Status::NoCapability)?;
    refused(driver, Item::memory(gate, 0, 1, Rights::READ), Status::WrongKind)?;
    refused(driver, Item::part(gate, 0, 1, Rights::ALL), Status::WrongKind)?;
    refused(driver, Item::memory(region, 0, 1, READ_WRITE), Status::NoRight)?;
    refused(driver, Item::memory(region, 1 << 40, 1, Rights::READ), Status::BadArgument)?;
    refused(driver, Item::part(region, 0, 1, Rights::READ).moves(), Status::BadArgument)
}

fn in_use(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::B.gate(), 0, Rights::ALL)?;
    let copy = Op::capability(capability::COPY, gate, driver.slot(1), SELF);
    done("copy", copy.word(1, Rights::ALL.0.into()).run())?;
    let receive = ready(driver);
    driver.carry_out(Who::Far, &[receive])?;
    let item = Item::capability(gate as u32, Rights::ALL);
    refused(driver, item.moves(), Status::HasDependents)?;
    driver.carry_out(Who::A, &[with(Op::send(Who::Far.gate()).tag(5, 1), item)])?;
    status("a copy", &finish(driver, Who::Far)?, Status::Ok)
}

fn at_most_32(driver: &mut Driver) -> Verdict {
    let frames = driver.frames as u32;
    let receive = room(Op::receive(ANY), driver.area(), 64);
    driver.carry_out(Who::Far, &[receive])?;
    let item = Item::memory(frames, driver.frame(0), MAX_PAGES + 1, Rights::READ);
    refused(driver, item, Status::BadArgument)?;
    let region = copy_with(driver, driver.frames, 0, Rights::READ)? as u32;
    let item = Item::memory(region, driver.frame(0), MAX_PAGES, Rights::READ);
    driver.carry_out(Who::A, &[with(Op::send(Who::Far.gate()).tag(5, 1), item)])?;
    equal("pages", finish(driver, Who::Far)?.words[3], MAX_PAGES)
}

/// Takes back what depends on a slot.
fn revoke(slot: u64) -> Verdict {
    for _ in 0..100_000 {
        let more = done("revoke", Op::capability(capability::REVOKE, slot, 0, 0).run())?;
        if more.words[0] == 0 {
            return Ok(());
        }
    }
    holds("revoking comes to an end", false)
}

fn revoked(driver: &mut Driver) -> Verdict {
    let region = region(driver, 0, PAGES)?;
    let moved = driver.slot(1);
    let copy = Op::capability(capability::COPY, region, moved, SELF);
    done("copy", copy.word(1, Rights::ALL.0.into()).run())?;
    let pair = (Who::A, Who::Far);
    arrives(driver, pair, memory(region, Rights::READ))?;
    let item = Item::capability(moved as u32, Rights::ALL).moves();
    arrives(driver, pair, item)?;
    let at = driver.area();
    equal("no fault", probed(driver, Who::Far, 0, at)?.words[0], 0)?;
    revoke(region)?;
    equal("a fault", probed(driver, Who::Far, 0, at)?.words[0], 1)?;
    status("the slot", &identified(driver, Who::Far, SLOT)?, Status::NoCapability)
}

/// A copy and then the capability itself from one to the other.
fn capabilities(driver: &mut Driver, pair: (Who, Who)) -> Verdict {
    let gate = copy_with(driver, Who::B.gate(), 0, Rights::ALL)?;
    let copy = Item::capability(gate as u32, Rights::SEND);
    let to = if pair.1 == Who::Far1 { SLOT } else { driver.slot(4) };
    for item in [copy, copy.moves()] {
        let got = arrives_in(driver, pair, item, slots(Op::receive(ANY), to, 1))?;
        equal("reported slot", got.words[2], to)?;
        let seen = identified(driver, pair.1, to)?;
        equal("badge", seen.words[2], Who::B.badge())?;
        if item == copy {
            revoke(gate)?;
            status("taken back", &identified(driver, pair.1, to)?, Status::NoCapability)?;
        }
    }
    let seen = Op::capability(capability::IDENTIFY, gate, 0, 0).run();
    status("the giver's slot", &seen, Status::NoCapability)
}

fn capabilities_to_other_core(driver: &mut Driver) -> Verdict {
    capabilities(driver, (Who::A, Who::Far1))
}

fn capabilities_from_other_core(driver: &mut Driver) -> Verdict {
    capabilities(driver, (Who::R1, Who::A))
}

fn memory_across_cores(driver: &mut Driver) -> Verdict {
    mapped_between(driver, Who::A, Who::Far1)
}

fn remote_reply(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::B.gate(), 0, Rights::ALL)?;
    let item = Item::capability(gate as u32, Rights::SEND).moves();
    let reply = with(Op::send(LAST_TOKEN).tag(6, 1), item);
    driver.carry_out(Who::R1, &[Op::receive(ANY), reply])?;
    let call = Op::call(Who::R1.gate()).tag(3, 0);
    driver.carry_out(Who::A, &[slots(call, driver.slot(4), 1)])?;
    let got = finish(driver, Who::A)?;
    status("client", &got, Status::Ok)?;
    equal("reported slot", got.words[2], driver.slot(4))?;
    driver.await_remote(Who::R1)?;
    holds("server", driver.outcome(Who::R1, 1)?.out.status().is_done())?;
    let seen = Op::capability(capability::IDENTIFY, driver.slot(4), 0, 0).run();
    equal("rights", done("identify", seen)?.words[1], Rights::SEND.0.into())
}

fn remote_errors(driver: &mut Driver) -> Verdict {
    let gate = copy_with(driver, Who::B.gate(), 0, Rights::ALL)?;
    let item = Item::capability(gate as u32, Rights::SEND).moves();
    let pair = (Who::A, Who::Far1);
    cut(driver, pair, item, Op::receive(ANY), (Status::Overflow, 0))?;
    driver.give_far_gate(Who::C)?;
    let receive = slots(Op::receive(ANY), SLOT, 1);
    cut(driver, pair, item, receive, (Status::Occupied, 0))?;
    done("the giver's", Op::capability(capability::IDENTIFY, gate, 0, 0).run()).map(|_| ())
}
