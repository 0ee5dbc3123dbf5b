//! Copying memory that boot code moves to whole pages.

const PAGE: usize = 4096;

/// Copies `bytes` to other memory, and zeroes the rest of the last page there.
///
/// # Safety
/// `from` can be read for `bytes`; `to` can be written for as many, rounded up to whole pages; nothing
/// else uses either, and they do not overlap.
pub unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: promised by the caller.
    unsafe { core::ptr::copy_nonoverlapping(from, to, bytes) };
    let rest = bytes.next_multiple_of(PAGE) - bytes;
    // SAFETY: the last page belongs to the target as a whole.
    unsafe { core::ptr::write_bytes(to.wrapping_add(bytes), 0, rest) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_is_zeroed_behind_what_is_copied() {
        for bytes in [0, 1, PAGE - 1, PAGE, PAGE + 1] {
            let from = std::vec![7; bytes];
            let mut to = std::vec![9; 3 * PAGE];
            // SAFETY: two vectors of their own; the target has more pages than are written.
            unsafe { copy(from.as_ptr(), to.as_mut_ptr(), bytes) };
            let end = bytes.next_multiple_of(PAGE);
            assert!(to[..bytes].iter().all(|byte| *byte == 7), "{bytes}");
            assert!(to[bytes..end].iter().all(|byte| *byte == 0), "{bytes}");
            assert!(to[end..].iter().all(|byte| *byte == 9), "{bytes}");
        }
    }
}
