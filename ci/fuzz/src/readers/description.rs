//! The system description as people write it.

use crate::samples;
use xtask::system::{self, Description, Devices};

/// Keys, names, values and signs of the format.
pub const WORDS: &[&str] = &[
    "[thread.x]\n",
    "[space.x]\n",
    "[memory.x]\n",
    "[core.1]\n",
    "[[",
    "]",
    "{",
    "}",
    "\"\"\"",
    "\"",
    "\n",
    "=",
    ",",
    "#",
    "scheduler = \"rr0\"\n",
    "scheduler = \"first\"\n",
    "handler = \"x\"\n",
    "space = \"work\"\n",
    "program = \"hello\"\n",
    "cores = 8\n",
    "cores = 0\n",
    "gates = [\"x\"]\n",
    "memory = [\"shared\"]\n",
    "interrupts = [{ line = 1, trigger = \"edge\" }]\n",
    "ports = [0x80]\n",
    "base = 0xfffffffffffff000\n",
    "size = \"16777216T\"\n",
    "stack = \"0\"\n",
    "priority = -1",
    "9223372036854775807",
    "1e999",
    "true",
    "2026-01-01",
    "é",
    "\\u0000",
];

/// Valid files: one with most keys, and those that ship.
pub fn files() -> Vec<Vec<u8>> {
    let small = "name = \"s\"\ncores = 1\n[core.0]\nroot = \"a\"\n[space.a]\nprogram = \"sched-rr\"\n\
                 [thread.a]\n";
    vec![samples::DESCRIPTION.into(), small.into()]
}

/// What is accepted packs and reads back equal; what is refused is explained.
pub fn check(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match system::parse("input.toml", &text, &samples::programs(), &Devices::default()) {
        Ok(description) => {
            let packed = description.pack();
            let back = Description::unpack(&packed, description.ram);
            assert_eq!(back.as_ref(), Ok(&description), "what was packed reads back otherwise");
            true
        }
        Err(problems) => {
            assert!(problems.starts_with("error: "), "no problem is named: {problems:?}");
            false
        }
    }
}
