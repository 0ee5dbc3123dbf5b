//! Every field is read back; no truncation and no single changed byte makes a reader panic.

mod archives;
mod environments;
mod layouts;
mod systems;

extern crate std;

use std::vec::Vec;

/// Values that each byte is changed to: limits, sign bits, and off by one.
fn changes(byte: u8) -> [u8; 7] {
    [0, 1, 0x7f, 0x80, 0xff, byte.wrapping_add(1), byte ^ 0x10]
}

/// Calls `look` with every version of `bytes` in which one byte is changed.
fn mangle(bytes: &[u8], mut look: impl FnMut(&[u8])) {
    let mut mangled = Vec::from(bytes);
    for index in 0..bytes.len() {
        for value in changes(bytes[index]) {
            mangled[index] = value;
            look(&mangled);
        }
        mangled[index] = bytes[index];
    }
}
