//! The user runtime: how a program starts, calls the kernel and dies.
//!
//! This is the only crate under `servers/` that contains unsafe code; programs and the user library
//! (`cedo-lib`) forbid it. It knows the processor and the binary interface, and nothing of what
//! calls mean: that is the library's business. Programs do not use it directly.
//!
//! # What is safe, and why
//!
//! A system call is a safe function here. The kernel changes nothing of the calling program but its
//! registers, its UTCB page, and what the windows for typed items lead to, which are open only while
//! that is borrowed ([`windows`]). There is one exception: whoever holds a capability for its *own* Space
//! can unmap or remap what Rust relies on, or start a thread on a stack in use. Init hands such a
//! capability only to programs whose description asks for it, and those promise to use it only for
//! addresses where no Rust object lives, which is where [`View`] works.
//!
//! | file | contents |
//! |---|---|
//! | [`raw`] | the call instruction, the counter, the entry points; `x86_64`, `aarch64`, and `host` for tests |
//! | [`image`] | the program's own image |
//! | [`thread`] | what a thread knows about itself |
//! | `start` | where a program starts |
//! | [`utcb`] | the page shared with the kernel |
//! | [`exclusive`] | memory that one at a time may change |
//! | [`windows`] | typed items and windows of one call |
//! | [`stack`] | stacks for further threads of a program |
//! | [`view`] | volatile access to mapped memory |
//! | [`page`] | the kernel information page, and what the first server is told |
//! | [`text`] | text as message words |
//! | `panic` | the panic handler |
#![no_std]
#![expect(unsafe_code, reason = "registers, the entry point and shared pages are beyond Rust")]

#[cfg(not(target_os = "none"))]
extern crate std;

pub mod exclusive;
pub mod image;
pub mod page;
#[cfg(target_os = "none")]
mod panic;
pub mod raw;
pub mod stack;
#[cfg(target_os = "none")]
mod start;
pub mod text;
pub mod thread;
pub mod utcb;
pub mod view;
pub mod windows;

pub use thread::ThisThread;
pub use utcb::UtcbPage;
pub use view::View;

/// Makes `main`, a `fn(ThisThread)`, the place where every thread of this program starts.
///
/// A program begins
///
/// ```ignore
/// #![cfg_attr(target_os = "none", no_std, no_main)]
/// #![forbid(unsafe_code)]
///
/// cedo_lib::program!(start);
///
/// fn start(this: cedo_lib::ThisThread) { /* ... */ }
/// ```
///
/// and the second to last line expands to
///
/// ```ignore
/// #[cfg(target_os = "none")]
/// #[unsafe(no_mangle)]
/// fn cedo_main(this: ThisThread) { start(this) }
///
/// #[cfg(not(target_os = "none"))]
/// fn main() { /* says that this is a Cedo program */ }
/// ```
///
/// The attribute is unsafe because two functions of one name would be mixed up. There is no second:
/// a program that uses the macro twice, or defines `cedo_main` by hand, does not link. On the host
/// there is an ordinary `main`, so that `cargo test` works for a program's pure parts.
#[macro_export]
macro_rules! program {
    ($start:path) => {
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        fn cedo_main(this: $crate::ThisThread) {
            $start(this)
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            let _: fn($crate::ThisThread) = $start;
            ::std::println!("This program runs on Cedo: cargo xtask run");
        }
    };
}
