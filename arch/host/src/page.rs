//! Page-table entries of the simulated machine: the shape of x86-64, bits as simple as can be.
//!
//! ```text
//! 63 ......... 12 | 11 .. 4 | 3      | 2       | 1     | 0
//! frame           | 0       | device | execute | write | present
//! ```

use cedo_machine::{Access, Frame, PageFormat, UserAddress};

const PRESENT: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 2;
const DEVICE: u64 = 1 << 3;

/// First and one past the last top-level entry of the kernel (DESIGN.md section 11.1).
const KERNEL_ENTRIES: core::ops::Range<usize> = 256..264;
/// First address of the upper half, without the sign extension.
const HALF: u64 = 1 << 47;
/// First address after the hole.
const UPPER: u64 = HALF.wrapping_neg();
/// The page below the hole is nobody's: a call in its last bytes would return into the hole.
const LAST_LOWER_PAGE: u64 = HALF - 4096;
/// Bytes that one top-level entry covers.
const TOP_LEVEL_BYTES: u64 = 1 << 39;

/// Four levels of 512 entries.
#[derive(Clone, Copy, Debug)]
pub struct HostPages;

impl PageFormat for HostPages {
    const LEVELS: u32 = 4;

    fn index(address: UserAddress, level: u32) -> usize {
        (address.number() >> (12 + 9 * (level - 1)) & 0x1ff) as usize
    }

    fn user_address(address: u64, bytes: u64) -> Option<UserAddress> {
        let last = address.checked_add(bytes.max(1) - 1)?;
        let lower = last < LAST_LOWER_PAGE;
        let upper = address >= UPPER + KERNEL_ENTRIES.len() as u64 * TOP_LEVEL_BYTES;
        (lower || upper).then_some(UserAddress::from_checked(address))
    }

    fn leaf(frame: Frame, access: Access, no_execute: bool) -> u64 {
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        frame.address()
            | PRESENT
            | bit(access.write, WRITE)
            | bit(access.execute || !no_execute, EXECUTE)
            | bit(access.device, DEVICE)
    }

    fn table(frame: Frame) -> u64 {
        frame.address() | PRESENT
    }

    fn frame(entry: u64) -> Option<Frame> {
        (entry & PRESENT != 0).then_some(Frame::containing(entry))
    }

    fn access(entry: u64) -> Access {
        Access {
            write: entry & WRITE != 0,
            execute: entry & EXECUTE != 0,
            device: entry & DEVICE != 0,
        }
    }

    fn is_kernel_entry(index: usize) -> bool {
        KERNEL_ENTRIES.contains(&index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_both_halves_but_neither_hole_nor_kernel_nor_the_page_below_the_hole() {
        let ok = |address, bytes| HostPages::user_address(address, bytes).is_some();
        assert!(ok(0, 1) && ok(0x20_0000, 4096) && ok(cedo_abi::layout::KERNEL_INFO, 4096));
        assert!(ok(0x7fff_ffff_e000, 4096) && !ok(0x7fff_ffff_e000, 4097));
        assert!(!ok(0x7fff_ffff_f000, 1) && !ok(0x8000_0000_0000, 1));
        assert!(!ok(0xffff_8000_0000_0000, 1) && !ok(0xffff_83ff_ffff_ffff, 1));
        assert!(ok(0xffff_8400_0000_0000, 1) && ok(0xffff_ffff_8000_0000, 0x8000_0000));
        assert!(!ok(0xffff_ffff_ffff_f000, 4097) && !ok(0x1000, u64::MAX));
    }

    #[test]
    fn an_entry_gives_back_what_it_was_made_of() {
        for bits in 0..8u32 {
            let access =
                Access { write: bits & 1 != 0, execute: bits & 2 != 0, device: bits & 4 != 0 };
            let entry = HostPages::leaf(Frame(0x1234), access, true);
            assert_eq!(HostPages::frame(entry), Some(Frame(0x1234)));
            assert_eq!(HostPages::access(entry), access);
            assert!(HostPages::access(HostPages::leaf(Frame(1), access, false)).execute);
        }
        assert_eq!(HostPages::frame(0), None);
    }

    #[test]
    fn indices_follow_the_address() {
        let address = UserAddress::from_checked(3 << 39 | 5 << 30 | 7 << 21 | 9 << 12 | 11);
        let indices = [4, 3, 2, 1].map(|level| HostPages::index(address, level));
        assert_eq!(indices, [3, 5, 7, 9]);
    }
}
