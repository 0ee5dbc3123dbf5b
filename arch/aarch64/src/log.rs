//! defmt, encoded per core and sent by semihosting: these machines have one serial port, and that is
//! for people. Where nobody listens the log is dropped.
//!
//! A core encodes into its own ring, without a lock and without waiting. When it halts it sends a few
//! bytes of one ring; before the machine stops everything is sent. A frame goes out whole before
//! another ring's begins.

use crate::core_area::this_core;
use crate::lock::TicketLock;
use crate::ring::Ring;
use crate::{semihosting, system};
use cedo_abi::MAX_CORES;
use core::cell::UnsafeCell;

/// Ends a frame (defmt's rzcobs encoding).
const FRAME_END: u8 = 0;
/// Bytes sent at once by a core that halts.
const PIECE_BYTES: usize = 16;

/// One core's encoder. Interrupts are masked whenever the kernel runs, and handlers that come
/// nevertheless (system errors) never log.
struct CoreEncoder(UnsafeCell<defmt::Encoder>);

// SAFETY: element `n` is used by core `n` alone.
unsafe impl Sync for CoreEncoder {}

static ENCODERS: [CoreEncoder; MAX_CORES] =
    [const { CoreEncoder(UnsafeCell::new(defmt::Encoder::new())) }; MAX_CORES];
static RINGS: [Ring; MAX_CORES] = [const { Ring::new() }; MAX_CORES];
static SENDER: TicketLock<Sender> = TicketLock::new(Sender { ring: 0, within_frame: false });

/// Whose turn it is.
struct Sender {
    /// Whose frame is being sent, or was last.
    ring: usize,
    within_frame: bool,
}

impl Sender {
    /// The next byte: of the frame that was begun, else of the next ring that has one.
    fn next(&mut self) -> Option<u8> {
        if !self.within_frame {
            let after = (1..=MAX_CORES).map(|step| (self.ring + step) % MAX_CORES);
            self.ring = after.into_iter().find(|ring| !RINGS[*ring].is_empty())?;
        }
        let byte = RINGS[self.ring].pop()?;
        self.within_frame = byte != FRAME_END;
        Some(byte)
    }

    fn send(&mut self, most: usize) {
        for _ in 0..most {
            let Some(byte) = self.next() else { break };
            semihosting::write(byte);
        }
    }
}

/// Sends a few bytes, if no other core is at it.
pub fn drain() {
    if RINGS.iter().all(Ring::is_empty) {
        return;
    }
    SENDER.try_with(|sender| sender.send(PIECE_BYTES));
}

/// Sends everything.
pub fn flush() {
    let dropped: u32 = RINGS.iter().map(Ring::take_dropped).sum();
    SENDER.with(|sender| sender.send(usize::MAX));
    if dropped > 0 {
        defmt::warn!("{=u32} log frames were dropped", dropped);
        SENDER.with(|sender| sender.send(usize::MAX));
    }
}

/// The same, whoever is at it.
///
/// # Safety
/// No other core runs.
pub unsafe fn flush_alone() {
    // SAFETY: promised by the caller.
    unsafe { SENDER.break_open(|sender| sender.send(usize::MAX)) };
}

#[defmt::global_logger]
struct Logger;

/// Calls `work` with the calling core's encoder.
fn with_encoder(work: impl FnOnce(&mut defmt::Encoder, usize)) {
    let core = this_core();
    // SAFETY: only this core uses this element, and it is not interrupted meanwhile.
    let encoder = unsafe { &mut *ENCODERS[core].0.get() };
    work(encoder, core);
}

// SAFETY: 1. A frame is begun, written and ended by one core without interruption. 2. Another
// core's frame meanwhile goes to another encoder and ring.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        with_encoder(|encoder, core| encoder.start_frame(|bytes| push(core, bytes)));
    }

    unsafe fn flush() {
        flush();
    }

    unsafe fn release() {
        with_encoder(|encoder, core| {
            encoder.end_frame(|bytes| push(core, bytes));
            RINGS[core].end_frame();
        });
    }

    unsafe fn write(bytes: &[u8]) {
        with_encoder(|encoder, core| encoder.write(bytes, |bytes| push(core, bytes)));
    }
}

fn push(core: usize, bytes: &[u8]) {
    bytes.iter().for_each(|byte| RINGS[core].push(*byte));
}

/// Microseconds of the machine's clock; 0 before its rate is known.
fn microseconds() -> u64 {
    let ticks = crate::time::counter::ticks();
    system::get().map_or(0, |system| system.scale.nanoseconds(ticks) / 1000)
}

defmt::timestamp!("{=u64:us}", microseconds());
