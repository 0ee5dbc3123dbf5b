//! The packed form, read back field by field with the reader that init uses.

use cedo_abi::system::{place, thread_flag};

use super::{BASE, parse};
use crate::system::description::{Description, Grant, Object, Protocol};

/// Everything that the packed form holds, as a description.
pub fn unpack(bytes: &[u8], ram: u64) -> Description {
    Description::unpack(bytes, ram).unwrap()
}

#[test]
fn every_key_arrives() {
    let source = format!(
        "{BASE}{}",
        r#"
[memory.device]
size = "16K"
base = 0xfebc_0000
[thread.server]
space = "workers"
scheduler = "rr1"
handler = "worker"
stack = "20K"
parameters = { priority = 3, slice_us = 500, role = 2, value = 9 }
state = true
blocked = true
ask_blocked = true
started = false
power = true
gates = ["worker", { to = "rr1", rights = ["send", "handover"], badge = 7, name = "up" }]
threads = [{ of = "worker", rights = ["control", "state"] }]
spaces = ["schedulers"]
cores = [0]
memory = [{ of = "device", at = 0x5000_0000, access = "r" }, "shared", { of = "shared", map = false, objects = true, name = "raw" }]
interrupts = [{ line = 9, trigger = "level", badge = 5, name = "nic" }]
ports = [{ first = 0x2f8, count = 8, name = "uart" }, 0x80]
"#
    );
    let description = parse(&source).unwrap();
    let back = unpack(&description.pack(), description.ram);
    assert_eq!(back, description);
    let server = &back.threads[3];
    assert_eq!((server.space, server.core, server.scheduler), (1, 1, 1));
    assert_eq!((server.handler, server.stack_pages), (Some(2), 5));
    assert_eq!(server.parameters, [3, 500_000, 2, 9]);
    let flags = [
        thread_flag::EDGE_STATE,
        thread_flag::EDGE_BLOCKED,
        thread_flag::ASK_BLOCKED,
        thread_flag::STOPPED,
    ];
    assert_eq!(server.flags, flags.iter().sum::<u32>());
    let grant = |name: &str, rights, object| Grant { name: name.to_string(), rights, object };
    let expected = [
        grant("core", 0x10, Object::Core { core: 1 }),
        grant("worker", 7, Object::Gate { thread: 2, badge: 0 }),
        grant("up", 9, Object::Gate { thread: 1, badge: 7 }),
        grant("worker", 0x50, Object::Thread { thread: 2 }),
        grant("schedulers", 0x10, Object::Space { space: 0 }),
        grant("core0", 0x10, Object::Core { core: 0 }),
        grant("device", 0x80, Object::Memory { memory: 1, address: 0x5000_0000 }),
        grant("shared", 0x180, Object::Memory { memory: 0, address: place::MEMORY }),
        grant("raw", 0x580, Object::Memory { memory: 0, address: 0 }),
        grant("nic", 0x10, Object::Irq { line: 9, trigger: 1, badge: 5 }),
        grant("uart", 0x180, Object::Ports { first: 0x2f8, count: 8 }),
        grant("ports80", 0x180, Object::Ports { first: 0x80, count: 1 }),
    ];
    assert_eq!(server.grants, expected);
}

#[test]
fn defaults_are_as_documented() {
    let description = parse(BASE).unwrap();
    let back = unpack(&description.pack(), description.ram);
    assert_eq!(back, description);
    assert_eq!(back.ram, 64 << 20);
    assert_eq!(
        (back.cores[0].protocol, back.cores[1].protocol),
        (Protocol::Direct, Protocol::Chain)
    );
    assert!(back.cores.iter().all(|core| !core.cycle_counter));
    assert_eq!((back.spaces[1].table_frames, back.spaces[1].stock_pages), (2, 32));
    let (root, worker) = (&back.threads[0], &back.threads[2]);
    assert_eq!((worker.core, worker.handler, worker.stack_pages), (0, None, 4));
    assert_eq!((worker.flags, worker.parameters, worker.grants.len()), (0, [0; 4], 0));
    assert_eq!((root.scheduler, root.flags), (0, thread_flag::SCHEDULER));
    assert_eq!(root.grants[0].object, Object::Core { core: 0 });
}

#[test]
fn threads_of_a_space_find_a_memory_at_one_address() {
    let source = BASE.replace("scheduler = \"rr0\"", "scheduler = \"rr0\"\nmemory = [\"shared\"]");
    let more = "[memory.large]\nsize = \"1M\"\n[thread.w]\nspace = \"workers\"\n\
                scheduler = \"rr0\"\nmemory = [\"large\", \"shared\"]\n";
    let description = parse(&format!("{source}{more}")).unwrap();
    let addresses: Vec<_> = description
        .threads
        .iter()
        .flat_map(|thread| &thread.grants)
        .filter_map(|grant| match grant.object {
            Object::Memory { address, .. } => Some(address - place::MEMORY),
            _ => None,
        })
        .collect();
    assert_eq!(addresses, [0, 0x3000, 0]);
}
