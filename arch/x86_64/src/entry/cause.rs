//! Which exception is which fault (Intel SDM volume 3, section 7.15). Pure.

use cedo_abi::state::Cause;
use cedo_machine::Fault;

/// Page fault.
const PAGE_FAULT: u64 = 14;
/// Page fault error code: by a write.
const WRITE: u64 = 1 << 1;
/// Page fault error code: by an instruction fetch. Reported only where NX is on.
const FETCH: u64 = 1 << 4;

/// Causes of vectors 0 to 20; later ones are `Other`.
const CAUSES: [Cause; 21] = [
    Cause::DivideError,
    Cause::Debug,
    Cause::Other,
    Cause::Breakpoint,
    Cause::Other,
    Cause::Other,
    Cause::IllegalInstruction,
    // Floating point while it is off: settled before it becomes a fault (`upcall`).
    Cause::Other,
    Cause::Other,
    Cause::Other,
    Cause::Protection,
    Cause::Protection,
    Cause::Protection,
    Cause::Protection,
    Cause::Other,
    Cause::Other,
    Cause::FloatingPoint,
    Cause::Alignment,
    Cause::Other,
    Cause::FloatingPoint,
    Cause::Other,
];

/// True for exceptions that push an error code.
pub const fn has_error_code(vector: u64) -> bool {
    matches!(vector, 8 | 10..=14 | 17 | 21 | 29 | 30)
}

/// The fault for an exception of user code at `instruction`. `address` is CR2.
pub fn fault(vector: u64, error: u64, instruction: u64, address: u64) -> Fault {
    if vector == PAGE_FAULT {
        let cause = if error & FETCH != 0 || address == instruction && error & WRITE == 0 {
            Cause::ExecuteFault
        } else if error & WRITE != 0 {
            Cause::WriteFault
        } else {
            Cause::ReadFault
        };
        return Fault { cause, address, code: error };
    }
    let cause = CAUSES.get(vector as usize).copied().unwrap_or(Cause::Other);
    Fault { cause, address: 0, code: if has_error_code(vector) { error } else { vector } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_fault(error: u64, instruction: u64) -> Cause {
        fault(PAGE_FAULT, error, instruction, 0x1000).cause
    }

    #[test]
    fn page_faults_say_what_was_tried() {
        assert_eq!(page_fault(0x4, 0x5000), Cause::ReadFault);
        assert_eq!(page_fault(0x7, 0x5000), Cause::WriteFault);
        assert_eq!(page_fault(0x15, 0x1000), Cause::ExecuteFault);
        assert_eq!(page_fault(0x4, 0x1000), Cause::ExecuteFault);
        assert_eq!(page_fault(0x6, 0x1000), Cause::WriteFault);
    }

    #[test]
    fn the_code_is_the_error_code_or_the_vector() {
        let made = |vector| {
            let fault = fault(vector, 0x55, 1, 2);
            (fault.cause, fault.address, fault.code)
        };
        assert_eq!(made(0), (Cause::DivideError, 0, 0));
        assert_eq!(made(6), (Cause::IllegalInstruction, 0, 6));
        assert_eq!(made(16), (Cause::FloatingPoint, 0, 16));
        assert_eq!(made(13), (Cause::Protection, 0, 0x55));
        assert_eq!(made(17), (Cause::Alignment, 0, 0x55));
        assert_eq!(made(19), (Cause::FloatingPoint, 0, 19));
        assert_eq!(made(31), (Cause::Other, 0, 31));
    }
}
