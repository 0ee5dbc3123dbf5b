//! The last words, and stopping every core.

use crate::context::{Context, Registers};
use crate::core_area::{RECORDS, this_core};
use crate::{console, log, power, system};
use cedo_arch_common::text::Text;
use cedo_machine::{CoreNumber, Upcalls};
use core::fmt;
use core::hint::spin_loop;
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

/// Stops all other cores with an interrupt that cannot be masked. A second caller stops itself.
pub fn stop_other_cores() {
    if STOPPING.swap(true, Ordering::SeqCst) {
        halt_for_ever();
    }
    let Some(system) = system::get() else { return };
    // One by one: a processor that was never started would run into firmware's handler.
    let running = RUNNING.load(Ordering::Relaxed) as usize;
    for record in RECORDS.iter().take(running).enumerate().filter(|core| core.0 != this_core()) {
        system.local_apic.stop_core(record.1.apic.load(Ordering::Relaxed));
    }
    for _ in 0..PATIENCE {
        if STOPPED.load(Ordering::Relaxed) + 1 >= running as u32 {
            break;
        }
        spin_loop();
    }
}

/// What a non-maskable interrupt does if somebody is stopping the machine; else returns.
pub fn stop_if_asked() {
    if STOPPING.load(Ordering::SeqCst) {
        STOPPED.fetch_add(1, Ordering::Relaxed);
        halt_for_ever();
    }
}

/// Sleeps until power goes.
pub fn halt_for_ever() -> ! {
    loop {
        // SAFETY: nothing is left to do on this core.
        unsafe { core::arch::asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// The end by an exception that the kernel itself made.
pub fn exception(name: &str, frame: &Registers) -> ! {
    die(format_args!("{name} (error code {:#x})", frame.error), Some(frame))
}

#[panic_handler]
fn rust_panic(information: &core::panic::PanicInfo<'_>) -> ! {
    match information.location() {
        Some(place) => die(format_args!("{} at {place}", information.message()), None),
        None => die(format_args!("{}", information.message()), None),
    }
}

fn die(reason: fmt::Arguments<'_>, frame: Option<&Registers>) -> ! {
    stop_other_cores();
    // Formatting cannot fail, and there is nobody to tell.
    let _ = report(reason, frame);
    // SAFETY: the others were stopped.
    unsafe { log::flush_alone() };
    power::leave_emulator(EXIT_CODE);
    halt_for_ever()
}

fn report(reason: fmt::Arguments<'_>, frame: Option<&Registers>) -> fmt::Result {
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
    // An interrupt that cannot be masked may have come in user mode.
    let from_user = frame.is_some_and(|frame| frame.cs & 3 != 0);
    match frame {
        Some(frame) if from_user => registers(&mut out, "user", frame)?,
        Some(frame) => registers(&mut out, "kernel", frame)?,
        None => writeln!(out, "panic: kernel rsp={:016x}", stack_pointer())?,
    }
    writeln!(out, "panic: cr2={:016x} cr3={:016x}", control::<2>(), control::<3>())?;
    let others = RUNNING.load(Ordering::Relaxed).saturating_sub(1);
    let stopped = STOPPED.load(Ordering::Relaxed);
    writeln!(out, "panic: {stopped} of {others} other cores stopped")?;
    let end = record.context_end.load(Ordering::Relaxed) as *const Context;
    if !end.is_null() && !from_user {
        // SAFETY: `set_current` stored the end of a context, in memory that stays mapped.
        let user = unsafe { &*end.wrapping_sub(1) };
        registers(&mut out, "user", &user.registers)?;
    }
    Ok(())
}

fn registers(out: &mut impl fmt::Write, whose: &str, frame: &Registers) -> fmt::Result {
    let [r8, r9, r10, r12, r13, r14, r15] = frame.words;
    let rows = [
        [("rip", frame.rip), ("rsp", frame.rsp), ("rflags", frame.rflags), ("cs", frame.cs)],
        [("rax", frame.operation), ("rbx", frame.rbx), ("rcx", frame.rcx), ("rdx", frame.tag)],
        [("rsi", frame.from), ("rdi", frame.to), ("rbp", frame.rbp), ("r8", r8)],
        [("r9", r9), ("r10", r10), ("r11", frame.r11), ("r12", r12)],
        [("r13", r13), ("r14", r14), ("r15", r15), ("vector", frame.kind)],
    ];
    for row in rows {
        write!(out, "panic: {whose}")?;
        for (name, value) in row {
            write!(out, " {name}={value:016x}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn stack_pointer() -> u64 {
    let value;
    // SAFETY: copies a register.
    unsafe { core::arch::asm!("mov {}, rsp", out(reg) value, options(nomem, nostack)) };
    value
}

fn control<const NUMBER: u8>() -> u64 {
    let value;
    // SAFETY: copies a control register that every processor has.
    unsafe {
        core::arch::asm!("mov {}, cr{}", out(reg) value, const NUMBER, options(nomem, nostack));
    }
    value
}
