//! Text for people: a [`core::fmt::Write`] to the console server, or to the kernel's console.
//!
//! ```ignore
//! let mut console = Console::of(&environment);
//! let _ = writeln!(console, "{name}: ready");
//! ```
//!
//! Text is sent when a line ends or a message is full; the console server keeps lines of different
//! clients whole.

use crate::capability::{Core, Gate};
use crate::environment::Environment;
use crate::ipc::{Ipc, Words};
use cedo_abi::Status;
use cedo_rt::text;
use core::fmt;

/// A way to print.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    way: Way,
    words: Words,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    /// To nobody.
    Nowhere,
    /// By call: waits until the server has taken the text.
    Server(Gate),
    /// By send with timeout zero: lost where the server does not wait.
    ServerIfWaiting(Gate),
    /// Through the kernel, byte by byte.
    Kernel(Core),
}

impl Console {
    /// What this environment offers. The gate called "console", by call; for a root scheduler, which
    /// may not call, its core's capability.
    pub fn of(environment: &Environment) -> Console {
        let core = environment.my_core();
        let way = match (environment.gate("console"), core) {
            (Some(gate), _) if !environment.is_root() => Way::Server(gate),
            (_, Some(core)) => Way::Kernel(core),
            (Some(gate), None) => Way::ServerIfWaiting(gate),
            (None, None) => Way::Nowhere,
        };
        Console::by(way)
    }

    /// Prints by call through `gate`.
    pub fn through(gate: Gate) -> Console {
        Console::by(Way::Server(gate))
    }

    /// Prints through the kernel.
    pub fn of_kernel(core: Core) -> Console {
        Console::by(Way::Kernel(core))
    }

    fn by(way: Way) -> Console {
        Console { way, words: [0; cedo_abi::REGISTER_WORDS], used: 0 }
    }

    /// Sends what was written and not sent yet. An error says that the text is lost.
    pub fn flush(&mut self) -> Result<(), Status> {
        if self.used == 0 {
            return Ok(());
        }
        let mut words = core::mem::replace(&mut self.words, [0; cedo_abi::REGISTER_WORDS]);
        let used = core::mem::replace(&mut self.used, 0);
        words[0] = used as u64;
        let count = 1 + used.div_ceil(8);
        match self.way {
            Way::Nowhere => Err(Status::NoCapability),
            Way::Server(gate) => Ipc::call(gate).message(text::LABEL, count, words).make().done(),
            Way::ServerIfWaiting(gate) => {
                Ipc::send(gate).send_zero().message(text::LABEL, count, words).make().done()
            }
            Way::Kernel(core) => core.write_packed(&words),
        }
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if let Some(word) = self.words.get_mut(1 + self.used / 8) {
                *word |= u64::from(byte) << (8 * (self.used % 8));
            }
            self.used += 1;
            if byte == b'\n' || self.used == text::REGISTER_BYTES {
                self.flush().map_err(|_| fmt::Error)?;
            }
        }
        Ok(())
    }
}
