//! Four sums that a compiler can compute side by side. The results for comparison are the compiler's own,
//! which follows the same standard (IEEE 754) without the processor.

const LANES: usize = 4;
const ROUNDS: u32 = 500;
/// Workers.
const SEEDS: usize = 4;

/// What each worker must find, by its role.
pub const EXPECTED: [u64; SEEDS] = [bits(0), bits(1), bits(2), bits(3)];

/// The bits of the result for a seed.
pub const fn bits(seed: u64) -> u64 {
    let mut values = [0.0; LANES];
    let mut sums = [0.0; LANES];
    let mut lane = 0;
    while lane < LANES {
        values[lane] = seed as f64 + lane as f64;
        lane += 1;
    }
    let mut round = 0;
    while round < ROUNDS {
        round += 1;
        let step = 1.0 / round as f64;
        lane = 0;
        while lane < LANES {
            values[lane] = values[lane] * 0.75 + step;
            sums[lane] += values[lane] * step;
            lane += 1;
        }
    }
    let [first, second, third, fourth]: [f64; LANES] = sums;
    (first / 3.0 + second / 5.0 + third / 7.0 + fourth / 11.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::{EXPECTED, bits};

    #[test]
    fn the_compiler_and_the_processor_find_the_same_and_each_seed_something_else() {
        for (seed, expected) in (0..).zip(EXPECTED) {
            assert_eq!(bits(std::hint::black_box(seed)), expected);
        }
        assert!(EXPECTED.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
