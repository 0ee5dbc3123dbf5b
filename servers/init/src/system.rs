//! What is made, by index of the description.

use crate::boot::Boot;
use crate::failure::{Cause, Failure};
use crate::frames::{Frames, Memory};
use cedo_lib::abi::system::{
    MAX_MEMORIES, MAX_SPACES, MAX_THREADS, NameBytes, SpaceRecord, ThreadRecord,
};
use cedo_lib::{Space, Thread, clock};

/// First slot that a new Space's grants go to.
const FIRST_SLOT: u32 = 1;

/// The system as far as it is made.
pub struct System {
    /// What there was to begin with.
    pub boot: Boot,
    /// Memory that is left.
    pub memory: Memory,
    /// Shared memory, once it is needed.
    pub memories: [Option<Frames>; MAX_MEMORIES],
    spaces: [MadeSpace; MAX_SPACES],
    threads: [MadeThread; MAX_THREADS],
    next_slot: u32,
}

/// A Space.
#[derive(Clone, Copy, Debug)]
pub struct MadeSpace {
    /// Its capability.
    pub space: Space,
    /// Where its program starts.
    pub entry: u64,
    /// Its threads so far.
    pub threads: u32,
    /// First empty slot of its table.
    pub next_slot: u32,
}

/// A thread.
#[derive(Clone, Copy, Debug)]
pub struct MadeThread {
    /// Its capability, with all rights.
    pub thread: Thread,
    /// Its position among the threads of its Space.
    pub position: u32,
    /// Slot of the first of its grants; the others follow.
    pub first_slot: u32,
}

impl System {
    /// Nothing made yet.
    pub fn new(boot: Boot) -> Result<System, Failure> {
        let (needed, there) = (boot.description.cores().len(), clock::information().cores);
        if needed > there as usize {
            return Err(Failure::of_all("use the cores it needs", Cause::Cores(there)));
        }
        let room = |have: usize, need: usize, what| {
            let cause = Cause::Room(what);
            if need > have { Err(Failure::of_all("read the description", cause)) } else { Ok(()) }
        };
        room(MAX_SPACES, boot.description.spaces().len(), "spaces")?;
        room(MAX_THREADS, boot.description.threads().len(), "threads")?;
        room(MAX_MEMORIES, boot.description.memories().len(), "memories")?;
        let space = MadeSpace { space: Space::MINE, entry: 0, threads: 0, next_slot: FIRST_SLOT };
        let thread = MadeThread { thread: Thread::MYSELF, position: 0, first_slot: 0 };
        Ok(System {
            memory: Memory::new(boot.information),
            memories: [None; MAX_MEMORIES],
            spaces: [space; MAX_SPACES],
            threads: [thread; MAX_THREADS],
            next_slot: boot.information.first_free_slot,
            boot,
        })
    }

    /// The Spaces of the description, numbered.
    pub fn space_records(&self) -> impl Iterator<Item = (usize, SpaceRecord)> + use<> {
        self.boot.description.spaces().into_iter().enumerate()
    }

    /// The threads of the description, numbered.
    pub fn thread_records(&self) -> impl Iterator<Item = (usize, ThreadRecord)> + use<> {
        self.boot.description.threads().into_iter().enumerate()
    }

    /// Space `index`. (The reader of the description has checked all indices.)
    pub fn space(&self, index: usize) -> &MadeSpace {
        &self.spaces[index]
    }

    /// The same, to change.
    pub fn space_mut(&mut self, index: usize) -> &mut MadeSpace {
        &mut self.spaces[index]
    }

    /// Thread `index`.
    pub fn thread(&self, index: usize) -> &MadeThread {
        &self.threads[index]
    }

    /// The same, to change.
    pub fn thread_mut(&mut self, index: usize) -> &mut MadeThread {
        &mut self.threads[index]
    }

    /// A slot of this server's own table that stays in use.
    pub fn keep_slot(&mut self) -> u32 {
        let slot = self.next_slot;
        self.next_slot += 1;
        slot
    }

    /// A slot of this server's own table that is empty again afterwards.
    pub fn scratch_slot(&self) -> u32 {
        self.next_slot
    }

    /// Takes memory for the thing called `name`.
    pub fn take(
        &mut self,
        pages: u64,
        doing: &'static str,
        name: NameBytes,
    ) -> Result<Frames, Failure> {
        self.memory.take(pages).ok_or(Failure { doing, name, cause: Cause::Memory })
    }
}
