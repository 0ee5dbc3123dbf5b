//! A serial line, whichever device it is.

use crate::pl011::Pl011;
use crate::relay::Relay;
use crate::uart_16550::Uart16550;
use cedo_lib::Environment;

/// What the server needs of a serial line.
pub trait Line {
    /// Reads why the device interrupted, which withdraws the interrupt; false if it did not.
    fn interrupted(&mut self) -> bool;
    /// The next received byte.
    fn receive(&mut self) -> Option<u8>;
    /// Bytes that can be sent now: none, or as many as the empty FIFO takes.
    fn room(&mut self) -> usize;
    /// Sends a byte.
    fn send(&mut self, byte: u8);
    /// Whether an empty FIFO interrupts. The kernel prints on the same line: without text of its own
    /// the server does not want to hear of each of the kernel's bytes.
    fn want_empty(&mut self, wanted: bool);
    /// True if every byte has left the machine.
    fn is_all_sent(&mut self) -> bool;
    /// Waits until the device interrupts.
    fn wait(&mut self);
    /// The last interrupt that was waited for is served.
    fn acknowledge(&mut self);
}

/// The device that the board has: what kind it is shows by how its registers are reached.
pub enum Device {
    /// Behind I/O ports.
    Uart16550(Uart16550),
    /// In memory.
    Pl011(Pl011),
}

impl Device {
    /// The device called "uart", started, whose interrupts `relay` hears. Nothing if there is none.
    pub fn start(environment: &Environment, relay: Relay) -> Option<Device> {
        if let Some(range) = environment.ports("uart") {
            let mut uart = Uart16550::new(range, relay);
            uart.start();
            return Some(Device::Uart16550(uart));
        }
        let mut uart = Pl011::new(environment.memory("uart")?.view()?, relay);
        uart.start();
        Some(Device::Pl011(uart))
    }

    fn line(&mut self) -> &mut dyn Line {
        match self {
            Device::Uart16550(uart) => uart,
            Device::Pl011(uart) => uart,
        }
    }
}

impl Line for Device {
    fn interrupted(&mut self) -> bool {
        self.line().interrupted()
    }

    fn receive(&mut self) -> Option<u8> {
        self.line().receive()
    }

    fn room(&mut self) -> usize {
        self.line().room()
    }

    fn send(&mut self, byte: u8) {
        self.line().send(byte);
    }

    fn want_empty(&mut self, wanted: bool) {
        self.line().want_empty(wanted);
    }

    fn is_all_sent(&mut self) -> bool {
        self.line().is_all_sent()
    }

    fn wait(&mut self) {
        self.line().wait();
    }

    fn acknowledge(&mut self) {
        self.line().acknowledge();
    }
}
