//! What one tick of the counter is. No processor tells: whoever boots the kernel knows that
//! instructions are counted, and the device tree names the emulator's machine.

use cedo_abi::info::feature;

/// The bit of the kernel information page.
pub fn feature(counted: bool, emulated: bool) -> u64 {
    match (counted, emulated) {
        (true, _) => feature::COUNTS_INSTRUCTIONS,
        (false, true) => feature::EMULATED_CLOCK,
        (false, false) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_instructions_are_the_word_of_whoever_boots() {
        assert_eq!(feature(true, true), feature::COUNTS_INSTRUCTIONS);
        assert_eq!(feature(true, false), feature::COUNTS_INSTRUCTIONS);
    }

    #[test]
    fn an_emulator_is_no_measure_and_a_machine_is() {
        assert_eq!(feature(false, true), feature::EMULATED_CLOCK);
        assert_eq!(feature(false, false), 0);
    }
}
