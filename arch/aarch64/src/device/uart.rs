//! A serial port (Arm DDI 0183, PrimeCell UART PL011).

use cedo_arch_common::relax::relax;
use cedo_mmio::Registers;

/// Bytes of the registers.
pub const BYTES: usize = 0x1000;

const DATA: usize = 0;
const FLAGS: usize = 0x18;
const LINE_CONTROL: usize = 0x2c;
const CONTROL: usize = 0x30;
const INTERRUPT_MASK: usize = 0x38;

/// Line control: 8 bits, no parity, 1 stop bit, FIFOs on.
const EIGHT_BITS_AND_FIFO: u32 = 0b111 << 4;
/// Control: transmitter and receiver are on.
const ENABLE: u32 = 1 | 1 << 8 | 1 << 9;
/// Flags: the transmitter takes no more.
const FULL: u32 = 1 << 5;
/// Looks at the flags before a byte is given up: longer than 16 bytes take at 115200 baud.
const MOST_LOOKS: u32 = 100_000;

/// One serial port.
#[derive(Clone, Copy, Debug)]
pub struct Uart(Registers);

impl Uart {
    /// The port behind these registers.
    pub const fn new(registers: Registers) -> Uart {
        Uart(registers)
    }

    /// Switches it on, without interrupts. The speed stays what firmware set.
    pub fn initialise(&mut self) {
        self.0.write32(INTERRUPT_MASK, 0);
        self.0.write32(LINE_CONTROL, EIGHT_BITS_AND_FIFO);
        self.0.write32(CONTROL, ENABLE);
    }

    /// Sends a byte, waiting for room. A port that stays busy loses it.
    pub fn send(&mut self, byte: u8) {
        let is_full = |_: &u32| self.0.read32(FLAGS) & FULL != 0;
        if (0..MOST_LOOKS).take_while(is_full).inspect(|_| relax()).count() < MOST_LOOKS as usize {
            self.0.write32(DATA, u32::from(byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(memory: &mut [u64]) -> (Uart, Registers) {
        let bytes = size_of_val(memory);
        // SAFETY: the array outlives the registers, is aligned, and is used through them only.
        let registers = unsafe { Registers::new(memory.as_mut_ptr().cast(), bytes) };
        (Uart::new(registers), registers)
    }

    #[test]
    fn a_byte_goes_out_where_there_is_room() {
        let mut memory = [0; 8];
        let (mut uart, registers) = port(&mut memory);
        uart.initialise();
        uart.send(b'a');
        assert_eq!(registers.read32(DATA), u32::from(b'a'));
        assert_eq!(registers.read32(CONTROL), 0x301);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes long")]
    fn a_port_that_stays_busy_loses_the_byte() {
        let mut memory = [0; 8];
        let (mut uart, registers) = port(&mut memory);
        registers.write32(FLAGS, FULL);
        uart.send(b'a');
        assert_eq!(registers.read32(DATA), 0);
    }
}
