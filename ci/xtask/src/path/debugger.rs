//! The debugger side of the GDB remote protocol, as far as recording a path takes it.
//!
//! Source: *Debugging with GDB*, appendix *GDB Remote Serial Protocol*; QEMU documentation, *GDB usage*
//! (`qemu.sstep`).

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The emulator has this long to open its socket, and to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// `qemu.sstep`: single steps during which neither interrupts come nor time passes. (With them, a step
/// takes so long for the devices that interrupts never end.)
const STEP_ONLY: &str = "Qqemu.sstep=7";
/// Registers in the packet `g`, 64 bits each: rax rbx rcx rdx rsi rdi rbp rsp r8 to r15 rip.
const REGISTERS: usize = 17;
/// The last of them.
pub const INSTRUCTION_POINTER: usize = 16;

/// What they hold.
pub type Registers = [u64; REGISTERS];

/// A stopped machine.
pub struct Debugger {
    stream: UnixStream,
    read: Vec<u8>,
}

impl Debugger {
    /// Waits for the emulator's socket.
    pub fn connect(socket: &Path) -> Result<Debugger> {
        let start = Instant::now();
        let stream = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(error) if start.elapsed() > PATIENCE => {
                    return Err(error).context("the emulator does not let a debugger in");
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        stream.set_read_timeout(Some(PATIENCE)).context("no time limit for the socket")?;
        let mut debugger = Debugger { stream, read: Vec::new() };
        debugger.ask("?")?;
        debugger.expect_ok(STEP_ONLY)?;
        Ok(debugger)
    }

    /// Stops wherever code at `address` is reached, in any address space.
    pub fn set_breakpoint(&mut self, address: u64) -> Result<()> {
        self.expect_ok(&format!("Z0,{address:x},1"))
    }

    /// Undoes that.
    pub fn clear_breakpoint(&mut self, address: u64) -> Result<()> {
        self.expect_ok(&format!("z0,{address:x},1"))
    }

    /// Runs to the next breakpoint; the registers there.
    pub fn go_on(&mut self) -> Result<Registers> {
        // The emulator does not step over a breakpoint where it stands.
        self.step()?;
        self.resume("c")
    }

    /// Executes one instruction; the registers behind it.
    pub fn step(&mut self) -> Result<Registers> {
        self.resume("s")
    }

    /// All registers.
    pub fn registers(&mut self) -> Result<Registers> {
        let text = self.ask("g")?;
        let mut registers = [0; REGISTERS];
        for (index, register) in registers.iter_mut().enumerate() {
            let digits = text.get(index * 16..index * 16 + 16).context("too few registers")?;
            *register = u64::from_str_radix(digits, 16)?.swap_bytes();
        }
        Ok(registers)
    }

    /// What is at `address`, in the address space that is active.
    pub fn memory(&mut self, address: u64, bytes: usize) -> Result<Vec<u8>> {
        let text = self.ask(&format!("m{address:x},{bytes:x}"))?;
        let digits = |at: usize| text.get(2 * at..2 * at + 2).context("too little memory");
        (0..bytes).map(|at| Ok(u8::from_str_radix(digits(at)?, 16)?)).collect()
    }

    fn resume(&mut self, packet: &str) -> Result<Registers> {
        let answer = self.ask(packet)?;
        ensure!(answer.starts_with('T'), "the machine ended before the operation: {answer}");
        self.registers()
    }

    fn expect_ok(&mut self, packet: &str) -> Result<()> {
        let answer = self.ask(packet)?;
        ensure!(answer == "OK", "the emulator refuses `{packet}`: {answer}");
        Ok(())
    }

    /// Sends a packet, waits for the answer.
    fn ask(&mut self, packet: &str) -> Result<String> {
        let sum = packet.bytes().fold(0u8, u8::wrapping_add);
        write!(self.stream, "${packet}#{sum:02x}").context("the emulator is gone")?;
        loop {
            let start = self.read.iter().position(|byte| *byte == b'$');
            let end = self.read.iter().position(|byte| *byte == b'#');
            if let (Some(start), Some(end)) = (start, end)
                && self.read.len() >= end + 3
            {
                let answer = String::from_utf8_lossy(&self.read[start + 1..end]).into_owned();
                self.read.drain(..end + 3);
                self.stream.write_all(b"+").context("the emulator is gone")?;
                return Ok(answer);
            }
            let mut piece = [0; 4096];
            let count = self.stream.read(&mut piece).context("the emulator does not answer")?;
            if count == 0 {
                bail!("the emulator has ended");
            }
            self.read.extend_from_slice(&piece[..count]);
        }
    }
}
