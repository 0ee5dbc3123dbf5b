//! The old timer (Intel 8254 data sheet), channel 2, as a counter of 16 bits.

use super::port;

const CHANNEL_2: u16 = 0x42;
const COMMAND: u16 = 0x43;
/// Bit 0: channel 2 counts; bit 1: it sounds.
const SPEAKER: u16 = 0x61;

/// Counts per second.
pub const HERTZ: u64 = 1_193_182;
/// Bits of the counter.
pub const BITS: u32 = 16;

/// Lets channel 2 count down from 65536 again and again, without a sound.
pub fn start() {
    let speaker: u8 = port::read(SPEAKER);
    port::write::<u8>(SPEAKER, speaker & !2 | 1);
    port::write::<u8>(COMMAND, 0xb4);
    port::write::<u8>(CHANNEL_2, 0);
    port::write::<u8>(CHANNEL_2, 0);
}

/// The count, upwards.
pub fn read() -> u64 {
    port::write::<u8>(COMMAND, 0x80);
    let low: u8 = port::read(CHANNEL_2);
    let high: u8 = port::read(CHANNEL_2);
    u64::from(0u16.wrapping_sub(u16::from_le_bytes([low, high])))
}
