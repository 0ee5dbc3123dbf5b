//! A serial port (National Semiconductor PC16550D data sheet).

use super::port;
use core::hint::spin_loop;

/// Ports of COM1.
pub const COM1: u16 = 0x3f8;
/// Ports of COM2.
pub const COM2: u16 = 0x2f8;
/// Bytes that an empty transmitter takes at once.
pub const FIFO_BYTES: usize = 16;

const DATA: u16 = 0;
const INTERRUPT_ENABLE: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;

/// Line control: 8 bits, no parity, 1 stop bit.
const EIGHT_BITS: u8 = 3;
/// Line control: the first two ports are the divisor.
const DIVISOR_LATCH: u8 = 0x80;
/// Line status: the transmitter's FIFO is empty.
const TRANSMITTER_EMPTY: u8 = 0x20;
/// Line status of a port that is not there.
const ABSENT: u8 = 0xff;
/// Looks at the status before a byte is given up: longer than 16 bytes take at 115200 baud.
const MOST_LOOKS: u32 = 100_000;

/// One serial port.
pub struct Uart {
    base: u16,
    /// Bytes that fit before the status must be looked at again.
    room: usize,
    present: bool,
}

impl Uart {
    /// A port that is not yet set up.
    pub const fn new(base: u16) -> Uart {
        Uart { base, room: 0, present: false }
    }

    /// 115200 baud, 8N1, FIFOs on, no interrupts.
    pub fn initialise(&mut self) {
        self.present = port::read::<u8>(self.base + LINE_STATUS) != ABSENT;
        let steps = [
            (INTERRUPT_ENABLE, 0),
            (LINE_CONTROL, DIVISOR_LATCH | EIGHT_BITS),
            (DATA, 1),
            (INTERRUPT_ENABLE, 0),
            (LINE_CONTROL, EIGHT_BITS),
            (FIFO_CONTROL, 0x07),
            (MODEM_CONTROL, 0x0b),
        ];
        for (register, value) in steps {
            port::write::<u8>(self.base + register, value);
        }
    }

    /// True if the transmitter takes [`FIFO_BYTES`] now.
    pub fn is_ready(&self) -> bool {
        self.present && port::read::<u8>(self.base + LINE_STATUS) & TRANSMITTER_EMPTY != 0
    }

    /// Sends one of the [`FIFO_BYTES`] that [`Uart::is_ready`] promised.
    pub fn send_ready(&mut self, byte: u8) {
        port::write(self.base + DATA, byte);
    }

    /// Sends a byte, waiting for room. A port that stays busy loses it.
    pub fn send(&mut self, byte: u8) {
        if !self.present {
            return;
        }
        if self.room == 0 {
            let mut looks = 0;
            while !self.is_ready() {
                looks += 1;
                if looks > MOST_LOOKS {
                    return;
                }
                spin_loop();
            }
            self.room = FIFO_BYTES;
        }
        self.room -= 1;
        self.send_ready(byte);
    }

    /// Forgets what it knew of the FIFO: somebody else may have used the port.
    pub fn look_again(&mut self) {
        self.room = 0;
    }
}
