//! Raw words to typed arguments: the only file that sees what a user wrote.

use crate::kernel::Kernel;
use crate::object::capability::{self, Capability};
use crate::object::source::{self, Source};
use cedo_abi::{Kind, Name, REGISTER_WORDS, Rights, Status, name};
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::{Context, CoreNumber, Machine};

/// The words of a call other than IPC. Untrusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arguments {
    /// Which of the call's operations.
    pub sub_operation: u8,
    /// Flags of the operation word.
    pub flags: u64,
    /// The word in the role `to`.
    pub to: u64,
    /// The word in the role `from`.
    pub from: u64,
    /// Message words.
    pub words: [u64; REGISTER_WORDS],
}

impl Arguments {
    /// Reads them from a saved context.
    pub fn of(context: &impl Context) -> Arguments {
        let operation = context.operation();
        Arguments {
            sub_operation: (operation >> 8) as u8,
            flags: operation & !0xffff,
            to: context.to(),
            from: context.from(),
            words: context.words(),
        }
    }
}

/// `word` as a slot number. Errors: `NoCapability` for reserved names and tokens.
pub fn slot(word: u64) -> Result<u32, Status> {
    match Name::from_word(word) {
        Some(Name::Slot(slot)) => Ok(slot),
        _ => Err(Status::NoCapability),
    }
}

impl<M: Machine> Kernel<M> {
    /// The capability in slot `word` of the caller's table.
    pub fn capability(&self, caller: ThreadId, word: u64) -> Result<Capability, Status> {
        let space = self.space(self.look(caller).space);
        capability::look_up(&self.objects, space, slot(word)?)
    }

    /// The same, of one kind and with all of `rights`. Errors: `WrongKind`, `NoRight`.
    pub fn capability_of(
        &self,
        caller: ThreadId,
        word: u64,
        kind: Kind,
        rights: Rights,
    ) -> Result<Capability, Status> {
        let capability = self.capability(caller, word)?;
        capability.expect(kind, rights)?;
        Ok(capability)
    }

    /// The capability in slot `word` of the caller's table, to make something by means of it. Errors:
    /// `NoCapability` also if it has been taken back.
    pub fn source(&self, caller: ThreadId, word: u64) -> Result<Source, Status> {
        source::source(&self.objects, self.look(caller).space, slot(word)?)
    }

    /// The same, of one kind and with all of `rights`. Errors: `WrongKind`, `NoRight`.
    pub fn source_of(
        &self,
        caller: ThreadId,
        word: u64,
        kind: Kind,
        rights: Rights,
    ) -> Result<Source, Status> {
        let source = self.source(caller, word)?;
        source.capability.expect(kind, rights)?;
        Ok(source)
    }

    /// The thread that `word` names: SELF, or a Thread capability with `rights`. It may live on
    /// another core.
    pub fn thread_argument(
        &self,
        caller: ThreadId,
        word: u64,
        rights: Rights,
    ) -> Result<(ThreadId, u32), Status> {
        if word == name::SELF {
            return Ok((caller, self.objects.table().entry(caller.frame()).generation()));
        }
        let capability = self.capability_of(caller, word, Kind::Thread, rights)?;
        let id = ThreadId::new(capability.frame).ok_or(Status::NoCapability)?;
        Ok((id, capability.generation))
    }

    /// The Space that `word` names: SELF, or a Space capability with CONTROL.
    pub fn space_argument(&self, caller: ThreadId, word: u64) -> Result<SpaceId, Status> {
        if word == name::SELF {
            return Ok(self.look(caller).space);
        }
        let capability = self.capability_of(caller, word, Kind::Space, Rights::CONTROL)?;
        SpaceId::new(capability.frame).ok_or(Status::NoCapability)
    }

    /// The core that the Core capability in `word` names.
    pub fn core_argument(&self, caller: ThreadId, word: u64) -> Result<CoreNumber, Status> {
        let capability = self.capability_of(caller, word, Kind::Core, Rights::CONTROL)?;
        Ok(CoreNumber(capability.badge as u8))
    }
}
