//! The log (`cedo_arch_common::log`), sent by semihosting: these machines have one serial port, and that
//! is for people. Where nobody listens the log is dropped.

use crate::core_area::this_core;
use crate::{semihosting, system};
use cedo_arch_common::log::{Log, Port};

/// Bytes sent at once by a core that halts.
const PIECE_BYTES: usize = 16;

static LOG: Log<Listener> = Log::new(Listener);

/// Who listens to semihosting.
struct Listener;

impl Port for Listener {
    fn send_some(&mut self, next: impl FnMut() -> Option<u8>) {
        core::iter::from_fn(next).take(PIECE_BYTES).for_each(send);
    }

    fn send_all(&mut self, next: impl FnMut() -> Option<u8>) {
        core::iter::from_fn(next).for_each(send);
    }
}

fn send(byte: u8) {
    // Nobody misses it where nobody listens.
    semihosting::write(byte);
}

/// Sends a few bytes, if no other core is at it.
pub fn drain() {
    LOG.drain();
}

/// Sends everything.
pub fn flush() {
    LOG.flush();
}

/// The same, whoever is at it.
///
/// # Safety
/// No other core runs.
pub unsafe fn flush_alone() {
    // SAFETY: promised by the caller.
    unsafe { LOG.flush_alone() };
}

#[defmt::global_logger]
struct Logger;

// SAFETY: 1. A frame is begun, written and ended by one core without interruption. 2. Another
// core's frame meanwhile goes to another encoder and ring.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        // SAFETY: interrupts are masked in the kernel.
        unsafe { LOG.begin(this_core()) };
    }

    unsafe fn flush() {
        flush();
    }

    unsafe fn release() {
        // SAFETY: as above.
        unsafe { LOG.end(this_core()) };
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: as above.
        unsafe { LOG.write(this_core(), bytes) };
    }
}

/// Microseconds of the machine's clock; 0 before its rate is known.
fn microseconds() -> u64 {
    let ticks = crate::time::counter::ticks();
    system::get().map_or(0, |system| system.scale.nanoseconds(ticks) / 1000)
}

defmt::timestamp!("{=u64:us}", microseconds());
