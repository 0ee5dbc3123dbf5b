//! The layouts of [`crate::system`] and [`crate::archive`], field by field, both ways.
//!
//! The fields stand in the order of the `repr(C)` type. None of the types has padding: the tests
//! compare the bytes taken and put with the size of the type.

use super::{Cursor, Error, Record};
use crate::MAX_CORES;
use crate::archive::{Entry, FlatHeader, FlatSegment, MAX_SEGMENTS};
use crate::system::{
    CoreRecord, Environment, EnvironmentChild, EnvironmentGrant, GrantRecord, Header, MemoryRecord,
    PARAMETERS, SpaceRecord, ThreadRecord,
};
use crate::write::{Full, Sink};

impl Record for crate::archive::Header {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(crate::archive::Header {
            magic: from.u64()?,
            length: from.u64()?,
            count: from.u32()?,
            checksum: from.u32()?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.u64(self.magic)?;
        to.u64(self.length)?;
        to.u32(self.count)?;
        to.u32(self.checksum)
    }
}

impl Record for Entry {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(Entry { name: from.bytes()?, offset: from.u64()?, length: from.u64()? })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.bytes(&self.name)?;
        to.u64(self.offset)?;
        to.u64(self.length)
    }
}

impl Record for FlatHeader {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        let (magic, entry, count) = (from.u64()?, from.u64()?, from.u64()?);
        let mut segments = [FlatSegment::default(); MAX_SEGMENTS];
        for segment in &mut segments {
            *segment = from.record()?;
        }
        Ok(FlatHeader { magic, entry, count, segments })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.u64(self.magic)?;
        to.u64(self.entry)?;
        to.u64(self.count)?;
        self.segments.iter().try_for_each(|segment| to.record(segment))
    }
}

impl Record for FlatSegment {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(FlatSegment {
            address: from.u64()?,
            memory_pages: from.u64()?,
            offset: from.u64()?,
            file_pages: from.u64()?,
            access: from.u64()?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.u64(self.address)?;
        to.u64(self.memory_pages)?;
        to.u64(self.offset)?;
        to.u64(self.file_pages)?;
        to.u64(self.access)
    }
}

impl Record for Header {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(Header {
            magic: from.u64()?,
            length: from.u64()?,
            name: from.bytes()?,
            cores: from.u32()?,
            spaces: from.u32()?,
            threads: from.u32()?,
            memories: from.u32()?,
            grants: from.u32()?,
            cycle_counters: from.u32()?,
            core: take_cores(from)?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.u64(self.magic)?;
        to.u64(self.length)?;
        to.bytes(&self.name)?;
        to.u32(self.cores)?;
        to.u32(self.spaces)?;
        to.u32(self.threads)?;
        to.u32(self.memories)?;
        to.u32(self.grants)?;
        to.u32(self.cycle_counters)?;
        self.core.iter().try_for_each(|core| to.record(core))
    }
}

fn take_cores(from: &mut Cursor<'_>) -> Result<[CoreRecord; MAX_CORES], Error> {
    let mut cores = [CoreRecord::default(); MAX_CORES];
    for core in &mut cores {
        *core = from.record()?;
    }
    Ok(cores)
}

impl Record for CoreRecord {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(CoreRecord { root: from.u32()?, protocol: from.u32()? })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.u32(self.root)?;
        to.u32(self.protocol)
    }
}

impl Record for SpaceRecord {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(SpaceRecord {
            name: from.bytes()?,
            program: from.bytes()?,
            table_frames: from.u32()?,
            stock_pages: from.u32()?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.bytes(&self.name)?;
        to.bytes(&self.program)?;
        to.u32(self.table_frames)?;
        to.u32(self.stock_pages)
    }
}

impl Record for ThreadRecord {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(ThreadRecord {
            name: from.bytes()?,
            space: from.u32()?,
            core: from.u32()?,
            scheduler: from.u32()?,
            handler: from.u32()?,
            stack_pages: from.u32()?,
            flags: from.u32()?,
            parameters: take_parameters(from)?,
            first_grant: from.u32()?,
            grants: from.u32()?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.bytes(&self.name)?;
        to.u32(self.space)?;
        to.u32(self.core)?;
        to.u32(self.scheduler)?;
        to.u32(self.handler)?;
        to.u32(self.stack_pages)?;
        to.u32(self.flags)?;
        put_parameters(&self.parameters, to)?;
        to.u32(self.first_grant)?;
        to.u32(self.grants)
    }
}

impl Record for MemoryRecord {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(MemoryRecord { name: from.bytes()?, pages: from.u64()?, base: from.u64()? })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.bytes(&self.name)?;
        to.u64(self.pages)?;
        to.u64(self.base)
    }
}

impl Record for GrantRecord {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(GrantRecord {
            name: from.bytes()?,
            kind: from.u32()?,
            rights: from.u32()?,
            a: from.u64()?,
            b: from.u64()?,
            c: from.u64()?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.bytes(&self.name)?;
        to.u32(self.kind)?;
        to.u32(self.rights)?;
        to.u64(self.a)?;
        to.u64(self.b)?;
        to.u64(self.c)
    }
}

impl Record for Environment {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(Environment {
            magic: from.u64()?,
            length: from.u64()?,
            system: from.bytes()?,
            space: from.bytes()?,
            name: from.bytes()?,
            thread: from.u32()?,
            core: from.u32()?,
            cores: from.u32()?,
            flags: from.u32()?,
            grants: from.u32()?,
            children: from.u32()?,
            protocol: from.u32()?,
            first_free_slot: from.u32()?,
            parameters: take_parameters(from)?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.u64(self.magic)?;
        to.u64(self.length)?;
        to.bytes(&self.system)?;
        to.bytes(&self.space)?;
        to.bytes(&self.name)?;
        to.u32(self.thread)?;
        to.u32(self.core)?;
        to.u32(self.cores)?;
        to.u32(self.flags)?;
        to.u32(self.grants)?;
        to.u32(self.children)?;
        to.u32(self.protocol)?;
        to.u32(self.first_free_slot)?;
        put_parameters(&self.parameters, to)
    }
}

impl Record for EnvironmentGrant {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(EnvironmentGrant {
            name: from.bytes()?,
            slot: from.u32()?,
            kind: from.u32()?,
            address: from.u64()?,
            count: from.u64()?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.bytes(&self.name)?;
        to.u32(self.slot)?;
        to.u32(self.kind)?;
        to.u64(self.address)?;
        to.u64(self.count)
    }
}

impl Record for EnvironmentChild {
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(EnvironmentChild {
            name: from.bytes()?,
            cookie: from.u64()?,
            flags: from.u64()?,
            parameters: take_parameters(from)?,
        })
    }

    fn put(&self, to: &mut Sink<'_>) -> Result<(), Full> {
        to.bytes(&self.name)?;
        to.u64(self.cookie)?;
        to.u64(self.flags)?;
        put_parameters(&self.parameters, to)
    }
}

fn take_parameters(from: &mut Cursor<'_>) -> Result<[u64; PARAMETERS], Error> {
    let mut parameters = [0; PARAMETERS];
    for parameter in &mut parameters {
        *parameter = from.u64()?;
    }
    Ok(parameters)
}

fn put_parameters(parameters: &[u64; PARAMETERS], to: &mut Sink<'_>) -> Result<(), Full> {
    parameters.iter().try_for_each(|parameter| to.u64(*parameter))
}
