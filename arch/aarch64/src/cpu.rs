//! The `Machine` of one core.

use crate::console;
use crate::context::Context;
use crate::core_area::{CoreRecord, NO_DEADLINE, RECORDS};
use crate::floating::{FloatingUnit, Hardware};
use crate::page::ArmPages;
use crate::power;
use crate::registers::{publish_writes, synchronise, write_register};
use crate::system::System;
use crate::time::{alarm, counter, cycles, deadline};
use cedo_abi::call::ports::CORE_TIMER;
use cedo_machine::{CoreNumber, Frame, Line, Machine, Power, Ticks, Trigger, UserAddress};
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

/// Page tables that keep their cached translations on a core, each under an identifier of its own
/// (ASID); every processor has at least 256.
const TAGGED_TABLES: usize = 128;

/// One core. The only value of its number, used on that core alone.
pub struct Aarch64 {
    core: CoreNumber,
    record: &'static CoreRecord,
    system: &'static System,
    /// Whose translations may be cached under identifier 1 and following; 0: nobody's. A table has
    /// one possible place.
    tagged: [u32; TAGGED_TABLES],
    floating: FloatingUnit,
}

impl Aarch64 {
    /// The calling core, whose number is `core`.
    pub(crate) fn new(core: usize, system: &'static System) -> Aarch64 {
        let record = &RECORDS[core];
        let (core, floating) = (CoreNumber(core as u8), FloatingUnit::new(Hardware));
        Aarch64 { core, record, system, tagged: [0; TAGGED_TABLES], floating }
    }

    /// The current thread, which has this context, uses the floating-point registers while they are off.
    pub(crate) fn use_floating(&mut self, context: &mut Context) {
        // SAFETY: the kernel calls `save_floating` before the context moves or ends.
        unsafe { self.floating.open_for(&mut context.floating) };
    }

    /// Switches the floating-point registers off: whoever runs next may be another thread.
    #[cold]
    fn leave_floating(&mut self) {
        self.floating.close();
    }

    /// The identifier of a page table. What was cached for another under it is forgotten.
    #[inline]
    fn identifier(&mut self, root: Frame) -> u64 {
        let place = root.0 as usize % TAGGED_TABLES;
        let identifier = place as u64 + 1;
        if self.tagged[place] != root.0 {
            self.tagged[place] = root.0;
            forget_identifier(identifier);
        }
        identifier
    }

    /// True for the line of the core's own timer that programs may have.
    fn is_alarm(&self, line: Line) -> bool {
        self.system.alarm_interrupt == Some(line.0)
    }
}

#[cold]
fn forget_identifier(identifier: u64) {
    publish_writes();
    // SAFETY: forgetting translations is always allowed.
    unsafe {
        core::arch::asm!("tlbi aside1, {}", "dsb nsh", in(reg) identifier << 48, options(nostack));
    }
}

impl Machine for Aarch64 {
    type Context = Context;
    type Pages = ArmPages;

    #[inline]
    fn core(&self) -> CoreNumber {
        self.core
    }

    #[inline]
    fn set_current(&mut self, context: &mut Context) {
        self.record.context.store((&raw mut *context) as u64, Relaxed);
        self.is_plain();
    }

    #[inline(always)]
    fn set_plain_current(&mut self, context: &mut Context) {
        self.record.context.store((&raw mut *context) as u64, Relaxed);
    }

    #[inline(always)]
    fn is_plain(&mut self) -> bool {
        if self.floating.is_open() {
            self.leave_floating();
        }
        true
    }

    fn save_floating(&mut self, context: &mut Context) {
        self.floating.give_back(&mut context.floating);
    }

    #[inline(always)]
    fn keeps_translations(&self) -> bool {
        true
    }

    #[inline]
    fn activate(&mut self, root: Frame) {
        let identifier = self.identifier(root);
        // The kernel touches no user address; the way out synchronises.
        write_register!("ttbr0_el1", identifier << 48 | root.address());
    }

    #[inline]
    fn publish_entries() {
        publish_writes();
    }

    #[inline]
    fn flush_page(&mut self, page: UserAddress) {
        publish_writes();
        // SAFETY: forgetting translations is always allowed.
        unsafe {
            core::arch::asm!("tlbi vaae1, {}", "dsb nsh", in(reg) page.number() >> 12, options(nostack));
        }
        synchronise();
    }

    fn flush_all(&mut self) {
        publish_writes();
        // SAFETY: as above.
        unsafe { core::arch::asm!("tlbi vmalle1", "dsb nsh", options(nostack)) };
        synchronise();
    }

    #[inline]
    fn now(&mut self) -> Ticks {
        Ticks(counter::ticks())
    }

    #[inline]
    fn nanoseconds(&self, ticks: Ticks) -> u64 {
        self.system.scale.nanoseconds(ticks.0)
    }

    #[inline]
    fn set_deadline(&mut self, deadline_ns: Option<u64>) {
        deadline::set(self.record, self.system, deadline_ns.unwrap_or(NO_DEADLINE));
    }

    #[inline]
    fn copy_words(from: &[AtomicU64], to: &[AtomicU64]) {
        const GROUP: usize = 4;
        let groups = from.len().min(to.len()) / GROUP;
        // SAFETY: 1. Both slices have that many groups of words, of which the processor reads and writes
        // each as one (Arm ARM, B2.2.1: aligned pairs). 2. They are atomic, so others may use them at the
        // same time.
        unsafe {
            core::arch::asm!(
                "cbz {groups}, 3f",
                "2: ldp {one}, {two}, [{from}], #16",
                "ldp {three}, {four}, [{from}], #16",
                "stp {one}, {two}, [{to}], #16",
                "stp {three}, {four}, [{to}], #16",
                "sub {groups}, {groups}, #1",
                "cbnz {groups}, 2b",
                "3:",
                groups = inout(reg) groups => _,
                from = inout(reg) from.as_ptr() => _,
                to = inout(reg) to.as_ptr() => _,
                one = out(reg) _,
                two = out(reg) _,
                three = out(reg) _,
                four = out(reg) _,
                options(nostack, preserves_flags),
            );
        }
        let rest = from.iter().zip(to).skip(groups * GROUP);
        rest.for_each(|(from, to)| to.store(from.load(Relaxed), Relaxed));
    }

    fn show_cycles(&mut self, shown: bool) {
        cycles::show(shown);
    }

    #[inline]
    fn relax() {
        crate::relax();
    }

    fn signal(&mut self, core: CoreNumber) {
        if let Some(record) = RECORDS.get(core.index()) {
            self.system.controller.signal(record);
        }
    }

    fn route_line(&mut self, line: Line, trigger: Trigger) -> bool {
        self.is_alarm(line) || self.system.controller.route(line, trigger, self.record)
    }

    fn unmask_line(&mut self, line: Line) {
        if self.is_alarm(line) {
            self.system.controller.set_own_masked(line.0, false, self.record);
        } else {
            self.system.controller.set_masked(line, false);
        }
    }

    fn mask_line(&mut self, line: Line) {
        if self.is_alarm(line) {
            self.system.controller.set_own_masked(line.0, true, self.record);
        } else {
            self.system.controller.set_masked(line, true);
        }
    }

    fn port_read(&mut self, port: u16, bytes: u8) -> Option<u32> {
        (port == CORE_TIMER && bytes == 4).then(alarm::left)
    }

    fn port_write(&mut self, port: u16, bytes: u8, value: u32) -> bool {
        let is_timer = port == CORE_TIMER && bytes == 4;
        if is_timer {
            alarm::set(value);
        }
        is_timer
    }

    fn console(&mut self, text: &[u8]) {
        console::write(text);
    }

    fn power(&mut self, action: Power) -> ! {
        power::act(action)
    }
}
