//! Reads the packed system description (layout: [`crate::system`]).

use super::{Cursor, Error, Table, name};
use crate::MAX_CORES;
use crate::layout::PAGE_SIZE;
use crate::system::{
    CoreRecord, GrantRecord, Header, MAGIC, MemoryRecord, NONE, SpaceRecord, ThreadRecord, grant,
    place,
};

/// A description in which every index points at a record that exists.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    header: Header,
    spaces: Table<'a, SpaceRecord>,
    threads: Table<'a, ThreadRecord>,
    memories: Table<'a, MemoryRecord>,
    grants: Table<'a, GrantRecord>,
}

impl<'a> Reader<'a> {
    /// Checks all of it: lengths, names, indices, kinds. Bytes behind the stated length are
    /// ignored. What a tree of schedulers must obey besides (depth, no cycle) the kernel checks.
    pub fn new(bytes: &'a [u8]) -> Result<Reader<'a>, Error> {
        let header: Header = Cursor::new(bytes).record()?;
        if header.magic != MAGIC {
            return Err(Error::Magic);
        }
        let length = usize::try_from(header.length).map_err(|_| Error::Length)?;
        let mut cursor = Cursor::new(bytes.get(..length).ok_or(Error::Truncated)?);
        let header: Header = cursor.record()?;
        let reader = Reader {
            spaces: cursor.table(header.spaces)?,
            threads: cursor.table(header.threads)?,
            memories: cursor.table(header.memories)?,
            grants: cursor.table(header.grants)?,
            header,
        };
        if !cursor.rest().is_empty() {
            return Err(Error::Length);
        }
        reader.check()?;
        Ok(reader)
    }

    /// Name of the system.
    pub fn name(&self) -> &str {
        name(&self.header.name).unwrap_or("")
    }

    /// The same, padded.
    pub const fn name_bytes(&self) -> crate::system::NameBytes {
        self.header.name
    }

    /// What each core starts with.
    pub fn cores(&self) -> &[CoreRecord] {
        self.header.core.get(..self.header.cores as usize).unwrap_or(&[])
    }

    /// True if user code of this core may read its cycle counter.
    pub const fn shows_cycles(&self, core: u32) -> bool {
        core < MAX_CORES as u32 && self.header.cycle_counters >> core & 1 != 0
    }

    /// Address spaces.
    pub const fn spaces(&self) -> Table<'a, SpaceRecord> {
        self.spaces
    }

    /// Threads.
    pub const fn threads(&self) -> Table<'a, ThreadRecord> {
        self.threads
    }

    /// Memories.
    pub const fn memories(&self) -> Table<'a, MemoryRecord> {
        self.memories
    }

    /// The grants of one thread of this description, in order.
    pub fn grants_of(&self, thread: &ThreadRecord) -> Table<'a, GrantRecord> {
        let none = Table { bytes: &[], record: core::marker::PhantomData };
        self.grants.part(thread.first_grant, thread.grants).unwrap_or(none)
    }

    /// Indices of the threads whose scheduler is thread `index`, in order; a root is not its own
    /// child. The position in this list plus 1 is the child's cookie.
    pub fn children_of(&self, index: u32) -> impl Iterator<Item = u32> + use<'a> {
        (0..).zip(self.threads).filter_map(move |(child, thread)| {
            (thread.scheduler == index && child != index).then_some(child)
        })
    }

    fn check(&self) -> Result<(), Error> {
        name(&self.header.name)?;
        if self.header.cores == 0 || self.header.cores as usize > MAX_CORES {
            return Err(Error::Count);
        }
        if self.header.cycle_counters >> self.header.cores != 0 {
            return Err(Error::Value);
        }
        for space in self.spaces {
            name(&space.name)?;
            name(&space.program)?;
        }
        for (number, core) in (0..).zip(self.cores()) {
            self.check_core(number, core)?;
        }
        for memory in self.memories {
            name(&memory.name)?;
            let length = memory.pages.checked_mul(PAGE_SIZE).ok_or(Error::Value)?;
            memory.base.checked_add(length).ok_or(Error::Value)?;
            if memory.pages == 0 || !memory.base.is_multiple_of(PAGE_SIZE) {
                return Err(Error::Value);
            }
        }
        let mut next_grant = 0;
        for (number, thread) in (0..).zip(self.threads) {
            self.check_thread(number, &thread)?;
            if thread.first_grant != next_grant {
                return Err(Error::Index);
            }
            next_grant = next_grant.checked_add(thread.grants).ok_or(Error::Index)?;
        }
        if next_grant as usize != self.grants.len() {
            return Err(Error::Index);
        }
        self.grants.iter().try_for_each(|grant| self.check_grant(&grant))
    }

    fn check_core(&self, number: u32, core: &CoreRecord) -> Result<(), Error> {
        let root = self.threads.get(core.root as usize).ok_or(Error::Index)?;
        if root.core != number || root.scheduler != core.root {
            return Err(Error::Index);
        }
        match u64::from(core.protocol) {
            crate::call::core::DIRECT | crate::call::core::CHAIN => Ok(()),
            _ => Err(Error::Value),
        }
    }

    fn check_thread(&self, number: u32, thread: &ThreadRecord) -> Result<(), Error> {
        name(&thread.name)?;
        let core = self.cores().get(thread.core as usize).ok_or(Error::Index)?;
        let scheduler = self.threads.get(thread.scheduler as usize).ok_or(Error::Index)?;
        if scheduler.core != thread.core
            || (thread.scheduler == number) != (core.root == number)
            || thread.space as usize >= self.spaces.len()
            || (thread.handler != NONE && thread.handler as usize >= self.threads.len())
            || thread.handler == number
        {
            return Err(Error::Index);
        }
        if thread.stack_pages == 0 || thread.stack_pages > place::MAX_STACK_PAGES {
            return Err(Error::Value);
        }
        Ok(())
    }

    fn check_grant(&self, record: &GrantRecord) -> Result<(), Error> {
        name(&record.name)?;
        let limit = match record.kind {
            grant::GATE | grant::THREAD => self.threads.len() as u64,
            grant::MEMORY => self.memories.len() as u64,
            grant::SPACE => self.spaces.len() as u64,
            grant::CORE => u64::from(self.header.cores),
            grant::IRQ => u64::from(u32::MAX),
            grant::PORTS => 0x1_0000,
            _ => return Err(Error::Value),
        };
        if record.a >= limit {
            return Err(Error::Index);
        }
        let fits = match record.kind {
            grant::PORTS => record.b > 0 && record.b <= limit - record.a,
            grant::IRQ => record.b <= 1,
            grant::MEMORY => record.b.is_multiple_of(PAGE_SIZE),
            _ => true,
        };
        if fits { Ok(()) } else { Err(Error::Value) }
    }
}
