//! The frames behind the window: one allocation that lives until the process ends.
//!
//! Frames are cells of atomic words, so the simulation itself reads and writes them in safe code.
//! The only promise is the one that a [`Window`] asks for.

use cedo_machine::Frame;
use cedo_machine::atomic::{AtomicU64, Ordering};
use cedo_mmio::Window;

/// Words of a frame.
pub const FRAME_WORDS: usize = 512;

/// One frame.
#[repr(C, align(4096))]
struct Cells([AtomicU64; FRAME_WORDS]);

const _: () = assert!(size_of::<Cells>() == 4096);

/// Physical memory from frame 0 on. It is never freed, because a window is for ever; a test that
/// needs many worlds restores a snapshot instead of building anew.
#[derive(Clone, Copy)]
pub struct Memory {
    cells: &'static [Cells],
}

impl Memory {
    /// `frames` frames of zeroes.
    pub fn new(frames: u32) -> Memory {
        let cells = Box::<[Cells]>::new_zeroed_slice(frames as usize);
        // SAFETY: a cell is atomic words only, and all zeroes are valid words.
        let cells = unsafe { cells.assume_init() };
        Memory { cells: Box::leak(cells) }
    }

    /// The window that the kernel gets.
    pub fn window(&self) -> Window {
        let base = self.cells.as_ptr().cast_mut().cast::<u8>();
        // SAFETY:
        // 1. `cells` is leaked: mapped until the process ends. All of it is inside `UnsafeCell`s,
        //    so writing through a pointer derived from the shared reference is allowed.
        // 2. `Cells` is aligned to a page.
        // 3. The only other owner is this type, which is private to this crate. Its users touch
        //    frames between two steps of the world, when the kernel borrows none; the machine,
        //    inside a step, reads page tables only. All of them stay in one OS thread: the board
        //    that holds the memory is behind an `Rc`.
        unsafe { Window::new(base, self.frames()) }
    }

    /// Number of frames.
    pub fn frames(&self) -> u32 {
        self.cells.len() as u32
    }

    /// True if the frame is memory.
    pub fn contains(&self, frame: Frame) -> bool {
        frame.0 < self.frames()
    }

    /// The frame that starts at this address of the host, if one does.
    pub fn frame_at(&self, address: usize) -> Option<Frame> {
        let offset = address.checked_sub(self.cells.as_ptr().addr())?;
        let frame = Frame((offset / size_of::<Cells>()) as u32);
        (offset.is_multiple_of(size_of::<Cells>()) && self.contains(frame)).then_some(frame)
    }

    /// Word `index` of a frame.
    pub fn read(&self, frame: Frame, index: usize) -> u64 {
        self.words(frame)[index].load(Ordering::Relaxed)
    }

    /// Sets word `index` of a frame.
    pub fn write(&self, frame: Frame, index: usize, value: u64) {
        self.words(frame)[index].store(value, Ordering::Relaxed);
    }

    /// Copies bytes in, from the start of `first` on.
    pub fn write_bytes(&self, first: Frame, bytes: &[u8]) {
        for (index, chunk) in bytes.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let frame = first.plus((index / FRAME_WORDS) as u32);
            self.write(frame, index % FRAME_WORDS, u64::from_le_bytes(word));
        }
    }

    /// The words of a frame.
    pub(crate) fn words(&self, frame: Frame) -> &'static [AtomicU64; FRAME_WORDS] {
        &self.cells[frame.0 as usize].0
    }
}

/// Lends the context at the start of a frame, as the kernel's floor does.
#[cfg(test)]
pub(crate) fn with_context<R>(
    window: Window,
    frame: Frame,
    user: impl FnOnce(&mut crate::HostContext) -> R,
) -> R {
    use std::cell::Cell;

    thread_local! {
        static LENT: Cell<bool> = const { Cell::new(false) };
    }

    assert!(frame.0 < window.frames() && !LENT.replace(true), "one context at a time");
    let context = window.base().wrapping_add(frame.address() as usize).cast();
    // SAFETY:
    // 1. The frame is in the window, which is one of `Memory::window`: this crate makes no other.
    // 2. `LENT` keeps a second borrow out, the world touches no frame while its kernel runs, and
    //    the machine reads page tables only.
    // 3. Every bit pattern is a context, and a frame is aligned for it.
    let result = user(unsafe { &mut *context });
    LENT.set(false);
    result
}
