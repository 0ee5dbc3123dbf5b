//! What loaders look for, and the way from 32 to 64 bits.
//!
//! Both loaders enter in 32-bit protected mode without paging, flat segments, interrupts off:
//!
//! | loader | finds | enters with |
//! |---|---|---|
//! | multiboot2 (GRUB; specification 2.0, section 3) | the header in the first 32 KiB | eax = its magic, ebx = information |
//! | PVH (QEMU `-kernel`; Xen `pvh.h`) | an ELF note of type 18 | ebx = start information |
//!
//! The code runs where it was loaded, at 1 MiB, before any page table; `kernel.ld` places `.boot`
//! there. It maps the first 4 GiB three times over (at 0, as kernel image, as window), with 2 MiB
//! pages because a Pentium D has no larger ones, and calls the board's `kernel_main(magic, info)`.

use core::arch::global_asm;

/// Bytes of the stack that core 0 starts on; `tables.rs` leaves the page below unmapped.
const STACK_BYTES: usize = 64 << 10;
/// Offset of the image's entry in the top-level table.
const IMAGE_ENTRY: usize = crate::layout::FIRST_KERNEL_SLOT * 8;
/// Offset of the window's entry in the top-level table.
const WINDOW_ENTRY: usize = IMAGE_ENTRY + 16;

const _: () = assert!(
    crate::layout::WINDOW_BASE == crate::layout::IMAGE_BASE + 2 * crate::layout::SLOT_BYTES,
    "the window's entry is two after the image's"
);

global_asm!(
    r#"
    .section .boot.multiboot2, "a", @progbits
    .balign 8
boot_header:
    .long 0xe85250d6, 0, boot_header_end - boot_header
    .long -(0xe85250d6 + 0 + (boot_header_end - boot_header))
    # Modules start on a page.
    .short 6, 1
    .long 8
    # End of tags.
    .short 0, 0
    .long 8
boot_header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad pvh_entry

    .section .boot.text, "ax", @progbits
    .code32
    .global pvh_entry
    .global multiboot_entry
pvh_entry:
    movl ${pvh_magic}, %eax
multiboot_entry:
    cli
    cld
    movl $boot_stack_32_top, %esp
    movl %eax, %edi
    movl %ebx, %esi

    # CPUID is there if the ID flag can be flipped.
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $0x200000, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %ecx, %eax
    je boot_no_long_mode
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb boot_no_long_mode
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc boot_no_long_mode

    # 2048 pages of 2 MiB: present, writable, large.
    xorl %ecx, %ecx
1:  movl %ecx, %eax
    shll $21, %eax
    orl $0x83, %eax
    movl %eax, boot_level_2(,%ecx,8)
    incl %ecx
    cmpl $2048, %ecx
    jb 1b
    movl $boot_level_2 + 3, %eax
    xorl %ecx, %ecx
2:  movl %eax, boot_level_3(,%ecx,8)
    addl $4096, %eax
    incl %ecx
    cmpl $4, %ecx
    jb 2b
    movl $boot_level_3 + 3, %eax
    movl %eax, boot_level_4
    movl %eax, boot_level_4 + {image_entry}
    movl %eax, boot_level_4 + {window_entry}

    movl $0x20, %eax                # CR4: PAE
    movl %eax, %cr4
    movl $boot_level_4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          # EFER: long mode
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl $0x80010011, %eax          # CR0: paging, write protection, protected mode
    movl %eax, %cr0
    lgdt boot_descriptors_pointer
    ljmp $8, $boot_64

boot_no_long_mode:
    movl $boot_message, %esi
3:  movw $0x3fd, %dx
    movl $100000, %ecx
4:  inb %dx, %al
    testb $0x20, %al
    jnz 5f
    pause
    decl %ecx
    jnz 4b
5:  lodsb
    testb %al, %al
    jz 6f
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 3b
6:  movl $0x12, %eax                # QEMU exits with code 2
    movw $0xf4, %dx
    outl %eax, %dx
7:  hlt
    jmp 7b

    .code64
boot_64:
    xorl %eax, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movabsq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    # edi, esi: magic and information; the upper halves are undefined after the switch.
    movl %edi, %edi
    movl %esi, %esi
    movabsq $kernel_main, %rax      # provided by the board
    call *%rax
8:  hlt
    jmp 8b

    .section .boot.data, "aw", @progbits
    .balign 8
boot_descriptors:
    .quad 0, 0x00af9b000000ffff
boot_descriptors_pointer:
    .short 15
    .quad boot_descriptors
boot_message:
    .asciz "cannot boot: this processor has no 64-bit mode: use an x86-64 machine\r\n"

    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_level_4:
    .skip 4096
boot_level_3:
    .skip 4096
boot_level_2:
    .skip 4 * 4096
    .skip 256
boot_stack_32_top:

    .section .bss.boot_stack, "aw", @nobits
    .balign 4096
    .global boot_stack_guard
boot_stack_guard:
    .skip 4096
    .skip {stack_bytes}
boot_stack_top:

    .text
"#,
    pvh_magic = const super::pvh::MAGIC,
    image_entry = const IMAGE_ENTRY,
    window_entry = const WINDOW_ENTRY,
    stack_bytes = const STACK_BYTES,
    options(att_syntax),
);
