//! Numbers that look random and depend on the seed alone.

/// A stream of numbers (S. Vigna's splitmix64).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of this seed.
    pub const fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The numbers of one part of a run: different parts of a seed have nothing in common.
    pub fn part(seed: u64, part: u64) -> Random {
        let mut random = Random(seed ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Random(random.number())
    }

    /// The next number.
    #[inline]
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// A number below `bound`; 0 if that is 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of a product: as even as anybody needs, without a division.
        ((u128::from(self.number()) * u128::from(bound)) >> 64) as u64
    }

    /// True once in `times`, on average.
    #[inline]
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub fn pick<T: Copy, const COUNT: usize>(&mut self, of: &[T; COUNT]) -> T {
        const { assert!(COUNT > 0) }
        of[self.below(COUNT as u64) as usize]
    }
}
