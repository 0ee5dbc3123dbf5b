//! The global descriptor table.

use super::{FIRST_TASK_SELECTOR, KERNEL_CODE, KERNEL_DATA};
use crate::core_area::{CoreRecord, TASK_STATE_BYTES};
use crate::layout::{FATAL_STACKS, fatal_stack_top};
use core::sync::atomic::{AtomicU64, Ordering};
use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables::{lgdt, load_tss};
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::gdt::SegmentSelector;
use x86_64::{PrivilegeLevel, VirtAddr};

/// Flat 64-bit code, privilege level 0.
const CODE_0: u64 = 0x00af_9b00_0000_ffff;
/// Flat data, privilege level 0.
const DATA_0: u64 = 0x00cf_9300_0000_ffff;
/// Flat data, privilege level 3. SYSRET wants it just below the code.
const DATA_3: u64 = 0x00cf_f300_0000_ffff;
/// Flat 64-bit code, privilege level 3. There is no 32-bit code segment: no compatibility mode.
const CODE_3: u64 = 0x00af_fb00_0000_ffff;
/// Type and present bit of an available task state segment.
const TASK_STATE: u64 = 0x89 << 40;
/// Entries before the first task state.
const FIXED: usize = FIRST_TASK_SELECTOR as usize / 8;

static TABLE: [AtomicU64; FIXED + 2 * cedo_abi::MAX_CORES] =
    [const { AtomicU64::new(0) }; FIXED + 2 * cedo_abi::MAX_CORES];

/// Fills what all cores share. Once, by core 0.
pub fn build() {
    for (entry, value) in TABLE.iter().zip([0, CODE_0, DATA_0, DATA_3, CODE_3]) {
        entry.store(value, Ordering::Relaxed);
    }
}

/// Loads the table and this core's task state, with a stack of its own for each vector that must
/// not trust the current one.
pub fn load(core: usize, record: &'static CoreRecord) {
    for index in 0..FATAL_STACKS {
        let top = fatal_stack_top(core, index);
        record.stack_table[index as usize].store(top, Ordering::Relaxed);
    }
    let base = record.task_state();
    let low = (TASK_STATE_BYTES as u64 - 1)
        | (base & 0xff_ffff) << 16
        | TASK_STATE
        | (base >> 24 & 0xff) << 56;
    TABLE[FIXED + 2 * core].store(low, Ordering::Relaxed);
    TABLE[FIXED + 2 * core + 1].store(base >> 32, Ordering::Relaxed);
    let pointer = DescriptorTablePointer {
        limit: size_of_val(&TABLE) as u16 - 1,
        base: VirtAddr::new((&raw const TABLE) as u64),
    };
    // SAFETY: the table is static and its segments are flat 64-bit ones.
    unsafe { lgdt(&pointer) };
    let kernel = |selector: u16| SegmentSelector::new(selector / 8, PrivilegeLevel::Ring0);
    // SAFETY: 64-bit code of level 0, like what runs now.
    unsafe { CS::set_reg(kernel(KERNEL_CODE)) };
    // SAFETY: flat data of level 0.
    unsafe { SS::set_reg(kernel(KERNEL_DATA)) };
    clear_user_selectors();
    // SAFETY: the entry was just written, describes this core's task state and is not in use.
    unsafe { load_tss(kernel(FIRST_TASK_SELECTOR + 16 * core as u16)) };
}

/// The selectors that user code can load (DS, ES, FS, GS), or-ed: 0 if all are null.
#[inline(always)]
pub fn user_selectors() -> u64 {
    let found: u64;
    // SAFETY: reads four registers. (A 32-bit destination is filled with zeroes: Intel SDM volume 2,
    // MOV.)
    unsafe {
        core::arch::asm!(
            "mov {found:e}, ds",
            "mov {next:e}, es",
            "or {found:e}, {next:e}",
            "mov {next:e}, fs",
            "or {found:e}, {next:e}",
            "mov {next:e}, gs",
            "or {found:e}, {next:e}",
            found = out(reg) found,
            next = out(reg) _,
            options(nomem, nostack),
        );
    }
    found
}

/// Makes them null. On Intel's processors that clears the bases of FS and GS, on AMD's it does not.
pub fn clear_user_selectors() {
    let none = SegmentSelector::new(0, PrivilegeLevel::Ring0);
    // SAFETY: 64-bit code ignores this segment.
    unsafe { DS::set_reg(none) };
    // SAFETY: as above.
    unsafe { ES::set_reg(none) };
    // SAFETY: the kernel does not use this segment.
    unsafe { FS::set_reg(none) };
    // SAFETY: as above.
    unsafe { GS::set_reg(none) };
}
