//! A starting core's way from 16 to 64 bits.
//!
//! A core starts in real mode at a page below 1 MiB (Intel SDM volume 3, section 9.4.4). The code
//! is copied there; its last words are filled in by core 0. It jumps straight from real mode to
//! long mode on the boot code's page table, and on to `enter` in the kernel image, which changes
//! to the kernel's table and its own stack.
//!
//! A core that comes late, after core 0 has given it up, finds the ticket gone and sleeps.

use core::arch::{global_asm, naked_asm};
use core::sync::atomic::{AtomicU64, Ordering};

unsafe extern "C" {
    static trampoline_start: u8;
    static trampoline_end: u8;
    static trampoline_words: u8;
}

global_asm!(
    r#"
    .section .rodata.trampoline, "a", @progbits
    .balign 16
    .code16
    .global trampoline_start
trampoline_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl trampoline_descriptors_pointer - trampoline_start
    movl $0x20, %eax                # CR4: PAE
    movl %eax, %cr4
    movl trampoline_root - trampoline_start, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          # EFER: long mode, and NX where there is one
    movl trampoline_efer - trampoline_start, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010011, %eax          # CR0: paging, write protection, protected mode
    movl %eax, %cr0
    ljmpl *(trampoline_jump - trampoline_start)

    .code64
trampoline_64:
    xorl %eax, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    xchgq %rax, trampoline_ticket(%rip)
    testq %rax, %rax
    jz 1f
    jmp *trampoline_next(%rip)
1:  cli
    hlt
    jmp 1b

    .balign 8
trampoline_descriptors:
    .quad 0, 0x00af9b000000ffff
    # From here on as `Words`.
    .global trampoline_words
trampoline_words:
    .short 0
trampoline_descriptors_pointer:
    .short 15
    .long trampoline_descriptors - trampoline_start
trampoline_jump:
    .long trampoline_64 - trampoline_start, 8
trampoline_root:
    .long 0
trampoline_efer:
    .long 0
trampoline_next:
    .quad 0
trampoline_ticket:
    .quad 0
    .global trampoline_end
trampoline_end:
    .text
"#,
    options(att_syntax),
);

/// What core 0 fills in, in the copy.
#[repr(C)]
struct Words {
    padding: u16,
    descriptors_limit: u16,
    /// Offset in the original, physical address in the copy. So is `jump`.
    descriptors: u32,
    jump: u32,
    code_selector: u32,
    root: u32,
    efer: u32,
    next: u64,
    ticket: AtomicU64,
}

/// The copy of the trampoline in low memory.
pub struct Trampoline {
    /// Physical address of its page.
    pub page: u64,
    words: &'static Words,
}

/// EFER: long mode is active, a bit that only the processor sets.
const EFER_ACTIVE: u64 = 1 << 10;

impl Trampoline {
    /// Copies the trampoline to a page below 1 MiB that nothing else uses. `root` is the boot
    /// code's page table, which maps low memory and the kernel image.
    pub fn install(page: u64, root: u64, efer: u64) -> Trampoline {
        let start = &raw const trampoline_start;
        let bytes = (&raw const trampoline_end) as usize - start as usize;
        let copy = (crate::layout::WINDOW_BASE + page) as *mut u8;
        // SAFETY: the page is the caller's, in the window, and the code is shorter than a page.
        unsafe { core::ptr::copy_nonoverlapping(start, copy, bytes) };
        let offset = (&raw const trampoline_words) as usize - start as usize;
        let words = copy.wrapping_add(offset).cast::<Words>();
        // SAFETY: `words` is within the copy, aligned to 8, and nobody else refers to it yet.
        let filled = unsafe { &mut *words };
        filled.descriptors += page as u32;
        filled.jump += page as u32;
        filled.root = root as u32;
        filled.efer = (efer & !EFER_ACTIVE) as u32;
        filled.next = enter as *const () as u64;
        // SAFETY: as above; from here on only the ticket changes, and that is atomic.
        Trampoline { page, words: unsafe { &*words } }
    }

    /// Lets one core pass, which then goes where `pass` says.
    pub fn issue_ticket(&self, pass: &Pass) {
        PASS.root.store(pass.root, Ordering::Relaxed);
        PASS.stack_top.store(pass.stack_top, Ordering::Relaxed);
        PASS.core.store(pass.core, Ordering::Relaxed);
        PASS.main.store(pass.main, Ordering::Relaxed);
        self.words.ticket.store(1, Ordering::SeqCst);
    }

    /// Takes the ticket back. False if a core has it already.
    pub fn withdraw_ticket(&self) -> bool {
        self.words.ticket.swap(0, Ordering::SeqCst) != 0
    }
}

/// Where a core goes.
pub struct Pass {
    /// The kernel's page table.
    pub root: u64,
    /// The core's stack.
    pub stack_top: u64,
    /// Its number.
    pub core: u64,
    /// A `extern "C" fn(core: u64) -> !`.
    pub main: u64,
}

/// The same, for `enter`.
#[repr(C)]
struct SharedPass {
    root: AtomicU64,
    stack_top: AtomicU64,
    core: AtomicU64,
    main: AtomicU64,
}

static PASS: SharedPass = SharedPass {
    root: AtomicU64::new(0),
    stack_top: AtomicU64::new(0),
    core: AtomicU64::new(0),
    main: AtomicU64::new(0),
};

/// The first instructions of a core in the kernel image.
#[unsafe(naked)]
extern "C" fn enter() {
    naked_asm!(
        "mov rax, [rip + {pass}]",
        "mov cr3, rax",
        "mov rsp, [rip + {pass} + 8]",
        "mov rdi, [rip + {pass} + 16]",
        "xor ebp, ebp",
        "call [rip + {pass} + 24]",
        "ud2",
        pass = sym PASS,
    )
}
