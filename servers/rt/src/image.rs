//! The program's own image, word by word: for a program that starts another Space with its own code.

use cedo_abi::layout::PAGE_SIZE;

/// Where the image is. All three are addresses of pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Image {
    /// First page.
    pub start: u64,
    /// First page that is written to; those before hold constants and code.
    pub writable: u64,
    /// Behind the last page.
    pub end: u64,
}

/// The image of this program.
#[cfg(target_os = "none")]
pub fn image() -> Image {
    unsafe extern "C" {
        /// Defined by the linker: the first byte, and the ends of code and of everything.
        safe static __executable_start: u8;
        safe static etext: u8;
        safe static end: u8;
    }
    Image {
        start: &raw const __executable_start as u64 & !(PAGE_SIZE - 1),
        writable: (&raw const etext as u64).next_multiple_of(PAGE_SIZE),
        end: (&raw const end as u64).next_multiple_of(PAGE_SIZE),
    }
}

/// The host has nothing to show.
#[cfg(not(target_os = "none"))]
pub fn image() -> Image {
    Image { start: PAGE_SIZE, writable: PAGE_SIZE, end: PAGE_SIZE }
}

/// The word at `address` of the image as it is now; 0 elsewhere.
pub fn word(image: &Image, address: u64) -> u64 {
    let own = self::image();
    let inside = *image == own && address >= own.start && address < own.end;
    if !inside || !address.is_multiple_of(8) {
        return 0;
    }
    // SAFETY: the address is aligned and in the image, whose pages are mapped readable one after the
    // other for ever (init maps whole pages of every segment, and the linker leaves none out).
    unsafe { (address as *const u64).read_volatile() }
}
