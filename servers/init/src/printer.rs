//! Whole lines for people: through the console server while it listens, so that no line is cut into
//! another; else through the kernel.
//!
//! A report must not wait for the server: it may be the one that faulted.

use cedo_api::console::{MAX_BYTES, WRITE};
use cedo_lib::abi::MESSAGE_WORDS;
use cedo_lib::ipc::yield_processor;
use cedo_lib::{Core, Gate, Ipc, UtcbPage, text};
use core::fmt::{self, Write};

/// How often the server is tried. Between two attempts others may run, the server among them.
const ATTEMPTS: usize = 8;

/// A way to print.
pub struct Printer {
    /// The console server.
    server: Option<Gate>,
    /// The right to the kernel's console.
    kernel: Core,
    /// The server may have begun a line since this printer's last one.
    server_prints: bool,
}

impl Printer {
    /// Prints through `server` where it listens.
    pub const fn new(server: Option<Gate>, kernel: Core) -> Printer {
        Printer { server, kernel, server_prints: server.is_some() }
    }

    /// Prints a line; what is beyond [`MAX_BYTES`] is cut.
    pub fn line(&mut self, utcb: &mut UtcbPage, text: fmt::Arguments<'_>) {
        let mut line = Line { bytes: [0; MAX_BYTES], used: 0 };
        // An error says that it was cut.
        let _ = line.write_fmt(text);
        let line = line.end();
        if self.server.is_some_and(|server| give(server, utcb, line)) {
            self.server_prints = true;
            return;
        }
        if core::mem::take(&mut self.server_prints) {
            // Whatever the server was printing ends here.
            let _ = self.kernel.write(b"\n");
        }
        // A console that refuses leaves nobody to tell.
        let _ = self.kernel.write(line);
    }
}

/// Gives the server a line; false if it does not listen.
fn give(server: Gate, utcb: &mut UtcbPage, line: &[u8]) -> bool {
    let mut words = [0; MESSAGE_WORDS];
    let count = text::pack(line, &mut words);
    (0..ATTEMPTS).any(|attempt| {
        if attempt > 0 {
            yield_processor();
        }
        Ipc::send(server).send_zero().long(WRITE, &words[..count], utcb).make().done().is_ok()
    })
}

/// A line in the making.
struct Line {
    bytes: [u8; MAX_BYTES],
    used: usize,
}

impl Line {
    fn end(&mut self) -> &[u8] {
        let end = self.used.min(MAX_BYTES - 1);
        self.bytes[end] = b'\n';
        &self.bytes[..=end]
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = &mut self.bytes[self.used..];
        let taken = text.len().min(rest.len());
        rest[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.used += taken;
        if taken == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, MAX_BYTES, Printer};
    use cedo_lib::abi::call::Call;
    use cedo_lib::raw::{Answer, Request, host};
    use cedo_lib::{Core, Gate, Status, UtcbPage, text};

    const NOT_READY: Answer =
        Answer { result: Status::NotReady as u64, badge: 0, token: 0, tag: 0, words: [0; 7] };

    fn printed(server: Option<Gate>, line: &str) -> Vec<Request> {
        let mut utcb = UtcbPage::for_tests();
        Printer::new(server, Core::at(8)).line(&mut utcb, format_args!("{line}"));
        host::take_calls()
    }

    fn is(call: &Request, which: Call) -> bool {
        call.operation & 0xff == which as u64
    }

    /// What the kernel was asked to write.
    fn written(calls: &[Request]) -> String {
        let writes = calls.iter().filter(|call| is(call, Call::Core));
        let bytes = writes.flat_map(|call| (0..).map_while(|index| text::byte(&call.words, index)));
        String::from_utf8(bytes.collect()).unwrap()
    }

    #[test]
    fn a_server_that_listens_gets_the_line_as_one_message() {
        let calls = printed(Some(Gate::at(20)), &"long ".repeat(60));
        assert_eq!(calls.len(), 1);
        assert_eq!((calls[0].to, calls[0].words[0]), (20, 301));
    }

    #[test]
    fn others_run_before_the_kernel_prints_for_a_busy_server() {
        // Each but the last attempt is followed by a yield.
        (0..2 * ATTEMPTS - 1).for_each(|_| host::answer(NOT_READY));
        let calls = printed(Some(Gate::at(20)), "fault: x");
        assert_eq!(calls.iter().filter(|call| is(call, Call::Ipc)).count(), ATTEMPTS);
        assert_eq!(calls.iter().filter(|call| is(call, Call::Yield)).count(), ATTEMPTS - 1);
        assert_eq!(written(&calls), "\nfault: x\n");
    }

    #[test]
    fn without_a_server_the_kernel_prints() {
        assert_eq!(written(&printed(None, "fault: x")), "fault: x\n");
        let long = "y".repeat(2 * MAX_BYTES);
        assert_eq!(written(&printed(None, &long)), format!("{}\n", &long[..MAX_BYTES - 1]));
    }
}
