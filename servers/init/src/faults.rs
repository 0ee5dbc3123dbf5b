//! Reports faults. The faulter stays stopped: nobody answers it.

use crate::failure::{Failure, Refused};
use crate::printer::Printer;
use crate::system::System;
use cedo_lib::abi::notice;
use cedo_lib::abi::state::{self, Cause};
use cedo_lib::abi::system::{MAX_BADGE, NameBytes, text};
use cedo_lib::capability::make_gate;
use cedo_lib::{Core, Gate, Ipc, Label, Message, Partner, Rights, Space, ThisThread, UtcbPage};
use core::fmt;

/// Registers in a line.
const IN_A_LINE: usize = 5;

/// Program and thread that print for everybody.
const CONSOLE: &str = "console";
/// The badge of this server's text: higher than any that a description may choose.
const BADGE: u64 = MAX_BADGE + 1;

/// The way to print faults: through the thread `console` if its program is that, too.
pub fn printer(system: &mut System, kernel: Core) -> Result<Printer, Failure> {
    let Some((index, name)) = console_thread(system) else {
        return Ok(Printer::new(None, kernel));
    };
    let (thread, slot) = (system.thread(index).thread, system.keep_slot());
    make_gate(thread, Space::MINE, slot, Rights::SEND, BADGE)
        .or_fail("make a way to the console", name)?;
    Ok(Printer::new(Some(Gate::at(slot)), kernel))
}

fn console_thread(system: &System) -> Option<(usize, NameBytes)> {
    let spaces = system.boot.description.spaces();
    let (index, record) =
        system.thread_records().find(|(_, record)| text(&record.name) == CONSOLE)?;
    let space = spaces.get(record.space as usize)?;
    (text(&space.program) == CONSOLE).then_some((index, record.name))
}

/// Prints every fault it hears of, for ever.
pub fn serve(this: &mut ThisThread, system: &System, printer: &mut Printer) {
    loop {
        let message = Ipc::receive(Partner::ANY).want_state().make();
        if message.arrived() && message.kernel_label() == Some(Label::Fault) {
            report(this.utcb_mut(), system, &message, printer);
        }
    }
}

fn report(utcb: &mut UtcbPage, system: &System, message: &Message, printer: &mut Printer) {
    let received = utcb.received();
    let description = &system.boot.description;
    let index = message.badge.wrapping_sub(1) as usize;
    let thread = description.threads().get(index);
    let space = thread.and_then(|thread| description.spaces().get(thread.space as usize));
    let name = thread.as_ref().map_or("unknown", |thread| text(&thread.name));
    let space = space.as_ref().map_or("unknown", |space| text(&space.name));
    let words = message.words;
    let cause = Cause::from_number(words[notice::FAULT_CAUSE]).map_or("exception", Cause::text);
    printer.line(
        utcb,
        format_args!(
            "fault: {name} in space {space}: {cause} at address {:#x} ip {:#x} sp {:#x} code {:#x}",
            words[notice::FAULT_ADDRESS],
            words[notice::INSTRUCTION],
            words[notice::STACK],
            words[notice::FAULT_CODE],
        ),
    );
    if received.mask & state::GENERAL == 0 {
        return;
    }
    // Instruction and stack pointer were printed by themselves.
    let values = received.general[state::REGISTERS..].chunks(IN_A_LINE);
    for (names, values) in cedo_lib::raw::REGISTERS.chunks(IN_A_LINE).zip(values) {
        printer.line(utcb, format_args!("fault:  {}", Registers { names, values }));
    }
}

/// Registers of one line.
struct Registers<'a> {
    names: &'a [&'static str],
    values: &'a [u64],
}

impl fmt::Display for Registers<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names
            .iter()
            .zip(self.values)
            .try_for_each(|(name, value)| write!(formatter, " {name} {value:#x}"))
    }
}
