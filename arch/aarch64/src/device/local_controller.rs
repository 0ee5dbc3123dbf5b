//! The interrupt controller that each core of a BCM2836 or BCM2837 has (Broadcom, BCM2836 ARM-local
//! peripherals, QA7 rev 3.4): its timers, four mailboxes for signals, and one bit for all devices.
//!
//! Of the mailboxes, 0 holds signals, and 2 and 3 a bit for each line of a device that another core passed
//! on: devices interrupt one core only ([`super::legacy_controller`]).

use cedo_mmio::Registers;

/// Bytes of the registers.
pub const BYTES: usize = 0x100;
/// Cores that have one.
pub const CORES: usize = 4;

/// Which core devices interrupt: 0.
const DEVICE_CORE: usize = 0x0c;
/// A core's timers: bit n lets source n through.
const TIMERS: usize = 0x40;
/// A core's mailboxes: bit n lets mailbox n through.
const MAILBOXES: usize = 0x50;
const SOURCES: usize = 0x60;
const MAILBOX_SET: usize = 0x80;
const MAILBOX_CLEAR: usize = 0xc0;
/// Bytes from one core's mailboxes to the next.
const MAILBOX_STRIDE: usize = 16;

/// The mailbox of signals.
const SIGNALS: usize = 0;
/// The first mailbox of lines.
const LINES: usize = 2;
/// Lines in a mailbox.
const MAILBOX_LINES: u32 = 32;

/// Sources of a core: its four timers, its mailboxes, and the devices.
const TIMER_SOURCES: u32 = 0xf;
const MAILBOX_SOURCE: u32 = 4;
const DEVICE_SOURCE: u32 = 1 << 8;

/// What interrupts a core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Its timer of this number.
    Timer(u32),
    /// The signal of this number.
    Signal(u32),
    /// A line that another core passed on.
    Line(u32),
    /// A device: the controller behind knows which.
    Device,
}

/// The registers of all cores.
#[derive(Clone, Copy, Debug)]
pub struct LocalController(Registers);

impl LocalController {
    /// The controller behind these registers.
    pub const fn new(registers: Registers) -> LocalController {
        LocalController(registers)
    }

    /// Devices interrupt core 0.
    pub fn initialise(self) {
        self.0.write32(DEVICE_CORE, 0);
    }

    /// Masks all timers of a core and lets its mailboxes through, emptied.
    pub fn initialise_core(self, core: usize) {
        self.0.write32(TIMERS + 4 * core, 0);
        for mailbox in [SIGNALS, LINES, LINES + 1] {
            self.0.write32(mailbox_at(MAILBOX_CLEAR, core, mailbox), u32::MAX);
        }
        self.0.write32(MAILBOXES + 4 * core, 1 << SIGNALS | 3 << LINES);
    }

    /// Masks or unmasks a timer of the calling core.
    pub fn set_timer_masked(self, core: usize, timer: u32, masked: bool) {
        let others = self.0.read32(TIMERS + 4 * core) & !(1 << timer);
        self.0.write32(TIMERS + 4 * core, others | u32::from(!masked) << timer);
    }

    /// Signals a core.
    pub fn signal(self, core: usize, number: u32) {
        self.0.write32(mailbox_at(MAILBOX_SET, core, SIGNALS), 1 << number);
    }

    /// Passes a line on to a core.
    pub fn pass(self, core: usize, line: u32) {
        let mailbox = LINES + (line / MAILBOX_LINES) as usize;
        self.0.write32(mailbox_at(MAILBOX_SET, core, mailbox), 1 << (line % MAILBOX_LINES));
    }

    /// Takes what is pending on the calling core: of a mailbox, one bit is taken out.
    pub fn accept(self, core: usize) -> Option<Source> {
        let sources = self.0.read32(SOURCES + 4 * core);
        let timers = sources & TIMER_SOURCES & self.0.read32(TIMERS + 4 * core);
        if let Some(number) = self.take(core, SIGNALS, sources) {
            return Some(Source::Signal(number));
        }
        if timers != 0 {
            return Some(Source::Timer(timers.trailing_zeros()));
        }
        for mailbox in [LINES, LINES + 1] {
            if let Some(bit) = self.take(core, mailbox, sources) {
                return Some(Source::Line((mailbox - LINES) as u32 * MAILBOX_LINES + bit));
            }
        }
        (sources & DEVICE_SOURCE != 0).then_some(Source::Device)
    }

    /// Takes the lowest bit out of a mailbox that is among `sources`.
    fn take(self, core: usize, mailbox: usize, sources: u32) -> Option<u32> {
        if sources & 1 << (MAILBOX_SOURCE + mailbox as u32) == 0 {
            return None;
        }
        let bits = self.0.read32(mailbox_at(MAILBOX_CLEAR, core, mailbox));
        let bit = (bits != 0).then(|| bits.trailing_zeros())?;
        self.0.write32(mailbox_at(MAILBOX_CLEAR, core, mailbox), 1 << bit);
        Some(bit)
    }
}

const fn mailbox_at(base: usize, core: usize, mailbox: usize) -> usize {
    base + MAILBOX_STRIDE * core + 4 * mailbox
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plain memory in the place of the device: what is written can be read back.
    fn controller(memory: &mut [u64; 32]) -> LocalController {
        // SAFETY: the array outlives the registers, is aligned, and is used through them only.
        LocalController::new(unsafe { Registers::new(memory.as_mut_ptr().cast(), BYTES) })
    }

    #[test]
    fn signals_go_before_timers_and_lines_before_devices() {
        let mut memory = [0; 32];
        let controller = controller(&mut memory);
        controller.0.write32(0x6c, 1 << 8 | 1 << 6 | 1 << 4 | 1 << 3);
        controller.0.write32(0xf0, 0b10);
        controller.0.write32(0xf8, 0b1000);
        controller.set_timer_masked(3, 3, false);
        assert_eq!(controller.accept(3), Some(Source::Signal(1)));
        assert_eq!(controller.0.read32(0xf0), 0b10, "the bit that was taken is written back");
        controller.0.write32(0x6c, 1 << 8 | 1 << 6 | 1 << 3);
        assert_eq!(controller.accept(3), Some(Source::Timer(3)));
        controller.set_timer_masked(3, 3, true);
        assert_eq!(controller.accept(3), Some(Source::Line(3)));
        controller.0.write32(0x6c, 1 << 8 | 1 << 7);
        controller.0.write32(0xfc, 1 << 25);
        assert_eq!(controller.accept(3), Some(Source::Line(57)));
        controller.0.write32(0x6c, 1 << 8);
        assert_eq!(controller.accept(3), Some(Source::Device));
        controller.0.write32(0x6c, 0);
        assert_eq!(controller.accept(3), None);
    }

    #[test]
    fn each_core_has_its_mailboxes_and_timers() {
        let mut memory = [0; 32];
        let controller = controller(&mut memory);
        controller.signal(2, 1);
        assert_eq!(controller.0.read32(0xa0), 0b10);
        controller.pass(1, 57);
        assert_eq!(controller.0.read32(0x9c), 1 << 25);
        controller.set_timer_masked(1, 1, false);
        controller.set_timer_masked(1, 3, false);
        controller.set_timer_masked(1, 1, true);
        assert_eq!(controller.0.read32(0x44), 1 << 3);
        controller.initialise_core(0);
        assert_eq!((controller.0.read32(0x50), controller.0.read32(0xc8)), (0b1101, u32::MAX));
    }
}
