//! The fault handler of servants and driver: it writes down what it hears, and lets the faulting
//! thread go on behind the fault, or again after making the address good.

use crate::op::Op;
use cedo_lib::ThisThread;
use cedo_lib::abi::call::{ipc, memory};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::notice::{FAULT_ADDRESS, FAULT_CAUSE, FAULT_CODE};
use cedo_lib::abi::state::{GENERAL, INSTRUCTION, STACK};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::abi::{Label, Rights};
use cedo_lib::raw::probe::{CAUGHT, RECOVERY, WITNESS};
use core::sync::atomic::{AtomicU64, Ordering};

/// Faults heard so far.
pub static COUNT: AtomicU64 = AtomicU64::new(0);
/// Cause, address, error code, witness register, instruction and stack pointer of the last one.
static LAST: [AtomicU64; 6] = [const { AtomicU64::new(0) }; 6];
/// What to map at the next fault before the thread tries again: Region slot (0: nothing), first
/// page, address, access rights.
static MAP: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// Ranges of addresses whose pages are mapped as they are missed: address, pages (0: none), Space
/// slot, Region slot, first page of the Region.
static RANGES: [[AtomicU64; 5]; 2] = [const { [const { AtomicU64::new(0) }; 5] }; 2];

/// Pages of ranges that were mapped since the ranges were set.
pub static MAPPED: AtomicU64 = AtomicU64::new(0);

/// 1: the next fault is written down and not answered.
static HOLD: AtomicU64 = AtomicU64::new(0);

/// A fault as its handler heard of it.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub cause: u64,
    pub address: u64,
    pub witness: u64,
    pub instruction: u64,
    pub stack: u64,
}

/// The last fault.
pub fn last() -> Heard {
    let at = |index: usize| LAST[index].load(Ordering::SeqCst);
    Heard { cause: at(0), address: at(1), witness: at(3), instruction: at(4), stack: at(5) }
}

/// At the next fault, maps this and lets the thread try again.
pub fn map_at_next_fault(region: u64, first: u64, address: u64, access: u64) {
    for (place, value) in MAP.iter().zip([region, first, address, access]).rev() {
        place.store(value, Ordering::SeqCst);
    }
}

/// A range of addresses that is mapped page by page.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub address: u64,
    pub pages: u64,
    pub space: u64,
    pub region: u64,
    pub first: u64,
}

/// From now on, pages of these ranges are mapped as they are missed; of no others.
pub fn map_ranges(ranges: &[Range]) {
    MAPPED.store(0, Ordering::SeqCst);
    for (index, place) in RANGES.iter().enumerate() {
        let range = ranges.get(index).map_or([0; 5], |range| {
            [range.address, range.pages, range.space, range.region, range.first]
        });
        for (word, value) in place.iter().zip(range) {
            word.store(value, Ordering::SeqCst);
        }
    }
}

/// Leaves the next fault unanswered: its thread waits until it is destroyed.
pub fn hold_next_fault() {
    HOLD.store(1, Ordering::SeqCst);
}

/// Handles faults for ever.
pub fn handle(mut this: ThisThread) -> ! {
    let receive = Op::receive(ANY).flags(ipc::WANT_STATE);
    let mut message = receive.run();
    loop {
        if message.tag.kernel_label() != Some(Label::Fault) {
            message = receive.run();
            continue;
        }
        let state = this.utcb().received();
        let w = message.words;
        let heard = [
            w[FAULT_CAUSE],
            w[FAULT_ADDRESS],
            w[FAULT_CODE],
            state.general[WITNESS],
            state.general[INSTRUCTION],
            state.general[STACK],
        ];
        for (place, value) in LAST.iter().zip(heard) {
            place.store(value, Ordering::SeqCst);
        }
        COUNT.fetch_add(1, Ordering::SeqCst);
        if HOLD.swap(0, Ordering::SeqCst) == 1 {
            message = receive.run();
            continue;
        }
        let answer = Op::reply_and_wait(message.token).flags(ipc::WANT_STATE);
        message = if make_good() || map_in_range(heard[1]) {
            answer.run()
        } else {
            this.utcb_mut().set_reply(&go_on_behind(state));
            answer.flags(ipc::STATE).run()
        };
    }
}

/// Maps what the test asked for, if it did.
fn make_good() -> bool {
    let region = MAP[0].swap(0, Ordering::SeqCst);
    if region == 0 {
        return false;
    }
    let at = |index: usize| MAP[index].load(Ordering::SeqCst);
    let map = Op::memory(memory::MAP, SELF, region);
    map.word(0, at(1)).word(1, at(2)).word(2, 1).word(3, at(3)).run();
    true
}

/// Maps the page of `address` if that is in one of the ranges.
fn map_in_range(address: u64) -> bool {
    for range in &RANGES {
        let [start, pages, space, region, first] =
            range.each_ref().map(|word| word.load(Ordering::SeqCst));
        let page = address.wrapping_sub(start) / PAGE_SIZE;
        if page < pages {
            let map = Op::memory(memory::MAP, space, region).word(0, first + page);
            let access = Rights::READ.or(Rights::WRITE).0.into();
            map.word(1, start + page * PAGE_SIZE).word(2, 1).word(3, access).run();
            MAPPED.fetch_add(1, Ordering::SeqCst);
            return true;
        }
    }
    false
}

/// The same registers, but where the probe says that it goes on.
fn go_on_behind(mut state: StateArea) -> StateArea {
    state.mask = GENERAL;
    state.general[INSTRUCTION] = state.general[RECOVERY];
    state.general[CAUGHT] = 1;
    state
}
