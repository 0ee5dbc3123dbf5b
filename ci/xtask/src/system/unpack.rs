//! Reads the packed form of a description field by field, with the reader that init uses.

use cedo_abi::call::core::CHAIN;
use cedo_abi::read::system::Reader;
use cedo_abi::read::{Error, name};
use cedo_abi::system::{GrantRecord, NONE, ThreadRecord, grant};

use super::description::{Core, Description, Grant, Memory, Object, Protocol, Space, Thread};

/// Everything that the packed form holds. `ram` is not in it.
pub fn unpack(bytes: &[u8], ram: u64) -> Result<Description, Error> {
    let reader = Reader::new(bytes)?;
    let cores = (0..).zip(reader.cores()).map(|(number, core)| Core {
        root: core.root,
        protocol: match u64::from(core.protocol) {
            CHAIN => Protocol::Chain,
            _ => Protocol::Direct,
        },
        cycle_counter: reader.shows_cycles(number),
    });
    let spaces = reader.spaces().iter().map(|space| {
        Ok(Space {
            name: text(&space.name)?,
            program: text(&space.program)?,
            table_frames: space.table_frames,
            stock_pages: space.stock_pages,
        })
    });
    let threads = reader.threads().iter().map(|record| thread(&reader, &record));
    let memories = reader.memories().iter().map(|memory| {
        Ok(Memory { name: text(&memory.name)?, pages: memory.pages, base: memory.base })
    });
    Ok(Description {
        name: reader.name().to_string(),
        ram,
        cores: cores.collect(),
        spaces: spaces.collect::<Result<_, _>>()?,
        threads: threads.collect::<Result<_, _>>()?,
        memories: memories.collect::<Result<_, _>>()?,
    })
}

fn thread(reader: &Reader<'_>, record: &ThreadRecord) -> Result<Thread, Error> {
    let grants = reader.grants_of(record).iter().map(|record| granted(&record));
    Ok(Thread {
        name: text(&record.name)?,
        space: record.space,
        core: record.core,
        scheduler: record.scheduler,
        handler: (record.handler != NONE).then_some(record.handler),
        stack_pages: record.stack_pages,
        flags: record.flags,
        parameters: record.parameters,
        grants: grants.collect::<Result<_, _>>()?,
    })
}

fn granted(record: &GrantRecord) -> Result<Grant, Error> {
    let (a, b, c) = (record.a, record.b, record.c);
    let object = match record.kind {
        grant::GATE => Object::Gate { thread: a as u32, badge: b },
        grant::THREAD => Object::Thread { thread: a as u32 },
        grant::IRQ => Object::Irq { line: a, trigger: b, badge: c },
        grant::PORTS => Object::Ports { first: a, count: b },
        grant::MEMORY => Object::Memory { memory: a as u32, address: b },
        grant::CORE => Object::Core { core: a as u32 },
        grant::SPACE => Object::Space { space: a as u32 },
        _ => return Err(Error::Value),
    };
    Ok(Grant { name: text(&record.name)?, rights: record.rights, object })
}

fn text(padded: &[u8]) -> Result<String, Error> {
    name(padded).map(str::to_string)
}
