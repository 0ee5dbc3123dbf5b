//! Where a program starts, behind the entry points.
//!
//! ```text
//! kernel -> _start (raw) -> begin -> cedo_main (program!) -> the program's function
//! kernel -> thread_entry (raw) -> begin_at -> the function given to Stack::prepare
//! ```

use crate::raw::{Request, fail, invoke};
use crate::stack::Prepared;
use crate::{ThisThread, UtcbPage};
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::name::{ANY, SELF};
use cedo_abi::read::Record;
use cedo_abi::system::{ENVIRONMENT_MAGIC, Environment, place};
use cedo_abi::utcb::Utcb;
use core::ptr::NonNull;

/// Second step of every program's start, called by the entry point on the thread's own stack.
pub(crate) extern "C" fn begin(utcb: u64) -> ! {
    unsafe extern "Rust" {
        /// Defined by [`crate::program!`].
        safe fn cedo_main(this: ThisThread);
    }
    if !crate::page::version_fits() {
        fail();
    }
    let Some(page) = NonNull::new(utcb as *mut Utcb) else { fail() };
    // SAFETY: 1. by contract word 0 of a new thread is the address of its UTCB page, mapped while
    // the thread lives; 2. a thread starts once.
    let utcb = unsafe { UtcbPage::new(page) };
    let environment = environment_of(&utcb);
    crate::panic::remember(environment);
    cedo_main(ThisThread::new(utcb, environment));
    rest()
}

/// Second step of a thread that [`crate::stack::Stack`] prepared.
pub(crate) extern "C" fn begin_at(prepared: *const Prepared) -> ! {
    // SAFETY: `Stack::prepare` put it at the top of the stack that this thread alone runs on.
    let prepared = unsafe { prepared.read() };
    let Some(page) = NonNull::new(prepared.utcb as *mut Utcb) else { fail() };
    // SAFETY: 1. the creator states where it put the UTCB, an address where no Rust object lives
    // (`Stack::prepare`), and it is mapped while the thread lives; 2. a stack is prepared once.
    let utcb = unsafe { UtcbPage::new(page) };
    (prepared.start)(ThisThread::new(utcb, prepared.environment), prepared.argument);
    rest()
}

/// The environment of a thread that init made: as far from the first environment as the thread's
/// UTCB is from the first UTCB. Empty for a thread whose UTCB is in no such place.
fn environment_of(utcb: &UtcbPage) -> &'static [u8] {
    let area = place::UTCB..place::ENVIRONMENT;
    let address = utcb.address();
    if !area.contains(&address) || !(address - place::UTCB).is_multiple_of(place::STRIDE) {
        return &[];
    }
    let head = (address - place::UTCB + place::ENVIRONMENT) as *const u64;
    // SAFETY: init maps an environment there, read-only and for ever, before the thread starts.
    let magic = unsafe { head.read() };
    // SAFETY: as above: the length is the second word of the environment.
    let length = unsafe { head.wrapping_add(1).read() };
    if magic != ENVIRONMENT_MAGIC || length < Environment::BYTES as u64 {
        return &[];
    }
    // SAFETY: as above: an environment states its own length, and nobody writes it any more.
    unsafe { core::slice::from_raw_parts(head.cast(), length as usize) }
}

/// What a thread does whose function has returned: it waits for ever and answers nobody.
fn rest() -> ! {
    loop {
        invoke(Request {
            operation: operation(Call::Ipc, 0, ipc::RECEIVE),
            to: SELF,
            from: ANY,
            ..Default::default()
        });
    }
}
