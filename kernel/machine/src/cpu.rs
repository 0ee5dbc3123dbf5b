//! The one trait that a core of a machine implements.

use crate::atomic::{AtomicU64, Ordering};
use crate::{Context, CoreNumber, Frame, Line, PageFormat, Ticks, UserAddress};

/// One core as the kernel sees it. Each core has its own value; all methods act on the calling
/// core unless they name another. Interrupts are masked in the kernel throughout.
pub trait Machine: Sized + 'static {
    /// Saved user registers.
    type Context: Context;
    /// The format of page tables.
    type Pages: PageFormat;
    /// Which core this is.
    fn core(&self) -> CoreNumber;

    /// The thread with this context is current: entry code saves into it, exits resume from it.
    fn set_current(&mut self, context: &mut Self::Context);
    /// The same after a context that is plain ([`Context::is_plain`]), for another one that is, while
    /// [`is_plain`](Self::is_plain) holds.
    #[inline(always)]
    fn set_plain_current(&mut self, context: &mut Self::Context) {
        self.set_current(context);
    }
    /// True if nothing outside the registers that a call keeps or returns shows which thread ran, or no
    /// longer shows it.
    fn is_plain(&mut self) -> bool;
    /// Saves the floating-point registers into the context of the thread they belong to if it is this
    /// one. They are nobody's then, until a thread uses them and they are loaded from its context. Before
    /// the kernel reads or changes that part of a context, and before the context is used by another core
    /// or for something else.
    fn save_floating(&mut self, context: &mut Self::Context);
    /// True if translations of a page table that is no longer active may still be cached, and are used
    /// again when it becomes active (the hardware tags them). Always the same.
    fn keeps_translations(&self) -> bool;
    /// Makes `root` the active page table. Cached translations of others are forgotten, unless the machine
    /// [keeps](Self::keeps_translations) them.
    fn activate(&mut self, root: Frame);
    /// Page-table entries that were empty before and were written by this core are seen from here on
    /// by every core's translation.
    fn publish_entries();
    /// Forgets this core's cached translation of a page, in the active page table at least.
    fn flush_page(&mut self, page: UserAddress);
    /// Forgets all of this core's cached user translations, of every page table.
    fn flush_all(&mut self);

    /// The machine-wide counter, now.
    fn now(&mut self) -> Ticks;
    /// Nanoseconds that `ticks` last.
    fn nanoseconds(&self, ticks: Ticks) -> u64;
    /// Raises [`crate::Interrupt::Timer`] once when the machine-wide clock reaches `deadline_ns`
    /// (at once if that is past); `None` disarms.
    fn set_deadline(&mut self, deadline_ns: Option<u64>);

    /// Copies words that others may read and write meanwhile: as many as both have.
    #[inline(always)]
    fn copy_words(from: &[AtomicU64], to: &[AtomicU64]) {
        let pairs = from.iter().zip(to);
        pairs.for_each(|(from, to)| to.store(from.load(Ordering::Relaxed), Ordering::Relaxed));
    }

    /// Lets all user code of this core read its cycle counter, or no longer. Where that is the clock's
    /// counter, which everybody may read, there is nothing to do.
    fn show_cycles(&mut self, shown: bool);

    /// Tells the processor that this is a spin loop (and an emulator to run another core).
    fn relax();

    /// Raises [`crate::Interrupt::Signal`] on a core, perhaps on this one (when it next runs user
    /// code or halts). Orders all earlier writes before it.
    fn signal(&mut self, core: CoreNumber);

    /// Routes `line` to this core and leaves it masked. False if the platform has no such line.
    fn route_line(&mut self, line: Line, trigger: Trigger) -> bool;
    /// Lets `line` through. A level line is masked again by its next interrupt, before
    /// [`crate::Upcalls::interrupt`] hears of it.
    fn unmask_line(&mut self, line: Line);
    /// Stops `line`.
    fn mask_line(&mut self, line: Line);

    /// Reads `bytes` (1, 2, 4) from an I/O port. `None` where the machine has no ports.
    fn port_read(&mut self, port: u16, bytes: u8) -> Option<u32>;
    /// Writes an I/O port. False where the machine has no ports.
    fn port_write(&mut self, port: u16, bytes: u8, value: u32) -> bool;

    /// Writes text to the kernel's console: boot messages, and `Core` WRITE.
    fn console(&mut self, text: &[u8]);
    /// Powers off or restarts the machine.
    fn power(&mut self, action: Power) -> !;
}

/// How an interrupt line signals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trigger {
    /// By a transition; never masked.
    Edge,
    /// By a level; masked from delivery until acknowledged.
    Level,
}

/// The end of everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Power {
    /// Switch off; an emulator exits with this code.
    Off(u8),
    /// Restart.
    Reboot,
}
