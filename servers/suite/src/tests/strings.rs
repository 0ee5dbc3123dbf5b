//! Strings: bytes that are copied from one Space to another, in steps that interrupts come between.

use super::interrupts::arm;
use super::{Test, test};
use crate::cast::{Who, is_chain};
use crate::driver::{Driver, SHARED_FRAMES, epoch};
use crate::op::Op;
use crate::outcome::Outcome;
use crate::pager::{self, Range};
use crate::servant::{EXCHANGE, LAST_TOKEN, SPLIT_STRING, SPLIT_WINDOW};
use crate::verdict::{Failure, Verdict, done, equal, failure, holds, status};
use cedo_lib::View;
use cedo_lib::abi::call::{memory, thread};
use cedo_lib::abi::item::MAX_STRING;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Label, Rights, Status};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub const TESTS: &[Test] = &[
    test("0 bytes to 4 MiB arrive unchanged in the same Space", same_space),
    test("0 bytes to 4 MiB arrive unchanged in another Space", other_space),
    test("a string that is sent before anybody waits arrives, too", queued),
    test("a reply brings a string", reply),
    test("pieces go to pieces of other sizes", pieces),
    test("what does not fit is an error to both, with the amount", overflow),
    test("a string without a window is an error to both", no_window),
    test("missing pages of the sender are brought by its pager", sender_pages),
    test("missing pages of the receiver are brought by its pager", receiver_pages),
    test("missing pages of both are brought by a pager", both_pages),
    test("a reply waits for no page of its caller's", reply_without_pages),
    test("an interrupt is handled in the middle of a long string", interrupted),
    test("a long string is cancelled in the middle, and says how far it got", cancelled),
    test("a string that is too long is refused", too_long),
];

pub const TESTS_ON_TWO_CORES: &[Test] = &[
    test("0 bytes to 4 MiB arrive unchanged on another core", to_other_core),
    test("0 bytes to 4 MiB arrive unchanged from another core", from_other_core),
    test("a reply brings a string from another core", remote_reply),
    test("what does not fit is an error to both across cores", remote_overflow),
    test("missing pages are brought by a pager of either core", remote_pages),
];

/// Where strings are sent from, in both Spaces, and where they go to.
const SOURCE: u64 = place::MEMORY + 0x4000_0000;
const TARGET: u64 = SOURCE + 0x80_0000;
/// The same frames at addresses that are mapped page by page, one range for each test.
const LAZY: u64 = SOURCE + 0x1000_0000;
const LAZY_STRIDE: u64 = 0x100_0000;
/// Pages of either.
const PAGES: u64 = MAX_STRING / PAGE_SIZE + 2;
/// First frames of either in the Region "frames".
const SOURCE_FRAME: u64 = 0;
const TARGET_FRAME: u64 = SOURCE_FRAME + PAGES;
const STOCK_FRAME: u64 = TARGET_FRAME + PAGES;
/// Frames of stock that either Space gets.
const STOCK: u64 = 32;

const _: () = assert!(STOCK_FRAME + 2 * STOCK <= SHARED_FRAMES);

const LENGTHS: [u64; 8] = [1, 7, 8, 4095, 4096, 4097, 0x1_0003, MAX_STRING];

static READY: AtomicBool = AtomicBool::new(false);
static LAZY_RANGES: AtomicU64 = AtomicU64::new(0);

fn view(address: u64, bytes: u64) -> Result<View, Failure> {
    View::new(address & !7, (bytes + 8) as usize)
        .ok_or_else(|| failure("the buffers are in the area for mappings"))
}

/// Maps the buffers in both Spaces, once, and fills what is sent.
fn prepare(driver: &Driver) -> Verdict {
    if READY.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    for (number, space) in [SELF, driver.other_space].into_iter().enumerate() {
        let first = STOCK_FRAME + number as u64 * STOCK;
        let stock = Op::memory(memory::STOCK, space, driver.frames).word(0, first).word(1, STOCK);
        done("stock for page tables", stock.run())?;
        map(driver, space, SOURCE, SOURCE_FRAME, PAGES)?;
        map(driver, space, TARGET, TARGET_FRAME, PAGES)?;
    }
    let source = view(SOURCE, PAGES * PAGE_SIZE - 8)?;
    for word in 0..(PAGES * PAGE_SIZE / 8) as usize {
        source.set_word(word, pattern(word as u64));
    }
    Ok(())
}

fn map(driver: &Driver, space: u64, address: u64, first: u64, pages: u64) -> Verdict {
    let mut page = 0;
    while page < pages {
        let map = Op::memory(memory::MAP, space, driver.frames).word(0, first + page);
        let map = map.word(1, address + page * PAGE_SIZE).word(2, pages - page);
        let out = done("map", map.word(3, Rights::READ.or(Rights::WRITE).0.into()).run())?;
        page += out.words[0];
    }
    Ok(())
}

fn pattern(word: u64) -> u64 {
    (word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Clears the first bytes of the target, and a little beyond.
fn clear(bytes: u64) -> Verdict {
    let target = view(TARGET, PAGES * PAGE_SIZE - 8)?;
    let words = (bytes / 8 + 4) as usize;
    (0..words).for_each(|word| target.set_word(word, 0));
    Ok(())
}

/// The target holds `bytes` bytes of the source, shifted by these offsets, and zeroes beyond.
fn arrived(bytes: u64, from: u64, to: u64) -> Verdict {
    let source = view(SOURCE, PAGES * PAGE_SIZE - 8)?;
    let target = view(TARGET, PAGES * PAGE_SIZE - 8)?;
    if from % 8 == to % 8 && bytes > PAGE_SIZE {
        // Whole words; the bytes before and behind them are checked with shorter strings.
        let (first, words) = (8 - from % 8, (bytes - 8) / 8);
        for word in 0..words {
            let at = |offset: u64| ((offset + first) / 8 + word) as usize;
            equal("a word", target.word(at(to)), source.word(at(from)))?;
        }
    } else {
        for index in 0..bytes {
            let (got, sent) =
                (target.byte((to + index) as usize), source.byte((from + index) as usize));
            equal("a byte", u64::from(got), u64::from(sent))?;
        }
    }
    for index in 0..to {
        equal("a byte before the window", u64::from(target.byte(index as usize)), 0)?;
    }
    for index in to + bytes..to + bytes + 8 {
        equal("a byte behind the string", u64::from(target.byte(index as usize)), 0)?;
    }
    Ok(())
}

/// A step of a servant that sends this string, or opens this window, with it.
fn with_string(op: Op, address: u64, bytes: u64) -> Op {
    op.flags(EXCHANGE).tag(9, 1).word(1, address).word(2, bytes)
}

fn with_window(op: Op, address: u64, bytes: u64) -> Op {
    op.flags(EXCHANGE).word(3, address).word(4, bytes)
}

fn is_remote(who: Who) -> bool {
    matches!(who, Who::R1 | Who::Far1)
}

/// Gives an order and lets it happen, on whatever core.
fn begin(driver: &mut Driver, who: Who, step: Op) -> Verdict {
    driver.carry_out(who, &[step])
}

/// What the only step of a servant came to.
fn end(driver: &Driver, who: Who) -> Result<Outcome, Failure> {
    driver.await_remote(who)?;
    driver.outcome(who, 0)
}

/// `sender` sends to `receiver`, which waits or, if it does not come first, receives once the message
/// is queued; what receiver and sender got.
fn carry(
    driver: &mut Driver,
    (sender, send): (Who, Op),
    (receiver, receive): (Who, Op),
    receiver_first: bool,
) -> Result<(Outcome, Outcome), Failure> {
    if receiver_first {
        begin(driver, receiver, receive)?;
        let _ = is_remote(receiver).then(|| super::interrupts::spin(2_000_000));
        begin(driver, sender, send)?;
        return Ok((end(driver, receiver)?, end(driver, sender)?));
    }
    driver.keep_busy(receiver, &[receive])?;
    begin(driver, sender, send)?;
    let _ = is_remote(receiver).then(|| super::interrupts::spin(2_000_000));
    driver.let_go(receiver)?;
    end(driver, receiver)?;
    Ok((driver.outcome(receiver, 1)?, end(driver, sender)?))
}

/// Every length from `sender` to `receiver`, at addresses that are alike and at others.
fn all_lengths(driver: &mut Driver, sender: Who, receiver: Who, first: bool) -> Verdict {
    prepare(driver)?;
    if matches!(sender, Who::Far | Who::Far1) {
        driver.give_far_gate(receiver)?;
    }
    let gate = match sender {
        Who::Far | Who::Far1 => Driver::FAR_SLOT,
        _ => receiver.gate(),
    };
    for bytes in LENGTHS {
        for (from, to) in [(3, 3), (0, 5)] {
            if bytes == MAX_STRING && from != to {
                continue;
            }
            clear(bytes + to)?;
            let send = with_string(Op::send(gate), SOURCE + from, bytes);
            let receive = with_window(Op::receive(ANY), TARGET + to, bytes);
            let (got, sent) = carry(driver, (sender, send), (receiver, receive), first)?;
            status("receiver", &got.out, Status::Ok)?;
            holds("sender", sent.out.status().is_done())?;
            equal("length", got.out.words[6], bytes)?;
            arrived(bytes, from, to)?;
        }
    }
    Ok(())
}

fn same_space(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::A, Who::B, true)
}

fn other_space(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::A, Who::Far, true)?;
    all_lengths(driver, Who::Far, Who::A, true)
}

fn queued(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::A, Who::Far, false)
}

fn to_other_core(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::A, Who::R1, true)?;
    all_lengths(driver, Who::A, Who::Far1, true)
}

fn from_other_core(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::R1, Who::A, true)?;
    all_lengths(driver, Who::Far1, Who::A, true)
}

/// `client` calls `server`, which answers with a string of `bytes` bytes to a window of `room`.
fn answer(
    driver: &mut Driver,
    (server, client): (Who, Who),
    (bytes, room): (u64, u64),
) -> Result<(Outcome, Outcome), Failure> {
    prepare(driver)?;
    clear(bytes + 8)?;
    let reply = with_string(Op::send(LAST_TOKEN), SOURCE, bytes);
    driver.carry_out(server, &[Op::receive(ANY), reply])?;
    let call = with_window(Op::call(server.gate()).tag(3, 0), TARGET, room);
    begin(driver, client, call)?;
    let got = end(driver, client)?;
    end(driver, server)?;
    Ok((got, driver.outcome(server, 1)?))
}

fn reply_between(driver: &mut Driver, server: Who, client: Who) -> Verdict {
    for bytes in [1, 5000, MAX_STRING] {
        let (got, sent) = answer(driver, (server, client), (bytes, bytes))?;
        status("caller", &got.out, Status::Ok)?;
        holds("server", sent.out.status().is_done())?;
        equal("length", got.out.words[6], bytes)?;
        arrived(bytes, 0, 0)?;
    }
    Ok(())
}

fn reply(driver: &mut Driver) -> Verdict {
    reply_between(driver, Who::Far, Who::A)
}

fn remote_reply(driver: &mut Driver) -> Verdict {
    reply_between(driver, Who::Far1, Who::A)?;
    reply_between(driver, Who::A, Who::R1)
}

fn pieces(driver: &mut Driver) -> Verdict {
    prepare(driver)?;
    for shape in [SPLIT_STRING, SPLIT_WINDOW, SPLIT_STRING | SPLIT_WINDOW] {
        for bytes in [2, 9, 5000, 70_001] {
            clear(bytes + 8)?;
            let send = with_string(Op::send(Who::Far.gate()), SOURCE, bytes).word(5, shape);
            let receive = with_window(Op::receive(ANY), TARGET, bytes).word(5, shape);
            let (got, _) = carry(driver, (Who::A, send), (Who::Far, receive), true)?;
            status("receiver", &got.out, Status::Ok)?;
            equal("length", got.out.words[6], bytes)?;
            arrived(bytes, 0, 0)?;
        }
    }
    Ok(())
}

fn overflow_between(driver: &mut Driver, sender: Who, receiver: Who) -> Verdict {
    prepare(driver)?;
    for first in [true, false] {
        let send = with_string(Op::send(receiver.gate()), SOURCE, 9000);
        let receive = with_window(Op::receive(ANY), TARGET, 8999);
        let (got, sent) = carry(driver, (sender, send), (receiver, receive), first)?;
        for outcome in [got, sent] {
            status("status", &outcome.out, Status::Overflow)?;
            equal("items moved", outcome.out.words[0], 0)?;
            equal("bytes of the next", outcome.out.words[1], 8999)?;
        }
    }
    Ok(())
}

fn overflow(driver: &mut Driver) -> Verdict {
    overflow_between(driver, Who::A, Who::Far)?;
    let (got, sent) = answer(driver, (Who::Far, Who::A), (9000, 8999))?;
    status("caller", &got.out, Status::Overflow)?;
    status("server", &sent.out, Status::Overflow)
}

fn remote_overflow(driver: &mut Driver) -> Verdict {
    overflow_between(driver, Who::A, Who::R1)?;
    overflow_between(driver, Who::A, Who::Far1)
}

fn no_window(driver: &mut Driver) -> Verdict {
    prepare(driver)?;
    let send = with_string(Op::send(Who::Far.gate()), SOURCE, 1);
    let (got, sent) = carry(driver, (Who::A, send), (Who::Far, Op::receive(ANY)), true)?;
    status("receiver", &got.out, Status::Overflow)?;
    status("sender", &sent.out, Status::Overflow)
}

/// Bytes of the strings whose pages are missing.
const LAZY_BYTES: u64 = 20 * PAGE_SIZE + 9;
const LAZY_PAGES: u64 = LAZY_BYTES / PAGE_SIZE + 1;

/// An address in `space` at which the pages of the buffer are mapped as they are missed.
fn lazy(driver: &Driver, space: u64, first: u64) -> Range {
    let number = LAZY_RANGES.fetch_add(1, Ordering::SeqCst);
    let address = LAZY + number * LAZY_STRIDE;
    Range { address, pages: LAZY_PAGES, space, region: driver.frames, first }
}

/// A string from A, or another sender of this Space, to `receiver`, with pages missing on these sides.
fn with_missing_pages(
    driver: &mut Driver,
    (sender, receiver): (Who, Who),
    (of_sender, of_receiver): (bool, bool),
) -> Verdict {
    prepare(driver)?;
    clear(LAZY_BYTES + 8)?;
    let receiver_space = match receiver {
        Who::Far | Who::Far1 => driver.other_space,
        _ => SELF,
    };
    let (source, target) =
        (lazy(driver, SELF, SOURCE_FRAME), lazy(driver, receiver_space, TARGET_FRAME));
    pager::map_ranges(&[source, target]);
    let from = if of_sender { source.address } else { SOURCE };
    let to = if of_receiver { target.address } else { TARGET };
    let send = with_string(Op::send(receiver.gate()), from, LAZY_BYTES);
    let receive = with_window(Op::receive(ANY), to, LAZY_BYTES);
    let (got, sent) = carry(driver, (sender, send), (receiver, receive), true)?;
    pager::map_ranges(&[]);
    status("receiver", &got.out, Status::Ok)?;
    holds("sender", sent.out.status().is_done())?;
    equal("length", got.out.words[6], LAZY_BYTES)?;
    arrived(LAZY_BYTES, 0, 0)
}

fn sender_pages(driver: &mut Driver) -> Verdict {
    with_missing_pages(driver, (Who::A, Who::Far), (true, false))
}

fn receiver_pages(driver: &mut Driver) -> Verdict {
    with_missing_pages(driver, (Who::A, Who::Far), (false, true))
}

fn both_pages(driver: &mut Driver) -> Verdict {
    with_missing_pages(driver, (Who::A, Who::Far), (true, true))?;
    with_missing_pages(driver, (Who::A, Who::B), (true, true))
}

fn remote_pages(driver: &mut Driver) -> Verdict {
    for (sender, receiver) in [(Who::A, Who::Far1), (Who::A, Who::R1), (Who::R1, Who::A)] {
        with_missing_pages(driver, (sender, receiver), (true, false))?;
        with_missing_pages(driver, (sender, receiver), (false, true))?;
        with_missing_pages(driver, (sender, receiver), (true, true))?;
    }
    Ok(())
}

fn reply_without_pages(driver: &mut Driver) -> Verdict {
    prepare(driver)?;
    let target = lazy(driver, SELF, TARGET_FRAME);
    pager::map_ranges(&[target]);
    let reply = with_string(Op::send(LAST_TOKEN), SOURCE, LAZY_BYTES);
    driver.carry_out(Who::Far, &[Op::receive(ANY), reply])?;
    let call = with_window(Op::call(Who::Far.gate()).tag(3, 0), target.address, LAZY_BYTES);
    begin(driver, Who::A, call)?;
    let got = end(driver, Who::A)?;
    end(driver, Who::Far)?;
    pager::map_ranges(&[]);
    status("caller", &got.out, Status::PageMissing)?;
    status("server", &driver.outcome(Who::Far, 1)?.out, Status::PageMissing)?;
    equal("pages brought", pager::MAPPED.load(Ordering::SeqCst), 0)
}

/// Times that a test tries to have the timer's interrupt in the middle of a string.
const TRIES: u64 = 80;

/// B, less urgent than the handler of the timer, sends 4 MiB to Far while the timer is running; the
/// handler does these steps. A busy host may be late with the interrupt: every other attempt begins later.
fn during_long_string(driver: &mut Driver, attempt: u64, steps: &[Op]) -> Result<Outcome, Failure> {
    clear(8)?;
    begin(driver, Who::Far, with_window(Op::receive(ANY), TARGET, MAX_STRING))?;
    driver.carry_out(Who::Handler, steps)?;
    let send = with_string(Op::send(Who::Far.gate()), SOURCE, MAX_STRING);
    let wait = || super::interrupts::spin(attempt % 2 * attempt * 125_000);
    if is_chain() {
        // B begins as soon as it has its order.
        arm()?;
        wait();
        driver.order(Who::B, &[send])?;
    } else {
        driver.order(Who::B, &[send])?;
        arm()?;
        wait();
    }
    driver.settle()?;
    end(driver, Who::B)
}

fn interrupted(driver: &mut Driver) -> Verdict {
    prepare(driver)?;
    for attempt in 0..TRIES {
        let sent = during_long_string(driver, attempt, &[Op::receive(ANY)])?;
        holds("the string is sent", sent.out.status().is_done())?;
        end(driver, Who::Far)?;
        arrived(MAX_STRING, 0, 0)?;
        super::interrupts::spin(30_000_000);
        let heard = end(driver, Who::Handler)?;
        equal("the handler", heard.out.tag.kernel_label() == Some(Label::Irq), true)?;
        if heard.stamp < sent.stamp {
            return Ok(());
        }
    }
    holds("the handler ran before the string was there", false)
}

fn cancelled(driver: &mut Driver) -> Verdict {
    prepare(driver)?;
    for attempt in 0..TRIES {
        // Its wait for orders is the operation before the one with the string.
        let abort = Op::thread(thread::ABORT, Who::B.thread()).word(0, epoch(Who::B)? + 1);
        let sent = during_long_string(driver, attempt, &[Op::receive(ANY), abort])?;
        if sent.out.status().is_done() {
            end(driver, Who::Far)?;
            super::interrupts::spin(30_000_000);
            continue;
        }
        status("sender", &sent.out, Status::Aborted)?;
        equal("items moved", sent.out.words[0], 0)?;
        holds("some bytes were moved", sent.out.words[1] > 0)?;
        holds("not all were", sent.out.words[1] < MAX_STRING)?;
        driver.is_busy("the receiver waits on", Who::Far)?;
        let send = with_string(Op::send(Who::Far.gate()), SOURCE, 5000);
        begin(driver, Who::B, send)?;
        let got = end(driver, Who::Far)?;
        status("receiver", &got.out, Status::Ok)?;
        return equal("length", got.out.words[6], 5000);
    }
    holds("the timer came in the middle", false)
}

fn too_long(driver: &mut Driver) -> Verdict {
    let step = with_string(Op::send(Who::B.gate()), SOURCE, MAX_STRING + 1);
    driver.carry_out(Who::A, &[step])?;
    status("sender", &driver.outcome(Who::A, 0)?.out, Status::BadArgument)
}
