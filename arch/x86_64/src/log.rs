//! defmt, encoded per core and sent by COM2.
//!
//! A core encodes into its own ring, without a lock and without waiting. When it halts it sends at
//! most one FIFO's worth from one ring; before the machine stops everything is sent. A frame goes
//! out whole before another ring's begins.

use crate::core_area::this_core;
use crate::device::uart::{COM2, FIFO_BYTES, Uart};
use crate::lock::TicketLock;
use crate::ring::Ring;
use crate::system;
use crate::time::calibrate::ticks;
use cedo_abi::MAX_CORES;
use core::cell::UnsafeCell;

/// Ends a frame (defmt's rzcobs encoding).
const FRAME_END: u8 = 0;

/// One core's encoder. Interrupts are masked whenever the kernel runs, and handlers that come
/// nevertheless (NMI, machine check) never log.
struct CoreEncoder(UnsafeCell<defmt::Encoder>);

// SAFETY: element `n` is used by core `n` alone.
unsafe impl Sync for CoreEncoder {}

static ENCODERS: [CoreEncoder; MAX_CORES] =
    [const { CoreEncoder(UnsafeCell::new(defmt::Encoder::new())) }; MAX_CORES];
static RINGS: [Ring; MAX_CORES] = [const { Ring::new() }; MAX_CORES];
static SENDER: TicketLock<Sender> =
    TicketLock::new(Sender { port: Uart::new(COM2), ring: 0, within_frame: false });

/// Where the log goes.
struct Sender {
    port: Uart,
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
}

/// Sets the port up.
pub fn initialise() {
    SENDER.with(|sender| sender.port.initialise());
}

/// Sends at most one FIFO's worth, if the FIFO is empty and no other core is at it.
pub fn drain() {
    if RINGS.iter().all(Ring::is_empty) {
        return;
    }
    SENDER.try_with(|sender| {
        if sender.port.is_ready() {
            for _ in 0..FIFO_BYTES {
                let Some(byte) = sender.next() else { break };
                sender.port.send_ready(byte);
            }
        }
    });
}

/// Sends everything, waiting for the port.
pub fn flush() {
    let dropped: u32 = RINGS.iter().map(Ring::take_dropped).sum();
    SENDER.with(send_all);
    if dropped > 0 {
        defmt::warn!("{=u32} log frames were dropped", dropped);
        SENDER.with(send_all);
    }
}

/// The same, whoever is at it.
///
/// # Safety
/// No other core runs.
pub unsafe fn flush_alone() {
    // SAFETY: promised by the caller.
    unsafe { SENDER.break_open(send_all) };
}

fn send_all(sender: &mut Sender) {
    sender.port.look_again();
    while let Some(byte) = sender.next() {
        sender.port.send(byte);
    }
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

/// Microseconds of the machine's clock; 0 before it is calibrated.
fn microseconds() -> u64 {
    let offset = crate::core_area::RECORDS[this_core()]
        .clock_offset
        .load(core::sync::atomic::Ordering::Relaxed);
    let ticks = ticks().wrapping_add_signed(offset);
    system::get().map_or(0, |system| system.scale.nanoseconds(ticks) / 1000)
}

defmt::timestamp!("{=u64:us}", microseconds());
