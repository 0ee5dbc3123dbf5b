//! All of physical memory, as the kernel addresses it.

/// Proof that physical frames `0..frames` are mapped readable and writable from `base` on, for
/// ever, and used for nothing but what the frame table says.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    base: *mut u8,
    frames: u32,
}

// SAFETY: a window is an address and a length; what is behind it is synchronised by its users.
unsafe impl Send for Window {}
// SAFETY: as for `Send`; a window has no interior of its own.
unsafe impl Sync for Window {}

impl Window {
    /// Promises a window.
    ///
    /// # Safety
    /// 1. `frames * 4096` bytes from `base` are mapped, readable and writable, until the machine
    ///    stops (holes in physical memory excepted: frames that no memory range names).
    /// 2. `base` is page-aligned.
    /// 3. Rust owns no object there other than through the users of this window.
    pub const unsafe fn new(base: *mut u8, frames: u32) -> Window {
        Window { base, frames }
    }

    /// Where frame 0 is.
    #[inline]
    pub const fn base(self) -> *mut u8 {
        self.base
    }

    /// Frames in the window.
    #[inline]
    pub const fn frames(self) -> u32 {
        self.frames
    }
}
