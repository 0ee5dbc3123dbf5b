//! The kernel for PCs: where the neutral kernel and the x86-64 machine meet, and nothing else.
//!
//! It has no behaviour of its own. `kernel.ld` says where things lie, the boot code of
//! `arch/x86_64` calls [`kernel_main`], and this names the kernel that the machine is to run.
//!
//! | file | contents |
//! |---|---|
//! | `main.rs` | the one symbol that the boot code calls |
//! | `../kernel.ld` | the layout of the image |
//! | `../build.rs` | tells the linker of both |
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod boot {
    use cedo_arch_x86_64::X86_64;

    /// The kernel of this board.
    type Kernel = cedo_core::Kernel<X86_64>;

    /// Called by the boot code on core 0, in 64-bit mode, with interrupts off.
    #[expect(unsafe_code, reason = "the boot code names this symbol; no other symbol has its name")]
    #[unsafe(no_mangle)]
    extern "C" fn kernel_main(magic: u64, information: u64) -> ! {
        cedo_arch_x86_64::start::<Kernel>(magic, information)
    }
}

/// On a host there is nothing to run.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is a kernel: build it with `--target x86_64-unknown-none`");
}
