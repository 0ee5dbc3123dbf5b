//! The control registers, and what user code may do. Translation is switched on by `boot/header.rs`.

use crate::core_area;
use crate::registers::{read_register, synchronise, write_register};
use crate::time::cycles;

/// CNTKCTL_EL1: user code may read the virtual counter (CNTVCT_EL0), and no timer.
const USER_COUNTER: u64 = 1 << 1;
/// MPIDR_EL1: the affinity fields.
const AFFINITY: u64 = 0xff_00ff_ffff;
/// ID_AA64PFR0_EL1: there are registers of a GICv3 interface.
const GIC_SHIFT: u64 = 24;

/// CPACR_EL1: floating point raises an exception, in the kernel too.
pub const NO_FLOATING_POINT: u64 = 0;
/// CPACR_EL1: user code and the kernel may use floating point (FPEN).
pub const USE_FLOATING_POINT: u64 = 3 << 20;

/// Sets this core's control registers and makes the record of `core` its own.
pub fn enable(core: usize) {
    core_area::take(core);
    write_register!("cpacr_el1", NO_FLOATING_POINT);
    write_register!("cntkctl_el1", USER_COUNTER);
    // No breakpoint, no watchpoint, no single step.
    write_register!("mdscr_el1", 0);
    write_register!("tpidr_el0", 0);
    write_register!("tpidrro_el0", 0);
    cycles::show(false);
    synchronise();
}

/// The calling core's place in the machine.
pub fn affinity() -> u64 {
    read_register!("mpidr_el1") & AFFINITY
}

/// True if the processor has the registers of a GICv3 interface.
pub fn has_interrupt_registers() -> bool {
    read_register!("id_aa64pfr0_el1") >> GIC_SHIFT & 0xf != 0
}
