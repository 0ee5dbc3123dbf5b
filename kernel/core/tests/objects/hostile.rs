//! Calls with arbitrary words: whatever a user writes, the tables stay consistent.

use crate::{AREA, CODE, FREE, Server, table};
use cedo_abi::Status;
use cedo_abi::call::object::SPACE_FRAMES;
use cedo_abi::call::{Call, capability, memory, object, ports};
use cedo_abi::info::slot;
use cedo_abi::layout::{KERNEL_INFO, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_arch_host::Random;

/// Calls of one run; later there is little memory left to do something with.
const CALLS: u32 = 1000;
const RUNS: u64 = 80;
const CHECK_EVERY: u32 = 50;

/// Operations; each must have succeeded now and then, or the words were too wild to try anything.
const OPERATIONS: [(Call, u8); 14] = [
    (Call::Object, object::CREATE_THREAD),
    (Call::Object, object::CREATE_SPACE),
    (Call::Object, object::CREATE_IRQ),
    (Call::Object, object::DESTROY),
    (Call::Capability, capability::COPY),
    (Call::Capability, capability::MAKE_GATE),
    (Call::Capability, capability::DIVIDE),
    (Call::Capability, capability::DROP),
    (Call::Capability, capability::IDENTIFY),
    (Call::Memory, memory::MAP),
    (Call::Memory, memory::UNMAP),
    (Call::Memory, memory::STOCK),
    (Call::Ports, ports::READ),
    (Call::Ports, ports::WRITE),
];

const LINES: u64 = slot::LINES as u64;
const PORTS: u64 = slot::PORTS as u64;
const THREAD: u64 = slot::THREAD as u64;

fn below(random: &mut Random, bound: u64) -> u64 {
    random.below(bound as usize) as u64
}

/// Any word: some mean something somewhere.
fn wild(random: &mut Random, server: &Server) -> u64 {
    match below(random, 10) {
        0 => SELF,
        1 => server.region,
        2 => FREE + below(random, 8),
        3 => AREA + below(random, 40) * PAGE_SIZE,
        4 => below(random, server.pages + 2),
        5 => below(random, 40),
        6 => KERNEL_INFO - below(random, 3) * PAGE_SIZE,
        7 => below(random, 0x1000),
        8 => random.number(),
        _ => u64::MAX - below(random, 0x3000),
    }
}

/// `to`, `from` and words that could do what the operation is for.
fn sensible(
    random: &mut Random,
    server: &Server,
    (family, sub): (Call, u8),
) -> (u64, u64, [u64; 7]) {
    let page = below(random, 60);
    let (one, other) = (FREE + below(random, 8), FREE + below(random, 8));
    let space = if below(random, 2) == 0 { SELF } else { other };
    let address = AREA + below(random, 40) * PAGE_SIZE;
    let (count, rights) = (1 + below(random, 9), below(random, 0x10000) | 0x80);
    let region = server.region;
    match (family, sub) {
        (Call::Object, object::CREATE_THREAD) => {
            (region, one, [page, space, 0, address, CODE, address, 0])
        }
        (Call::Object, object::CREATE_SPACE) => {
            (region, one, [page, SPACE_FRAMES + count, 0, 0, 0, 0, 0])
        }
        (Call::Object, object::CREATE_IRQ) => {
            (region, one, [page, LINES, below(random, 8), space, 1, count & 1, 0])
        }
        (Call::Capability, capability::MAKE_GATE) => (THREAD, one, [space, rights, 2, 0, 0, 0, 0]),
        (Call::Capability, _) => {
            let from = if sub == capability::IDENTIFY { 0 } else { one };
            (region, from, [space, rights, page, count, 0, 0, 0])
        }
        (Call::Memory, memory::MAP) => {
            (space, region, [page, address, count, 0x80 | rights & 0x380, 0, 0, 0])
        }
        (Call::Memory, memory::UNMAP) => (space, 0, [address, count, 0, 0, 0, 0, 0]),
        (Call::Memory, _) => (space, region, [page, count, 0, 0, 0, 0, 0]),
        (Call::Ports, _) => (PORTS, 0, [below(random, 0x10000), 1, page, 0, 0, 0, 0]),
        _ => (one, 0, [0; 7]),
    }
}

#[test]
fn no_words_make_the_tables_disagree() {
    let mut done = [0; OPERATIONS.len()];
    for seed in 1..=RUNS {
        let mut server = Server::boot();
        let mut random = Random::new(seed);
        for number in 0..CALLS {
            let index = random.below(OPERATIONS.len());
            let operation = OPERATIONS[index];
            let (mut to, mut from, mut words) = sensible(&mut random, &server, operation);
            for word in words.iter_mut().chain([&mut to, &mut from]) {
                if below(&mut random, 8) == 0 {
                    *word = wild(&mut random, &server);
                }
            }
            // Without its first capabilities it could try nothing any more.
            let dropped = operation == (Call::Capability, capability::DROP) && from < FREE;
            if !dropped {
                let (status, _) = server.call(operation.0, operation.1, (to, from), &words);
                done[index] += u32::from(status == Status::Ok);
            }
            if number % CHECK_EVERY == 0 {
                table::check(&server);
            }
        }
        table::check(&server);
    }
    for (operation, done) in OPERATIONS.iter().zip(done) {
        assert!(done > 20, "{operation:?} succeeded {done} times");
    }
}
