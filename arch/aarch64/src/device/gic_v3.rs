//! Each core's interface to a GICv3, by registers of the processor (Arm IHI 0069).

use super::FIRST_DEVICE;
use super::distributor::{CONTROL, Distributor};
use super::gic::{SIGNAL, STOP};
use crate::core_area::CoreRecord;
use crate::registers::{read_register, synchronise, write_register};
use crate::relax;
use cedo_mmio::Registers;
use core::sync::atomic::Ordering::Relaxed;

/// Distributor control: routing by affinity, group 1, and the same as seen by the one security state
/// of a simple machine.
const ENABLE: u32 = 1 << 4 | 1 << 1 | 1;
const WRITE_PENDING: u32 = 1 << 31;
const ROUTES: usize = 0x6000;

/// Bytes of one core's redistributor: a page for itself, one for its lines.
const REDISTRIBUTOR_BYTES: usize = 0x2_0000;
const LINES: usize = 0x1_0000;
const KIND: usize = 8;
const KIND_AFFINITY: usize = 0xc;
/// KIND: there is no redistributor behind this one.
const LAST: u32 = 1 << 4;
const WAKER: usize = 0x14;
const SLEEPS: u32 = 1 << 1;
const CHILDREN_SLEEP: u32 = 1 << 2;
/// Looks that the controller gets to wake up.
const MOST_LOOKS: u32 = 1_000_000;

/// Masks all device lines and switches the distributor on.
pub fn initialise(distributor: Distributor) {
    let registers = distributor.registers();
    registers.write32(CONTROL, 0);
    wait_for(registers, CONTROL, WRITE_PENDING);
    distributor.initialise(FIRST_DEVICE, distributor.lines().next_multiple_of(32), u32::MAX);
    registers.write32(CONTROL, ENABLE);
    wait_for(registers, CONTROL, WRITE_PENDING);
}

/// Accepts signals and the timer on the calling core. False if no redistributor is its own.
pub fn initialise_core(redistributors: Registers, core: &CoreRecord, timer: u32) -> bool {
    let Some(base) = find(redistributors, core.affinity.load(Relaxed)) else { return false };
    core.target.store(base as u32, Relaxed);
    let waker = redistributors.read32(base + WAKER);
    redistributors.write32(base + WAKER, waker & !SLEEPS);
    wait_for(redistributors, base + WAKER, CHILDREN_SLEEP);
    let lines = lines(redistributors, core);
    lines.initialise(0, FIRST_DEVICE, u32::MAX);
    for number in [SIGNAL, STOP, timer] {
        lines.set_masked(number, false);
    }
    // ICC_SRE_EL1: by registers of the processor.
    write_register!("S3_0_C12_C12_5", read_register!("S3_0_C12_C12_5") | 1);
    synchronise();
    // ICC_PMR_EL1, ICC_BPR1_EL1, ICC_CTLR_EL1, ICC_IGRPEN1_EL1.
    write_register!("S3_0_C4_C6_0", 0xf0);
    write_register!("S3_0_C12_C12_3", 0);
    write_register!("S3_0_C12_C12_4", 0);
    write_register!("S3_0_C12_C12_7", 1);
    synchronise();
    true
}

/// The lines that a core has for itself.
pub fn lines(redistributors: Registers, core: &CoreRecord) -> Distributor {
    let base = core.target.load(Relaxed) as usize;
    Distributor::new(redistributors.part(base + LINES, LINES))
}

/// Offset of the redistributor of the core with this affinity.
fn find(redistributors: Registers, affinity: u64) -> Option<usize> {
    // Affinity 3, 2, 1, 0 in one word.
    let wanted = (affinity >> 8 & 0xff00_0000 | affinity & 0xff_ffff) as u32;
    let mut base = 0;
    while base + REDISTRIBUTOR_BYTES <= redistributors.bytes() {
        if redistributors.read32(base + KIND_AFFINITY) == wanted {
            return Some(base);
        }
        if redistributors.read32(base + KIND) & LAST != 0 {
            return None;
        }
        base += REDISTRIBUTOR_BYTES;
    }
    None
}

fn wait_for(registers: Registers, register: usize, bits: u32) {
    for _ in 0..MOST_LOOKS {
        if registers.read32(register) & bits == 0 {
            break;
        }
        relax();
    }
}

/// Signals the core with this affinity (ICC_SGI1R_EL1).
pub fn send(affinity: u64, number: u32) {
    let [zero, one, two, _, three, ..] = affinity.to_le_bytes().map(u64::from);
    let word = three << 48 | u64::from(number) << 24 | two << 32 | one << 16;
    write_register!("S3_0_C12_C11_5", word | zero >> 4 << 44 | 1 << (zero & 15));
    synchronise();
}

/// Sends a line to a core alone.
pub fn route(distributor: Distributor, line: u32, core: &CoreRecord) {
    let affinity = core.affinity.load(Relaxed);
    let register = ROUTES + 8 * line as usize;
    distributor.registers().write32(register, affinity as u32);
    distributor.registers().write32(register + 4, (affinity >> 32) as u32);
}

/// Accepts what is pending (ICC_IAR1_EL1).
#[inline]
pub fn accept() -> u32 {
    let word = read_register!("S3_0_C12_C12_0") as u32;
    crate::registers::complete_writes();
    word
}

/// Ends it (ICC_EOIR1_EL1).
#[inline]
pub fn end(word: u32) {
    write_register!("S3_0_C12_C12_1", u64::from(word));
    synchronise();
}
