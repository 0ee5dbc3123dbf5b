//! Pages that the kernel shows: the kernel information page, and what the first server is told.

use crate::ThisThread;
use cedo_abi::VERSION;
use cedo_abi::info::{self, BootInfo, KernelInfo};

/// The kernel information page.
#[cfg(target_os = "none")]
pub fn kernel_info() -> &'static KernelInfo {
    let page = cedo_abi::layout::KERNEL_INFO as *const KernelInfo;
    // SAFETY: the kernel maps the page read-only into every Space for ever, and writes it only
    // before the first thread runs.
    unsafe { &*page }
}

/// The kernel information page that tests on the host see: one core, one tick per nanosecond.
#[cfg(not(target_os = "none"))]
pub fn kernel_info() -> &'static KernelInfo {
    static PAGE: KernelInfo = KernelInfo {
        magic: info::MAGIC,
        version: VERSION,
        cores: 1,
        features: 0,
        clock_scale: 1 << 32,
        clock_hz: 1_000_000_000,
        clock_offset: [0; cedo_abi::MAX_CORES],
    };
    &PAGE
}

/// True if the kernel speaks the interface that this program was built for.
pub fn version_fits() -> bool {
    let page = kernel_info();
    page.magic == info::MAGIC && page.version == VERSION
}

/// What the kernel tells the first server; nothing for every other thread.
pub fn boot_info(this: &ThisThread) -> Option<&'static BootInfo> {
    if !this.is_first() {
        return None;
    }
    let page = cedo_abi::layout::INIT_BOOT_INFO as *const BootInfo;
    // SAFETY: the kernel maps the page read-only for the first server, which this thread belongs
    // to, and never writes it again.
    let page = unsafe { &*page };
    (page.magic == info::BOOT_MAGIC).then_some(page)
}

/// The boot archive; nothing for all but the first server.
pub fn boot_archive(this: &ThisThread) -> Option<&'static [u8]> {
    let length = usize::try_from(boot_info(this)?.archive_bytes).ok()?;
    let first = cedo_abi::layout::INIT_ARCHIVE as *const u8;
    // SAFETY: the kernel maps that many bytes read-only for the first server, for ever.
    Some(unsafe { core::slice::from_raw_parts(first, length) })
}
