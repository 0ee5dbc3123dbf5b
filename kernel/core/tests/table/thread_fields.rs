//! What an operation on a thread may change of it, besides whether it runs: a refused one nothing, each
//! other one only what it is about.

use crate::thread_rule::Operation;
use cedo_abi::Status;
use cedo_arch_host::context::HostContext;
use cedo_core::object::thread::{GateTo, Thread};
use cedo_core::object::unusual::FOREIGN;
use cedo_floor::ThreadId;
use cedo_machine::Context;

/// The cookie that the cells give with a new scheduler.
pub const COOKIE: u64 = 9;
/// An instruction pointer where no thread of the system is.
pub const ELSEWHERE: u64 = 0x9000;

/// What operations are about.
#[derive(Clone, PartialEq, Debug)]
pub struct Fields {
    registers: HostContext,
    epoch: u64,
    scheduler: (ThreadId, u64),
    handler: Option<GateTo>,
    foreign: bool,
}

impl Fields {
    /// Those of `thread`.
    pub fn of(thread: &Thread<HostContext>) -> Fields {
        Fields {
            registers: thread.context,
            epoch: thread.epoch,
            scheduler: (thread.branch.scheduler, thread.branch.cookie),
            handler: thread.handler,
            foreign: thread.unusual.has(FOREIGN),
        }
    }

    /// What is wrong with these fields of a thread that had the fields `before`; nothing if all is well.
    pub fn wrong(
        &self,
        before: &Fields,
        operation: Operation,
        status: Status,
    ) -> Option<&'static str> {
        let done = status.is_done();
        let may = |operations: &[Operation]| done && operations.contains(&operation);
        let ends_wait = may(&[Operation::Suspend, Operation::Abort]);
        let is_written = may(&[Operation::Write, Operation::WriteElsewhere]);
        let moves = may(&[Operation::SetScheduler, Operation::Migrate]);
        let rules = [
            (
                "its registers changed",
                ends_wait || is_written || self.registers == before.registers,
            ),
            ("its epoch changed", ends_wait || self.epoch == before.epoch),
            ("its scheduler changed", moves || self.scheduler == before.scheduler),
            (
                "its handler changed",
                may(&[Operation::SetHandler]) || self.handler == before.handler,
            ),
            ("foreign changed", may(&[Operation::SetForeign]) || self.foreign == before.foreign),
            ("its cookie is not the new one", !moves || self.scheduler.1 == COOKIE),
            ("it has no handler", !may(&[Operation::SetHandler]) || self.handler.is_some()),
            ("it is not foreign", !may(&[Operation::SetForeign]) || self.foreign),
            (
                "it is not where it was sent",
                !may(&[Operation::WriteElsewhere]) || self.registers.instruction() == ELSEWHERE,
            ),
        ];
        rules.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
    }
}
