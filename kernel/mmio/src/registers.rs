//! The registers of one device.

/// Registers in device memory, 32 or 64 bits wide, named by their offset.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    base: *mut u8,
    bytes: usize,
}

// SAFETY: registers are an address and a length; who may use them when is the driver's business.
unsafe impl Send for Registers {}
// SAFETY: as for `Send`; every access is one volatile instruction.
unsafe impl Sync for Registers {}

impl Registers {
    /// Promises registers.
    ///
    /// # Safety
    /// 1. `bytes` bytes from `base` on are mapped, uncached, until the last use.
    /// 2. `base` is 8-byte aligned.
    /// 3. There is a device and no memory that Rust knows of; nothing its registers do breaks
    ///    memory safety when the driver follows the device's manual.
    pub const unsafe fn new(base: *mut u8, bytes: usize) -> Registers {
        Registers { base, bytes }
    }

    /// Bytes of them.
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// The `bytes` from `offset` (a multiple of 8) on.
    ///
    /// # Panics
    /// If they are not all the device's: a mistake in the driver.
    pub fn part(self, offset: usize, bytes: usize) -> Registers {
        assert!(offset.is_multiple_of(8) && offset + bytes <= self.bytes, "no such registers");
        Registers { base: self.base.wrapping_add(offset), bytes }
    }

    /// Reads 32 bits.
    ///
    /// # Panics
    /// If the offset is not one of the device's: a mistake in the driver.
    #[inline]
    pub fn read32(self, offset: usize) -> u32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.bytes, "no such register");
        // SAFETY: the offset is within what `new` promised, and aligned.
        let register = unsafe { self.base.add(offset) }.cast::<u32>();
        // SAFETY: as above.
        unsafe { register.read_volatile() }
    }

    /// Writes 32 bits.
    ///
    /// # Panics
    /// As [`Registers::read32`].
    #[inline]
    pub fn write32(self, offset: usize, value: u32) {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.bytes, "no such register");
        // SAFETY: the offset is within what `new` promised, and aligned.
        let register = unsafe { self.base.add(offset) }.cast::<u32>();
        // SAFETY: as above.
        unsafe { register.write_volatile(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_where_their_offset_says() {
        let mut device = [0u64; 4];
        // SAFETY: the array outlives the registers, is aligned, and is used through them only.
        let registers = unsafe { Registers::new(device.as_mut_ptr().cast(), 32) };
        registers.write32(4, 7);
        registers.write32(28, 9);
        assert_eq!((registers.read32(0), registers.read32(4), registers.read32(28)), (0, 7, 9));
    }

    #[test]
    fn a_part_begins_at_its_offset() {
        let mut device = [0u64; 4];
        // SAFETY: as above.
        let registers = unsafe { Registers::new(device.as_mut_ptr().cast(), 32) };
        let part = registers.part(16, 8);
        part.write32(4, 3);
        assert_eq!((registers.read32(20), part.bytes(), registers.bytes()), (3, 8, 32));
    }

    #[test]
    #[should_panic = "no such register"]
    fn an_offset_beyond_the_end_is_a_mistake() {
        let mut device = [0u64; 1];
        // SAFETY: as above.
        let registers = unsafe { Registers::new(device.as_mut_ptr().cast(), 8) };
        registers.read32(8);
    }
}
