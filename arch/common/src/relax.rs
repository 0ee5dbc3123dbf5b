//! What a spin loop contains.
//!
//! On aarch64 the language's own hint is `isb`, at which an emulator whose cores take turns does not
//! give the turn away; `yield` is what the architecture has for this (Arm ARM, C6.2, YIELD).

/// Tells the processor that this is a spin loop, and an emulator to run another core.
#[inline(always)]
pub fn relax() {
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint; it changes nothing.
    unsafe {
        core::arch::asm!("yield", options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "aarch64"))]
    core::hint::spin_loop();
}
