//! Starting the other cores (Intel SDM volume 3, section 9.4.4), one after the other.

use super::fail::fail;
use super::handover::{self, Release};
use super::trampoline::{Pass, Trampoline};
use crate::console;
use crate::core_area::RECORDS;
use crate::cpu::X86_64;
use crate::descriptor::{gates, segments};
use crate::device::local_apic;
use crate::late::Late;
use crate::layout::stack_top;
use crate::panic::RUNNING;
use crate::system::{self, System};
use crate::time::calibrate::{ordered_ticks, ticks};
use crate::time::offset::Meeting;
use cedo_machine::Upcalls;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};

const RESET_MICROSECONDS: u64 = 10_000;
const START_MICROSECONDS: u64 = 200;
/// A core that is not there after this time is left out; one that does nothing for so long hangs.
const PATIENCE_MICROSECONDS: u64 = 2_000_000;

/// Number of the core that came last.
static ARRIVED: AtomicU32 = AtomicU32::new(0);
static MEETING: Meeting = Meeting::new();
/// What cores wait for before they enter the kernel.
static RELEASE: Late<Release> = Late::new();

/// Starts the cores with these identifiers, skipping the calling one. Returns how many run.
pub fn start<K: Upcalls<Machine = X86_64>>(
    system: &'static System,
    identifiers: &[u8],
    trampoline: &Trampoline,
    root: u64,
) -> usize {
    let own = system.local_apic.identifier();
    let mut running = 1;
    for identifier in identifiers.iter().copied().filter(|identifier| *identifier != own) {
        if running == cedo_abi::MAX_CORES {
            break;
        }
        let main: extern "C" fn(u64) -> ! = main::<K>;
        trampoline.issue_ticket(&Pass {
            root,
            stack_top: stack_top(running),
            core: running as u64,
            main: main as usize as u64,
        });
        MEETING.reset();
        if start_one(system, identifier, trampoline, running as u32) {
            running += 1;
            RUNNING.store(running as u32, Ordering::Relaxed);
        } else {
            console::line(format_args!(
                "processor with APIC {identifier} does not start and is left out"
            ));
            defmt::warn!("processor with APIC {=u8} does not start", identifier);
        }
    }
    running
}

/// Lets the started cores, and later ones, enter the kernel.
pub fn release(release: Release) -> Option<&'static Release> {
    RELEASE.set(release)
}

/// True if core `number` has arrived.
fn start_one(system: &System, identifier: u8, trampoline: &Trampoline, number: u32) -> bool {
    let apic = system.local_apic;
    apic.reset_core(identifier);
    wait(system, RESET_MICROSECONDS, number);
    apic.start_core(identifier, trampoline.page);
    if !wait(system, START_MICROSECONDS, number) {
        apic.start_core(identifier, trampoline.page);
    }
    if wait(system, PATIENCE_MICROSECONDS, number) {
        return true;
    }
    if trampoline.withdraw_ticket() {
        return false;
    }
    // It is on its way, so its number and stack are taken. On a busy emulator it may take long, but
    // asks for the time again and again.
    let mut heard = MEETING.asked();
    while !wait(system, PATIENCE_MICROSECONDS, number) {
        let asked = MEETING.asked();
        if asked == heard {
            fail(format_args!(
                "processor with APIC {identifier} started and then hung: switch it off in the \
                 firmware"
            ));
        }
        heard = asked;
    }
    true
}

/// Waits for core `number` and answers its questions about the time. True if it has come.
fn wait(system: &System, microseconds: u64, number: u32) -> bool {
    let end = ticks().wrapping_add(system.scale.ticks_at(microseconds * 1000));
    while ARRIVED.load(Ordering::Acquire) != number {
        MEETING.answer(ordered_ticks);
        if ticks().wrapping_sub(end) as i64 >= 0 {
            return false;
        }
        spin_loop();
    }
    true
}

/// What a started core does, on its own stack and the kernel's page table.
extern "C" fn main<K: Upcalls<Machine = X86_64>>(core: u64) -> ! {
    let core = core as usize;
    let Some(system) = system::get() else { crate::panic::halt_for_ever() };
    let record = &RECORDS[core];
    system.features.enable();
    record.stack_top.store(stack_top(core), Ordering::Relaxed);
    segments::load(core, record);
    gates::load();
    local_apic::enter_xapic_mode();
    system.local_apic.initialise(system.features.timer);
    record.apic.store(system.local_apic.identifier(), Ordering::Relaxed);
    record.clock_offset.store(MEETING.measure(ordered_ticks), Ordering::Relaxed);
    ARRIVED.store(core as u32, Ordering::Release);
    let release = loop {
        match RELEASE.get() {
            Some(release) => break release,
            None => spin_loop(),
        }
    };
    handover::enter_kernel::<K>(core, system, release)
}
