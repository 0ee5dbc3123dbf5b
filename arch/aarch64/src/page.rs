//! The format of aarch64 page-table entries (Arm ARM, D8.3: VMSAv8-64 with 4 KiB granule).

use cedo_machine::{Access, Frame, PageFormat, UserAddress};

/// Entry bit: valid.
pub const VALID: u64 = 1;
/// Entry bit: a table, or at the lowest level a page; without it a block.
pub const TABLE_OR_PAGE: u64 = 1 << 1;
/// Entry bits: attribute index of device memory; see [`ATTRIBUTES`].
pub const DEVICE: u64 = 1 << 2;
/// Entry bit: user mode may use it.
pub const USER: u64 = 1 << 6;
/// Entry bit: not writable.
pub const READ_ONLY: u64 = 1 << 7;
/// Entry bits: shared by all cores, with their caches.
pub const SHARED: u64 = 3 << 8;
/// Entry bit: accessed, set in advance so that the processor need not fault.
pub const ACCESSED: u64 = 1 << 10;
/// Entry bit: belongs to one address space identifier.
pub const NOT_GLOBAL: u64 = 1 << 11;
/// Entry bit: not executable by the kernel.
pub const NO_EXECUTE_KERNEL: u64 = 1 << 53;
/// Entry bit: not executable by users.
pub const NO_EXECUTE_USER: u64 = 1 << 54;

/// MAIR_EL1: index 0 is normal memory, write-back; index 1 device memory, nGnRE.
pub const ATTRIBUTES: u64 = 0x04 << 8 | 0xff;

/// The frame number's place in an entry.
pub const FRAME: u64 = 0x0000_ffff_ffff_f000;
/// End of the addresses that TTBR0 translates.
const USER_END: u64 = 1 << 48;

/// 4 levels with 4 KiB pages.
pub struct ArmPages;

impl PageFormat for ArmPages {
    const LEVELS: u32 = 4;

    #[inline]
    fn index(address: UserAddress, level: u32) -> usize {
        (address.number() >> (12 + 9 * (level - 1)) & 511) as usize
    }

    #[inline]
    fn user_address(address: u64, bytes: u64) -> Option<UserAddress> {
        let last = address.checked_add(bytes.max(1) - 1)?;
        (last < USER_END).then_some(UserAddress::from_checked(address))
    }

    fn leaf(frame: Frame, access: Access, no_execute: bool) -> u64 {
        let mut entry = frame.address() | VALID | TABLE_OR_PAGE | USER | ACCESSED | NOT_GLOBAL;
        entry |= NO_EXECUTE_KERNEL | if access.device { DEVICE } else { SHARED };
        if !access.write {
            entry |= READ_ONLY;
        }
        if no_execute && !access.execute {
            entry |= NO_EXECUTE_USER;
        }
        entry
    }

    fn table(frame: Frame) -> u64 {
        frame.address() | VALID | TABLE_OR_PAGE
    }

    #[inline]
    fn frame(entry: u64) -> Option<Frame> {
        (entry & VALID != 0).then_some(Frame::containing(entry & FRAME))
    }

    fn access(entry: u64) -> Access {
        Access {
            write: entry & READ_ONLY == 0,
            execute: entry & NO_EXECUTE_USER == 0,
            device: entry & DEVICE != 0,
        }
    }

    fn is_kernel_entry(_: usize) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_user(address: u64, bytes: u64) -> bool {
        ArmPages::user_address(address, bytes).is_some()
    }

    #[test]
    fn users_have_all_that_their_table_translates() {
        assert!(is_user(0, 1));
        assert!(is_user(cedo_abi::layout::KERNEL_INFO, 4096));
        assert!(is_user(0, USER_END));
        assert!(!is_user(0, USER_END + 1));
        assert!(!is_user(1 << 48, 1));
        assert!(!is_user(crate::layout::KERNEL_BASE, 1));
        assert!(!is_user(u64::MAX, 2));
        assert!(!is_user(0x1000, u64::MAX));
    }

    #[test]
    fn a_leaf_allows_what_it_was_made_for() {
        let frame = Frame(0x12345);
        for bits in 0..8 {
            let access =
                Access { write: bits & 1 != 0, execute: bits & 2 != 0, device: bits & 4 != 0 };
            let entry = ArmPages::leaf(frame, access, true);
            assert_eq!(ArmPages::access(entry), access);
            assert_eq!(ArmPages::frame(entry), Some(frame));
            assert_eq!(ArmPages::leaf(frame, access, false) & NO_EXECUTE_USER, 0);
            assert_eq!(entry & (USER | NOT_GLOBAL | ACCESSED), USER | NOT_GLOBAL | ACCESSED);
            assert_ne!(entry & NO_EXECUTE_KERNEL, 0);
        }
        assert_eq!(ArmPages::frame(ArmPages::table(frame)), Some(frame));
        assert_eq!(ArmPages::frame(0), None);
    }

    #[test]
    fn device_memory_is_not_shared_and_has_its_attributes() {
        let access = Access { write: true, execute: false, device: true };
        let entry = ArmPages::leaf(Frame(1), access, true);
        assert_eq!(entry >> 2 & 7, 1);
        assert_eq!(entry & SHARED, 0);
        assert_eq!(ATTRIBUTES >> 8 & 0xff, 4);
    }

    #[test]
    fn an_address_is_cut_into_nine_bits_a_level() {
        let address = UserAddress::from_checked(3 << 39 | 5 << 30 | 7 << 21 | 11 << 12);
        let indices = [4, 3, 2, 1].map(|level| ArmPages::index(address, level));
        assert_eq!(indices, [3, 5, 7, 11]);
    }
}
