//! The old interrupt controllers (Intel 8259A data sheet), switched off.
//!
//! Their vectors are moved out of the exceptions' first: a spurious one can come at any time.

use super::port;

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xa0;
/// First of the 16 vectors they get.
pub const FIRST_VECTOR: u8 = 0x20;

/// Moves and masks all lines.
pub fn disable() {
    let steps = [(MASTER, FIRST_VECTOR, 4), (SLAVE, FIRST_VECTOR + 8, 2)];
    for (base, vector, wiring) in steps {
        port::write::<u8>(base, 0x11);
        port::write::<u8>(base + 1, vector);
        port::write::<u8>(base + 1, wiring);
        port::write::<u8>(base + 1, 1);
        port::write::<u8>(base + 1, 0xff);
    }
}
