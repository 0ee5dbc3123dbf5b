//! From a frame to a call of the kernel.

use super::cause;
use crate::context::{Context, Registers};
use crate::core_area::CoreRecord;
use crate::cpu::X86_64;
use crate::descriptor::gates::vector;
use crate::device::local_apic::{SIGNAL_VECTOR, SPURIOUS_VECTOR, TIMER_VECTOR};
use crate::device::{pic, redirection};
use crate::time::deadline;
use crate::{log, panic, system};
use cedo_machine::{Interrupt, Line, Next, Request, Upcalls};
use core::sync::atomic::Ordering::Relaxed;

/// The answer for `leave::obey`.
pub const fn answer(next: Next) -> u64 {
    match next {
        Next::User => 0,
        Next::Halt => 1,
    }
}

/// User code made a call; all its registers but r8 to r15 are in the current context. True if that was
/// all, and the current context goes on.
pub(super) extern "C" fn short_cut<K: Upcalls<Machine = X86_64>>(
    to: u64,
    from: u64,
    tag: u64,
    operation: u64,
    kernel: *mut K,
) -> bool {
    // SAFETY: as in `system_call`.
    unsafe { &mut *kernel }.short_cut(&Request { operation, to, from, tag })
}

/// User code made a call; its registers are in the current context.
pub(super) extern "C" fn system_call<K: Upcalls<Machine = X86_64>>(kernel: *mut K) -> u64 {
    // SAFETY: 1. The record holds the address of a kernel that lives for ever. 2. Every entry ends
    // before the next begins, so nothing else refers to it.
    answer(unsafe { &mut *kernel }.system_call())
}

/// User code made an exception or was interrupted; its registers are in the current context.
pub(super) extern "C" fn from_user<K: Upcalls<Machine = X86_64>>(
    record: &'static CoreRecord,
    frame: *const Registers,
) -> u64 {
    // SAFETY: the stub filled the frame and passed its address. No reference to it is kept: it is
    // the current context, which the kernel may change.
    let Registers { kind: number, error, rip, .. } = unsafe { *frame };
    if number >= vector::FIRST_INTERRUPT as u64 {
        return answer(interrupt::<K>(record, number as u8, Next::User));
    }
    if number == vector::DEVICE_NOT_AVAILABLE as u64 {
        use_floating::<K>(record);
        return answer(Next::User);
    }
    let address = x86_64::registers::control::Cr2::read_raw();
    let fault = cause::fault(number, error, rip, address);
    // SAFETY: as in `system_call`.
    answer(unsafe { &mut *kernel::<K>(record) }.fault(fault))
}

/// The current thread uses a floating-point register while they are off: now it has them.
fn use_floating<K: Upcalls<Machine = X86_64>>(record: &CoreRecord) {
    let context = (record.context_end.load(Relaxed) as *mut Context).wrapping_sub(1);
    // SAFETY: `set_current` stored where the current context is, in memory that stays mapped. Nothing else
    // refers to it now.
    let context = unsafe { &mut *context };
    // SAFETY: as in `system_call`.
    let kernel = unsafe { &mut *kernel::<K>(record) };
    kernel.machine().use_floating(context);
}

/// The halted core was interrupted, or the kernel made an exception.
pub(super) extern "C" fn from_kernel<K: Upcalls<Machine = X86_64>>(
    record: &'static CoreRecord,
    frame: &Registers,
) -> u64 {
    if frame.kind < vector::FIRST_INTERRUPT as u64 {
        panic::exception(name(frame.kind), frame);
    }
    answer(interrupt::<K>(record, frame.kind as u8, Next::Halt))
}

/// Double fault, NMI, machine check.
pub(super) extern "C" fn fatal(_record: &'static CoreRecord, frame: &Registers) -> ! {
    if frame.kind == vector::NMI as u64 {
        panic::stop_if_asked();
    }
    panic::exception(name(frame.kind), frame)
}

/// What happens before the core halts: a little of the log goes out.
pub(super) extern "C" fn before_halt() {
    log::drain();
}

/// Acknowledges an interrupt and tells the kernel, unless there is nothing to tell: then the core
/// does what it did before, which is `otherwise`.
fn interrupt<K: Upcalls<Machine = X86_64>>(
    record: &'static CoreRecord,
    number: u8,
    otherwise: Next,
) -> Next {
    let Some(system) = system::get() else { return otherwise };
    if number == SPURIOUS_VECTOR || (pic::FIRST_VECTOR..pic::FIRST_VECTOR + 16).contains(&number) {
        record.unexpected.fetch_add(1, Relaxed);
        return otherwise;
    }
    let source = match number {
        TIMER_VECTOR => deadline::expired(record, system).then_some(Interrupt::Timer),
        SIGNAL_VECTOR => Some(Interrupt::Signal),
        _ => redirection::line(number).map(|line| {
            system.io_apics.mask_level(Line(line), record.apic.load(Relaxed));
            Interrupt::Line(Line(line))
        }),
    };
    system.local_apic.end_interrupt();
    match source {
        // SAFETY: as in `system_call`.
        Some(source) => unsafe { &mut *kernel::<K>(record) }.interrupt(source),
        None => otherwise,
    }
}

/// This core's kernel.
fn kernel<K>(record: &CoreRecord) -> *mut K {
    record.kernel.load(Relaxed) as *mut K
}

/// What an exception is called, for the last words.
fn name(number: u64) -> &'static str {
    match number as usize {
        0 => "divide error in the kernel",
        1 => "debug exception in the kernel",
        vector::NMI => "non-maskable interrupt",
        3 => "breakpoint in the kernel",
        6 => "illegal instruction in the kernel",
        7 => "floating point in the kernel",
        vector::DOUBLE_FAULT => "double fault: kernel stack overflow or a broken table",
        13 => "general protection in the kernel",
        vector::PAGE_FAULT => "page fault in the kernel",
        vector::MACHINE_CHECK => "machine check: the processor reports broken hardware",
        _ => "unexpected exception in the kernel",
    }
}
