//! SVC in, and the short way out.
//!
//! ```text
//! entry -> short_cut --done--> the other thread, with the message words that the first one had
//!             `------not-----> system_call, and the long way out
//! ```
//!
//! All registers go to the caller's context, the message words too: they have to be somewhere while
//! the kernel runs, and there the general path needs them. The short way back loads them from there,
//! and everything else from the context of the thread that goes on.

use super::frame::{leave, load_words, restore_kept, save_first, save_kept};
use super::leave::obey;
use super::upcall;
use crate::core_area::{CONTEXT, KERNEL, STACK_TOP};
use crate::cpu::Aarch64;
use cedo_machine::Upcalls;
use core::arch::naked_asm;

/// User code made a call. x10 and x11 were saved; the four words of the request are in their registers.
#[unsafe(naked)]
pub extern "C" fn entry<K: Upcalls<Machine = Aarch64>>() {
    naked_asm!(
        save_first!(),
        save_kept!(),
        "mov x20, sp",
        "mrs x19, tpidr_el1",
        "ldp x5, x4, [x19, #{stack_top}]",
        "mov sp, x5",
        "bl {short_cut}",
        "cbz w0, 2f",
        "ldr x0, [x19, #{context}]",
        "mov sp, x0",
        load_words!("x20"),
        restore_kept!(),
        leave!(),
        "2: ldr x0, [x19, #{kernel}]",
        "bl {system_call}",
        "b {obey}",
        stack_top = const STACK_TOP,
        kernel = const KERNEL,
        context = const CONTEXT,
        short_cut = sym upcall::short_cut::<K>,
        system_call = sym upcall::system_call::<K>,
        obey = sym obey,
    )
}
