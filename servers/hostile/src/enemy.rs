//! A thread of the confined Space: one call of the stream after the other, with every register and
//! all of the UTCB as the stream says; memory touched, instructions that fault, pages of its own
//! taken away. It may lose anything at any time, and be started again from the beginning.

use crate::order::{Count, Order};
use crate::places::{self, slot};
use cedo_fuzz::{Generator, Mailbox, Random, Registers, Spec, Word, state};
use cedo_lib::abi::call::{Call, capability, ipc, memory, operation};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::SELF;
use cedo_lib::abi::utcb::Utcb;
use cedo_lib::abi::{Label, MESSAGE_WORDS, REGISTER_WORDS, Tag};
use cedo_lib::raw::{Answer, Request, invoke, probe};
use cedo_lib::{ThisThread, View};
use core::mem::offset_of;

/// Words of a UTCB where items and windows are.
const SEND_ITEMS: usize = offset_of!(Utcb, send_items) / 8;
const WINDOWS: usize = offset_of!(Utcb, windows) / 8;
/// The UTCB is filled once in so many of the calls that could look at it.
const FILLS: u64 = 4;
/// Words of what the inspector found in a slot.
pub const REPORT_WORDS: usize = 4;

fn page(address: u64) -> View {
    View::new(address, PAGE_SIZE as usize).expect("places are where memories are")
}

/// Makes calls until there are enough of them, then looks on.
pub fn run(mut this: ThisThread, thread: u64) {
    if thread == places::INSPECTOR {
        return inspect();
    }
    let order = Order::read(page(places::ORDER));
    let count = Count::of(page(places::COUNTS), thread);
    let part = (thread + 1) << 32 | count.start();
    let around = order.surroundings();
    let mut generator = Generator::new(Random::part(order.seed, part), around);
    let mut random = Random::part(!order.seed, part);
    let mut mailbox = Mailbox::EMPTY;
    while count.calls() < order.calls {
        count.set_calls(count.calls() + 1);
        if random.once_in(order.faults) {
            misbehave(&order, &mut random);
        }
        if order.self_harm != 0 && random.once_in(order.self_harm) {
            lose_a_page(&order, &mut random);
        }
        let mut spec = generator.next_call();
        if !random.once_in(order.patience) {
            hurry(&mut spec);
        }
        // What an earlier call left there is no worse.
        if spec.fill != 0 && random.once_in(FILLS) {
            fill(&mut this, spec.fill, &order, generator.surroundings());
        }
        let Registers { operation, to, from, tag, words } =
            spec.resolve(&mailbox, |place| count.foreign(place));
        let answer = invoke(Request { operation, to, from, tag, words });
        if Tag(answer.tag).kernel_label() == Some(Label::Irq) {
            count.hear();
        }
        if let Some(token) = mailbox.note(operation, &registers(&answer)) {
            count.share(token);
        }
    }
    loop {
        invoke(Request { operation: operation(Call::Yield, 0, 0), ..Request::default() });
    }
}

/// A message waits for nobody but a partner that it calls. A thread that waits makes no calls.
fn hurry(spec: &mut Spec) {
    if spec.operation & 0xffff != u64::from(Call::Ipc as u8) || !matches!(spec.to, Word::Plain(_)) {
        return;
    }
    if spec.operation & ipc::SEND != 0 {
        spec.operation |= ipc::SEND_ZERO;
    }
    if spec.operation & ipc::RECEIVE != 0 && spec.operation & ipc::CALL == 0 {
        spec.operation |= ipc::RECEIVE_ZERO;
    }
}

fn registers(answer: &Answer) -> Registers {
    Registers {
        operation: answer.result,
        to: answer.badge,
        from: answer.token,
        tag: answer.tag,
        words: answer.words,
    }
}

/// What goes with a call in the UTCB.
fn fill(this: &mut ThisThread, fill: u64, order: &Order, around: &cedo_fuzz::Surroundings) {
    let address = this.utcb().address();
    for index in REGISTER_WORDS..MESSAGE_WORDS {
        this.utcb_mut().set_word(index, state::tail_word(fill, index));
    }
    this.utcb_mut().set_reply(&state::area(fill, around));
    if !order.items {
        return;
    }
    let Some(utcb) = View::new(address, PAGE_SIZE as usize) else { return };
    let (send, windows) = state::items(fill, around);
    for (first, items) in [(SEND_ITEMS, send), (WINDOWS, windows)] {
        for (index, word) in items.iter().flat_map(|item| item.0).enumerate() {
            utcb.set_word(first + index, word);
        }
    }
}

/// Touches memory, or does what faults. It jumps to no page that could be executable: garbage may hold
/// an IRET, and QEMU (7.2) lets user code enter virtual-8086 mode by that, which no processor does.
fn misbehave(order: &Order, random: &mut Random) {
    let around = order.surroundings();
    let address = match random.below(6) {
        0 => random.pick(&state::STRANGE) & !7,
        1 => random.pick(&[order.image.0, places::ORDER]),
        2 => places::utcb(random.below(places::STACKS)),
        3 => places::stack(random.below(places::STACKS)),
        _ => around.address(random) + random.below(PAGE_SIZE / 8) * 8,
    };
    match random.below(16) {
        0..=5 => probe::read(address, 0),
        6..=10 if (address >> 12) != places::COUNTS >> 12 => probe::write(address, u64::MAX),
        11 => probe::execute(places::stack(random.below(places::STACKS)), 0),
        12 => probe::divide(0, 0),
        13 => probe::breakpoint(0, 0),
        14 => probe::privileged(0, 0),
        _ => probe::illegal(0, 0),
    };
}

/// Takes one to four pages of code, constants, data, stacks or UTCBs away: its own or others'.
fn lose_a_page(order: &Order, random: &mut Random) {
    let (start, end) = order.image;
    let thread = random.below(places::STACKS - 1);
    let address = match random.below(4) {
        0 => start + random.below((end - start) / PAGE_SIZE) * PAGE_SIZE,
        1 => places::utcb(thread),
        2 => places::ORDER,
        _ => places::stack(thread) + random.below(places::STACK_PAGES) * PAGE_SIZE,
    };
    let words = [address, 1 + random.below(4), 0, 0, 0, 0, 0];
    let operation = operation(Call::Memory, memory::UNMAP, 0);
    invoke(Request { operation, to: SELF, words, ..Request::default() });
}

/// Reports what is in every slot of this Space.
fn inspect() {
    let report = page(places::REPORT);
    for slot in 0..slot::COUNT {
        let operation = operation(Call::Capability, capability::IDENTIFY, 0);
        let answer = invoke(Request { operation, to: slot, ..Request::default() });
        let words = if answer.result & 0xff == 0 { answer.words } else { [0; REGISTER_WORDS] };
        let first = slot as usize * REPORT_WORDS;
        (first..).zip(&words[..REPORT_WORDS]).for_each(|(place, word)| {
            report.set_word(place, *word);
        });
    }
    Count::of(page(places::COUNTS), places::INSPECTOR).set_calls(slot::COUNT);
}

const _: () = assert!(slot::COUNT as usize * REPORT_WORDS * 8 <= PAGE_SIZE as usize);
