//! The PrimeCell PL011 asynchronous receiver and transmitter.
//!
//! Source: Arm DDI 0183, sections 2.8 (interrupts) and 3.3 (registers).
//!
//! The FIFOs are off: with them, the device interrupts when what is left falls below a threshold, and
//! never for a few bytes that do not reach it. Without, it interrupts after each byte.

use crate::line::Line;
use crate::relay::Relay;
use cedo_lib::View;

// Registers, counted in half-words.
/// Received byte; byte to send.
const DATA: usize = 0;
/// Flags.
const FLAGS: usize = 0x18 / 4;
/// Line control.
const LINE_CONTROL: usize = 0x2c / 4;
/// Control.
const CONTROL: usize = 0x30 / 4;
/// Interrupts that are wanted.
const WANTED: usize = 0x38 / 4;
/// Interrupts that are wanted and there.
const INTERRUPTS: usize = 0x40 / 4;
/// Writing: interrupts that are served.
const SERVED: usize = 0x44 / 4;

/// FLAGS: a byte is on its way.
const BUSY: u32 = 1 << 3;
/// FLAGS: nothing was received.
const NOTHING_RECEIVED: u32 = 1 << 4;
/// FLAGS: no byte can be sent.
const FULL: u32 = 1 << 5;
/// LINE_CONTROL: 8 bits, no parity, 1 stop bit, no FIFOs.
const EIGHT_BITS: u32 = 0b11 << 5;
/// CONTROL: on, sending and receiving.
const ON: u32 = 1 | 1 << 8 | 1 << 9;
/// Interrupt: a byte was received.
const RECEIVED: u32 = 1 << 4;
/// Interrupt: a byte was sent.
const SENT: u32 = 1 << 5;

/// A PL011.
pub struct Pl011 {
    registers: View,
    relay: Relay,
    wants_empty: bool,
}

impl Pl011 {
    /// The device behind these registers, whose interrupts `relay` hears.
    pub const fn new(registers: View, relay: Relay) -> Pl011 {
        Pl011 { registers, relay, wants_empty: false }
    }

    /// Starts it. The speed stays what the firmware set: the kernel prints on the same line.
    pub fn start(&mut self) {
        self.registers.set_half(LINE_CONTROL, EIGHT_BITS);
        self.registers.set_half(CONTROL, ON);
        self.registers.set_half(WANTED, RECEIVED);
    }

    fn has(&self, flag: u32) -> bool {
        self.registers.half(FLAGS) & flag != 0
    }
}

impl Line for Pl011 {
    fn interrupted(&mut self) -> bool {
        let interrupts = self.registers.half(INTERRUPTS);
        self.registers.set_half(SERVED, interrupts);
        interrupts != 0
    }

    fn receive(&mut self) -> Option<u8> {
        (!self.has(NOTHING_RECEIVED)).then(|| self.registers.half(DATA) as u8)
    }

    fn room(&mut self) -> usize {
        if self.has(FULL) { 0 } else { 1 }
    }

    fn send(&mut self, byte: u8) {
        self.registers.set_half(DATA, u32::from(byte));
    }

    fn want_empty(&mut self, wanted: bool) {
        if self.wants_empty != wanted {
            self.wants_empty = wanted;
            self.registers.set_half(WANTED, RECEIVED | if wanted { SENT } else { 0 });
        }
    }

    fn is_all_sent(&mut self) -> bool {
        !self.has(BUSY)
    }

    fn wait(&mut self) {
        self.relay.wait();
    }

    fn acknowledge(&mut self) {
        self.relay.acknowledge();
    }
}
