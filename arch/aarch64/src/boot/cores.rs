//! Starting the other cores by the power firmware, one after the other.

use super::fail::fail;
use super::handover::{self, Release};
use super::start::catch_exceptions;
use super::trampoline::{self, Pass};
use crate::core_area::RECORDS;
use crate::cpu::Aarch64;
use crate::late::Late;
use crate::layout::{fatal_stack_top, stack_top};
use crate::panic::RUNNING;
use crate::registers::write_register;
use crate::system::{self, System};
use crate::time::{counter::ticks, deadline};
use crate::tree::Found;
use crate::{console, features, relax};
use cedo_machine::Upcalls;
use core::sync::atomic::{AtomicU32, Ordering};

/// A core that is not there after this time is left out; one that does nothing for so long hangs.
const PATIENCE_MICROSECONDS: u64 = 2_000_000;
/// A core that has its ticket but is not there yet: an emulator may let it run much later.
const LONGEST_ROUNDS: u32 = 30;

/// Number of the core that came last.
static ARRIVED: AtomicU32 = AtomicU32::new(0);
/// What cores wait for before they enter the kernel.
static RELEASE: Late<Release> = Late::new();

/// Starts the processors of the tree, skipping the calling one. Returns how many run.
pub fn start<K: Upcalls<Machine = Aarch64>>(
    system: &'static System,
    found: &Found,
    root: u64,
    load_address: u64,
) -> usize {
    let own = features::affinity();
    let mut running = 1;
    for affinity in found.processors.iter().copied().filter(|affinity| *affinity != own) {
        if running == cedo_abi::MAX_CORES {
            break;
        }
        let main: extern "C" fn(u64) -> ! = main::<K>;
        trampoline::issue_ticket(&Pass {
            root,
            stack_top: stack_top(running),
            core: running as u64,
            main: main as usize as u64,
        });
        if start_one(system, affinity, trampoline::entry(load_address), running as u32) {
            running += 1;
            RUNNING.store(running as u32, Ordering::Relaxed);
        } else {
            console::line(format_args!("processor {affinity:#x} does not start and is left out"));
            defmt::warn!("processor {=u64:#x} does not start", affinity);
        }
    }
    running
}

/// Lets the started cores, and later ones, enter the kernel.
pub fn release(release: Release) -> Option<&'static Release> {
    RELEASE.set(release)
}

/// True if core `number` has arrived.
fn start_one(system: &System, affinity: u64, entry: u64, number: u32) -> bool {
    let accepted = system::firmware().is_some_and(|firmware| firmware.start_core(affinity, entry));
    if accepted && wait(system, number) {
        return true;
    }
    if trampoline::withdraw_ticket() {
        return false;
    }
    // It is on its way, so its number and stack are taken.
    if !(0..LONGEST_ROUNDS).any(|_| wait(system, number)) {
        fail(format_args!("processor {affinity:#x} started and then hung: switch it off"));
    }
    true
}

/// Waits for core `number`. True if it has come.
fn wait(system: &System, number: u32) -> bool {
    let end = ticks().wrapping_add(system.scale.ticks_at(PATIENCE_MICROSECONDS * 1000));
    while ARRIVED.load(Ordering::Acquire) != number {
        if ticks().wrapping_sub(end) as i64 >= 0 {
            return false;
        }
        relax();
    }
    true
}

/// What a started core does, on its own stack and the kernel's page table.
extern "C" fn main<K: Upcalls<Machine = Aarch64>>(core: u64) -> ! {
    let core = core as usize;
    let record = &RECORDS[core];
    record.stack_top.store(stack_top(core), Ordering::Relaxed);
    record.fatal_stack_top.store(fatal_stack_top(core), Ordering::Relaxed);
    catch_exceptions::<K>(core);
    let Some(system) = system::get() else { crate::panic::halt_for_ever() };
    record.affinity.store(features::affinity(), Ordering::Relaxed);
    deadline::stop();
    if !system.gic.initialise_core(record, system.timer_interrupt) {
        fail(format_args!("the interrupt controller has no part for core {core}: switch it off"));
    }
    ARRIVED.store(core as u32, Ordering::Release);
    let release = loop {
        match RELEASE.get() {
            Some(release) => break release,
            None => relax(),
        }
    };
    // The table with which it started maps memory at its physical addresses.
    write_register!("ttbr0_el1", release.platform.kernel_root.address());
    forget_translations();
    handover::enter_kernel::<K>(core, system, release)
}

fn forget_translations() {
    crate::registers::synchronise();
    // SAFETY: forgetting translations is always allowed.
    unsafe { core::arch::asm!("tlbi vmalle1", "dsb nsh", options(nostack)) };
    crate::registers::synchronise();
}
