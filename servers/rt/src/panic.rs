//! The panic handler: one line on whatever the program can print to, then an illegal instruction,
//! so that the thread's fault handler reports which thread it was.

use crate::raw::{self, Request};
use crate::text;
use cedo_abi::call::{Call, core as core_call, ipc, operation};
use cedo_abi::read::environment::Reader;
use cedo_abi::system::grant;
use cedo_abi::{REGISTER_WORDS, Status, Tag};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU64, Ordering};

/// Slots that the program's threads were given, or 0: the threads of a Space share its table.
static CORE_SLOT: AtomicU64 = AtomicU64::new(0);
/// As above, for the gate called "console".
static CONSOLE_SLOT: AtomicU64 = AtomicU64::new(0);

/// Remembers what this environment offers to print with.
pub(crate) fn remember(environment: &'static [u8]) {
    let Ok(reader) = Reader::new(environment) else { return };
    if let Some(core) = reader.grants().iter().find(|grant| grant.kind == grant::CORE) {
        CORE_SLOT.store(u64::from(core.slot), Ordering::Relaxed);
    }
    if let Some(gate) = reader.grant("console", grant::GATE) {
        CONSOLE_SLOT.store(u64::from(gate.slot), Ordering::Relaxed);
    }
}

#[panic_handler]
fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
    let mut line = Line { words: [0; REGISTER_WORDS], used: 0 };
    let message = information.message();
    let _ = match information.location() {
        Some(place) => {
            writeln!(line, "panic: {message} ({}:{})", place.file(), place.line())
        }
        None => writeln!(line, "panic: {message}"),
    };
    line.flush();
    raw::fail()
}

/// Text on its way out, as many bytes as fit registers at a time.
struct Line {
    words: [u64; REGISTER_WORDS],
    used: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.used == text::REGISTER_BYTES {
                self.flush();
            }
            let (word, shift) = (1 + self.used / 8, 8 * (self.used % 8));
            if let Some(word) = self.words.get_mut(word) {
                *word |= u64::from(byte) << shift;
            }
            self.used += 1;
        }
        Ok(())
    }
}

impl Line {
    /// Sends what there is: to the kernel's console if this program may, else to the console server.
    fn flush(&mut self) {
        self.words[0] = self.used as u64;
        let core = CORE_SLOT.load(Ordering::Relaxed);
        let written = core != 0 && {
            let write = operation(Call::Core, core_call::WRITE, 0);
            let request =
                Request { operation: write, to: core, words: self.words, ..Default::default() };
            Status::of_result(raw::invoke(request).result).is_done()
        };
        if !written {
            self.send();
        }
        self.words = [0; REGISTER_WORDS];
        self.used = 0;
    }

    /// Sends to the console server, and waits for it where a thread may (a root may not).
    fn send(&self) {
        let console = CONSOLE_SLOT.load(Ordering::Relaxed);
        if console == 0 {
            return;
        }
        let tag = Tag::new(text::LABEL, 1 + self.used.div_ceil(8)).0;
        for flags in [ipc::SEND, ipc::SEND | ipc::SEND_ZERO] {
            let operation = operation(Call::Ipc, 0, flags);
            let request =
                Request { operation, to: console, tag, words: self.words, ..Default::default() };
            if Status::of_result(raw::invoke(request).result).is_done() {
                return;
            }
        }
    }
}
