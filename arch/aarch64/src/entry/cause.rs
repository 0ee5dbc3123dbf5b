//! Which exception is which fault (Arm ARM, D17.2.37: ESR_EL1). Pure.

use cedo_abi::state::Cause;
use cedo_machine::Fault;

/// Exception classes.
mod class {
    pub const WAIT: u64 = 0x01;
    pub const FLOATING_POINT_OFF: u64 = 0x07;
    pub const ILLEGAL_STATE: u64 = 0x0e;
    pub const SYSTEM_REGISTER: u64 = 0x18;
    pub const INSTRUCTION_ABORT: u64 = 0x20;
    pub const KERNEL_INSTRUCTION_ABORT: u64 = 0x21;
    pub const INSTRUCTION_ALIGNMENT: u64 = 0x22;
    pub const DATA_ABORT: u64 = 0x24;
    pub const KERNEL_DATA_ABORT: u64 = 0x25;
    pub const STACK_ALIGNMENT: u64 = 0x26;
    pub const FLOATING_POINT: u64 = 0x2c;
    pub const SYSTEM_ERROR: u64 = 0x2f;
    pub const BREAKPOINT_REGISTER: u64 = 0x30;
    pub const STEP: u64 = 0x32;
    pub const WATCHPOINT: u64 = 0x34;
    pub const BREAKPOINT: u64 = 0x3c;
}

/// Data abort: by a write.
const WRITE: u64 = 1 << 6;
/// Data abort: by cache maintenance, which counts as a read.
const MAINTENANCE: u64 = 1 << 8;
/// Aborts: status code.
const STATUS: u64 = 0x3f;
/// Status codes 0 to 15: address size, translation, access flag, permission.
const FIRST_OTHER_STATUS: u64 = 0x10;
/// Status code: misaligned.
const ALIGNMENT_STATUS: u64 = 0x21;

const fn class(syndrome: u64) -> u64 {
    syndrome >> 26 & 0x3f
}

/// True if user code used a floating-point register while they are off.
pub const fn wants_floating_point(syndrome: u64) -> bool {
    class(syndrome) == class::FLOATING_POINT_OFF
}

/// The fault for an exception of user code. `address` is FAR_EL1.
pub fn fault(syndrome: u64, address: u64) -> Fault {
    let (cause, has_address) = match class(syndrome) {
        0 => (Cause::IllegalInstruction, false),
        class::WAIT | class::SYSTEM_REGISTER | class::ILLEGAL_STATE => (Cause::Protection, false),
        class::FLOATING_POINT => (Cause::FloatingPoint, false),
        class::INSTRUCTION_ABORT => (aborted(syndrome, Cause::ExecuteFault), true),
        class::DATA_ABORT if syndrome & WRITE != 0 && syndrome & MAINTENANCE == 0 => {
            (aborted(syndrome, Cause::WriteFault), true)
        }
        class::DATA_ABORT => (aborted(syndrome, Cause::ReadFault), true),
        class::INSTRUCTION_ALIGNMENT => (Cause::Alignment, true),
        class::STACK_ALIGNMENT => (Cause::Alignment, false),
        class::BREAKPOINT => (Cause::Breakpoint, false),
        class::BREAKPOINT_REGISTER | class::STEP | class::WATCHPOINT => (Cause::Debug, false),
        _ => (Cause::Other, false),
    };
    Fault { cause, address: if has_address { address } else { 0 }, code: syndrome }
}

fn aborted(syndrome: u64, usual: Cause) -> Cause {
    match syndrome & STATUS {
        0..FIRST_OTHER_STATUS => usual,
        ALIGNMENT_STATUS => Cause::Alignment,
        _ => Cause::Other,
    }
}

/// What an exception in the kernel is called, for the last words.
pub const fn name(syndrome: u64) -> &'static str {
    match class(syndrome) {
        0 => "illegal instruction in the kernel",
        class::FLOATING_POINT_OFF => "floating point in the kernel",
        class::KERNEL_INSTRUCTION_ABORT => "jump to an unmapped address in the kernel",
        class::KERNEL_DATA_ABORT => "access to an unmapped address in the kernel",
        class::STACK_ALIGNMENT | class::INSTRUCTION_ALIGNMENT => "misaligned pointer in the kernel",
        class::SYSTEM_ERROR => "system error: the machine reports broken hardware",
        class::BREAKPOINT => "breakpoint in the kernel",
        _ => "unexpected exception in the kernel",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(class: u64, details: u64) -> (Cause, u64) {
        let fault = fault(class << 26 | details, 0x1000);
        assert_eq!(fault.code, class << 26 | details);
        (fault.cause, fault.address)
    }

    #[test]
    fn aborts_say_what_was_tried_and_where() {
        assert_eq!(of(class::DATA_ABORT, 0x07), (Cause::ReadFault, 0x1000));
        assert_eq!(of(class::DATA_ABORT, 0x07 | WRITE), (Cause::WriteFault, 0x1000));
        assert_eq!(of(class::DATA_ABORT, 0x07 | WRITE | MAINTENANCE), (Cause::ReadFault, 0x1000));
        assert_eq!(of(class::DATA_ABORT, 0x0f | WRITE), (Cause::WriteFault, 0x1000));
        assert_eq!(of(class::INSTRUCTION_ABORT, 0x0f), (Cause::ExecuteFault, 0x1000));
        assert_eq!(of(class::DATA_ABORT, 0x21), (Cause::Alignment, 0x1000));
        assert_eq!(of(class::DATA_ABORT, 0x10), (Cause::Other, 0x1000));
    }

    #[test]
    fn other_exceptions_have_no_address() {
        let causes = [
            (0, Cause::IllegalInstruction),
            (class::WAIT, Cause::Protection),
            (class::SYSTEM_REGISTER, Cause::Protection),
            (class::FLOATING_POINT, Cause::FloatingPoint),
            (class::STACK_ALIGNMENT, Cause::Alignment),
            (class::BREAKPOINT, Cause::Breakpoint),
            (class::STEP, Cause::Debug),
            (class::WATCHPOINT, Cause::Debug),
            (0x1f, Cause::Other),
        ];
        for (class, cause) in causes {
            assert_eq!(of(class, 0), (cause, 0));
            assert!(!wants_floating_point(class << 26));
        }
        assert!(wants_floating_point(class::FLOATING_POINT_OFF << 26));
    }
}
