//! The last words, and stopping every core.

use crate::context::Context;
use crate::core_area::{RECORDS, this_core};
use crate::registers::read_register;
use crate::{console, log, power, relax, system};
use cedo_arch_common::text::Text;
use cedo_machine::{CoreNumber, Upcalls};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Exit code of an emulator after a panic.
const EXIT_CODE: u8 = 3;
/// Looks until the others are taken to have stopped.
const PATIENCE: u32 = 1_000_000;

/// Cores that run: numbers below this.
pub static RUNNING: AtomicU32 = AtomicU32::new(1);
static STOPPING: AtomicBool = AtomicBool::new(false);
static STOPPED: AtomicU32 = AtomicU32::new(0);

/// Says how to ask this core's kernel who is running. The kernel must stay where it is.
pub fn register<K: Upcalls>(core: usize) {
    let who: fn(*const K) -> (CoreNumber, u32) = |kernel| {
        // SAFETY: the kernel lives for ever, and nothing else runs on this core any more.
        unsafe { &*kernel }.who()
    };
    RECORDS[core].who.store(who as usize, Ordering::Release);
}

/// Stops all other cores by an interrupt, which they take when they leave the kernel or halt: this
/// architecture has none that cannot be masked. A second caller stops itself.
pub fn stop_other_cores() {
    if STOPPING.swap(true, Ordering::SeqCst) {
        halt_for_ever();
    }
    let Some(system) = system::get() else { return };
    let running = RUNNING.load(Ordering::Relaxed) as usize;
    for record in RECORDS.iter().take(running).enumerate().filter(|core| core.0 != this_core()) {
        system.controller.stop_core(record.1);
    }
    for _ in 0..PATIENCE {
        if STOPPED.load(Ordering::Relaxed) + 1 >= running as u32 {
            break;
        }
        relax();
    }
}

/// What that interrupt does: sleeps until power goes.
pub fn stop() -> ! {
    STOPPED.fetch_add(1, Ordering::Relaxed);
    halt_for_ever()
}

/// Sleeps until power goes.
pub fn halt_for_ever() -> ! {
    loop {
        // Interrupts stay masked: one that is pending ends the wait and is not taken.
        aarch64_cpu::asm::wfi();
    }
}

/// The end by an exception that the kernel itself made.
pub fn exception(name: &str, frame: &Context) -> ! {
    die(format_args!("{name} (syndrome {:#x})", frame.syndrome), Some(frame))
}

#[panic_handler]
fn rust_panic(information: &core::panic::PanicInfo<'_>) -> ! {
    match information.location() {
        Some(place) => die(format_args!("{} at {place}", information.message()), None),
        None => die(format_args!("{}", information.message()), None),
    }
}

fn die(reason: fmt::Arguments<'_>, frame: Option<&Context>) -> ! {
    stop_other_cores();
    // Formatting cannot fail, and there is nobody to tell.
    let _ = report(reason, frame);
    // SAFETY: the others were stopped.
    unsafe { log::flush_alone() };
    power::leave_emulator(EXIT_CODE);
    halt_for_ever()
}

fn report(reason: fmt::Arguments<'_>, frame: Option<&Context>) -> fmt::Result {
    use fmt::Write;
    // SAFETY: the others were stopped.
    let mut out = Text(|text: &[u8]| unsafe { console::write_alone(text) });
    let core = this_core();
    let record = &RECORDS[core];
    // A program may be in the middle of a line.
    write!(out, "\npanic: core {core}, ")?;
    let who = record.who.load(Ordering::Acquire);
    let kernel = record.kernel.load(Ordering::Relaxed);
    if who != 0 && kernel != 0 {
        // SAFETY: `register` stored exactly such a function, and `kernel` is what it expects.
        let who = unsafe { core::mem::transmute::<usize, fn(*const ()) -> (CoreNumber, u32)>(who) };
        writeln!(out, "thread {:#x}: {reason}", who(kernel as *const ()).1)?;
    } else {
        writeln!(out, "no thread: {reason}")?;
    }
    if let Some(frame) = frame {
        registers(&mut out, "kernel", frame)?;
    }
    let (address, table) = (read_register!("far_el1"), read_register!("ttbr0_el1"));
    writeln!(out, "panic: far={address:016x} ttbr0={table:016x}")?;
    let others = RUNNING.load(Ordering::Relaxed).saturating_sub(1);
    let stopped = STOPPED.load(Ordering::Relaxed);
    writeln!(out, "panic: {stopped} of {others} other cores stopped")?;
    let user = record.context.load(Ordering::Relaxed) as *const Context;
    if !user.is_null() {
        // SAFETY: `set_current` stored the address of a context, in memory that stays mapped.
        registers(&mut out, "user", unsafe { &*user })?;
    }
    Ok(())
}

/// Registers in a line.
const IN_A_LINE: usize = 4;

fn registers(out: &mut impl fmt::Write, whose: &str, frame: &Context) -> fmt::Result {
    let Context { instruction, stack, state, .. } = frame;
    writeln!(out, "panic: {whose} pc={instruction:016x} sp={stack:016x} state={state:016x}")?;
    for (line, values) in frame.x.chunks(IN_A_LINE).enumerate() {
        write!(out, "panic: {whose}")?;
        for (index, value) in values.iter().enumerate() {
            write!(out, " x{}={value:016x}", line * IN_A_LINE + index)?;
        }
        writeln!(out)?;
    }
    Ok(())
}
