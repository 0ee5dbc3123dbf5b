//! System registers that `aarch64-cpu` has no name for, by their encoding (Arm ARM, D17; GIC
//! architecture specification, section 12.2), and barriers.

/// Reads a system register of this crate's list.
macro_rules! read_register {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: the register exists where this crate reads it; reading one of these changes nothing
        // that Rust knows of.
        unsafe {
            core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nostack));
        }
        value
    }};
}

/// Writes a system register of this crate's list.
macro_rules! write_register {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the register exists where this crate writes it, and the value is one its manual
        // allows; none of these moves memory that Rust uses.
        unsafe {
            core::arch::asm!(concat!("msr ", $name, ", {}"), in(reg) value, options(nostack));
        }
    }};
}

pub(crate) use read_register;
pub(crate) use write_register;

/// Registers written before are in effect for the instructions that follow.
#[inline(always)]
pub fn synchronise() {
    aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
}

/// Writes to memory before this are done, for every core and device, before anything that follows.
#[inline(always)]
pub fn complete_writes() {
    aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::SY);
}

/// Writes to memory before this are seen by the translation of every core from here on.
#[inline(always)]
pub fn publish_writes() {
    aarch64_cpu::asm::barrier::dsb(aarch64_cpu::asm::barrier::ISHST);
}
