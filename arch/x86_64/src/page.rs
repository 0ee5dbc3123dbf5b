//! The format of x86-64 page-table entries (Intel SDM volume 3, section 4.5: 4-level paging).

use crate::layout::{END_KERNEL_SLOT, FIRST_KERNEL_SLOT, SLOT_BYTES};
use cedo_machine::{Access, Frame, PageFormat, UserAddress};

/// Entry bit: present.
pub const PRESENT: u64 = 1;
/// Entry bit: writable.
pub const WRITE: u64 = 1 << 1;
/// Entry bit: user mode may use it.
pub const USER: u64 = 1 << 2;
/// Entry bits: not cached (page attribute 3, strong uncacheable, as reset leaves the table).
pub const UNCACHED: u64 = 1 << 3 | 1 << 4;
/// Entry bits: accessed and dirty, set in advance so that the processor need not.
pub const ACCESSED: u64 = 1 << 5;
/// See [`ACCESSED`].
pub const DIRTY: u64 = 1 << 6;
/// Entry bit at level 2: maps 2 MiB.
pub const LARGE: u64 = 1 << 7;
/// Entry bit: survives a change of the page table.
pub const GLOBAL: u64 = 1 << 8;
/// Entry bit: not executable. Reserved, and so forbidden, where EFER.NXE is off.
pub const NO_EXECUTE: u64 = 1 << 63;

/// The frame number's place in an entry.
const FRAME: u64 = 0x000f_ffff_ffff_f000;
/// End of the lower user half. The last page below the non-canonical hole stays unused: a SYSCALL
/// there would leave a return address that SYSRET cannot take.
const LOW_END: u64 = (1 << 47) - 4096;
/// Start of the upper user half.
const HIGH_START: u64 =
    0xffff_8000_0000_0000 + (END_KERNEL_SLOT - FIRST_KERNEL_SLOT) as u64 * SLOT_BYTES;

/// 4-level paging with 4 KiB pages.
pub struct X86Pages;

impl PageFormat for X86Pages {
    const LEVELS: u32 = 4;

    #[inline]
    fn index(address: UserAddress, level: u32) -> usize {
        (address.number() >> (12 + 9 * (level - 1)) & 511) as usize
    }

    #[inline]
    fn user_address(address: u64, bytes: u64) -> Option<UserAddress> {
        let last = address.checked_add(bytes.max(1) - 1)?;
        (last < LOW_END || address >= HIGH_START).then_some(UserAddress::from_checked(address))
    }

    fn leaf(frame: Frame, access: Access, no_execute: bool) -> u64 {
        let mut entry = frame.address() | PRESENT | USER | ACCESSED;
        if access.write {
            entry |= WRITE | DIRTY;
        }
        if access.device {
            entry |= UNCACHED;
        }
        if no_execute && !access.execute {
            entry |= NO_EXECUTE;
        }
        entry
    }

    fn table(frame: Frame) -> u64 {
        frame.address() | PRESENT | WRITE | USER | ACCESSED
    }

    #[inline]
    fn frame(entry: u64) -> Option<Frame> {
        (entry & PRESENT != 0).then_some(Frame::containing(entry & FRAME))
    }

    fn access(entry: u64) -> Access {
        Access {
            write: entry & WRITE != 0,
            execute: entry & NO_EXECUTE == 0,
            device: entry & UNCACHED != 0,
        }
    }

    fn is_kernel_entry(index: usize) -> bool {
        (FIRST_KERNEL_SLOT..END_KERNEL_SLOT).contains(&index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_user(address: u64, bytes: u64) -> bool {
        X86Pages::user_address(address, bytes).is_some()
    }

    #[test]
    fn users_have_everything_but_the_kernel_and_the_page_below_the_hole() {
        assert!(is_user(0, 1));
        assert!(is_user(cedo_abi::layout::KERNEL_INFO, 4096));
        assert!(is_user(0, LOW_END));
        assert!(!is_user(0, LOW_END + 1));
        assert!(!is_user(0x7fff_ffff_f000, 1));
        assert!(!is_user(1 << 47, 1));
        assert!(!is_user(0xffff_8000_0000_0000, 1));
        assert!(!is_user(0xffff_83ff_ffff_ffff, 2));
        assert!(is_user(0xffff_8400_0000_0000, 1));
        assert!(is_user(0xffff_ffff_8000_0000, 0x8000_0000));
        assert!(!is_user(0xffff_ffff_ffff_ffff, 2));
        assert!(!is_user(0x1000, u64::MAX));
    }

    #[test]
    fn a_leaf_allows_what_it_was_made_for() {
        let frame = Frame(0x12345);
        for bits in 0..8 {
            let access =
                Access { write: bits & 1 != 0, execute: bits & 2 != 0, device: bits & 4 != 0 };
            let entry = X86Pages::leaf(frame, access, true);
            assert_eq!(X86Pages::access(entry), access);
            assert_eq!(X86Pages::frame(entry), Some(frame));
            assert_eq!(X86Pages::leaf(frame, access, false) & NO_EXECUTE, 0);
        }
        assert_eq!(X86Pages::frame(X86Pages::table(frame)), Some(frame));
        assert_eq!(X86Pages::frame(0), None);
    }

    #[test]
    fn an_address_is_cut_into_nine_bits_a_level() {
        let address = UserAddress::from_checked(3 << 39 | 5 << 30 | 7 << 21 | 11 << 12);
        let indices = [4, 3, 2, 1].map(|level| X86Pages::index(address, level));
        assert_eq!(indices, [3, 5, 7, 11]);
        assert!(X86Pages::is_kernel_entry(256) && X86Pages::is_kernel_entry(263));
        assert!(!X86Pages::is_kernel_entry(255) && !X86Pages::is_kernel_entry(264));
    }
}
