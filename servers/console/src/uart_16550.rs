//! The 16550 asynchronous receiver and transmitter.
//!
//! Source: National Semiconductor PC16550D data sheet, section 8 (registers).

use crate::line::Line;
use crate::relay::Relay;
use cedo_lib::environment::PortRange;

/// Received byte; byte to send.
const DATA: u16 = 0;
/// Interrupt enable.
const ENABLE: u16 = 1;
/// Reading: interrupt identification.
const IDENTIFICATION: u16 = 2;
/// Writing: FIFO control.
const FIFO: u16 = 2;
/// Line control.
const LINE_CONTROL: u16 = 3;
/// Modem control.
const MODEM_CONTROL: u16 = 4;
/// Line status.
const LINE_STATUS: u16 = 5;

/// ENABLE: a byte was received.
const ENABLE_RECEIVED: u8 = 1;
/// ENABLE: the sending FIFO is empty.
const ENABLE_EMPTY: u8 = 1 << 1;
/// IDENTIFICATION: no interrupt is pending.
const NONE_PENDING: u8 = 1;
/// FIFO: on, both cleared, interrupt at one received byte.
const FIFO_ON: u8 = 0b111;
/// LINE_CONTROL: 8 bits, no parity, 1 stop bit.
const EIGHT_BITS: u8 = 0b11;
/// MODEM_CONTROL: ready, request to send, interrupt output on.
const READY: u8 = 0b1011;
/// LINE_STATUS: a byte was received.
const RECEIVED: u8 = 1;
/// LINE_STATUS: the sending FIFO is empty.
const FIFO_EMPTY: u8 = 1 << 5;
/// LINE_STATUS: everything has left.
const ALL_SENT: u8 = 1 << 6;

/// Bytes of the sending FIFO.
const FIFO_BYTES: usize = 16;

/// A 16550.
pub struct Uart16550 {
    range: PortRange,
    relay: Relay,
    wants_empty: bool,
}

impl Uart16550 {
    /// The device behind these ports, whose interrupts `relay` hears.
    pub const fn new(range: PortRange, relay: Relay) -> Uart16550 {
        Uart16550 { range, relay, wants_empty: false }
    }

    /// Starts it. The speed stays what the firmware set: the kernel prints on the same line.
    pub fn start(&mut self) {
        self.write(LINE_CONTROL, EIGHT_BITS);
        self.write(FIFO, FIFO_ON);
        self.write(MODEM_CONTROL, READY);
        self.write(ENABLE, ENABLE_RECEIVED);
    }

    fn read(&self, register: u16) -> u8 {
        // A port that was not granted reads as all ones, like one without a device.
        self.range.ports.read_byte(self.range.first + register).unwrap_or(u8::MAX)
    }

    fn write(&self, register: u16, value: u8) {
        if let Err(status) = self.range.ports.write_byte(self.range.first + register, value) {
            panic!("the console may not use its ports: {status:?}");
        }
    }
}

impl Line for Uart16550 {
    fn interrupted(&mut self) -> bool {
        self.read(IDENTIFICATION) & NONE_PENDING == 0
    }

    fn receive(&mut self) -> Option<u8> {
        (self.read(LINE_STATUS) & RECEIVED != 0).then(|| self.read(DATA))
    }

    fn room(&mut self) -> usize {
        if self.read(LINE_STATUS) & FIFO_EMPTY != 0 { FIFO_BYTES } else { 0 }
    }

    fn send(&mut self, byte: u8) {
        self.write(DATA, byte);
    }

    fn want_empty(&mut self, wanted: bool) {
        if self.wants_empty != wanted {
            self.wants_empty = wanted;
            self.write(ENABLE, ENABLE_RECEIVED | if wanted { ENABLE_EMPTY } else { 0 });
        }
    }

    fn is_all_sent(&mut self) -> bool {
        self.read(LINE_STATUS) & ALL_SENT != 0
    }

    fn wait(&mut self) {
        self.relay.wait();
    }

    fn acknowledge(&mut self) {
        self.relay.acknowledge();
    }
}
