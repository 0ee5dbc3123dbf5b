//! defmt, encoded per core and sent by one port.
//!
//! A core encodes into its own ring, without a lock and without waiting. When it halts it sends a few
//! bytes; before the machine stops everything is sent.

use crate::lock::TicketLock;
use crate::ring::Ring;
use crate::turns::Turns;
use cedo_abi::MAX_CORES;
use core::cell::UnsafeCell;

/// Where a log goes.
pub trait Port {
    /// Sends a few bytes of what `next` gives, without waiting.
    fn send_some(&mut self, next: impl FnMut() -> Option<u8>);
    /// Sends all of it.
    fn send_all(&mut self, next: impl FnMut() -> Option<u8>);
}

/// One core's encoder. Interrupts are masked whenever the kernel runs, and handlers that come
/// nevertheless (non-maskable ones, machine checks, system errors) never log.
struct CoreEncoder(UnsafeCell<defmt::Encoder>);

// SAFETY: element `n` is used by core `n` alone.
unsafe impl Sync for CoreEncoder {}

/// The log of all cores.
pub struct Log<P> {
    encoders: [CoreEncoder; MAX_CORES],
    rings: [Ring; MAX_CORES],
    sender: TicketLock<Sender<P>>,
}

struct Sender<P> {
    port: P,
    turns: Turns,
}

impl<P: Port> Log<P> {
    /// An empty log that goes to `port`.
    pub const fn new(port: P) -> Log<P> {
        Log {
            encoders: [const { CoreEncoder(UnsafeCell::new(defmt::Encoder::new())) }; MAX_CORES],
            rings: [const { Ring::new() }; MAX_CORES],
            sender: TicketLock::new(Sender { port, turns: Turns::new() }),
        }
    }

    /// Calls `work` with the port.
    pub fn with_port(&self, work: impl FnOnce(&mut P)) {
        self.sender.with(|sender| work(&mut sender.port));
    }

    /// Sends a few bytes, if no other core is at it.
    pub fn drain(&self) {
        if self.rings.iter().all(Ring::is_empty) {
            return;
        }
        self.sender.try_with(|Sender { port, turns }| port.send_some(|| turns.next(&self.rings)));
    }

    /// Sends everything.
    pub fn flush(&self) {
        let dropped: u32 = self.rings.iter().map(Ring::take_dropped).sum();
        self.sender.with(|sender| self.send_all(sender));
        if dropped > 0 {
            defmt::warn!("{=u32} log frames were dropped", dropped);
            self.sender.with(|sender| self.send_all(sender));
        }
    }

    /// The same, whoever is at it.
    ///
    /// # Safety
    /// No other core runs.
    pub unsafe fn flush_alone(&self) {
        // SAFETY: promised by the caller.
        unsafe { self.sender.break_open(|sender| self.send_all(sender)) };
    }

    fn send_all(&self, Sender { port, turns }: &mut Sender<P>) {
        port.send_all(|| turns.next(&self.rings));
    }

    /// Begins a frame of `core`.
    ///
    /// # Safety
    /// `core` is the calling core, which is not interrupted between the frame's beginning and end.
    pub unsafe fn begin(&self, core: usize) {
        // SAFETY: promised by the caller.
        let encoder = unsafe { &mut *self.encoders[core].0.get() };
        encoder.start_frame(|bytes| self.push(core, bytes));
    }

    /// Adds to a frame of `core`.
    ///
    /// # Safety
    /// As for [`Log::begin`].
    pub unsafe fn write(&self, core: usize, bytes: &[u8]) {
        // SAFETY: promised by the caller.
        let encoder = unsafe { &mut *self.encoders[core].0.get() };
        encoder.write(bytes, |bytes| self.push(core, bytes));
    }

    /// Ends a frame of `core`.
    ///
    /// # Safety
    /// As for [`Log::begin`].
    pub unsafe fn end(&self, core: usize) {
        // SAFETY: promised by the caller.
        let encoder = unsafe { &mut *self.encoders[core].0.get() };
        encoder.end_frame(|bytes| self.push(core, bytes));
        self.rings[core].end_frame();
    }

    fn push(&self, core: usize, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.rings[core].push(*byte));
    }
}
