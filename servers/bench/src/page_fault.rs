//! A read of an unmapped address, the message to its handler in another Space, the handler's answer,
//! and back to the thread that faulted: the whole round trip, in three kinds.
//!
//! - *again*: the handler answers and nothing else, so the thread faults again. One turn is what the
//!   kernel does for a fault and its reply without a mapping; seen by the handler.
//! - *map*: the handler maps the missing page, and the thread reads it; seen by that thread, which
//!   unmaps the page before the next turn.
//! - *state*: the handler asks for the registers and moves the instruction pointer behind the read;
//!   seen by that thread.

use crate::round_trip::counter_overhead;
use crate::samples::{Samples, Summary};
use crate::stopwatch;
use cedo_lib::abi::state::{GENERAL, INSTRUCTION};
use cedo_lib::abi::system::place;
use cedo_lib::abi::{Label, Rights, Token};
use cedo_lib::ipc::{Ipc, Message, Partner};
use cedo_lib::raw::probe::{self, CAUGHT, RECOVERY};
use cedo_lib::{Environment, Gate, Region, Space, ThisThread, UtcbPage};

const WARM_UP: usize = 32;
const COUNT: usize = 500;

/// An address in the area for mappings where nothing is mapped.
const UNMAPPED: u64 = place::MEMORY + 0x7000_0000;

/// Label of a call to the handler: from now on, answer faults as word 0 says.
const KIND: u32 = 1;
/// Label of a call to the handler: what did it measure? Answer: minimum, median, 99th percentile,
/// maximum, number.
const RESULT: u32 = 2;

/// Answer only; map the page; move the instruction pointer.
const AGAIN: u64 = 0;
const MAP: u64 = 1;
const STATE: u64 = 2;

static SAMPLES: Samples = Samples::new();

/// What the handler has.
struct Handler {
    /// The Space of the thread that measures.
    space: Space,
    /// A page for it.
    page: Region,
    kind: u64,
    overhead: u64,
}

/// Handles the faults of the thread that measures.
pub fn handle(mut this: ThisThread, environment: &Environment) {
    let (Some(space), Some(page)) = (environment.space("bench"), environment.memory("page")) else {
        return;
    };
    let overhead = counter_overhead();
    let mut handler = Handler { space, page: page.region, kind: AGAIN, overhead };
    let mut message = Ipc::receive(Partner::ANY).make();
    loop {
        message = match message.token() {
            Some(token) if is_fault(&message) => handler.fault(token, this.utcb_mut()),
            Some(token) => handler.order(token, &message),
            None => Ipc::receive(Partner::ANY).make(),
        };
    }
}

fn is_fault(message: &Message) -> bool {
    message.arrived() && message.kernel_label() == Some(Label::Fault)
}

impl Handler {
    fn fault(&self, token: Token, utcb: &mut UtcbPage) -> Message {
        match self.kind {
            AGAIN => again(token, utcb),
            MAP => {
                // If it cannot be mapped, the thread faults for ever and no row is printed.
                let _ = self.space.map(self.page, 0, UNMAPPED, 1, Rights::READ);
                Ipc::reply_and_wait(token).make()
            }
            _ => {
                go_on_behind(utcb);
                Ipc::reply_and_wait(token).with_state().want_state().make()
            }
        }
    }

    fn order(&mut self, token: Token, message: &Message) -> Message {
        let answer = Ipc::reply_and_wait(token);
        match message.label() {
            KIND => {
                self.kind = message.words[0];
                SAMPLES.clear();
                let answer = answer.message(0, 0, [0; 7]);
                if self.kind == STATE { answer.want_state().make() } else { answer.make() }
            }
            _ => {
                let Summary { min, median, p99, max, samples } = SAMPLES.summary(0, self.overhead);
                answer.message(0, 5, [min, median, p99, max, samples as u64, 0, 0]).make()
            }
        }
    }
}

/// Answers until there are enough measurements; then lets the thread go on behind its read.
fn again(mut token: Token, utcb: &mut UtcbPage) -> Message {
    for round in 0..WARM_UP + COUNT {
        let before = stopwatch::now();
        let message = Ipc::reply_and_wait(token).make();
        let after = stopwatch::now();
        match message.token() {
            Some(next) if is_fault(&message) => token = next,
            _ => return message,
        }
        if round >= WARM_UP {
            SAMPLES.add(after.wrapping_sub(before));
        }
    }
    let message = Ipc::reply_and_wait(token).want_state().make();
    match message.token() {
        Some(token) if is_fault(&message) => {
            go_on_behind(utcb);
            Ipc::reply_and_wait(token).with_state().make()
        }
        _ => message,
    }
}

/// The answer's registers: those that came, but behind the probe.
fn go_on_behind(utcb: &mut UtcbPage) {
    let mut state = utcb.received();
    state.mask = GENERAL;
    state.general[INSTRUCTION] = state.general[RECOVERY];
    state.general[CAUGHT] = 1;
    utcb.set_reply(&state);
}

/// A turn without a mapping; nothing if the handler measured nothing.
pub fn without_mapping(handler: Gate) -> Option<Summary> {
    prepare(handler, AGAIN)?;
    if probe::read(UNMAPPED, 0).caught == 0 {
        return None;
    }
    let answer = Ipc::call(handler).message(RESULT, 0, [0; 7]).make();
    answer.done().ok()?;
    let [min, median, p99, max, samples, ..] = answer.words;
    Some(Summary { min, median, p99, max, samples: samples as usize })
}

/// A fault whose handler maps the page; nothing if the handler had to do otherwise.
pub fn with_mapping(handler: Gate, overhead: u64) -> Option<Summary> {
    prepare(handler, MAP)?;
    measure(overhead, |caught| caught == 0 && Space::MINE.unmap(UNMAPPED, 1).is_ok())
}

/// A fault whose handler reads and writes the registers; nothing if it does not.
pub fn with_state(handler: Gate, overhead: u64) -> Option<Summary> {
    prepare(handler, STATE)?;
    measure(overhead, |caught| caught != 0)
}

fn prepare(handler: Gate, kind: u64) -> Option<()> {
    SAMPLES.clear();
    Ipc::call(handler).message(KIND, 1, [kind, 0, 0, 0, 0, 0, 0]).make().done().ok()
}

fn measure(overhead: u64, is_right: impl Fn(u64) -> bool) -> Option<Summary> {
    for round in 0..WARM_UP + COUNT {
        let before = stopwatch::now();
        let seen = probe::read(UNMAPPED, 0);
        let after = stopwatch::now();
        if !is_right(seen.caught) {
            return None;
        }
        if round >= WARM_UP {
            SAMPLES.add(after.wrapping_sub(before));
        }
    }
    Some(SAMPLES.summary(0, overhead))
}
