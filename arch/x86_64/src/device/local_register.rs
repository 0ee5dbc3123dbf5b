//! The registers of a core's own interrupt controller in both modes: in memory (xAPIC), or as registers of
//! the processor (x2APIC). Intel SDM volume 3, chapter 11; x2APIC: section 11.12. Pure.

/// IA32_APIC_BASE: which mode.
pub const BASE_REGISTER: u32 = 0x1b;
const BASE_ENABLE: u64 = 1 << 11;
const BASE_X2APIC: u64 = 1 << 10;

/// The processor's register of the one at offset 0.
const FIRST_REGISTER: u32 = 0x800;
/// The processor's register for commands; in memory they are two.
pub const COMMAND: u32 = 0x830;

/// The identifier that every controller in xAPIC mode listens to.
const EVERYBODY: u32 = 0xff;

/// The processor's register that is at `offset` in memory (table 11-6).
pub const fn register(offset: usize) -> u32 {
    FIRST_REGISTER + (offset >> 4) as u32
}

/// A command to the core with this identifier, as a processor's register takes it (figure 11-28).
pub const fn command(identifier: u32, command: u32) -> u64 {
    (identifier as u64) << 32 | command as u64
}

/// The identifier as eight bits, of which controllers in xAPIC mode, and those of device lines, know no more.
pub const fn short(identifier: u32) -> Option<u8> {
    if identifier < EVERYBODY { Some(identifier as u8) } else { None }
}

/// Values that IA32_APIC_BASE has to take one after the other, from `base` on, until the controller is in
/// x2APIC mode or in xAPIC mode (section 11.12.5: x2APIC is entered from xAPIC and left to "off").
pub fn way(base: u64, x2apic: bool) -> impl Iterator<Item = u64> {
    let off = base & !(BASE_ENABLE | BASE_X2APIC);
    let (xapic, both) = (off | BASE_ENABLE, off | BASE_ENABLE | BASE_X2APIC);
    let steps = match (is_x2apic(base), x2apic) {
        (true, true) => [None, None],
        (true, false) => [Some(off), Some(xapic)],
        (false, true) => [Some(xapic), Some(both)],
        (false, false) => [Some(xapic), None],
    };
    steps.into_iter().flatten()
}

/// True if this value of IA32_APIC_BASE means x2APIC mode.
pub const fn is_x2apic(base: u64) -> bool {
    base & (BASE_ENABLE | BASE_X2APIC) == BASE_ENABLE | BASE_X2APIC
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Where the registers are, and that this is the first core, which must stay as they are.
    const REST: u64 = 0xfee0_0100;
    const ON: u64 = REST | 1 << 11;
    const X2: u64 = ON | 1 << 10;

    fn way(base: u64, x2apic: bool) -> Vec<u64> {
        super::way(base, x2apic).collect()
    }

    #[test]
    fn every_mode_is_reached_from_every_other_without_a_forbidden_step() {
        assert_eq!(way(REST, false), [ON]);
        assert_eq!(way(ON, false), [ON]);
        assert_eq!(way(X2, false), [REST, ON]);
        assert_eq!(way(REST, true), [ON, X2]);
        assert_eq!(way(ON, true), [ON, X2]);
        assert!(way(X2, true).is_empty(), "firmware has done it, and may have locked it");
        assert_eq!([REST, ON, X2].map(is_x2apic), [false, false, true]);
    }

    #[test]
    fn registers_have_the_numbers_of_the_manual() {
        let registers = [0x20, 0x80, 0xb0, 0xf0, 0x100, 0x280, 0x320, 0x370, 0x380, 0x390, 0x3e0];
        let numbers = [0x802, 0x808, 0x80b, 0x80f, 0x810, 0x828, 0x832, 0x837, 0x838, 0x839, 0x83e];
        assert_eq!(registers.map(register), numbers);
        assert_eq!(register(0x300), COMMAND);
    }

    #[test]
    fn commands_reach_identifiers_of_32_bits_and_short_ones_have_8() {
        assert_eq!(command(0x1_0002, 0x4_40f1), 0x0001_0002_0004_40f1);
        assert_eq!([0, 254, 255, 256].map(short), [Some(0), Some(254), None, None]);
    }
}
