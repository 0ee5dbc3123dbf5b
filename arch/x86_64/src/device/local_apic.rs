//! Each core's own interrupt controller and timer, in xAPIC mode (Intel SDM volume 3, chapter 11).

use crate::features;
use crate::time::timer::{Mode, Setting};
use cedo_mmio::Registers;
use core::hint::spin_loop;

const IDENTIFIER: usize = 0x20;
const TASK_PRIORITY: usize = 0x80;
const END_OF_INTERRUPT: usize = 0xb0;
const SPURIOUS: usize = 0xf0;
const IN_SERVICE: core::ops::Range<usize> = 0x100..0x180;
const ERROR_STATUS: usize = 0x280;
const COMMAND_LOW: usize = 0x300;
const COMMAND_HIGH: usize = 0x310;
const TIMER: usize = 0x320;
const PERFORMANCE: usize = 0x340;
const LINT_0: usize = 0x350;
const ERROR: usize = 0x370;
const TIMER_INITIAL: usize = 0x380;
const TIMER_CURRENT: usize = 0x390;
const TIMER_DIVIDE: usize = 0x3e0;

/// Bytes of the register page.
pub const BYTES: usize = 0x400;

/// Vector of the core's deadline.
pub const TIMER_VECTOR: u8 = 0xf0;
/// Vector of another core's signal.
pub const SIGNAL_VECTOR: u8 = 0xf1;
/// Vector of an interrupt that went away; not acknowledged.
pub const SPURIOUS_VECTOR: u8 = 0xff;

const MASKED: u32 = 1 << 16;
const SOFTWARE_ENABLE: u32 = 1 << 8;
const DIVIDE_BY_1: u32 = 0xb;
const COUNTER_DEADLINE: u32 = 2 << 17;

const DELIVERY_PENDING: u32 = 1 << 12;
const ASSERT: u32 = 1 << 14;
const NMI: u32 = 4 << 8;
const INIT: u32 = 5 << 8;
const START_UP: u32 = 6 << 8;
/// Looks before a command is sent although the last one seems to be under way.
const MOST_LOOKS: u32 = 100_000;

const BASE_REGISTER: u32 = 0x1b;
const BASE_ENABLE: u64 = 1 << 11;
const BASE_X2APIC: u64 = 1 << 10;
const TSC_DEADLINE: u32 = 0x6e0;

/// The calling core's controller.
#[derive(Clone, Copy)]
pub struct LocalApic(Registers);

/// Switches this core's controller on in xAPIC mode. False if firmware has locked it in x2APIC
/// mode.
pub fn enter_xapic_mode() -> bool {
    let base = features::read(BASE_REGISTER);
    if base & BASE_X2APIC != 0 {
        // The only way from x2APIC to xAPIC leads through "off" (section 11.12.5).
        features::write(BASE_REGISTER, base & !(BASE_ENABLE | BASE_X2APIC));
    }
    features::write(BASE_REGISTER, base & !BASE_X2APIC | BASE_ENABLE);
    features::read(BASE_REGISTER) & BASE_X2APIC == 0
}

impl LocalApic {
    /// The controller behind these registers.
    pub const fn new(registers: Registers) -> LocalApic {
        LocalApic(registers)
    }

    /// Accepts interrupts on this core. The NMI input stays as firmware wired it, and so does the
    /// thermal sensor.
    pub fn initialise(self, timer: Mode) {
        self.0.write32(TASK_PRIORITY, 0);
        self.0.write32(LINT_0, MASKED);
        self.0.write32(PERFORMANCE, MASKED);
        self.0.write32(ERROR, MASKED);
        self.0.write32(SPURIOUS, SOFTWARE_ENABLE | u32::from(SPURIOUS_VECTOR));
        self.0.write32(ERROR_STATUS, 0);
        self.0.write32(TIMER_DIVIDE, DIVIDE_BY_1);
        self.0.write32(TIMER_INITIAL, 0);
        let mode = match timer {
            Mode::Count => 0,
            Mode::Counter => COUNTER_DEADLINE,
        };
        self.0.write32(TIMER, mode | u32::from(TIMER_VECTOR));
        // Section 11.5.4.1: the mode must be set before the first deadline is written.
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
        // Firmware may have left an interrupt in service, which would hold others back.
        for _ in 0..256 {
            if IN_SERVICE.step_by(16).all(|register| self.0.read32(register) == 0) {
                break;
            }
            self.end_interrupt();
        }
    }

    /// This core's identifier.
    pub fn identifier(self) -> u8 {
        (self.0.read32(IDENTIFIER) >> 24) as u8
    }

    /// Acknowledges the interrupt being handled.
    #[inline]
    pub fn end_interrupt(self) {
        self.0.write32(END_OF_INTERRUPT, 0);
    }

    /// Arms or stops the timer, in the mode that it was given.
    #[inline]
    pub fn set_timer(self, setting: Setting) {
        match setting {
            Setting::Count(count) => self.start_timer(count),
            Setting::Counter(ticks) => features::write(TSC_DEADLINE, ticks),
        }
    }

    /// Counts down once from `count`; 0 stops.
    #[inline]
    pub fn start_timer(self, count: u32) {
        self.0.write32(TIMER_INITIAL, count);
    }

    /// What is left of the count.
    pub fn timer_count(self) -> u32 {
        self.0.read32(TIMER_CURRENT)
    }

    /// Raises `vector` on the core with this identifier.
    #[inline]
    pub fn interrupt(self, identifier: u8, vector: u8) {
        self.command(identifier, ASSERT | u32::from(vector));
    }

    /// Stops the core with this identifier until a start-up command.
    pub fn reset_core(self, identifier: u8) {
        self.command(identifier, ASSERT | INIT);
    }

    /// Starts a core that was reset, in real mode at the start of `page` (below 1 MiB).
    pub fn start_core(self, identifier: u8, page: u64) {
        self.command(identifier, ASSERT | START_UP | (page >> 12) as u32 & 0xff);
    }

    /// Interrupts the core with this identifier whatever it has masked.
    pub fn stop_core(self, identifier: u8) {
        self.command(identifier, ASSERT | NMI);
    }

    fn command(self, identifier: u8, command: u32) {
        let mut looks = 0;
        while self.0.read32(COMMAND_LOW) & DELIVERY_PENDING != 0 && looks < MOST_LOOKS {
            looks += 1;
            spin_loop();
        }
        self.0.write32(COMMAND_HIGH, u32::from(identifier) << 24);
        self.0.write32(COMMAND_LOW, command);
    }
}
