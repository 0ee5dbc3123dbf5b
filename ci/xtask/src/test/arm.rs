//! Tests that boot aarch64 boards.

use super::boots::{self, Builds};
use super::cases::{Case, MIXED};
use super::images;
use super::trees;
use super::variants::Variant;
use crate::board::Board;
use crate::build::Profile;
use crate::qemu::{Gic, Machine, Processor, version};
use anyhow::Result;

/// An aarch64 machine: processor, cores, interrupt controller, and whether the kernel starts at the
/// hypervisor's level.
type Virt = (Processor, u32, Gic, bool);
/// Those that must start a small system.
const VIRT: [Virt; 2] =
    [(Processor::CortexA53, 2, Gic::V2, false), (Processor::CortexA72, 4, Gic::V3, true)];
/// Those that must pass the suite.
const VIRT_SUITES: [Virt; 2] =
    [(Processor::CortexA53, 2, Gic::V2, false), (Processor::CortexA72, 1, Gic::V3, true)];

/// The suite on each board.
pub fn suites() -> impl Iterator<Item = Case> {
    let pis = [Board::Rpi3, Board::Rpi4].into_iter().map(raspberry_pi_suite);
    VIRT_SUITES.into_iter().map(virt_suite).chain(pis)
}

/// A small system on each board.
pub fn boots() -> impl Iterator<Item = Case> {
    let pis = [Board::Rpi3, Board::Rpi4].into_iter().map(raspberry_pi);
    VIRT.into_iter().map(virt).chain(pis)
}

/// Boots with device trees that do not fit the machine.
pub fn wrong_trees() -> [Case; 2] {
    let case = |name: &str, run: fn(&Builds, &str) -> Result<String>| Case {
        group: "bad boot",
        name: format!("bad boot: rpi3, {name}"),
        board: Some(Board::Rpi3),
        run: Box::new(move |context| run(&context.builds, MIXED)),
    };
    [
        case("a tree without a timer", trees::without_a_timer),
        case("processors that are not there", trees::with_processors_that_are_not_there),
    ]
}

/// The first of those that pass the suite.
pub fn usual() -> Machine {
    virt_machine(VIRT_SUITES[0])
}

fn virt_machine((processor, cores, gic, hypervisor): Virt) -> Machine {
    Machine { processor, gic, hypervisor, ..Machine::of(Board::QemuVirt, cores) }
}

/// What it is, in words.
fn virt_name((processor, cores, gic, hypervisor): Virt) -> String {
    let level = if hypervisor { "EL2" } else { "EL1" };
    let plural = if cores == 1 { "" } else { "s" };
    format!("{}, {cores} core{plural}, {}, from {level}", processor.name(), gic.name())
}

fn virt_suite(virt: Virt) -> Case {
    Case {
        group: "suite",
        name: format!("suite: qemu-virt, {}", virt_name(virt)),
        board: Some(Board::QemuVirt),
        run: Box::new(move |context| {
            let variant = Variant { machine: virt_machine(virt), profile: Profile::Release };
            boots::suite(&context.builds, &variant)
        }),
    }
}

fn virt(virt: Virt) -> Case {
    Case {
        group: "virt",
        name: format!("virt: {MIXED}, {}", virt_name(virt)),
        board: Some(Board::QemuVirt),
        run: Box::new(move |context| {
            let outcome = context.builds.run_on(Board::QemuVirt, MIXED, |machine| {
                let memory_mib = machine.memory_mib;
                *machine = Machine { memory_mib, ..virt_machine(virt) };
            })?;
            Ok(format!("{} lines", outcome.transcript.lines().count()))
        }),
    }
}

fn raspberry_pi(board: Board) -> Case {
    let name = board.name();
    Case {
        group: name,
        name: format!("{name}: {MIXED}, 4 cores, from its card"),
        board: Some(board),
        run: Box::new(move |context| {
            if let Some(reason) = version::lacks(board)? {
                return Ok(format!("skipped: {reason}"));
            }
            images::starts_from_card(&context.builds, board, MIXED)
        }),
    }
}

fn raspberry_pi_suite(board: Board) -> Case {
    Case {
        group: "suite",
        name: format!("suite: {}, 4 cores", board.name()),
        board: Some(board),
        run: Box::new(move |context| {
            if let Some(reason) = version::lacks(board)? {
                return Ok(format!("skipped: {reason}"));
            }
            let variant = Variant { machine: Machine::of(board, 4), profile: Profile::Release };
            boots::suite(&context.builds, &variant)
        }),
    }
}
