//! What this processor can do, and the control registers that say so.
//!
//! Nothing here is required: a Pentium D has none of the optional ones but (perhaps) NX.

use crate::context::USER_DATA;
use crate::descriptor::KERNEL_CODE;
use crate::floating;
use crate::time::timer::Mode;
use crate::time::unit::Signature;
use raw_cpuid::{CpuId, FeatureInfo, native_cpuid};
use x86_64::registers::model_specific::Msr;

/// CR0: protected mode, paging, native x87 errors, write protection for the kernel too, and task
/// switched: every x87 and SSE instruction of user code raises #NM (`floating.rs`).
pub(crate) const CR0: u64 = 1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 3 | 1 << 1 | 1;
/// CR4: debug extensions, PAE, machine check, global pages, and OSFXSR and OSXMMEXCPT, so that SSE
/// and its exceptions work.
const CR4: u64 = 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 10;
/// CR4: user code cannot read descriptor table addresses.
const CR4_UMIP: u64 = 1 << 11;
/// CR4: the kernel does not execute user pages.
const CR4_SMEP: u64 = 1 << 20;
/// CR4: the kernel does not touch user pages; it uses its window.
const CR4_SMAP: u64 = 1 << 21;

const EFER: u32 = 0xc000_0080;
/// EFER: SYSCALL, long mode enabled, long mode active.
const EFER_BASE: u64 = 1 | 1 << 8 | 1 << 10;
/// EFER: page-table bit 63 means "not executable" and is no longer reserved.
const EFER_NO_EXECUTE: u64 = 1 << 11;

const STAR: u32 = 0xc000_0081;
const LSTAR: u32 = 0xc000_0082;
const SYSCALL_MASK: u32 = 0xc000_0084;
const SYSENTER_CS: u32 = 0x174;
pub(crate) const FS_BASE: u32 = 0xc000_0100;
pub(crate) const GS_BASE: u32 = 0xc000_0101;
/// Flags that SYSCALL clears: TF IF DF IOPL NT AC.
const CLEARED_FLAGS: u64 = 0x4_7700;

/// What was found.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Pages can be made non-executable.
    pub no_execute: bool,
    /// How the local timer works.
    pub timer: Mode,
    /// The time-stamp counter runs at one rate whatever the processor does.
    pub constant_counter: bool,
    /// How the hypervisor or emulator signs that the processor reports.
    pub hypervisor: Option<Signature>,
    cr4: u64,
}

/// Function of CPUID that every x86-64 processor has.
const BASIC: u32 = 1;
/// Function of CPUID that is a hypervisor's.
const HYPERVISOR: u32 = 0x4000_0000;

impl Features {
    /// Asks the processor.
    pub fn detect() -> Features {
        let cpuid = CpuId::new();
        let basic = cpuid.get_feature_info();
        let structured = cpuid.get_extended_feature_info();
        let extended = cpuid.get_extended_processor_and_feature_identifiers();
        let power = cpuid.get_advanced_power_mgmt_info();
        let mut cr4 = CR4;
        if let Some(found) = structured {
            cr4 |= if found.has_smep() { CR4_SMEP } else { 0 };
            cr4 |= if found.has_smap() { CR4_SMAP } else { 0 };
            cr4 |= if found.has_umip() { CR4_UMIP } else { 0 };
        }
        // NetBurst from model 3 on has a counter of constant rate but no bit that says so (Intel
        // SDM volume 3, section 18.17).
        let netburst =
            basic.as_ref().is_some_and(|info| info.family_id() == 15 && info.model_id() >= 3);
        let intel = cpuid.get_vendor_info().is_some_and(|vendor| vendor.as_str() == "GenuineIntel");
        Features {
            no_execute: extended.is_some_and(|info| info.has_execute_disable()),
            timer: Mode::of(native_cpuid::cpuid_count(BASIC, 0).ecx),
            constant_counter: power.is_some_and(|info| info.has_invariant_tsc())
                || intel && netburst,
            hypervisor: hypervisor(basic.as_ref()),
            cr4,
        }
    }

    /// EFER as every core has it.
    pub fn efer(&self) -> u64 {
        EFER_BASE | if self.no_execute { EFER_NO_EXECUTE } else { 0 }
    }

    /// Sets this core's control registers. Page tables may use NX afterwards.
    pub fn enable(&self) {
        write(EFER, self.efer());
        // SAFETY: adds protection and keeps what paging and the kernel's code rely on.
        unsafe { core::arch::asm!("mov cr0, {}", in(reg) CR0, options(nostack)) };
        // SAFETY: every bit is one that the processor reported or that all of them have.
        unsafe { core::arch::asm!("mov cr4, {}", in(reg) self.cr4, options(nostack)) };
        // SAFETY: 0x400 switches all breakpoints off, so no debug exception can be pending when
        // SYSCALL enters the kernel on the user's stack.
        unsafe { core::arch::asm!("mov dr7, {}", in(reg) 0x400u64, options(nomem, nostack)) };
        for register in [FS_BASE, GS_BASE, SYSENTER_CS] {
            write(register, 0);
        }
        floating::prepare();
    }

    /// Lets this core's SYSCALL enter at `entry`.
    pub fn enable_system_calls(entry: u64) {
        // SYSRET takes data from this selector plus 8 and code from it plus 16.
        write(STAR, (USER_DATA - 8) << 48 | u64::from(KERNEL_CODE) << 32);
        write(LSTAR, entry);
        write(SYSCALL_MASK, CLEARED_FLAGS);
    }
}

fn hypervisor(basic: Option<&FeatureInfo>) -> Option<Signature> {
    let found = native_cpuid::cpuid_count(HYPERVISOR, 0);
    basic.is_some_and(FeatureInfo::has_hypervisor).then_some([found.ebx, found.ecx, found.edx])
}

/// Writes a model-specific register of this crate's list.
pub(crate) fn write(register: u32, value: u64) {
    // SAFETY: the registers written by this crate exist on every x86-64 processor or were reported
    // by CPUID, and their values are canonical or within the defined bits.
    unsafe { Msr::new(register).write(value) };
}

/// Reads a model-specific register of this crate's list.
pub(crate) fn read(register: u32) -> u64 {
    // SAFETY: as for `write`; reading has no effect.
    unsafe { Msr::new(register).read() }
}
