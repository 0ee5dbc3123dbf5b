//! Cores and I/O ports.

use crate::call::{Arguments, done};
use crate::capability::{Capability, Core, Ports, Thread};
use crate::ipc::Message;
use cedo_abi::Status;
use cedo_abi::call::{Call, core, ports};
use cedo_rt::text;

/// How the kernel tells schedulers of preemptions (DESIGN.md section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Protocol {
    /// The grant stack: one message to the scheduler that decides.
    Direct = core::DIRECT,
    /// The paper's chain: one message per level.
    Chain = core::CHAIN,
}

impl Core {
    /// Makes the suspended `thread` this core's root scheduler; the old root becomes its child. `options`
    /// as for [`set_options`](Self::set_options).
    pub fn set_root(self, thread: Thread, protocol: Protocol, options: u64) -> Result<(), Status> {
        let arguments = self.operation(core::SET_ROOT).from(thread.name());
        done(&arguments.words(&[protocol as u64, options]).make())
    }

    /// Sets the caller's core's deadline to this time in nanoseconds; none disarms.
    pub fn set_deadline(self, deadline_ns: Option<u64>) -> Result<(), Status> {
        done(&self.operation(core::DEADLINE).words(&[deadline_ns.unwrap_or(0)]).make())
    }

    /// Waits for a message with the core halted. Root only. `seen` is the event number of the last
    /// message; `deadline_ns`: none leaves it as it is. `flags`: [`core::RUN_WOKEN`].
    #[inline]
    pub fn idle(self, seen: u64, deadline_ns: Option<u64>, flags: u64) -> Message {
        let arguments = self.operation(core::IDLE).flags(flags);
        Message::of(arguments.words(&[seen, deadline_ns.unwrap_or(0)]).make())
    }

    /// Sends `bits` to this core's root scheduler.
    pub fn kick(self, bits: u64) -> Result<(), Status> {
        done(&self.operation(core::KICK).words(&[bits]).make())
    }

    /// Powers off; an emulator ends with `code`. Returns only on an error.
    pub fn power_off(self, code: u8) -> Status {
        self.power(&[0, u64::from(code)])
    }

    /// Restarts the machine. Returns only on an error.
    pub fn reboot(self) -> Status {
        self.power(&[1])
    }

    fn power(self, words: &[u64]) -> Status {
        Status::of_result(self.operation(core::POWER).words(words).make().result)
    }

    /// Sets the options of this core's root, all of them ([`core::ON_EMPTY_HALT`],
    /// [`core::CYCLE_COUNTER`]).
    pub fn set_options(self, options: u64) -> Result<(), Status> {
        done(&self.operation(core::SET_OPTIONS).words(&[options]).make())
    }

    /// Writes text to the kernel's console, as many bytes as fit a call at a time.
    pub fn write(self, text: &[u8]) -> Result<(), Status> {
        for piece in text.chunks(text::REGISTER_BYTES) {
            let mut words = [0; cedo_abi::REGISTER_WORDS];
            text::pack(piece, &mut words);
            self.write_packed(&words)?;
        }
        Ok(())
    }

    /// Writes text that is packed already ([`cedo_rt::text`]).
    pub fn write_packed(self, words: &[u64; cedo_abi::REGISTER_WORDS]) -> Result<(), Status> {
        done(&self.operation(core::WRITE).words(words).make())
    }

    #[inline]
    fn operation(self, sub_operation: u8) -> Arguments {
        Arguments::new(Call::Core, sub_operation).to(self.name())
    }
}

impl Ports {
    /// Reads a byte.
    pub fn read_byte(self, port: u16) -> Result<u8, Status> {
        self.read(port, 1).map(|value| value as u8)
    }

    /// Writes a byte.
    pub fn write_byte(self, port: u16, value: u8) -> Result<(), Status> {
        self.write(port, 1, u32::from(value))
    }

    /// Reads 1, 2 or 4 bytes.
    pub fn read(self, port: u16, bytes: u8) -> Result<u32, Status> {
        let words = [u64::from(port), u64::from(bytes)];
        let answer = self.operation(ports::READ).words(&words).make();
        done(&answer).map(|()| answer.words[0] as u32)
    }

    /// Writes 1, 2 or 4 bytes.
    pub fn write(self, port: u16, bytes: u8, value: u32) -> Result<(), Status> {
        let words = [u64::from(port), u64::from(bytes), u64::from(value)];
        done(&self.operation(ports::WRITE).words(&words).make())
    }

    fn operation(self, sub_operation: u8) -> Arguments {
        Arguments::new(Call::Ports, sub_operation).to(self.name())
    }
}
