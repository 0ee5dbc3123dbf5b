//! Calls of an emulator or debugger, if there is one (Arm, Semihosting for AArch32 and AArch64).
//!
//! The call is an instruction that, where nobody listens, is undefined: the exception comes to the
//! kernel, which goes on behind it ([`call_site`]). So a call can be tried anywhere, and its failure
//! is an answer.

use core::arch::naked_asm;
use core::sync::atomic::{AtomicBool, Ordering};

/// SYS_WRITEC: writes one byte to the listener's log.
const WRITE_BYTE: u64 = 0x03;
/// SYS_EXIT.
const EXIT: u64 = 0x18;
/// SYS_EXIT_EXTENDED: with a code.
const EXIT_WITH_CODE: u64 = 0x20;
/// ADP_Stopped_ApplicationExit.
const APPLICATION_EXIT: u64 = 0x2_0026;

/// Nobody listens.
static ABSENT: AtomicBool = AtomicBool::new(false);

/// x0: the operation; x1: its argument. Returns in x0 what the listener says, and in x2 what it was,
/// or 1 if there is none: then the exception's handler has set it.
#[unsafe(naked)]
extern "C" fn call(operation: u64, argument: u64, zero: u64) -> u64 {
    naked_asm!(
        ".global cedo_semihosting_call",
        "cedo_semihosting_call:",
        "hlt #0xf000",
        "mov x0, x2",
        "ret"
    )
}

/// Makes a call. False if nobody listens.
fn make(operation: u64, argument: u64) -> bool {
    if ABSENT.load(Ordering::Relaxed) {
        return false;
    }
    let is_absent = call(operation, argument, 0) != 0;
    if is_absent {
        ABSENT.store(true, Ordering::Relaxed);
    }
    !is_absent
}

/// Writes one byte to the listener's log. False if nobody listens.
pub fn write(byte: u8) -> bool {
    make(WRITE_BYTE, (&raw const byte) as u64)
}

/// Leaves an emulator with this code; returns where there is none.
pub fn exit(code: u64) {
    let block = [APPLICATION_EXIT, code];
    if make(EXIT_WITH_CODE, (&raw const block) as u64) {
        // A listener that does not know the longer form.
        make(EXIT, APPLICATION_EXIT);
    }
}
