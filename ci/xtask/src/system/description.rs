//! A description that passed all checks: numbers and indices only.

use cedo_abi::system::PARAMETERS;

/// A system that init can build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Bytes of RAM that the machine must have.
    pub ram: u64,
    /// What each core starts with.
    pub cores: Vec<Core>,
    /// Address spaces.
    pub spaces: Vec<Space>,
    /// Threads in the order of the file.
    pub threads: Vec<Thread>,
    /// Memories.
    pub memories: Vec<Memory>,
}

/// How a core handles preemption (DESIGN.md section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// The grant stack.
    Direct,
    /// The paper's chain of messages.
    Chain,
}

/// One core.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Core {
    /// Index of its root scheduler.
    pub root: u32,
    /// Its protocol.
    pub protocol: Protocol,
}

/// One address space.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Space {
    /// Its name.
    pub name: String,
    /// The program that runs in it.
    pub program: String,
    /// Frames of its capability table.
    pub table_frames: u32,
    /// Extra frames for page tables.
    pub stock_pages: u32,
}

/// One thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// Index of its space.
    pub space: u32,
    /// Its home core.
    pub core: u32,
    /// Index of its scheduler, its own for a root.
    pub scheduler: u32,
    /// Index of its fault handler, nothing for init.
    pub handler: Option<u32>,
    /// Pages of stack.
    pub stack_pages: u32,
    /// Bits of [`cedo_abi::system::thread_flag`].
    pub flags: u32,
    /// Words for its scheduler and itself.
    pub parameters: [u64; PARAMETERS],
    /// Its capabilities.
    pub grants: Vec<Grant>,
}

/// One capability.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// What the thread looks it up by.
    pub name: String,
    /// Bits of [`cedo_abi::Rights`].
    pub rights: u32,
    /// What it names.
    pub object: Object,
}

/// What a capability names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Object {
    /// The right to send to a thread.
    Gate { thread: u32, badge: u64 },
    /// A thread.
    Thread { thread: u32 },
    /// An interrupt line; `trigger` 0 is edge, 1 is level.
    Irq { line: u64, trigger: u64, badge: u64 },
    /// I/O ports.
    Ports { first: u64, count: u64 },
    /// A memory, mapped at `address`, or not mapped where that is 0.
    Memory { memory: u32, address: u64 },
    /// A core.
    Core { core: u32 },
    /// An address space.
    Space { space: u32 },
}

/// A range of memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Its name.
    pub name: String,
    /// Its length.
    pub pages: u64,
    /// Physical address of a device, or 0 for any free RAM.
    pub base: u64,
}

impl Description {
    /// Names of the ELF servers that the archive must hold, each once, sorted. (`init` is in every
    /// archive, as a flat image.)
    pub fn programs(&self) -> Vec<String> {
        let mut programs: Vec<_> = self.spaces.iter().map(|space| space.program.clone()).collect();
        programs.sort();
        programs.dedup();
        programs
    }

    /// Cores that the machine must have.
    pub fn cores(&self) -> u32 {
        self.cores.len() as u32
    }

    /// The form that init reads: [`cedo_abi::system`].
    pub fn pack(&self) -> Vec<u8> {
        super::pack::pack(self)
    }
}
