//! Starting the other cores, one after the other: by the power firmware, or where they wait for an address
//! in memory (`enable-method = "spin-table"`).

use super::fail::fail;
use super::handover::{self, Release};
use super::start::catch_exceptions;
use super::tables::{Builder, or_fail};
use super::trampoline::{self, Pass};
use crate::core_area::RECORDS;
use crate::cpu::Aarch64;
use crate::late::Late;
use crate::layout::{fatal_stack_top, stack_top};
use crate::panic::RUNNING;
use crate::registers::{complete_writes, write_register};
use crate::system::{self, System};
use crate::time::{counter::ticks, deadline};
use crate::tree::Found;
use crate::{console, features, relax};
use cedo_arch_common::memory::Span;
use cedo_machine::Upcalls;
use cedo_mmio::Registers;
use core::sync::atomic::{AtomicU32, Ordering};
use heapless::Vec;

/// A core that is not there after this time is left out; one that does nothing for so long hangs.
const PATIENCE_MICROSECONDS: u64 = 2_000_000;
/// A core that has its ticket but is not there yet: an emulator may let it run much later.
const LONGEST_ROUNDS: u32 = 30;

/// Bytes of the place where a core waits for an address.
const RELEASE_BYTES: usize = 8;

/// Number of the core that came last.
static ARRIVED: AtomicU32 = AtomicU32::new(0);
/// What cores wait for before they enter the kernel.
static RELEASE: Late<Release> = Late::new();

/// Where each processor of the tree waits for the address at which it is to start.
pub type Releases = Vec<Option<Registers>, { cedo_abi::MAX_CORES }>;

/// Maps these places, uncached: who waits there has its caches off.
pub fn map_releases(builder: &mut Builder, found: &Found) -> Releases {
    let mut map = |release: u64| {
        let address = or_fail(builder.map_device(Span::new(release, RELEASE_BYTES as u64)));
        // SAFETY: 1. The page was just mapped, uncached, and the address is aligned to 8. 2. It is
        // reserved (`tree::read`), so that Rust has no object there.
        unsafe { Registers::new(address as *mut u8, RELEASE_BYTES) }
    };
    found.processors.iter().map(|processor| processor.release).map(|at| at.map(&mut map)).collect()
}

/// Starts the processors of the tree, skipping the calling one. Returns how many run.
pub fn start<K: Upcalls<Machine = Aarch64>>(
    system: &'static System,
    found: &Found,
    releases: &Releases,
    root: u64,
    load_address: u64,
) -> usize {
    let own = features::affinity();
    let mut running = 1;
    let others = found.processors.iter().zip(releases).filter(|other| other.0.affinity != own);
    for (affinity, release) in others.map(|(processor, release)| (processor.affinity, *release)) {
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
        if start_one(system, (affinity, release), trampoline::entry(load_address), running as u32) {
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
fn start_one(
    system: &System,
    (affinity, release): (u64, Option<Registers>),
    entry: u64,
    number: u32,
) -> bool {
    let accepted = match (release, system::firmware()) {
        (Some(place), _) => {
            release_core(place, entry);
            true
        }
        (None, Some(firmware)) => firmware.start_core(affinity, entry),
        (None, None) => false,
    };
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

/// Writes the address at which a core is to start where it waits for one that is not 0: the half that is
/// not 0 last.
fn release_core(place: Registers, entry: u64) {
    place.write32(4, (entry >> 32) as u32);
    complete_writes();
    place.write32(0, entry as u32);
    complete_writes();
    aarch64_cpu::asm::sev();
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
    if !system.controller.initialise_core(record, system.timer_interrupt) {
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
