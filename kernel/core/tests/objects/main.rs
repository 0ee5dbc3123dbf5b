//! Objects, memory and capabilities, driven through calls of the first server on one simulated core.

mod capabilities;
mod derivation;
mod family;
mod first_server;
mod floating;
mod hostile;
mod lives;
mod memory;
mod messages;
mod migrate;
mod peers;
mod posts;
mod ranks;
mod registers;
mod rights;
mod rounds;
mod table;
mod told;
mod tree;

use cedo_abi::archive::FlatSegment;
use cedo_abi::call::{Call, capability, memory as memory_call, object, operation};
use cedo_abi::info::slot;
use cedo_abi::layout::{INIT_BOOT_INFO, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_abi::{Rights, Status};
use cedo_arch_host::{Roles, Setup, World, image};
use cedo_machine::{Context, CoreNumber};
use cedo_simulated::Simulation;

pub(crate) const CORE: CoreNumber = CoreNumber(0);
/// Where the first server's only page of code is.
pub(crate) const CODE: u64 = 0x20_0000;
/// First slot that the tests use.
pub(crate) const FREE: u64 = 64;
/// An address at which nothing is mapped.
pub(crate) const AREA: u64 = 0x4000_0000;
pub(crate) const READ_WRITE: Rights = Rights::READ.or(Rights::WRITE);

/// The first server, as the test plays it.
pub(crate) struct Server {
    pub(crate) world: Simulation,
    /// Slot of its Region of RAM, and the pages of that.
    pub(crate) region: u64,
    pub(crate) pages: u64,
}

/// A machine of one core with this archive.
pub(crate) fn setup(archive: Vec<u8>) -> Setup {
    Setup { cores: 1, ram: vec![256], archive, ..Setup::default() }
}

pub(crate) fn segment(
    address: u64,
    memory_pages: u64,
    file_pages: u64,
    access: Rights,
) -> FlatSegment {
    let access = u64::from(access.0);
    FlatSegment { address, memory_pages, offset: PAGE_SIZE, file_pages, access }
}

impl Server {
    pub(crate) fn boot() -> Server {
        Server::boot_on(&setup(image::minimal(CODE)))
    }

    pub(crate) fn boot_on(setup: &Setup) -> Server {
        let mut world = World::boot(setup).expect("boots");
        // The archive is the first range, the rest of RAM the second.
        let second = INIT_BOOT_INFO + 24 + 24;
        let pages = world.load(CORE, second + 8).expect("boot information");
        let region = world.load(CORE, second + 16).expect("boot information") & 0xffff_ffff;
        assert_eq!(region, u64::from(slot::MEMORY_0) + 1);
        Server { world, region, pages }
    }

    /// Makes a call; the status and the message words afterwards.
    pub(crate) fn call(
        &mut self,
        call: Call,
        sub_operation: u8,
        (to, from): (u64, u64),
        words: &[u64],
    ) -> (Status, [u64; 7]) {
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let operation = operation(call, sub_operation, 0);
        let roles = Roles { operation, to, from, tag: 0, words: all };
        let context = self.world.call(CORE, &roles).expect("runs").expect("goes on");
        (context.status(), context.words())
    }

    pub(crate) fn object(&mut self, sub: u8, to: u64, from: u64, words: &[u64]) -> Status {
        self.call(Call::Object, sub, (to, from), words).0
    }

    pub(crate) fn capability(&mut self, sub: u8, to: u64, from: u64, words: &[u64]) -> Status {
        self.call(Call::Capability, sub, (to, from), words).0
    }

    pub(crate) fn map(
        &mut self,
        page: u64,
        address: u64,
        pages: u64,
        access: Rights,
    ) -> (Status, u64) {
        let words = [page, address, pages, access.0.into()];
        let (status, words) =
            self.call(Call::Memory, memory_call::MAP, (SELF, self.region), &words);
        (status, words[0])
    }

    pub(crate) fn unmap(&mut self, address: u64, pages: u64) -> (Status, u64) {
        let (status, words) =
            self.call(Call::Memory, memory_call::UNMAP, (SELF, 0), &[address, pages]);
        (status, words[0])
    }

    pub(crate) fn stock(&mut self, space: u64, page: u64, pages: u64) -> (Status, u64) {
        let (status, words) =
            self.call(Call::Memory, memory_call::STOCK, (space, self.region), &[page, pages]);
        (status, words[0])
    }

    pub(crate) fn create_space(&mut self, page: u64, frames: u64, slot: u64) -> Status {
        self.object(object::CREATE_SPACE, self.region, slot, &[page, frames])
    }

    /// Creates a thread with its UTCB at `utcb`.
    pub(crate) fn create_thread(&mut self, page: u64, space: u64, utcb: u64, slot: u64) -> Status {
        let words = [page, space, 0, utcb, CODE, 0, 0];
        self.object(object::CREATE_THREAD, self.region, slot, &words)
    }

    /// Destroys, in as many calls as it takes.
    pub(crate) fn destroy(&mut self, slot: u64) -> Status {
        for _ in 0..1000 {
            let (status, words) = self.call(Call::Object, object::DESTROY, (slot, 0), &[]);
            if status != Status::Ok || words[0] == 0 {
                return status;
            }
        }
        panic!("never ends");
    }

    /// Takes back what depends on a slot, in as many calls as it takes.
    pub(crate) fn revoke(&mut self, slot: u64) -> Status {
        for _ in 0..10_000 {
            let (status, words) = self.call(Call::Capability, capability::REVOKE, (slot, 0), &[]);
            if status != Status::Ok || words[0] == 0 {
                return status;
            }
        }
        panic!("never ends");
    }

    /// Copies with all rights.
    pub(crate) fn copy(&mut self, from: u64, to: u64, space: u64) -> Status {
        self.capability(capability::COPY, from, to, &[space, Rights::ALL.0.into()])
    }

    /// Makes a part of the Region of RAM.
    pub(crate) fn divide(&mut self, first: u64, count: u64, to: u64) {
        let words = [SELF, Rights::ALL.0.into(), first, count];
        let region = self.region;
        assert_eq!(self.capability(capability::DIVIDE, region, to, &words), Status::Ok);
    }

    pub(crate) fn drop_slot(&mut self, slot: u64, space: u64) -> Status {
        self.capability(capability::DROP, 0, slot, &[space])
    }

    pub(crate) fn identify(&mut self, slot: u64) -> (Status, [u64; 7]) {
        self.call(Call::Capability, capability::IDENTIFY, (slot, 0), &[])
    }
}
