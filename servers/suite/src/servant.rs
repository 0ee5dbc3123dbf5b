//! The threads that tests move about: each does, in order, the calls it is told to do, remembers
//! what they came to, and says so when asked. Between orders it waits in an open receive.
//!
//! | label | a servant |
//! |---|---|
//! | [`ORDER`] | does up to [`STEPS`] calls: word 0 = how many, the calls from word [`FIRST_STEP`] on |
//! | [`REPORT`] | replies with the outcome of call number word 0 |
//! | [`ECHO`] | replies with every word one higher |

use crate::board;
use crate::cast::Who;
use crate::op::{OP_WORDS, Op, Out};
use crate::outcome::Outcome;
use cedo_lib::abi::item::Item;
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::{Label, Name, REGISTER_WORDS, Status, Tag};
use cedo_lib::arrived::Arrived;
use cedo_lib::raw::probe::{self, Probe};
use cedo_lib::raw::{Request, relax};
use cedo_lib::windows::{Lists, invoke_with};
use cedo_lib::{ThisThread, View};
use core::array;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Do some calls.
pub const ORDER: u32 = 0x0d;
/// Say what one of them came to.
pub const REPORT: u32 = 0x0e;
/// Send back every word one higher.
pub const ECHO: u32 = 0x0f;
/// Calls in one order.
pub const STEPS: usize = 5;
/// Message word where the calls of an order start.
pub const FIRST_STEP: usize = 8;

/// In `to` and `from`: the token that came with the last message that had one.
pub const LAST_TOKEN: u64 = 0xffff_ff00;

/// Not a kernel call: spin until [`STOP`], counting in [`PROGRESS`].
pub const SPIN: u64 = 0xf0;
/// Flag of a step: a string goes with it, or a window is open for one. Words 1 and 2 are address and
/// length of the string, words 3 and 4 of the window (0: none), word 5 says [`SPLIT_STRING`] and
/// [`SPLIT_WINDOW`]. In the outcome, word 6 is the length of the string that arrived.
pub const EXCHANGE: u64 = 1 << 63;
/// The string is in two pieces.
pub const SPLIT_STRING: u64 = 1;
/// The window is in two pieces.
pub const SPLIT_WINDOW: u64 = 2;
/// Flag of a step: an item goes with it (words 1 to 4 are the item; 0: none), and windows for memory
/// and capabilities are open: word 5 = address << 12 | pages (0: none), word 6 = first slot << 32 |
/// slots (0: none). In the outcome, words 1 to 4 are the first report.
pub const GIFT: u64 = 1 << 62;
/// Not a kernel call: run the probe with the number in word 0 at address word 1.
pub const PROBE: u64 = 0xf1;

/// Not a kernel call: as [`PROBE`], again and again until the probe is caught, or [`STOP`]. Each turn counts
/// in [`PROGRESS`].
pub const PROBES_ON: u64 = 0xf3;

/// Not a kernel call: call the gate in word 0 until [`STOP`], and judge each answer of its [`ECHO`].
pub const CALLS: u64 = 0xf2;

/// Calls that were made so, and answers that were wrong.
pub static CALLS_MADE: AtomicU64 = AtomicU64::new(0);
pub static CALLS_WRONG: AtomicU64 = AtomicU64::new(0);

/// The probes by number; those of bases and segments follow.
const PROBES: [Probe; 10] = [
    probe::read,
    probe::write,
    probe::execute,
    probe::divide,
    probe::breakpoint,
    probe::illegal,
    probe::privileged,
    probe::port,
    probe::set_floating,
    probe::see_floating,
];

/// All probes in the order of their numbers.
fn probes() -> impl Iterator<Item = Probe> {
    let exception = probe::FLOATING_EXCEPTION.into_iter();
    let segments = probe::SEGMENTS.into_iter();
    let segments = segments.flat_map(|probes| [probes.load_selectors, probes.see_selectors]);
    PROBES.into_iter().chain(exception).chain(probe::BASES.iter().copied()).chain(segments)
}

/// The order to run a probe.
pub fn probing(probe: Probe, address: u64) -> Op {
    let number = probes().position(|other| other as usize == probe as usize);
    Op::raw(PROBE).word(0, number.map_or(u64::MAX, |number| number as u64)).word(1, address)
}

/// The order to run a probe until it is caught; `value` is what a write writes.
pub fn probing_on(probe: Probe, address: u64, value: u64) -> Op {
    Op { operation: PROBES_ON, ..probing(probe, address) }.word(2, value)
}

/// Ends every spin of this Space.
pub static STOP: AtomicBool = AtomicBool::new(false);
/// Turns that spins of this Space have made.
pub static PROGRESS: AtomicU64 = AtomicU64::new(0);
/// Counts finished steps of this Space: who came first?
static SEQUENCE: AtomicU64 = AtomicU64::new(1);

/// The next number of the sequence that all steps of this Space share.
pub fn stamp() -> u64 {
    SEQUENCE.fetch_add(1, Ordering::SeqCst)
}

/// Works as a servant for ever.
pub fn serve(mut this: ThisThread, who: Who) -> ! {
    let mut outcomes = [Outcome::NOTHING; STEPS];
    let mut token = 0;
    board::set_free(who, true);
    let mut message = Op::receive(ANY).run();
    loop {
        let answer = match message.tag.label() {
            // Without a message the registers hold whatever they held before.
            _ if !message.status().is_done() => None,
            _ if message.tag.kernel_label() == Some(Label::Irq) => {
                Some(Op::reply_and_wait(message.token))
            }
            _ if message.tag.kernel_label().is_some() => None,
            ORDER => {
                board::set_free(who, false);
                obey(&mut this, who, &message, &mut outcomes, &mut token);
                board::set_free(who, true);
                None
            }
            REPORT => Some(report(&mut this, &message, &outcomes)),
            ECHO => Some(echo(&mut this, &message)),
            _ => None,
        };
        message = answer.unwrap_or(Op::receive(ANY)).run();
    }
}

fn obey(
    this: &mut ThisThread,
    who: Who,
    order: &Out,
    outcomes: &mut [Outcome; STEPS],
    token: &mut u64,
) {
    let count = (order.words[0] as usize).min(STEPS);
    let steps: [Op; STEPS] = array::from_fn(|step| {
        let word = |index| this.utcb().word(FIRST_STEP + step * OP_WORDS + index);
        Op::unpack(array::from_fn(word))
    });
    *outcomes = [Outcome::NOTHING; STEPS];
    board::set_steps(who, 0);
    for (step, outcome) in steps.iter().zip(outcomes.iter_mut()).take(count) {
        let mut step = *step;
        for name in [&mut step.to, &mut step.from] {
            if *name == LAST_TOKEN {
                *name = *token;
            }
        }
        fill_tail(this, &step);
        let out = perform(this, &step);
        // Without a message the register holds whatever it held before.
        if matches!(Name::from_word(out.token), Some(Name::Token(_))) {
            *token = out.token;
        }
        *outcome = Outcome { out, in_order: words_in_order(this, &out), stamp: stamp() };
        board::set_steps(who, board::steps(who) + 1);
    }
    // An interrupt that the order left open would keep its line quiet, a fault its thread.
    for Outcome { out, .. } in outcomes {
        if matches!(out.tag.kernel_label(), Some(Label::Irq | Label::Fault)) {
            Op::send(out.token).run();
        }
    }
}

/// Words beyond the registers go on counting from word 0.
fn fill_tail(this: &mut ThisThread, step: &Op) {
    for index in REGISTER_WORDS..Tag(step.tag).words() {
        this.utcb_mut().set_word(index, step.words[0].wrapping_add(index as u64));
    }
}

pub fn perform(this: &mut ThisThread, step: &Op) -> Out {
    match step.operation {
        _ if step.operation & EXCHANGE != 0 => exchange(this, step),
        _ if step.operation & GIFT != 0 => give(this, step),
        SPIN => {
            while !STOP.load(Ordering::SeqCst) {
                PROGRESS.fetch_add(1, Ordering::SeqCst);
                relax();
            }
            Out::NOTHING
        }
        CALLS => {
            while !STOP.load(Ordering::SeqCst) {
                call_and_judge(step.words[0]);
            }
            Out::NOTHING
        }
        PROBE => run_probe(step),
        PROBES_ON => {
            let mut last = 0;
            loop {
                let mut out = run_probe(step);
                if out.words[0] != 0 || STOP.load(Ordering::SeqCst) {
                    out.words[1] = last;
                    return out;
                }
                last = out.words[1];
                PROGRESS.fetch_add(1, Ordering::SeqCst);
            }
        }
        _ => step.run(),
    }
}

/// Whether the probe was caught, and what it read.
fn run_probe(step: &Op) -> Out {
    let [number, address, value, ..] = step.words;
    let mut out = Out::NOTHING;
    if let Some(probe) = probes().nth(number as usize) {
        let seen = probe(address, value);
        (out.words[0], out.words[1]) = (seen.caught, seen.value);
    }
    out
}

/// The answer of an echo depends on the number of the call.
fn call_and_judge(gate: u64) {
    let number = CALLS_MADE.fetch_add(1, Ordering::SeqCst);
    let out = Op::call(gate).tag(ECHO, 2).word(0, number).word(1, 2 * number).run();
    let right = out.status() == Status::Ok
        && out.tag.label() == ECHO
        && out.words[..2] == [number + 1, 2 * number + 1];
    CALLS_WRONG.fetch_add(u64::from(!right), Ordering::SeqCst);
}

/// A call with a string, or a window.
fn exchange(this: &mut ThisThread, step: &Op) -> Out {
    let [_, address, bytes, room_address, room, shape, _] = step.words;
    let mut lists = Lists::NONE;
    if bytes > 0 {
        let first = if shape & SPLIT_STRING != 0 { bytes / 3 } else { bytes };
        lists.send_item(Item::string(address, first));
        if first < bytes {
            lists.send_continues();
            lists.send_item(Item::string(address + first, bytes - first));
        }
    }
    if room > 0 {
        let first = if shape & SPLIT_WINDOW != 0 { room / 2 } else { room };
        open(&mut lists, room_address, first);
        if first < room {
            lists.open_continues();
            open(&mut lists, room_address + first, room - first);
        }
    }
    let (mut out, arrived) = make(this, step, lists);
    if out.status().is_done() {
        out.words[6] = arrived.bytes(0).unwrap_or(0) as u64;
    }
    out
}

/// A call with memory or a capability, or room for them.
fn give(this: &mut ThisThread, step: &Op) -> Out {
    let [_, head, first, second, third, room, slots] = step.words;
    let mut lists = Lists::NONE;
    if head != 0 {
        lists.send_item(Item([head, first, second, third]));
    }
    if room != 0 {
        let (address, pages) = (room >> 12 << 12, room & 0xfff);
        // Elsewhere than in the area for mappings nothing is opened.
        let _ = lists.open_item(Item::memory_window(address, pages));
    }
    if slots != 0 {
        lists.open_slots((slots >> 32) as u32, slots & 0xffff_ffff);
    }
    let (mut out, arrived) = make(this, step, lists);
    if out.status().is_done() {
        out.words[1..5].copy_from_slice(&arrived.first().0);
    }
    out
}

/// The call of a step with these lists.
fn make(this: &mut ThisThread, step: &Op, lists: Lists<'_>) -> (Out, Arrived) {
    let Op { operation, to, from, tag, words } = *step;
    let operation = operation & !(EXCHANGE | GIFT);
    let tag = Tag(tag).with_items(lists.items()).0;
    let request = Request { operation, to, from, tag, words };
    let (answer, items) = invoke_with(request, lists, this.utcb_mut());
    let out = Out::of(&answer);
    let count = if out.status().is_done() { out.tag.typed_items() } else { 0 };
    (out, Arrived::of(items, count))
}

/// Opens a window in the area for mappings.
fn open(lists: &mut Lists<'_>, address: u64, bytes: u64) {
    let within = address % 8;
    if let Some(view) = View::new(address - within, (within + bytes) as usize) {
        lists.open_view(view, within as usize, bytes as usize);
    }
}

/// How many words of a message count on from word 0.
fn words_in_order(this: &ThisThread, out: &Out) -> u64 {
    let expected = |index: usize| out.words[0].wrapping_add(index as u64);
    (0..out.tag.words()).filter(|index| word(this, out, *index) == expected(*index)).count() as u64
}

/// Word `index` of the message that was just received.
pub fn word(this: &ThisThread, out: &Out, index: usize) -> u64 {
    out.words.get(index).copied().unwrap_or_else(|| this.utcb().word(index))
}

fn report(this: &mut ThisThread, request: &Out, outcomes: &[Outcome; STEPS]) -> Op {
    let wanted = request.words[0] as usize;
    let outcome = outcomes.get(wanted).unwrap_or(&Outcome::NOTHING);
    let packed = outcome.pack();
    let mut answer = Op::reply_and_wait(request.token).tag(REPORT, packed.len());
    answer.words = array::from_fn(|index| packed[index]);
    this.utcb_mut().set_tail(&packed);
    answer
}

fn echo(this: &mut ThisThread, message: &Out) -> Op {
    let mut answer = Op::reply_and_wait(message.token).raw_tag(message.tag.0);
    answer.words = message.words.map(|word| word.wrapping_add(1));
    for index in REGISTER_WORDS..message.tag.words() {
        let word = this.utcb().word(index);
        this.utcb_mut().set_word(index, word.wrapping_add(1));
    }
    answer
}
