//! Volatile access to mapped memory: shared regions, device registers, pages that init fills.
//!
//! Never through references: other programs or a device change what is there.

use cedo_abi::system::place;

/// Memory that is mapped somewhere in the area for mappings, where no Rust object lives.
///
/// A view proves nothing about the mapping. An access to a page that is not mapped is a fault that
/// the thread's handler hears of, as any access of a stopped device would be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    base: *mut u8,
    bytes: usize,
}

// SAFETY: a view is an address and a length; all accesses are volatile and of at most one word.
unsafe impl Send for View {}
// SAFETY: as for `Send`.
unsafe impl Sync for View {}

impl View {
    /// A view of `bytes` bytes at `address`. Nothing if the address is not a multiple of 8, or the
    /// range is not inside the area for mappings ([`place::MAPPINGS_START`] to [`place::MAPPINGS_END`]).
    pub fn new(address: u64, bytes: usize) -> Option<View> {
        let end = address.checked_add(bytes as u64)?;
        if address < place::MAPPINGS_START
            || end > place::MAPPINGS_END
            || !address.is_multiple_of(8)
        {
            return None;
        }
        Some(View { base: address as *mut u8, bytes })
    }

    /// A view of leaked memory for tests on the host.
    #[cfg(not(target_os = "none"))]
    pub fn for_tests(words: usize) -> View {
        let memory = std::boxed::Box::leak(std::vec![0_u64; words].into_boxed_slice());
        View { base: memory.as_mut_ptr().cast(), bytes: words * 8 }
    }

    /// Where it begins.
    pub fn address(self) -> u64 {
        self.base.expose_provenance() as u64
    }

    /// Bytes in view.
    pub fn bytes(self) -> usize {
        self.bytes
    }

    /// The word at `index`, counted in words. 0 behind the end.
    #[inline]
    pub fn word(self, index: usize) -> u64 {
        let Some(place) = self.place::<u64>(index) else { return 0 };
        // SAFETY: `place` is aligned and in view; if it is not mapped, the access faults.
        unsafe { place.read_volatile() }
    }

    /// Writes the word at `index`, counted in words. Nothing behind the end.
    #[inline]
    pub fn set_word(self, index: usize, value: u64) {
        let Some(place) = self.place::<u64>(index) else { return };
        // SAFETY: `place` is aligned and in view; if it is not mapped, the access faults.
        unsafe { place.write_volatile(value) }
    }

    /// The half-word (32 bits) at `index`, counted in half-words. 0 behind the end.
    #[inline]
    pub fn half(self, index: usize) -> u32 {
        let Some(place) = self.place::<u32>(index) else { return 0 };
        // SAFETY: `place` is aligned and in view; if it is not mapped, the access faults.
        unsafe { place.read_volatile() }
    }

    /// Writes the half-word at `index`, counted in half-words. Nothing behind the end.
    #[inline]
    pub fn set_half(self, index: usize, value: u32) {
        let Some(place) = self.place::<u32>(index) else { return };
        // SAFETY: `place` is aligned and in view; if it is not mapped, the access faults.
        unsafe { place.write_volatile(value) }
    }

    /// The byte at `index`. 0 behind the end.
    #[inline]
    pub fn byte(self, index: usize) -> u8 {
        let Some(place) = self.place::<u8>(index) else { return 0 };
        // SAFETY: `place` is in view; if it is not mapped, the access faults.
        unsafe { place.read_volatile() }
    }

    /// Writes the byte at `index`. Nothing behind the end.
    #[inline]
    pub fn set_byte(self, index: usize, value: u8) {
        let Some(place) = self.place::<u8>(index) else { return };
        // SAFETY: `place` is in view; if it is not mapped, the access faults.
        unsafe { place.write_volatile(value) }
    }

    /// Copies `source` to byte `offset` on, as far as it is in view; returns the bytes copied.
    pub fn copy_in(self, offset: usize, source: &[u8]) -> usize {
        let length = source.len().min(self.bytes.saturating_sub(offset));
        for (index, byte) in source.iter().take(length).enumerate() {
            self.set_byte(offset + index, *byte);
        }
        length
    }

    /// Zeroes everything in view.
    pub fn clear(self) {
        for index in 0..self.bytes / 8 {
            self.set_word(index, 0);
        }
        for index in self.bytes / 8 * 8..self.bytes {
            self.set_byte(index, 0);
        }
    }

    #[inline]
    fn place<T>(self, index: usize) -> Option<*mut T> {
        (index < self.bytes / size_of::<T>()).then(|| self.base.cast::<T>().wrapping_add(index))
    }
}

#[cfg(test)]
mod tests {
    use super::View;
    use cedo_abi::system::place;

    #[test]
    fn a_view_reads_what_was_written_and_nothing_behind_its_end() {
        let view = View::for_tests(4);
        view.set_word(3, 0x1122_3344_5566_7788);
        assert_eq!(view.half(6), 0x5566_7788);
        assert_eq!(view.byte(31), 0x11);
        view.set_word(4, 1);
        assert_eq!(view.word(4), 0);
        assert_eq!(view.copy_in(30, b"abc"), 2);
        assert_eq!(view.word(3), 0x6261_3344_5566_7788);
        view.clear();
        assert!((0..4).all(|index| view.word(index) == 0));
    }

    #[test]
    fn a_view_exists_only_where_no_rust_object_can_be() {
        assert!(View::new(place::MEMORY, 4096).is_some());
        assert!(View::new(0x20_0000, 4096).is_none());
        assert!(View::new(place::STACK_TOP - 4096, 4096).is_none());
        assert!(View::new(place::MEMORY + 4, 4).is_none());
        assert!(View::new(u64::MAX - 7, 4096).is_none());
    }
}
