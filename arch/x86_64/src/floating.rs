//! Floating point and vectors: x87, MMX and SSE registers as FXSAVE stores them (Intel SDM volume 1,
//! section 10.5). There is no AVX: the processor is not told to keep its registers (CR4.OSXSAVE), so its
//! instructions are illegal.

use cedo_abi::state::FLOATING_POINT_WORDS;
use core::sync::atomic::{AtomicU32, Ordering};

/// Word 0 of the image of a new thread: the x87 control word, all exceptions masked.
const CONTROL: u64 = 0x037f;
/// Word of the image whose low half is MXCSR and whose high half says which of its bits exist.
const MXCSR: usize = 3;
/// Value of MXCSR at reset: all exceptions masked.
const MXCSR_RESET: u64 = 0x1f80;
/// The bits of MXCSR that every processor has (section 11.6.6). Others, if set, make FXRSTOR fault.
const MXCSR_BITS: u32 = 0xffbf;
/// Words of the image.
const WORDS: usize = 64;

/// The bits of MXCSR that this processor has.
static MXCSR_MASK: AtomicU32 = AtomicU32::new(MXCSR_BITS);

/// The registers of one thread, as FXSAVE64 stores them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(16))]
pub struct FloatingState([u64; WORDS]);

impl FloatingState {
    /// What a new thread has.
    pub const NEW: FloatingState = {
        let mut words = [0; WORDS];
        words[0] = CONTROL;
        words[MXCSR] = MXCSR_RESET;
        FloatingState(words)
    };

    /// As it travels in messages.
    pub fn words(&self) -> [u64; FLOATING_POINT_WORDS] {
        core::array::from_fn(|index| self.0.get(index).copied().unwrap_or(0))
    }

    /// Those registers, which somebody made up: what the processor would refuse is cleared.
    pub fn sanitised(words: &[u64; FLOATING_POINT_WORDS]) -> FloatingState {
        let mut image: [u64; WORDS] = core::array::from_fn(|index| words[index]);
        image[MXCSR] &= u64::from(MXCSR_MASK.load(Ordering::Relaxed));
        FloatingState(image)
    }

    /// The bits of MXCSR that the processor which stored this has.
    #[cfg(any(test, target_os = "none"))]
    fn mxcsr_bits(&self) -> u32 {
        match (self.0[MXCSR] >> 32) as u32 {
            0 => MXCSR_BITS,
            bits => bits,
        }
    }
}

#[cfg(target_os = "none")]
pub use hardware::{FloatingUnit, Hardware, prepare};

#[cfg(target_os = "none")]
mod hardware {
    use super::{FloatingState, MXCSR_MASK};
    use cedo_arch_common::floating::{self, FloatingRegisters};
    use core::sync::atomic::Ordering;

    /// Whose registers this core holds.
    pub type FloatingUnit = floating::FloatingUnit<Hardware>;

    /// Asks the processor which bits of MXCSR it has. Once per core, before user code runs; all are of
    /// one kind.
    pub fn prepare() {
        let mut state = FloatingState::NEW;
        Hardware.open();
        Hardware.save(&mut state);
        Hardware.close();
        MXCSR_MASK.store(state.mxcsr_bits(), Ordering::Relaxed);
    }

    /// The registers of this core. They are closed by CR0.TS: use raises #NM.
    pub struct Hardware;

    impl FloatingRegisters for Hardware {
        type State = FloatingState;

        fn open(&mut self) {
            // SAFETY: the kernel itself uses no floating point.
            unsafe { core::arch::asm!("clts", options(nomem, nostack, preserves_flags)) };
        }

        fn close(&mut self) {
            // SAFETY: as above; all other bits are as `features` set them.
            unsafe {
                core::arch::asm!("mov cr0, {}", in(reg) crate::features::CR0, options(nostack))
            };
        }

        fn save(&mut self, state: &mut FloatingState) {
            // SAFETY: the image is 512 bytes long and aligned to 16.
            unsafe { core::arch::asm!("fxsave64 [{}]", in(reg) state, options(nostack)) };
        }

        fn load(&mut self, state: &FloatingState) {
            // Some AMD processors leave the last instruction's address and operand alone where no
            // exception is pending (AMD64 APM volume 2, section 11.4.4): those of the load here replace
            // another thread's.
            //
            // SAFETY: 1. Exceptions were cleared, so nothing is raised here. 2. The image is as long and as
            // aligned as needed, and its MXCSR has no reserved bit: FXSAVE or `install` made it.
            unsafe {
                core::arch::asm!(
                    "fnclex",
                    // Makes room for what the next one pushes.
                    "ffree st(7)",
                    "fild dword ptr [{image}]",
                    "fxrstor64 [{image}]",
                    image = in(reg) state,
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
    fn a_state_comes_back_as_it_was_but_for_what_the_processor_would_refuse() {
        let words: [u64; FLOATING_POINT_WORDS] = core::array::from_fn(|index| !(index as u64));
        let back = FloatingState::sanitised(&words).words();
        for (index, (word, given)) in back.iter().zip(&words).enumerate() {
            let expected = match index {
                MXCSR => given & u64::from(MXCSR_BITS),
                WORDS.. => 0,
                _ => *given,
            };
            assert_eq!(*word, expected, "word {index}");
        }
        assert_eq!(FloatingState::sanitised(&FloatingState::NEW.words()), FloatingState::NEW);
    }

    #[test]
    fn a_processor_that_does_not_say_has_the_bits_that_all_have() {
        assert_eq!(FloatingState::NEW.mxcsr_bits(), 0xffbf);
        let mut state = FloatingState::NEW;
        state.0[MXCSR] |= 0xffff << 32;
        assert_eq!(state.mxcsr_bits(), 0xffff);
    }
}
