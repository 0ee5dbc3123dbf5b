//! A read of an unmapped address, the message to its handler, the handler's answer that moves the
//! instruction pointer behind it, and back: seen by the thread that faults.

use crate::samples::{Samples, Summary};
use cedo_lib::abi::Label;
use cedo_lib::abi::state::{GENERAL, INSTRUCTION};
use cedo_lib::abi::system::place;
use cedo_lib::ipc::{Ipc, Partner};
use cedo_lib::raw::probe::{self, CAUGHT, RECOVERY};
use cedo_lib::{ThisThread, clock};

const WARM_UP: usize = 32;
const COUNT: usize = 500;

/// An address in the area for mappings where nothing is mapped.
const UNMAPPED: u64 = place::MEMORY + 0x7000_0000;

static SAMPLES: Samples = Samples::new();

/// Handles the faults of the thread that measures.
pub fn handle(mut this: ThisThread) {
    let mut message = Ipc::receive(Partner::ANY).want_state().make();
    loop {
        let fault = message.arrived() && message.kernel_label() == Some(Label::Fault);
        message = match message.token() {
            Some(token) if fault => {
                let mut state = this.utcb().received();
                state.mask = GENERAL;
                state.general[INSTRUCTION] = state.general[RECOVERY];
                state.general[CAUGHT] = 1;
                this.utcb_mut().set_reply(&state);
                Ipc::reply_and_wait(token).with_state().want_state().make()
            }
            _ => Ipc::receive(Partner::ANY).want_state().make(),
        };
    }
}

/// Measures; nothing if a fault does not come back from the handler.
pub fn measure(overhead: u64) -> Option<Summary> {
    SAMPLES.clear();
    for round in 0..WARM_UP + COUNT {
        let before = clock::ticks();
        let seen = probe::read(UNMAPPED, 0);
        let after = clock::ticks();
        if seen.caught != 1 {
            return None;
        }
        if round >= WARM_UP {
            SAMPLES.add(after.wrapping_sub(before));
        }
    }
    Some(SAMPLES.summary(0, overhead))
}
