//! Reports faults. The faulter stays stopped: nobody answers it.

use crate::system::System;
use cedo_lib::abi::notice;
use cedo_lib::abi::state::{self, Cause};
use cedo_lib::abi::system::text;
use cedo_lib::{Console, Ipc, Label, Message, Partner, ThisThread};
use core::fmt::{self, Write};

/// Names of the general registers, in the order of the group; instruction and stack pointer are
/// printed by themselves.
const REGISTERS: [&str; 15] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];
/// Registers in a line.
const IN_A_LINE: usize = 5;

/// Prints every fault it hears of, for ever.
pub fn serve(this: &ThisThread, system: &System, console: &mut Console) {
    loop {
        let message = Ipc::receive(Partner::ANY).want_state().make();
        if message.arrived() && message.kernel_label() == Some(Label::Fault) {
            // A console that refuses leaves nobody to tell.
            let _ = report(this, system, &message, console);
        }
    }
}

fn report(
    this: &ThisThread,
    system: &System,
    message: &Message,
    console: &mut Console,
) -> fmt::Result {
    let description = &system.boot.description;
    let index = message.badge.wrapping_sub(1) as usize;
    let thread = description.threads().get(index);
    let space = thread.and_then(|thread| description.spaces().get(thread.space as usize));
    let name = thread.as_ref().map_or("unknown", |thread| text(&thread.name));
    let space = space.as_ref().map_or("unknown", |space| text(&space.name));
    let words = message.words;
    let cause = Cause::from_number(words[notice::FAULT_CAUSE]).map_or("exception", Cause::text);
    writeln!(
        console,
        "fault: {name} in space {space}: {cause} at address {:#x} ip {:#x} sp {:#x} code {:#x}",
        words[notice::FAULT_ADDRESS],
        words[notice::INSTRUCTION],
        words[notice::STACK],
        words[notice::FAULT_CODE],
    )?;
    let received = this.utcb().received();
    if received.mask & state::GENERAL == 0 {
        return Ok(());
    }
    for (names, values) in REGISTERS.chunks(IN_A_LINE).zip(received.general.chunks(IN_A_LINE)) {
        write!(console, "fault:  ")?;
        for (name, value) in names.iter().zip(values) {
            write!(console, " {name} {value:#x}")?;
        }
        writeln!(console)?;
    }
    Ok(())
}
