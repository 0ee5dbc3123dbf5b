//! Each core's own interrupt controller and timer (Intel SDM volume 3, chapter 11), in x2APIC mode where the
//! processor has it, else in xAPIC mode.

use super::local_register::{self, BASE_REGISTER, is_x2apic};
use crate::features;
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

const TSC_DEADLINE: u32 = 0x6e0;

/// The calling core's controller: its registers in memory, or none there, and then they are the
/// processor's.
#[derive(Clone, Copy)]
pub struct LocalApic(Registers);

impl LocalApic {
    /// Switches this core's controller on, in x2APIC mode if the processor has that. `registers` are those
    /// of xAPIC mode. `None` if it is not in the mode afterwards in which it should be.
    pub fn switch_on(registers: Registers, x2apic: bool) -> Option<LocalApic> {
        let registers = if x2apic { registers.part(0, 0) } else { registers };
        let controller = LocalApic(registers);
        controller.switch_on_here().then_some(controller)
    }

    /// Switches the calling core's controller on, in the same mode. False if it does not obey.
    pub fn switch_on_here(self) -> bool {
        let x2apic = !self.is_in_memory();
        for value in local_register::way(features::read(BASE_REGISTER), x2apic) {
            features::write(BASE_REGISTER, value);
        }
        is_x2apic(features::read(BASE_REGISTER)) == x2apic
    }

    /// Its mode, for people.
    pub fn mode(self) -> &'static str {
        if self.is_in_memory() { "xAPIC" } else { "x2APIC" }
    }

    /// True if commands can name the core with this identifier.
    pub fn reaches(self, identifier: u32) -> bool {
        !self.is_in_memory() || local_register::short(identifier).is_some()
    }

    /// Accepts interrupts on this core. The NMI input stays as firmware wired it, and so does the
    /// thermal sensor.
    pub fn initialise(self, counter_deadline: bool) {
        self.write(TASK_PRIORITY, 0);
        self.write(LINT_0, MASKED);
        self.write(PERFORMANCE, MASKED);
        self.write(ERROR, MASKED);
        self.write(SPURIOUS, SOFTWARE_ENABLE | u32::from(SPURIOUS_VECTOR));
        self.write(ERROR_STATUS, 0);
        self.write(TIMER_DIVIDE, DIVIDE_BY_1);
        self.write(TIMER_INITIAL, 0);
        let mode = if counter_deadline { COUNTER_DEADLINE } else { 0 };
        self.write(TIMER, mode | u32::from(TIMER_VECTOR));
        // Section 11.5.4.1: the mode must be set before the first deadline is written.
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
        // Firmware may have left an interrupt in service, which would hold others back.
        for _ in 0..256 {
            if IN_SERVICE.step_by(16).all(|register| self.read(register) == 0) {
                break;
            }
            self.end_interrupt();
        }
    }

    /// This core's identifier.
    pub fn identifier(self) -> u32 {
        let identifier = self.read(IDENTIFIER);
        if self.is_in_memory() { identifier >> 24 } else { identifier }
    }

    /// Acknowledges the interrupt being handled.
    #[inline]
    pub fn end_interrupt(self) {
        self.write(END_OF_INTERRUPT, 0);
    }

    /// Counts down once from `count`; 0 stops.
    #[inline]
    pub fn start_timer(self, count: u32) {
        self.write(TIMER_INITIAL, count);
    }

    /// What is left of the count.
    pub fn timer_count(self) -> u32 {
        self.read(TIMER_CURRENT)
    }

    /// Interrupts when the time-stamp counter reaches `ticks`; 0 stops.
    #[inline]
    pub fn set_counter_deadline(self, ticks: u64) {
        features::write(TSC_DEADLINE, ticks);
    }

    /// Raises `vector` on the core with this identifier.
    #[inline]
    pub fn interrupt(self, identifier: u32, vector: u8) {
        self.command(identifier, ASSERT | u32::from(vector));
    }

    /// Stops the core with this identifier until a start-up command.
    pub fn reset_core(self, identifier: u32) {
        self.command(identifier, ASSERT | INIT);
    }

    /// Starts a core that was reset, in real mode at the start of `page` (below 1 MiB).
    pub fn start_core(self, identifier: u32, page: u64) {
        self.command(identifier, ASSERT | START_UP | (page >> 12) as u32 & 0xff);
    }

    /// Interrupts the core with this identifier whatever it has masked.
    pub fn stop_core(self, identifier: u32) {
        self.command(identifier, ASSERT | NMI);
    }

    fn command(self, identifier: u32, command: u32) {
        if !self.is_in_memory() {
            complete_writes();
            features::write(local_register::COMMAND, local_register::command(identifier, command));
            return;
        }
        let mut looks = 0;
        while self.read(COMMAND_LOW) & DELIVERY_PENDING != 0 && looks < MOST_LOOKS {
            looks += 1;
            spin_loop();
        }
        self.write(COMMAND_HIGH, identifier << 24);
        self.write(COMMAND_LOW, command);
    }

    #[inline(always)]
    fn is_in_memory(self) -> bool {
        self.0.bytes() >= BYTES
    }

    #[inline(always)]
    fn read(self, offset: usize) -> u32 {
        if self.is_in_memory() {
            self.0.read32(offset)
        } else {
            features::read(local_register::register(offset)) as u32
        }
    }

    #[inline(always)]
    fn write(self, offset: usize, value: u32) {
        if self.is_in_memory() {
            self.0.write32(offset, value);
        } else {
            features::write(local_register::register(offset), u64::from(value));
        }
    }
}

/// Everything written to memory before is seen by the core that a command goes to: unlike a register in
/// memory, one of the processor does not wait for that (section 11.12.3).
fn complete_writes() {
    // SAFETY: every x86-64 processor has the instruction; it changes no memory.
    unsafe { core::arch::x86_64::_mm_mfence() };
    // SAFETY: as above.
    unsafe { core::arch::x86_64::_mm_lfence() };
}
