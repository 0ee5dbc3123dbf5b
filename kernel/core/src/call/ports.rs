//! I/O ports.

use super::Answer;
use super::decode::Arguments;
use crate::kernel::Kernel;
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::ThreadId;
use cedo_machine::Machine;

impl<M: Machine> Kernel<M> {
    /// Reads a port. Needs READ. Errors: `BadArgument` for another width than 1, 2, 4 or a port
    /// outside the capability's range; `Unsupported` on a machine without ports.
    pub(super) fn port_read(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let (port, bytes) = self.port_argument(caller, arguments, Rights::READ)?;
        let value = self.machine.port_read(port, bytes).ok_or(Status::Unsupported)?;
        Ok(Answer::word(u64::from(value)))
    }

    /// Writes a port. Needs WRITE. Errors: as for reading.
    pub(super) fn port_write(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let (port, bytes) = self.port_argument(caller, arguments, Rights::WRITE)?;
        let done = self.machine.port_write(port, bytes, arguments.words[2] as u32);
        if done { Ok(Status::Ok.into()) } else { Err(Status::Unsupported) }
    }

    /// Port and width of an access that the capability covers from its first to its last byte.
    fn port_argument(
        &self,
        caller: ThreadId,
        arguments: &Arguments,
        rights: Rights,
    ) -> Result<(u16, u8), Status> {
        let ports = self.capability_of(caller, arguments.to, Kind::Ports, rights)?;
        let [port, bytes, ..] = arguments.words;
        if !matches!(bytes, 1 | 2 | 4) {
            return Err(Status::BadArgument);
        }
        let offset = port.checked_sub(ports.badge).ok_or(Status::BadArgument)?;
        let end = offset.checked_add(bytes).ok_or(Status::BadArgument)?;
        if end > ports.count {
            return Err(Status::BadArgument);
        }
        let port = u16::try_from(port).map_err(|_| Status::BadArgument)?;
        Ok((port, bytes as u8))
    }
}
