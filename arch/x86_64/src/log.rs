//! The log (`cedo_arch_common::log`), sent by COM2.

use crate::core_area::this_core;
use crate::device::uart::{COM2, FIFO_BYTES, Uart};
use crate::system;
use crate::time::calibrate::ticks;
use cedo_arch_common::log::{Log, Port};

static LOG: Log<Com2> = Log::new(Com2(Uart::new(COM2)));

/// The port.
struct Com2(Uart);

impl Port for Com2 {
    /// At most one FIFO's worth, if the FIFO is empty.
    fn send_some(&mut self, next: impl FnMut() -> Option<u8>) {
        if self.0.is_ready() {
            core::iter::from_fn(next).take(FIFO_BYTES).for_each(|byte| self.0.send_ready(byte));
        }
    }

    /// Waits for the port.
    fn send_all(&mut self, next: impl FnMut() -> Option<u8>) {
        self.0.look_again();
        core::iter::from_fn(next).for_each(|byte| self.0.send(byte));
    }
}

/// Sets the port up.
pub fn initialise() {
    LOG.with_port(|port| port.0.initialise());
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

/// Microseconds of the machine's clock; 0 before it is calibrated.
fn microseconds() -> u64 {
    let offset = crate::core_area::RECORDS[this_core()]
        .clock_offset
        .load(core::sync::atomic::Ordering::Relaxed);
    let ticks = ticks().wrapping_add_signed(offset);
    system::get().map_or(0, |system| system.scale.nanoseconds(ticks) / 1000)
}

defmt::timestamp!("{=u64:us}", microseconds());
