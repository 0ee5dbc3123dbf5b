//! The cycle counter of a core's performance monitors (Arm ARM, D13.4 and D19.5), which user code can be
//! let read, and nothing else of the monitors. It may stand still while the core waits for an interrupt.

use crate::registers::{read_register, synchronise, write_register};

/// PMUSERENR_EL0: user code may read the cycle counter.
const USER_READS: u64 = 1 << 2;
/// PMCR_EL0: the counters that are enabled count.
const ENABLE: u64 = 1;
/// PMCR_EL0: the cycle counter has 64 bits.
const LONG: u64 = 1 << 6;
/// The cycle counter's bit in the registers that have one for each counter.
const CYCLES: u64 = 1 << 31;
/// PMINTENCLR_EL1: no counter interrupts.
const ALL: u64 = 0xffff_ffff;
/// ID_AA64DFR0_EL1: version of the monitors.
const VERSION_SHIFT: u64 = 8;
/// The version that is no version of this architecture's.
const FOREIGN: u64 = 0xf;

/// True if the core has one.
pub fn exist() -> bool {
    let version = read_register!("id_aa64dfr0_el1") >> VERSION_SHIFT & 0xf;
    version != 0 && version != FOREIGN
}

/// Lets it count and user code read it, or neither. Every core starts with the latter, since a reset
/// leaves the registers as they are.
pub fn show(shown: bool) {
    if !exist() {
        return;
    }
    if shown {
        // At user level and the kernel's, every cycle.
        write_register!("pmccfiltr_el0", 0);
        write_register!("pmcr_el0", ENABLE | LONG);
        write_register!("pmcntenset_el0", CYCLES);
        write_register!("pmuserenr_el0", USER_READS);
    } else {
        write_register!("pmuserenr_el0", 0);
        write_register!("pmintenclr_el1", ALL);
        write_register!("pmcntenclr_el0", ALL);
    }
    synchronise();
}
