//! The panic handler: one line on whatever the program can print to, then an illegal instruction,
//! so that the thread's fault handler reports which thread it was.
//!
//! A panic has no access to its thread, so what it needs is remembered for the whole program.

use crate::raw::{self, Request};
use crate::text;
use cedo_abi::call::{Call, core as core_call, ipc, operation};
use cedo_abi::read::environment::Reader;
use cedo_abi::system::{self, NAME_BYTES, grant};
use cedo_abi::{REGISTER_WORDS, Status, Tag};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU64, Ordering};

/// Flags of a call.
const CALL: u64 = ipc::SEND | ipc::RECEIVE | ipc::CALL;

/// Slots that the program's threads were given, or 0: the threads of a Space share its table.
static CORE_SLOT: AtomicU64 = AtomicU64::new(0);
/// As above, for the gate called "console".
static CONSOLE_SLOT: AtomicU64 = AtomicU64::new(0);

/// Name of the program's Space.
static SPACE_NAME: [AtomicU64; NAME_BYTES / 8] = [const { AtomicU64::new(0) }; NAME_BYTES / 8];

/// Remembers what this environment offers to print with, and what the Space is called.
pub(crate) fn remember(environment: &'static [u8]) {
    let Ok(reader) = Reader::new(environment) else { return };
    for (word, bytes) in SPACE_NAME.iter().zip(reader.environment().space.as_chunks().0) {
        word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
    }
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
    let mut name = [0; NAME_BYTES];
    for (bytes, word) in name.as_chunks_mut().0.iter_mut().zip(&SPACE_NAME) {
        *bytes = word.load(Ordering::Relaxed).to_le_bytes();
    }
    let (name, message) = (system::text(&name), information.message());
    // A line that cannot be printed has nobody to be reported to.
    let _ = match information.location() {
        Some(place) => {
            writeln!(line, "{name} panicked: {message} ({}:{})", place.file(), place.line())
        }
        None => writeln!(line, "{name} panicked: {message}"),
    };
    line.flush();
    wait_until_out();
    raw::fail()
}

/// Waits until the console server has printed everything, so that the report of the fault that
/// follows does not cut the line. A root may not call: the kernel refuses at once.
fn wait_until_out() {
    let console = CONSOLE_SLOT.load(Ordering::Relaxed);
    if console != 0 {
        raw::invoke(Request {
            operation: operation(Call::Ipc, 0, CALL),
            to: console,
            tag: Tag::new(text::FLUSH_LABEL, 0).0,
            ..Default::default()
        });
    }
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

    /// Gives the text to the console server: by call, which tells it who writes and waits until the
    /// text is taken; a root may not, and sends.
    fn send(&self) {
        let console = CONSOLE_SLOT.load(Ordering::Relaxed);
        if console == 0 {
            return;
        }
        let tag = Tag::new(text::LABEL, 1 + self.used.div_ceil(8)).0;
        for flags in [CALL, ipc::SEND | ipc::SEND_ZERO] {
            let operation = operation(Call::Ipc, 0, flags);
            let request =
                Request { operation, to: console, tag, words: self.words, ..Default::default() };
            if Status::of_result(raw::invoke(request).result).is_done() {
                return;
            }
        }
    }
}
