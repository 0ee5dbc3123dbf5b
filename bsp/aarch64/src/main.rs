//! The kernel for every aarch64 board: where the neutral kernel and the aarch64 machine meet, and
//! nothing else. The device tree says which board it is (`docs/decisions/0012-one-image.md`).
//!
//! It has no behaviour of its own. `kernel.ld` says where things lie, the boot code of
//! `arch/aarch64` calls [`kernel_main`], and this names the kernel that the machine is to run.
//!
//! | file | contents |
//! |---|---|
//! | `main.rs` | the one symbol that the boot code calls |
//! | `../kernel.ld` | the layout of the image |
//! | `../build.rs` | tells the linker of both |
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod boot {
    use cedo_arch_aarch64::Aarch64;

    /// The kernel of these boards.
    type Kernel = cedo_core::Kernel<Aarch64>;

    /// Called by the boot code on core 0, at EL1, with interrupts off.
    #[expect(unsafe_code, reason = "the boot code names this symbol; no other symbol has its name")]
    #[unsafe(no_mangle)]
    extern "C" fn kernel_main(tree: u64, load_address: u64) -> ! {
        cedo_arch_aarch64::start::<Kernel>(tree, load_address)
    }
}

/// On a host there is nothing to run.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is a kernel: build it with `--target aarch64-unknown-none-softfloat`");
}
