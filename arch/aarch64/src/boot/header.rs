//! What loaders look for, and the way to the kernel's addresses.
//!
//! Loaders put the image at a multiple of 2 MiB and enter it at its start with the device tree's
//! address in x0, at EL2 or EL1, translation off (Linux kernel documentation, *Booting AArch64
//! Linux*). Until translation is on, this code reads and writes by addresses relative to its own, in
//! whole words: exclusive and unaligned accesses need translation.
//!
//! The first tables map what the next steps need and nothing else: the image at its addresses, and its
//! first 2 MiB, where this code is, at its physical ones. More could be device registers, which a
//! processor must not read ahead.

use super::trampoline;
use crate::layout::IMAGE_BASE;
use crate::page::{ACCESSED, ATTRIBUTES, SHARED, TABLE_OR_PAGE, VALID};
use core::arch::global_asm;

/// A block of normal memory, readable, writable and executable by the kernel.
const BLOCK: u64 = VALID | SHARED | ACCESSED;
const TABLE: u64 = VALID | TABLE_OR_PAGE;
/// TCR_EL1: 48 bits of user addresses, 39 of kernel addresses, 4 KiB pages, tables cached and shared;
/// the identifier of an address space is in TTBR0. The size of physical addresses is added.
const TRANSLATION: u64 = 16 | 25 << 16 | 0b10 << 30 | WALKS | WALKS << 16;
/// Table walks: inner and outer write-back, shared by the inner domain.
const WALKS: u64 = 1 << 8 | 1 << 10 | 3 << 12;
/// SCTLR_EL1 with translation off: the bits that are always 1.
const CONTROL_OFF: u64 = 1 << 29 | 1 << 28 | 1 << 23 | 1 << 22 | 1 << 20 | 1 << 11;
/// SCTLR_EL1: translation, caches, stack alignment checks for both levels; users may zero and clean
/// cache lines, read the cache's shape and wait for events, and not wait for interrupts.
const CONTROL: u64 =
    CONTROL_OFF | 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12 | 1 << 14 | 1 << 15 | 1 << 18 | 1 << 26;
/// Index of the image in the kernel's first table.
const IMAGE_INDEX: u64 = IMAGE_BASE >> 30 & 511;
/// Bytes of the image's part of the first tables: 32 MiB.
const IMAGE_BLOCKS: u64 = 16;

global_asm!(
    r#"
    .section .text.boot, "ax", @progbits
    .global image_start
image_start:
    b       primary
    .long   0
    .quad   0                       // offset from a multiple of 2 MiB
    .quad   image_bytes             // in memory; kernel.ld says
    .quad   0b1010                  // little-endian, 4 KiB pages, anywhere
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

primary:
    msr     daifset, #0xf
    mov     x20, x0
    bl      leave_hypervisor_level
    adrp    x0, image_bss
    add     x0, x0, :lo12:image_bss
    adrp    x1, image_end
    add     x1, x1, :lo12:image_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    bl      build_first_tables
    adrp    x0, first_kernel_table
    bl      translate
    ldr     x0, =primary_kernel
    br      x0

primary_kernel:
    adrp    x0, first_stack_top
    mov     sp, x0
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x20
    mov     x1, x21
    bl      kernel_main
1:  wfi
    b       1b

// x21: physical address of the image.
build_first_tables:
    adrp    x21, image_start
    adrp    x0, first_user_table_0
    adrp    x1, first_user_table_1
    adrp    x4, first_user_table_2
    mov     x2, #{table}
    ldr     x5, ={block}
    orr     x3, x1, x2
    str     x3, [x0]
    lsr     x3, x21, #30
    orr     x6, x4, x2
    str     x6, [x1, x3, lsl #3]
    ubfx    x3, x21, #21, #9
    orr     x6, x21, x5
    str     x6, [x4, x3, lsl #3]
    adrp    x0, first_kernel_table
    adrp    x1, first_image_table
    orr     x3, x1, x2
    str     x3, [x0, #({image_index} * 8)]
    orr     x4, x21, x5
    mov     x3, #{image_blocks}
1:  str     x4, [x1], #8
    add     x4, x4, #(2 << 20)
    subs    x3, x3, #1
    b.ne    1b
    // Nothing stale in caches may hide what was written past them.
    adrp    x0, first_user_table_0
    adrp    x1, first_stack_guard
1:  dc      civac, x0
    add     x0, x0, #16
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ret

// x0: physical address of the kernel's table.
    .global translate
translate:
    adrp    x1, first_user_table_0
    ldr     x2, ={attributes}
    msr     mair_el1, x2
    ldr     x2, ={translation}
    mrs     x3, id_aa64mmfr0_el1
    and     x3, x3, #0xf
    mov     x4, #5
    cmp     x3, x4
    csel    x3, x3, x4, lo
    orr     x2, x2, x3, lsl #32
    msr     tcr_el1, x2
    msr     ttbr0_el1, x1
    msr     ttbr1_el1, x0
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x2, ={control}
    msr     sctlr_el1, x2
    isb
    ret

// Goes on at x30 at EL1. What EL2 could do is switched off.
    .global leave_hypervisor_level
leave_hypervisor_level:
    ldr     x9, ={control_off}
    mrs     x10, CurrentEL
    cmp     x10, #(2 << 2)
    b.eq    1f
    msr     sctlr_el1, x9
    isb
    ret
1:  msr     sctlr_el1, x9
    mov     x9, #(1 << 31)          // EL1 has 64 bits
    msr     hcr_el2, x9
    mrs     x9, cnthctl_el2
    orr     x9, x9, #3              // EL1 has the physical counter and timer
    msr     cnthctl_el2, x9
    msr     cntvoff_el2, xzr
    msr     vttbr_el2, xzr
    mov     x9, #0x33ff             // no traps of floating point
    msr     cptr_el2, x9
    msr     hstr_el2, xzr
    mrs     x9, id_aa64dfr0_el1
    sbfx    x10, x9, #8, #4
    mov     x9, xzr
    cmp     x10, #0
    b.le    3f
    mrs     x9, pmcr_el0
    ubfx    x9, x9, #11, #5
3:  msr     mdcr_el2, x9            // EL1 has all counters and debug registers
    mrs     x9, midr_el1
    msr     vpidr_el2, x9
    mrs     x9, mpidr_el1
    msr     vmpidr_el2, x9
    mrs     x9, id_aa64pfr0_el1
    ubfx    x9, x9, #24, #4
    cbz     x9, 2f
    mrs     x9, S3_4_C12_C9_5       // ICC_SRE_EL2: EL1 has the interrupt registers
    mov     x10, #0b1001
    orr     x9, x9, x10
    msr     S3_4_C12_C9_5, x9
    isb
    msr     S3_4_C12_C11_0, xzr     // ICH_HCR_EL2
2:  mov     x9, #0x3c5              // EL1 with its own stack pointer, everything masked
    msr     spsr_el2, x9
    msr     elr_el2, x30
    eret

    .section .bss.first, "aw", @nobits
    .balign 4096
    .global first_user_table_0
first_user_table_0:
    .zero 4096
first_user_table_1:
    .zero 4096
first_user_table_2:
    .zero 4096
    .global first_kernel_table
first_kernel_table:
    .zero 4096
first_image_table:
    .zero 4096
    .global first_stack_guard
first_stack_guard:
    .zero 4096
    .zero 32768
first_stack_top:
    .zero 4096
    .text
"#,
    table = const TABLE,
    block = const BLOCK,
    image_index = const IMAGE_INDEX,
    image_blocks = const IMAGE_BLOCKS,
    attributes = const ATTRIBUTES,
    translation = const TRANSLATION,
    control = const CONTROL,
    control_off = const CONTROL_OFF,
);

// Keeps the other cores' way in the image beside this one.
const _: extern "C" fn() = trampoline::secondary;
