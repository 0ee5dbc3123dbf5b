//! A call and its reply, seen by the caller.

use crate::samples::{MOST, Samples, Summary};
use crate::stopwatch;
use cedo_lib::Gate;
use cedo_lib::abi::call::{Call, ipc, operation};
use cedo_lib::abi::name::{ANY, NOBODY};
use cedo_lib::abi::{Status, Tag};
use cedo_lib::capability::Capability;
use cedo_lib::raw::{Request, invoke};

/// Calls before the first that counts.
const WARM_UP: usize = 64;

static SAMPLES: Samples = Samples::new();

/// Answers every call with as many words as it had. The words themselves are left as they are:
/// those in the UTCB go back from where they arrived.
pub fn answer() {
    let receive = operation(Call::Ipc, 0, ipc::RECEIVE);
    let reply_and_wait = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
    let request = Request { operation: receive, to: NOBODY, from: ANY, ..Request::default() };
    let mut message = invoke(request);
    loop {
        let words = message.words;
        let (operation, to) = if message.token != 0 && Status::of_result(message.result).is_done() {
            (reply_and_wait, message.token)
        } else {
            (receive, NOBODY)
        };
        message = invoke(Request { operation, to, from: ANY, tag: message.tag, words });
    }
}

/// Measures calls of `words` words; nothing if one of them fails.
pub fn measure(partner: Gate, words: usize, overhead: u64) -> Option<Summary> {
    let request = Request {
        operation: operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE | ipc::CALL),
        to: partner.name(),
        from: NOBODY,
        tag: Tag::new(1, words).0,
        words: [1, 2, 3, 4, 5, 6, 7],
    };
    SAMPLES.clear();
    for round in 0..WARM_UP + MOST {
        let before = stopwatch::now();
        let answer = invoke(request);
        let after = stopwatch::now();
        let right = Status::of_result(answer.result) == Status::Ok && answer.tag == request.tag;
        if !right {
            return None;
        }
        if round >= WARM_UP {
            SAMPLES.add(after.wrapping_sub(before));
        }
    }
    Some(SAMPLES.summary(0, overhead))
}

/// What two readings of the counter with nothing between them differ by.
pub fn counter_overhead() -> u64 {
    let gap = |_| {
        let before = stopwatch::now();
        stopwatch::now().wrapping_sub(before)
    };
    (0..WARM_UP).map(gap).min().unwrap_or(0)
}
