//! What one tick of the time-stamp counter is: a cycle of it, unless an emulator makes it up.
//!
//! Sources: AMD64 Architecture Programmer's Manual volume 3, appendix E.3.2 (CPUID function 1, ECX
//! bit 31 is for hypervisors, functions 0x4000_0000 to 0x4000_00ff are theirs); QEMU signs as "TCG"
//! where it translates code, and as the hypervisor where code runs on the processor itself.

use cedo_abi::info::feature;

/// EBX, ECX and EDX of CPUID function 0x4000_0000.
pub type Signature = [u32; 3];

/// "TCGTCGTCGTCG".
const TRANSLATOR: Signature =
    [u32::from_le_bytes(*b"TCGT"), u32::from_le_bytes(*b"CGTC"), u32::from_le_bytes(*b"GTCG")];

/// The bit of the kernel information page. `counted` says that whoever boots the kernel knows that
/// instructions are counted, which no processor tells; `signature` is there if the processor says
/// that it is not alone.
pub fn feature(counted: bool, signature: Option<Signature>) -> u64 {
    match signature {
        _ if counted => feature::COUNTS_INSTRUCTIONS,
        Some(TRANSLATOR) => feature::EMULATED_CLOCK,
        _ => feature::COUNTS_CYCLES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &[u8; 12]) -> Option<Signature> {
        let word =
            |at: usize| u32::from_le_bytes([text[at], text[at + 1], text[at + 2], text[at + 3]]);
        Some([word(0), word(4), word(8)])
    }

    #[test]
    fn an_emulator_is_no_measure() {
        assert_eq!(feature(false, signed(b"TCGTCGTCGTCG")), feature::EMULATED_CLOCK);
    }

    #[test]
    fn counted_instructions_are_the_word_of_whoever_boots() {
        for signature in [None, signed(b"TCGTCGTCGTCG"), signed(b"KVMKVMKVM\0\0\0")] {
            assert_eq!(feature(true, signature), feature::COUNTS_INSTRUCTIONS);
        }
    }

    #[test]
    fn a_processor_counts_cycles_below_a_hypervisor_too() {
        for text in [b"KVMKVMKVM\0\0\0", b"Microsoft Hv", b"VMwareVMware", b"TCGTCGTCGTC\0"] {
            assert_eq!(feature(false, signed(text)), feature::COUNTS_CYCLES);
        }
        assert_eq!(feature(false, None), feature::COUNTS_CYCLES);
    }
}
