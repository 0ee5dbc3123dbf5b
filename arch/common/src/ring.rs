//! A ring of log bytes: written by one core, read by whoever holds the log port.
//!
//! A frame is written byte by byte and becomes visible as a whole; one that does not fit is
//! dropped as a whole and counted.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};

/// Bytes of a ring, a power of two.
pub const RING_BYTES: usize = 4096;

/// The ring. Positions count up for ever; the low bits say where a byte is.
pub struct Ring {
    bytes: [AtomicU8; RING_BYTES],
    /// First byte not yet read. Written by the reader.
    tail: AtomicUsize,
    /// First byte not yet visible. Written by the writer.
    head: AtomicUsize,
    /// First free byte of the frame being written. The writer's own.
    pending: AtomicUsize,
    /// The frame being written did not fit. The writer's own.
    overrun: AtomicBool,
    dropped: AtomicU32,
}

impl Ring {
    /// An empty ring.
    pub const fn new() -> Ring {
        Ring {
            bytes: [const { AtomicU8::new(0) }; RING_BYTES],
            tail: AtomicUsize::new(0),
            head: AtomicUsize::new(0),
            pending: AtomicUsize::new(0),
            overrun: AtomicBool::new(false),
            dropped: AtomicU32::new(0),
        }
    }

    /// Adds a byte to the frame.
    pub fn push(&self, byte: u8) {
        let position = self.pending.load(Ordering::Relaxed);
        if position.wrapping_sub(self.tail.load(Ordering::Acquire)) >= RING_BYTES {
            self.overrun.store(true, Ordering::Relaxed);
            return;
        }
        self.bytes[position % RING_BYTES].store(byte, Ordering::Relaxed);
        self.pending.store(position.wrapping_add(1), Ordering::Relaxed);
    }

    /// Ends the frame: it becomes visible, or is dropped if a part of it is missing.
    pub fn end_frame(&self) {
        if self.overrun.load(Ordering::Relaxed) {
            self.overrun.store(false, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            self.pending.store(self.head.load(Ordering::Relaxed), Ordering::Relaxed);
        } else {
            self.head.store(self.pending.load(Ordering::Relaxed), Ordering::Release);
        }
    }

    /// Takes the oldest visible byte. One reader at a time.
    pub fn pop(&self) -> Option<u8> {
        let position = self.tail.load(Ordering::Relaxed);
        if position == self.head.load(Ordering::Acquire) {
            return None;
        }
        let byte = self.bytes[position % RING_BYTES].load(Ordering::Relaxed);
        self.tail.store(position.wrapping_add(1), Ordering::Release);
        Some(byte)
    }

    /// True if there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.tail.load(Ordering::Relaxed) == self.head.load(Ordering::Acquire)
    }

    /// Frames dropped since the last call.
    pub fn take_dropped(&self) -> u32 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

impl Default for Ring {
    fn default() -> Ring {
        Ring::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(ring: &Ring, bytes: usize) {
        (0..bytes).for_each(|byte| ring.push(byte as u8));
        ring.end_frame();
    }

    #[test]
    fn a_frame_becomes_visible_as_a_whole() {
        let ring = Ring::new();
        ring.push(1);
        assert_eq!(ring.pop(), None);
        ring.push(2);
        ring.end_frame();
        assert_eq!([ring.pop(), ring.pop(), ring.pop()], [Some(1), Some(2), None]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes long")]
    fn a_frame_that_does_not_fit_is_dropped_as_a_whole_and_counted() {
        let ring = Ring::new();
        frame(&ring, RING_BYTES - 4);
        frame(&ring, 5);
        frame(&ring, 4);
        assert_eq!(ring.take_dropped(), 1);
        assert_eq!(core::iter::from_fn(|| ring.pop()).count(), RING_BYTES);
        frame(&ring, 5);
        assert_eq!(core::iter::from_fn(|| ring.pop()).last(), Some(4));
        assert!(ring.is_empty());
    }
}
