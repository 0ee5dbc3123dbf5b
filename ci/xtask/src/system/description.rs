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
    /// Whether its user code may read its cycle counter.
    pub cycle_counter: bool,
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
    Gate {
        /// Its index.
        thread: u32,
        /// What the thread sees of the sender.
        badge: u64,
    },
    /// A thread.
    Thread {
        /// Its index.
        thread: u32,
    },
    /// An interrupt line.
    Irq {
        /// Its number.
        line: u64,
        /// 0 is edge, 1 is level.
        trigger: u64,
        /// What the handler sees of the source.
        badge: u64,
    },
    /// I/O ports.
    Ports {
        /// The first.
        first: u64,
        /// How many.
        count: u64,
    },
    /// A memory.
    Memory {
        /// Its index.
        memory: u32,
        /// Where it is mapped; 0 where it is not.
        address: u64,
    },
    /// A core.
    Core {
        /// Its number.
        core: u32,
    },
    /// An address space.
    Space {
        /// Its index.
        space: u32,
    },
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

    /// Reads the packed form back. `ram` is not in it.
    pub fn unpack(bytes: &[u8], ram: u64) -> Result<Self, cedo_abi::read::Error> {
        super::unpack::unpack(bytes, ram)
    }
}
