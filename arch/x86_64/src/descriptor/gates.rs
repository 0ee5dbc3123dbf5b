//! The interrupt descriptor table.

use super::KERNEL_CODE;
use core::sync::atomic::{AtomicU64, Ordering};
use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

/// Vectors.
const VECTORS: usize = 256;
/// Type and present bit of an interrupt gate: interrupts stay masked inside.
const INTERRUPT_GATE: u64 = 0x8e << 40;
/// Lets user code use the gate with an instruction.
const LEVEL_3: u64 = 3 << 45;
/// The breakpoint instruction is the only gate user code may use.
const BREAKPOINT: usize = 3;

/// Vectors with a stack of their own, in the order of the stacks.
const OWN_STACK: [usize; crate::layout::FATAL_STACKS as usize] =
    [vector::DOUBLE_FAULT, vector::NMI, vector::MACHINE_CHECK];

/// Numbers of the exceptions that this crate names (Intel SDM volume 3, table 7-1).
pub mod vector {
    /// Non-maskable interrupt.
    pub const NMI: usize = 2;
    /// Floating point while it is off.
    pub const DEVICE_NOT_AVAILABLE: usize = 7;
    /// A fault while entering another handler.
    pub const DOUBLE_FAULT: usize = 8;
    /// Page fault.
    pub const PAGE_FAULT: usize = 14;
    /// The processor found itself broken.
    pub const MACHINE_CHECK: usize = 18;
    /// First vector that is no exception.
    pub const FIRST_INTERRUPT: usize = 32;
}

static TABLE: [AtomicU64; 2 * VECTORS] = [const { AtomicU64::new(0) }; 2 * VECTORS];

/// Points every vector to its stub, `spacing` bytes apart from `first` on. Once, by core 0.
pub fn build(first: u64, spacing: u64) {
    for number in 0..VECTORS {
        let address = first + number as u64 * spacing;
        let mut gate = INTERRUPT_GATE | u64::from(KERNEL_CODE) << 16;
        gate |= address & 0xffff | (address >> 16 & 0xffff) << 48;
        if let Some(stack) = OWN_STACK.iter().position(|own| *own == number) {
            gate |= (stack as u64 + 1) << 32;
        }
        if number == BREAKPOINT {
            gate |= LEVEL_3;
        }
        TABLE[2 * number].store(gate, Ordering::Relaxed);
        TABLE[2 * number + 1].store(address >> 32, Ordering::Relaxed);
    }
}

/// Loads the table on this core.
pub fn load() {
    let pointer = DescriptorTablePointer {
        limit: size_of_val(&TABLE) as u16 - 1,
        base: VirtAddr::new((&raw const TABLE) as u64),
    };
    // SAFETY: the table is static and every gate leads to a stub.
    unsafe { lidt(&pointer) };
}
