//! Floating point and vectors: v0 to v31, FPSR and FPCR.

use cedo_abi::state::FLOATING_POINT_WORDS;

/// Words of the vector registers.
const VECTOR_WORDS: usize = 64;

/// The registers of one thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(16))]
pub struct FloatingState {
    /// v0 to v31, lower half first.
    vectors: [u64; VECTOR_WORDS],
    /// FPSR.
    status: u64,
    /// FPCR.
    control: u64,
}

const _: () = assert!(core::mem::offset_of!(FloatingState, status) == 8 * VECTOR_WORDS);

/// The bits of FPSR and FPCR that are 32 bits wide and mean something (Arm ARM, C5.2.7, C5.2.8); bits
/// that a processor does not have are ignored by it.
const REGISTER_BITS: u64 = 0xffff_ffff;

impl FloatingState {
    /// What a new thread has.
    pub const NEW: FloatingState =
        FloatingState { vectors: [0; VECTOR_WORDS], status: 0, control: 0 };

    /// As it travels in messages.
    pub fn words(&self) -> [u64; FLOATING_POINT_WORDS] {
        let mut words = [0; FLOATING_POINT_WORDS];
        words[..VECTOR_WORDS].copy_from_slice(&self.vectors);
        [words[VECTOR_WORDS], words[VECTOR_WORDS + 1]] = [self.status, self.control];
        words
    }

    /// Those registers, which somebody made up.
    pub fn sanitised(words: &[u64; FLOATING_POINT_WORDS]) -> FloatingState {
        let mut state = FloatingState::NEW;
        state.vectors.copy_from_slice(&words[..VECTOR_WORDS]);
        state.status = words[VECTOR_WORDS] & REGISTER_BITS;
        state.control = words[VECTOR_WORDS + 1] & REGISTER_BITS;
        state
    }
}

#[cfg(target_os = "none")]
pub use hardware::{FloatingUnit, Hardware};

#[cfg(target_os = "none")]
mod hardware {
    use super::FloatingState;
    use crate::features::{NO_FLOATING_POINT, USE_FLOATING_POINT};
    use crate::registers::{synchronise, write_register};
    use cedo_arch_common::floating::{self, FloatingRegisters};

    /// Whose registers this core holds.
    pub type FloatingUnit = floating::FloatingUnit<Hardware>;

    /// The registers of this core. They are closed by CPACR_EL1.FPEN: use raises an exception.
    pub struct Hardware;

    /// `stp` or `ldp` of all pairs of vector registers at x0. They are written as numbers, because the
    /// assembler for a target without floating point does not know them (Arm ARM, C7.2: 128-bit pair,
    /// signed offset of 16 bytes in bits 15 to 21, registers in bits 0, 5 and 10).
    macro_rules! pairs {
        ($instruction:literal) => {
            concat!(
                ".set cedo_pair, 0\n",
                ".rept 16\n",
                ".inst ",
                $instruction,
                " + (cedo_pair << 16) + ((2 * cedo_pair + 1) << 10) + 2 * cedo_pair\n",
                ".set cedo_pair, cedo_pair + 1\n",
                ".endr"
            )
        };
    }

    impl FloatingRegisters for Hardware {
        type State = FloatingState;

        fn open(&mut self) {
            write_register!("cpacr_el1", USE_FLOATING_POINT);
            synchronise();
        }

        fn close(&mut self) {
            // The way out synchronises.
            write_register!("cpacr_el1", NO_FLOATING_POINT);
        }

        fn save(&mut self, state: &mut FloatingState) {
            // SAFETY: the state has room for all of them, and the registers are open.
            unsafe {
                core::arch::asm!(
                    pairs!("0xad000000"),
                    "mrs {status}, S3_3_C4_C4_1",
                    "mrs {control}, S3_3_C4_C4_0",
                    "str {status}, [x0, #512]",
                    "str {control}, [x0, #520]",
                    in("x0") state,
                    status = out(reg) _,
                    control = out(reg) _,
                    options(nostack),
                );
            }
        }

        fn load(&mut self, state: &FloatingState) {
            // SAFETY: the kernel itself uses no floating point, and the registers are open.
            unsafe {
                core::arch::asm!(
                    pairs!("0xad400000"),
                    "ldr {status}, [x0, #512]",
                    "ldr {control}, [x0, #520]",
                    "msr S3_3_C4_C4_1, {status}",
                    "msr S3_3_C4_C4_0, {control}",
                    in("x0") state,
                    status = out(reg) _,
                    control = out(reg) _,
                    options(nostack),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_as_it_was_but_for_bits_that_no_register_has() {
        let words: [u64; FLOATING_POINT_WORDS] = core::array::from_fn(|index| !(index as u64));
        let back = FloatingState::sanitised(&words).words();
        assert_eq!(back[..VECTOR_WORDS], words[..VECTOR_WORDS]);
        assert_eq!(back[VECTOR_WORDS..], [words[64] & 0xffff_ffff, words[65] & 0xffff_ffff]);
        assert_eq!(FloatingState::sanitised(&[0; FLOATING_POINT_WORDS]), FloatingState::NEW);
    }
}
