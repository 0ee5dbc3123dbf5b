//! Frames, user addresses, core numbers, lines, ticks: no bare integers above this line.

/// Number of a physical frame: physical address / 4096. Below 2^31 (8 TiB of memory).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Frame(pub u32);

impl Frame {
    /// Physical address of the first byte.
    pub const fn address(self) -> u64 {
        (self.0 as u64) << 12
    }

    /// The frame that holds a physical address.
    pub const fn containing(address: u64) -> Frame {
        Frame((address >> 12) as u32)
    }

    /// The frame `count` further on.
    pub const fn plus(self, count: u32) -> Frame {
        Frame(self.0.wrapping_add(count))
    }
}

/// An address that user code can have: canonical and outside the kernel's range. Not necessarily
/// mapped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UserAddress(u64);

impl UserAddress {
    /// An address that [`crate::PageFormat::user_address`] has checked.
    pub const fn from_checked(address: u64) -> UserAddress {
        UserAddress(address)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// True at the start of a page.
    pub const fn is_page_aligned(self) -> bool {
        self.0.is_multiple_of(4096)
    }
}

/// One processor, numbered from 0 in the order they were started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CoreNumber(pub u8);

impl CoreNumber {
    /// As an index into per-core arrays.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An interrupt line as the platform numbers it (x86: global system interrupt).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Line(pub u32);

/// A value of the machine-wide counter (per-core offset applied).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ticks(pub u64);

impl Ticks {
    /// Ticks from `earlier` to here; 0 where the clock seems to have run backwards.
    pub const fn since(self, earlier: Ticks) -> Ticks {
        Ticks(self.0.saturating_sub(earlier.0))
    }
}
