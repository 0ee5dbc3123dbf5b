//! The `Machine` of one core.

use crate::console;
use crate::context::{Context, Registers};
use crate::core_area::{CoreRecord, NO_DEADLINE, RECORDS};
use crate::descriptor::segments;
use crate::device::local_apic::SIGNAL_VECTOR;
use crate::device::port;
use crate::features::{self, FS_BASE, GS_BASE};
use crate::floating::{FloatingUnit, Hardware};
use crate::page::X86Pages;
use crate::power;
use crate::system::System;
use crate::time::{calibrate, deadline, offset};
use cedo_machine::{CoreNumber, Frame, Line, Machine, Power, Ticks, Trigger, UserAddress};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicU64, fence};
use x86_64::VirtAddr;
use x86_64::instructions::tlb;

/// One core. The only value of its number, used on that core alone.
pub struct X86_64 {
    core: CoreNumber,
    record: &'static CoreRecord,
    system: &'static System,
    /// The or of the segment bases that are loaded: 0 if both are 0.
    bases: u64,
    /// 0 if `bases` is and the floating-point registers are off: nothing shows which thread ran.
    traces: u64,
    floating: FloatingUnit,
}

impl X86_64 {
    /// The calling core, whose number is `core`.
    pub(crate) fn new(core: usize, system: &'static System) -> X86_64 {
        let record = &RECORDS[core];
        let (core, floating) = (CoreNumber(core as u8), FloatingUnit::new(Hardware));
        X86_64 { core, record, system, bases: 0, traces: 0, floating }
    }

    /// The current thread, which has this context, uses the floating-point registers while they are off.
    pub(crate) fn use_floating(&mut self, context: &mut Context) {
        // SAFETY: the kernel calls `save_floating` before the context moves or ends.
        unsafe { self.floating.open_for(&mut context.floating) };
        self.traces |= 1;
    }

    /// True if floating point was all that showed who ran, and does no longer.
    #[cold]
    fn becomes_plain(&mut self) -> bool {
        self.leave_floating();
        self.traces | segments::user_selectors() == 0
    }

    /// Switches the floating-point registers off: whoever runs next may be another thread.
    fn leave_floating(&mut self) {
        self.floating.close();
        self.traces = self.bases;
    }

    /// Loads what a thread sees beside general registers: null selectors, its bases, no floating point. User code can clear a
    /// base behind our back by loading a selector, so a base other than zero is written even if it
    /// seems to be there already. Selectors come first: they may clear the bases.
    #[cold]
    fn load_traces(&mut self, context: &Context) {
        if segments::user_selectors() != 0 {
            segments::clear_user_selectors();
        }
        let Registers { fs_base, gs_base, .. } = context.registers;
        if self.bases | fs_base | gs_base != 0 {
            features::write(FS_BASE, fs_base);
            features::write(GS_BASE, gs_base);
        }
        self.bases = fs_base | gs_base;
        self.leave_floating();
    }
}

impl Machine for X86_64 {
    type Context = Context;
    type Pages = X86Pages;

    #[inline]
    fn core(&self) -> CoreNumber {
        self.core
    }

    #[inline]
    fn set_current(&mut self, context: &mut Context) {
        let end = (&raw mut *context).wrapping_add(1);
        self.record.context_end.store(end as u64, Relaxed);
        let bases = context.registers.fs_base | context.registers.gs_base;
        if self.traces | bases | segments::user_selectors() != 0 {
            self.load_traces(context);
        }
    }

    #[inline(always)]
    fn set_plain_current(&mut self, context: &mut Context) {
        let end = (&raw mut *context).wrapping_add(1);
        self.record.context_end.store(end as u64, Relaxed);
    }

    #[inline(always)]
    fn is_plain(&mut self) -> bool {
        self.traces | segments::user_selectors() == 0 || self.becomes_plain()
    }

    fn save_floating(&mut self, context: &mut Context) {
        self.floating.give_back(&mut context.floating);
    }

    #[inline(always)]
    fn keeps_translations(&self) -> bool {
        false
    }

    #[inline]
    fn activate(&mut self, root: Frame) {
        // SAFETY: the kernel's entries of every top-level table are copies of the same ones, so
        // the code and data in use stay where they are.
        unsafe {
            core::arch::asm!("mov cr3, {}", in(reg) root.address(), options(nostack, preserves_flags));
        }
    }

    #[inline]
    fn publish_entries() {
        // The processor walks page tables through its caches, in the order of the writes, and caches
        // nothing about empty entries (Intel SDM volume 3, section 4.10.2.3).
    }

    #[inline]
    fn flush_page(&mut self, page: UserAddress) {
        tlb::flush(VirtAddr::new_truncate(page.number()));
    }

    fn flush_all(&mut self) {
        // The kernel's own entries are global and stay.
        tlb::flush_all();
    }

    #[inline]
    fn now(&mut self) -> Ticks {
        let offset = self.record.clock_offset.load(Relaxed);
        Ticks(offset::machine_ticks(calibrate::ticks(), offset))
    }

    #[inline]
    fn nanoseconds(&self, ticks: Ticks) -> u64 {
        self.system.scale.nanoseconds(ticks.0)
    }

    #[inline]
    fn set_deadline(&mut self, deadline_ns: Option<u64>) {
        deadline::set(self.record, self.system, deadline_ns.unwrap_or(NO_DEADLINE));
    }

    #[inline(always)]
    fn copy_words(from: &[AtomicU64], to: &[AtomicU64]) {
        let count = from.len().min(to.len());
        // SAFETY: 1. Both slices have that many words, of which the processor reads and writes each as
        // one, upwards: the direction flag is clear in the kernel. 2. They are atomic, so others may use
        // them at the same time.
        unsafe {
            core::arch::asm!(
                "rep movsq",
                inout("rcx") count => _,
                inout("rsi") from.as_ptr() => _,
                inout("rdi") to.as_ptr() => _,
                options(nostack, preserves_flags),
            );
        }
    }

    #[inline]
    fn relax() {
        core::hint::spin_loop();
    }

    fn signal(&mut self, core: CoreNumber) {
        if let Some(record) = RECORDS.get(core.index()) {
            fence(SeqCst);
            self.system.local_apic.interrupt(record.apic.load(Relaxed), SIGNAL_VECTOR);
        }
    }

    fn route_line(&mut self, line: Line, trigger: Trigger) -> bool {
        let apic = self.record.apic.load(Relaxed);
        self.system.io_apics.route(line, trigger, apic)
    }

    fn unmask_line(&mut self, line: Line) {
        self.system.io_apics.set_masked(line, false);
    }

    fn mask_line(&mut self, line: Line) {
        self.system.io_apics.set_masked(line, true);
    }

    fn port_read(&mut self, port: u16, bytes: u8) -> Option<u32> {
        match bytes {
            1 => Some(u32::from(port::read::<u8>(port))),
            2 => Some(u32::from(port::read::<u16>(port))),
            4 => Some(port::read::<u32>(port)),
            _ => None,
        }
    }

    fn port_write(&mut self, port: u16, bytes: u8, value: u32) -> bool {
        match bytes {
            1 => port::write(port, value as u8),
            2 => port::write(port, value as u16),
            4 => port::write(port, value),
            _ => return false,
        }
        true
    }

    fn console(&mut self, text: &[u8]) {
        console::write(text);
    }

    fn power(&mut self, action: Power) -> ! {
        power::act(action)
    }
}
