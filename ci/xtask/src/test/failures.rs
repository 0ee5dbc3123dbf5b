//! What people are told when something on the target goes wrong: a thread, or the kernel.

use super::boots::Builds;
use crate::board::Board;
use crate::build::Profile;
use crate::qemu::console::tail;
use crate::qemu::end::End;
use crate::qemu::guest::{self, Limits, Outcome, Session};
use crate::qemu::{Machine, Medium};
use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A system with a thread on each of two cores that faults, and one that does its work.
pub const FAULTS: &str = "faults";
const CORES: [u32; 2] = [0, 1];
/// Registers of which the report shows the first and the last.
const REGISTERS: [&str; 2] = ["fault:   rax 0x", " r15 0x"];

const LIMIT: Duration = Duration::from_secs(60);
/// What a thread of the second core prints when it begins to compute, in the system that is used.
const BUSY: &str = "hello from core 1";
/// The kernel powers off with this after a panic.
const PANICKED: u8 = 3;
const SHOWN_LINES: usize = 20;

/// Init reports each thread that faults with name, Space, cause, address and registers, and those that do
/// not fault come to their end afterwards.
pub fn faults(builds: &Builds) -> Result<String> {
    let outcome = builds.run(FAULTS, |_| {})?;
    for core in CORES {
        is_reported(core, &outcome.transcript)
            .with_context(|| tail(&outcome.transcript, SHOWN_LINES))?;
    }
    Ok(format!("{} faults", CORES.len()))
}

fn is_reported(core: u32, transcript: &str) -> Result<()> {
    let report = format!(
        "fault: faulty{core} in space broken: read of an unmapped address at address 0x3bad0000 ip 0x"
    );
    let end = format!("steady{core}: 3 of 3 done");
    let mut lines = transcript.lines();
    let mut comes = |what: &str| lines.any(|line| line.contains(what));
    for what in [report.as_str(), REGISTERS[0], REGISTERS[1], end.as_str()] {
        ensure!(comes(what), "no line with `{what}` where it should come");
    }
    ensure!(!transcript.contains("as if nothing"), "a thread went on after its fault");
    Ok(())
}

/// An interrupt that cannot be masked, from a button, ends the kernel on its first core: it prints core,
/// thread and registers, and stops all other cores, busy or halted.
pub fn panics(builds: &Builds, system: &str, cores: u32) -> Result<String> {
    let boot = builds.boot(Board::Pc, system, Profile::Release)?;
    let machine = Machine { cores, ..boot.machine.clone() };
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let socket = folder.path().join("monitor");
    let (mut heard, mut pressed) = (Vec::new(), None);
    let outcome = guest::run(Session {
        machine: &machine,
        medium: Medium::Files {
            kernel: &boot.stripped,
            archive: boot.archive.as_deref(),
            tree: None,
            card: None,
        },
        limits: Limits { total: Some(LIMIT), silence: None },
        show: Box::new(|text| {
            heard.extend(text);
            if pressed.is_none() && String::from_utf8_lossy(&heard).contains(BUSY) {
                pressed = Some(press(&socket));
            }
        }),
        follow: None,
        interactive: false,
        monitor: Some(&socket),
    })?;
    pressed.with_context(|| format!("nobody said `{BUSY}`"))?.context("cannot press the button")?;
    last_words(&outcome, cores - 1)?;
    Ok(format!("{} other cores stopped", cores - 1))
}

/// Presses the button; what is returned keeps the line open.
fn press(monitor: &Path) -> Result<UnixStream> {
    let mut line = UnixStream::connect(monitor)?;
    line.write_all(b"nmi\n")?;
    Ok(line)
}

fn last_words(outcome: &Outcome, others: u32) -> Result<()> {
    let text = &outcome.transcript;
    ensure!(outcome.end == End::Off(PANICKED), "it should panic, but {}", outcome.complaint());
    let stopped = format!("panic: {others} of {others} other cores stopped");
    for what in ["panic: core 0, thread 0x", ": non-maskable interrupt", " rip=", " r15=", &stopped]
    {
        let is_there = text.lines().any(|line| line.starts_with("panic: ") && line.contains(what));
        ensure!(is_there, "the last words lack `{what}`:\n{}", tail(text, SHOWN_LINES));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{End, Outcome, is_reported, last_words};
    use std::time::Duration;

    const REPORT: &str = "fault: faulty0 in space broken: read of an unmapped address at address \
                          0x3bad0000 ip 0x200 sp 0x10 code 0x4";

    #[test]
    fn a_report_is_whole_and_comes_before_the_end_of_the_others() {
        let registers = "fault:   rax 0x1 rbx 0x2\nfault:   r14 0x1 r15 0x2\n";
        let end = "steady0: 3 of 3 done\n";
        let good = format!("hello\n{REPORT}\nsteady0: 1 of 3 done\n{registers}{end}");
        assert!(is_reported(0, &good).is_ok());
        assert!(is_reported(1, &good).is_err());
        assert!(is_reported(0, &format!("{end}{REPORT}\n{registers}")).is_err());
        assert!(is_reported(0, &format!("{REPORT}\n{end}")).is_err());
        let went_on = format!("{good}faulty0: went on as if nothing had happened\n");
        assert!(is_reported(0, &went_on).is_err());
    }

    #[test]
    fn last_words_say_where_and_how_many_stopped() {
        let text = "panic: core 0, thread 0x3f: non-maskable interrupt (error code 0x0)\n\
                    panic: user rip=1 rsp=2\npanic: user r13=1 r14=2 r15=3\n\
                    panic: 3 of 3 other cores stopped\n";
        let of = |end, text: &str| {
            let (took, log) = (Duration::from_secs(1), Vec::new());
            Outcome { end, transcript: text.to_string(), took, log }
        };
        assert!(last_words(&of(End::Off(3), text), 3).is_ok());
        assert!(last_words(&of(End::Off(0), text), 3).is_err());
        assert!(last_words(&of(End::Off(3), text), 1).is_err());
        let some = text.replace("3 of 3", "2 of 3");
        assert!(last_words(&of(End::Off(3), &some), 3).is_err());
        let without = text.replace(" r15=3", "");
        assert!(last_words(&of(End::Off(3), &without), 3).is_err());
    }
}
