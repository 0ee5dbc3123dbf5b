//! A serial line: a device file in raw mode, read with a time limit.

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    ControlModes, OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr,
};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Of a pseudo-terminal, to which it means nothing.
const USUAL_BAUD: u32 = 115_200;

/// Our end of the line to a board.
pub struct Line {
    device: OwnedFd,
    /// The program behind it, if it is no device.
    program: Option<Child>,
}

/// What a read came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// So many bytes.
    Bytes(usize),
    /// Nothing in that time.
    Nothing,
    /// The device is there no more, and why one thinks so.
    Gone(String),
}

impl Line {
    /// Opens a serial device: 8 bits, no parity, no flow control, `baud` bits per second.
    pub fn open(path: &Path, baud: u32) -> Result<Self> {
        let name = path.display();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let device = rustix::fs::open(path, flags, Mode::empty()).with_context(|| {
            format!(
                "cannot open the serial device {name}; is it plugged in, and may you use it \
                 (group `dialout`)?"
            )
        })?;
        set_raw(&device, baud).with_context(|| {
            format!("{name} cannot be set to {baud} baud; is it a serial device?")
        })?;
        Ok(Self { device, program: None })
    }

    /// Runs a command of the shell that shows a console, at a terminal of its own.
    pub fn of_command(command: &str) -> Result<Self> {
        let cable = Cable::new()?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open(&cable.device, flags, Mode::empty())
            .context("cannot open a pseudo-terminal")?;
        set_raw(&terminal, USUAL_BAUD).context("cannot set a pseudo-terminal")?;
        let copy = || terminal.try_clone().context("cannot share a pseudo-terminal");
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::from(copy()?)).stdout(Stdio::from(copy()?));
        let program = shell.stderr(Stdio::from(copy()?)).spawn().context("cannot start sh")?;
        Ok(Self { device: cable.board, program: Some(program) })
    }

    /// Forgets what has arrived.
    pub fn flush(&self) -> Result<()> {
        tcflush(&self.device, QueueSelector::IOFlush).context("the serial device does not answer")
    }

    /// Reads what is there into `buffer`; waits for it, `limit` at the longest.
    pub fn read(&self, buffer: &mut [u8], limit: Duration) -> Heard {
        let mut polled = [PollFd::new(&self.device, PollFlags::IN)];
        let limit = Timespec::try_from(limit).ok();
        match poll(&mut polled, limit.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Heard::Nothing,
            Ok(_) => {}
            Err(error) => return Heard::Gone(error.to_string()),
        }
        match rustix::io::read(&self.device, buffer) {
            Ok(0) => Heard::Gone("end of file".to_string()),
            Ok(count) => Heard::Bytes(count),
            Err(Errno::AGAIN | Errno::INTR) => Heard::Nothing,
            Err(error) => Heard::Gone(error.to_string()),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(program) = &mut self.program {
            // It may have ended by itself; then there is nothing to end.
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

fn set_raw(device: &OwnedFd, baud: u32) -> rustix::io::Result<()> {
    let mut settings = tcgetattr(device)?;
    settings.make_raw();
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    settings.control_modes &= !ControlModes::CRTSCTS;
    settings.set_speed(baud)?;
    tcsetattr(device, OptionalActions::Now, &settings)
}

/// A line without wires: a pseudo-terminal. The board's end is here, ours has a name in the file
/// system like that of a device.
pub struct Cable {
    /// The board's end.
    pub board: OwnedFd,
    /// Our end.
    pub device: PathBuf,
}

impl Cable {
    /// A new one.
    pub fn new() -> Result<Self> {
        let make = || -> rustix::io::Result<Self> {
            let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
            let board = openpt(flags)?;
            grantpt(&board)?;
            unlockpt(&board)?;
            let name = ptsname(&board, Vec::new())?;
            Ok(Self { board, device: PathBuf::from(name.to_string_lossy().into_owned()) })
        };
        make().context("this host makes no pseudo-terminal; is /dev/pts mounted?")
    }
}

#[cfg(test)]
mod tests {
    use super::{Cable, Heard, Line};
    use std::path::Path;
    use std::time::Duration;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn bytes_pass_as_they_are_and_a_cut_line_is_noticed() {
        let cable = Cable::new().unwrap();
        let line = Line::open(&cable.device, 115_200).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(line.read(&mut buffer, SOON), Heard::Nothing);
        rustix::io::write(&cable.board, b"a\r\n\x03\xff").unwrap();
        assert_eq!(line.read(&mut buffer, SOON), Heard::Bytes(5));
        assert_eq!(&buffer[..5], b"a\r\n\x03\xff");
        drop(cable);
        assert!(matches!(line.read(&mut buffer, SOON), Heard::Gone(_)));
    }

    #[test]
    fn a_program_can_show_the_console() {
        let line = Line::of_command("test -t 0 && printf 'one\\r\\n'").unwrap();
        let mut buffer = [0; 64];
        let mut heard: Vec<u8> = Vec::new();
        while let Heard::Bytes(count) = line.read(&mut buffer, Duration::from_secs(5)) {
            heard.extend(&buffer[..count]);
        }
        assert_eq!(heard, b"one\r\n");
        assert!(matches!(line.read(&mut buffer, SOON), Heard::Gone(_)));
    }

    #[test]
    fn what_is_no_serial_device_is_named() {
        let missing = Line::open(Path::new("/nowhere/tty"), 9600).err().unwrap();
        assert!(format!("{missing:#}").contains("/nowhere/tty"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = Line::open(file.path(), 9600).err().unwrap();
        assert!(format!("{other:#}").contains("is it a serial device?"));
    }
}
