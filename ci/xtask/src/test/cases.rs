//! All tests.

use super::boots::{self, Builds, Refusal, Setup};
use super::failures;
use super::images;
use super::miri;
use super::orders;
use super::positions;
use super::trace::{self, STORIES, Story};
use super::variants::{self, Variant};
use crate::bench;
use crate::board::Board;
use crate::build::{Profile, target_cargo};
use crate::check::{self, Tree};
use crate::fuzz;
use crate::hil;
use crate::mutate;
use crate::qemu::{Gic, Loader, Machine, Processor, version};
use crate::workspace::{DEFAULT_SYSTEM, Workspace};
use anyhow::{Context as _, Result, bail};
use std::process::Command;

/// What tests use.
pub struct Context {
    pub tree: Tree,
    pub builds: Builds,
}

/// A test: what it passed with, in a few words.
pub type Run = Box<dyn Fn(&Context) -> Result<String>>;

/// One test.
pub struct Case {
    pub group: &'static str,
    pub name: String,
    pub run: Run,
}

/// A small machine of the nineties.
const SMALL_MEMORY_MIB: u32 = 32;
/// Little more than the suite needs for what its tests make.
const SUITE_MEMORY_MIB: u32 = 128;

/// How long inputs are made up for each reader of untrusted files, as many at once as there are
/// processors.
const READER_SECONDS: f64 = 60.0;
const QUICK_READER_SECONDS: f64 = 1.0;

/// Systems other than the suite and the default one that must power off by themselves, with 0.
const SYSTEMS: [&str; 6] = [MIXED, "tiers", "eight", "locks", "locks-chain", "timers"];
const MIXED: &str = "mixed";
/// Two of them are busy when one panics.
const PANIC_CORES: u32 = 4;
/// Loaders that must pass on what the kernel then refuses.
const REFUSING_LOADERS: [Loader; 2] = [Loader::Pvh, Loader::IsoBios];
/// Loaders by which the default system must come to its table.
const TABLE_LOADERS: [Loader; 3] = [Loader::Pvh, Loader::IsoBios, Loader::IsoUefi];
/// Loaders that must start a small system. The suite runs from CDs besides.
const LOADERS: [Loader; 4] = [Loader::UsbBios, Loader::UsbUefi, Loader::NetBios, Loader::NetUefi];

/// An aarch64 machine: processor, cores, interrupt controller, and whether the kernel starts at the
/// hypervisor's level.
type Virt = (Processor, u32, Gic, bool);
/// Those that must start a small system.
const VIRT: [Virt; 2] =
    [(Processor::CortexA53, 2, Gic::V2, false), (Processor::CortexA72, 4, Gic::V3, true)];
/// Those that must pass the suite.
const VIRT_SUITES: [Virt; 2] =
    [(Processor::CortexA53, 2, Gic::V2, false), (Processor::CortexA72, 1, Gic::V3, true)];

/// The rig whose board is always there; its other scenarios take minutes.
const HIL_RIG: &str = "qemu-pc";

/// End of the name of what runs only when it is asked for.
const LONG: &str = "are noticed";

impl Case {
    /// True for what takes many minutes.
    pub fn takes_long(&self) -> bool {
        self.name.ends_with(LONG)
    }
}

/// All of them, in the order in which they run.
pub fn all(workspace: &Workspace, quick: bool) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = check::names("").map(rule).collect();
    cases.push(Case {
        group: "host",
        name: "host: unit tests".to_string(),
        run: Box::new(host_tests),
    });
    cases.extend(fuzzers(quick));
    cases.push(Case {
        group: "orders",
        name: "orders: what crosses cores, in every order".to_string(),
        run: Box::new(|context| orders::run(&context.tree)),
    });
    cases.push(Case {
        group: "host",
        name: "host: unit tests of crates with unsafe code, interpreted by Miri".to_string(),
        run: Box::new(|context| miri::run(&context.tree)),
    });
    cases.push(Case {
        group: "mutate",
        name: "mutate: deliberate mistakes in the kernel are noticed".to_string(),
        run: Box::new(|context| mutate::ci(&context.tree.workspace)),
    });
    cases.extend(variants::all(quick).into_iter().map(suite));
    cases.extend(special().into_iter().map(suite));
    cases.push(suite_in_chain_mode(Profile::Debug));
    cases.extend(VIRT_SUITES.map(virt_suite));
    cases.extend(refusals().chain(TABLE_LOADERS.map(table)));
    let known = workspace.systems()?;
    let systems = SYSTEMS.iter().filter(|name| known.iter().any(|system| system.name == **name));
    let usual = Setup { loader: Loader::Pvh, memory_mib: None };
    cases.extend(systems.map(|name| system(name, usual)));
    cases.push(system(MIXED, Setup { memory_mib: Some(SMALL_MEMORY_MIB), ..usual }));
    cases.extend(told());
    // GRUB puts an archive that is smaller than the suite's at another place.
    cases.extend(LOADERS.map(|loader| system(MIXED, Setup { loader, ..usual })));
    cases.extend(VIRT.map(virt));
    cases.extend([Board::Rpi3, Board::Rpi4].map(raspberry_pi));
    cases.push(pc_image());
    cases.extend([Board::Rpi3, Board::Rpi4].map(card));
    cases.extend(STORIES.map(story));
    cases.push(Case {
        group: "repeat",
        name: format!("repeat: {MIXED}, counted, prints the same again"),
        run: Box::new(|context| boots::repeats(&context.builds, MIXED)),
    });
    cases.extend([true, false].map(rows));
    cases.push(by_serial_line());
    Ok(cases)
}

fn rule(name: &'static str) -> Case {
    Case {
        group: "check",
        name: format!("check: {name}"),
        run: Box::new(move |context| check::check(&context.tree, name).map(|()| String::new())),
    }
}

fn fuzzers(quick: bool) -> [Case; 3] {
    let seconds = if quick { QUICK_READER_SECONDS } else { READER_SECONDS };
    let readers: Run = Box::new(move |it| fuzz::readers::all(&it.tree.workspace, seconds));
    let hostile: Run = Box::new(|it| fuzz::hostile::ci(&it.tree.workspace));
    let planted: Run = Box::new(|it| fuzz::hostile::finds_what_is_planted(&it.tree.workspace));
    let case = |name: &str, run| Case { group: "fuzz", name: format!("fuzz: {name}"), run };
    [
        case("readers of untrusted files", readers),
        case("hostile programs harm nobody", hostile),
        case("a capability that was not given is found", planted),
    ]
}

fn suite(variant: Variant) -> Case {
    Case {
        group: "suite",
        name: format!("suite: {variant}"),
        run: Box::new(move |context| boots::suite(&context.builds, &variant)),
    }
}

/// On the usual machine; a debug kernel asserts its invariants besides.
fn suite_in_chain_mode(profile: Profile) -> Case {
    let variant = Variant { machine: Machine::new(2), profile };
    Case {
        group: "suite",
        name: format!("suite: chain mode, {variant}"),
        run: Box::new(move |context| {
            boots::suite_of(&context.builds, boots::SUITE_IN_CHAIN_MODE, &variant)
        }),
    }
}

fn refusals() -> impl Iterator<Item = Case> {
    let by = |loader| Refusal::ALL.map(|what| refusal(what, loader));
    REFUSING_LOADERS.into_iter().flat_map(by)
}

fn refusal(refusal: Refusal, loader: Loader) -> Case {
    Case {
        group: "bad boot",
        name: format!("bad boot: {}, {}", refusal.name(), loader.name()),
        run: Box::new(move |context| boots::refused(&context.builds, refusal, loader)),
    }
}

fn system(name: &'static str, setup: Setup) -> Case {
    let memory = setup.memory_mib.map_or(String::new(), |memory| format!(", {memory} MiB"));
    Case {
        group: "system",
        name: format!("system: {name}, {}{memory}", setup.loader.name()),
        run: Box::new(move |context| boots::powers_off(&context.builds, name, setup)),
    }
}

fn table(loader: Loader) -> Case {
    Case {
        group: "system",
        name: format!("system: {DEFAULT_SYSTEM}, {}", loader.name()),
        run: Box::new(move |context| boots::shows_table(&context.builds, loader)),
    }
}

/// People are told what happens, and what goes wrong.
fn told() -> [Case; 3] {
    let faults: Run = Box::new(|context| failures::faults(&context.builds));
    let panics: Run = Box::new(|context| failures::panics(&context.builds, MIXED, PANIC_CORES));
    let positions: Run = Box::new(|context| positions::are_right(&context.builds, MIXED));
    let case = |name, run| Case { group: "system", name, run };
    [
        case(format!("system: {MIXED}, the log names lines of the source"), positions),
        case("system: faults, reported, and the rest goes on".to_string(), faults),
        case(format!("system: {MIXED}, {PANIC_CORES} cores, last words of the kernel"), panics),
    ]
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
        run: Box::new(move |context| {
            let outcome = context.builds.run_on(Board::QemuVirt, MIXED, |machine| {
                let memory_mib = machine.memory_mib;
                *machine = Machine { memory_mib, ..virt_machine(virt) };
            })?;
            Ok(format!("{} lines", outcome.transcript.lines().count()))
        }),
    }
}

fn by_serial_line() -> Case {
    Case {
        group: "hil",
        name: format!("hil: {MIXED}, by a serial line, on rig {HIL_RIG}"),
        run: Box::new(|context| hil::ci(&context.tree.workspace, HIL_RIG, MIXED)),
    }
}

fn raspberry_pi(board: Board) -> Case {
    let name = board.name();
    Case {
        group: name,
        name: format!("{name}: {MIXED}, 4 cores, from its card"),
        run: Box::new(move |context| {
            if let Some(reason) = version::lacks(board)? {
                return Ok(format!("skipped: {reason}"));
            }
            images::starts_from_card(&context.builds, board, MIXED)
        }),
    }
}

fn pc_image() -> Case {
    Case {
        group: "image",
        name: "image: pc, the same each time".to_string(),
        run: Box::new(|context| images::repeats(&context.builds, MIXED)),
    }
}

fn card(board: Board) -> Case {
    Case {
        group: "image",
        name: format!("image: {}, the same each time, read back", board.name()),
        run: Box::new(move |context| images::reads_back(&context.builds, board, MIXED)),
    }
}

fn story(story: Story) -> Case {
    Case {
        group: "trace",
        name: format!("trace: {}, the same on the simulated machine", story.system),
        run: Box::new(move |context| trace::compare(&context.builds, &story)),
    }
}

/// Machines that lack something.
fn special() -> [Variant; 3] {
    let mut without_nx = Machine::new(2);
    without_nx.processor = Processor::PentiumDWithoutNx;
    let mut without_hpet = Machine::new(2);
    without_hpet.hpet = false;
    let mut small = Machine::new(2);
    small.memory_mib = SUITE_MEMORY_MIB;
    [without_nx, without_hpet, small].map(|machine| Variant { machine, profile: Profile::Release })
}

/// `cargo test` for host crates, and for the tests that crates for the PC have.
fn host_tests(context: &Context) -> Result<String> {
    let tree = &context.tree;
    let mut passed = cargo_test(target_cargo(&tree.workspace), &[])?;
    let packages = check::tested_packages(tree);
    if !packages.is_empty() {
        let arguments: Vec<_> = packages.iter().flat_map(|name| ["--package", *name]).collect();
        passed += cargo_test(target_cargo(&tree.workspace), &arguments)?;
    }
    Ok(format!("{passed} passed"))
}

/// `cargo test` with these arguments; how many tests passed.
pub fn cargo_test(mut cargo: Command, arguments: &[&str]) -> Result<usize> {
    let output = cargo
        .args(["test", "--quiet", "--color=never", "--no-fail-fast"])
        .args(arguments)
        .output()
        .context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{}\n{}", text.trim(), String::from_utf8_lossy(&output.stderr).trim());
    }
    match passed(&text) {
        0 => bail!("`cargo test` ran no test"),
        passed => Ok(passed),
    }
}

/// Sum of "ok. n passed" in what cargo printed.
pub fn passed(text: &str) -> usize {
    text.lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|line| line.split_once(" passed")?.0.parse::<usize>().ok())
        .sum()
}

/// With or without instructions as the unit of time. The kernel must call each what it is. Counts are
/// exact, so none may exceed its budget.
fn rows(counted: bool) -> Case {
    let clock = if counted { "counted instructions" } else { "an emulated clock" };
    Case {
        group: "bench",
        name: format!("bench: all rows, {clock}"),
        run: Box::new(move |context| {
            let measured = bench::measure(&context.tree.workspace, Board::Pc, counted)?;
            measured.complete()?;
            if counted {
                bench::budget::check(&context.tree.workspace, Board::Pc, &measured)?;
            }
            Ok(format!("{} rows in {}", measured.rows.len(), measured.unit.name()))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn host_tests_are_counted() {
        let text = "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\n\
                    test result: ok. 40 passed; 0 failed\n";
        assert_eq!(passed(text), 42);
    }
}
