//! From a frame to a call of the kernel.

use super::cause;
use crate::context::Context;
use crate::core_area::CoreRecord;
use crate::cpu::Aarch64;
use crate::device::gic;
use crate::registers::read_register;
use crate::time::{alarm, deadline};
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

/// User code made a call; its registers are in the current context. True if that was all, and the
/// current context goes on with the message words of the one that was current.
pub(super) extern "C" fn short_cut<K: Upcalls<Machine = Aarch64>>(
    operation: u64,
    to: u64,
    from: u64,
    tag: u64,
    kernel: *mut K,
) -> bool {
    // SAFETY: as in `system_call`.
    unsafe { &mut *kernel }.short_cut(&Request { operation, to, from, tag })
}

/// User code made a call; its registers are in the current context.
pub(super) extern "C" fn system_call<K: Upcalls<Machine = Aarch64>>(kernel: *mut K) -> u64 {
    // SAFETY: 1. The record holds the address of a kernel that lives for ever. 2. Every entry ends
    // before the next begins, so nothing else refers to it.
    answer(unsafe { &mut *kernel }.system_call())
}

/// User code made an exception; its registers are in the current context.
pub(super) extern "C" fn exception<K: Upcalls<Machine = Aarch64>>(
    record: &'static CoreRecord,
) -> u64 {
    let frame = record.context.load(Relaxed) as *const Context;
    // SAFETY: the vector filled the current context, whose address `set_current` stored. No reference
    // to it is kept: the kernel may change it.
    let syndrome = unsafe { (*frame).syndrome };
    if cause::wants_floating_point(syndrome) {
        use_floating::<K>(record);
        return answer(Next::User);
    }
    let fault = cause::fault(syndrome, read_register!("far_el1"));
    // SAFETY: as in `system_call`.
    answer(unsafe { &mut *kernel::<K>(record) }.fault(fault))
}

/// The current thread uses a floating-point register while they are off: now it has them.
fn use_floating<K: Upcalls<Machine = Aarch64>>(record: &CoreRecord) {
    let context = record.context.load(Relaxed) as *mut Context;
    // SAFETY: `set_current` stored where the current context is, in memory that stays mapped. Nothing else
    // refers to it now.
    let context = unsafe { &mut *context };
    // SAFETY: as in `system_call`.
    let kernel = unsafe { &mut *kernel::<K>(record) };
    kernel.machine().use_floating(context);
}

/// User code was interrupted; its registers are in the current context.
pub(super) extern "C" fn interrupt<K: Upcalls<Machine = Aarch64>>(
    record: &'static CoreRecord,
) -> u64 {
    answer(serve::<K>(record, Next::User))
}

/// The halted core was interrupted.
pub(super) extern "C" fn interrupt_of_halted<K: Upcalls<Machine = Aarch64>>(
    record: &'static CoreRecord,
) -> u64 {
    answer(serve::<K>(record, Next::Halt))
}

/// An exception of the kernel itself, or a system error.
pub(super) extern "C" fn fatal(frame: &Context) -> ! {
    panic::exception(cause::name(frame.syndrome), frame)
}

/// What happens before the core halts: a little of the log goes out.
pub(super) extern "C" fn before_halt() {
    log::drain();
}

/// Acknowledges an interrupt and tells the kernel, unless there is nothing to tell: then the core
/// does what it did before, which is `otherwise`.
fn serve<K: Upcalls<Machine = Aarch64>>(record: &'static CoreRecord, otherwise: Next) -> Next {
    let Some(system) = system::get() else { return otherwise };
    let Some(accepted) = system.controller.accept(record) else {
        record.unexpected.fetch_add(1, Relaxed);
        return otherwise;
    };
    let source = match accepted.number {
        gic::STOP => panic::stop(),
        gic::SIGNAL => Some(Interrupt::Signal),
        timer if timer == system.timer_interrupt => {
            deadline::expired(record).then_some(Interrupt::Timer)
        }
        number if Some(number) == system.alarm_interrupt => {
            alarm::set(0);
            Some(Interrupt::Line(Line(number)))
        }
        number => {
            let line = Line(number);
            if system.controller.is_level(line) {
                system.controller.set_masked(line, true);
            }
            Some(Interrupt::Line(line))
        }
    };
    system.controller.end(accepted);
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
