//! All tests.

use super::arm;
use super::boots::{self, Builds, Refusal, Setup};
use super::failures;
use super::images;
use super::miri;
use super::orders;
use super::trace::{self, STORIES, Story};
use super::variants::{self, Variant};
use crate::bench;
use crate::board::Board;
use crate::build::{Profile, target_cargo};
use crate::check::{self, Tree};
use crate::fuzz;
use crate::hil;
use crate::mutate;
use crate::qemu::{Loader, Machine, Processor};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail, ensure};
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
    /// The board that it is about; none for what runs on the host, and for what is about all of them.
    pub board: Option<Board>,
    pub run: Run,
}

/// A small machine of the nineties.
const SMALL_MEMORY_MIB: u32 = 32;
/// Little more than the suite needs for what its tests make.
const SUITE_MEMORY_MIB: u32 = 128;

/// How long inputs are made up for each reader of untrusted files: nine, as many at once as there are
/// processors.
const READER_SECONDS: f64 = 60.0;
const QUICK_READER_SECONDS: f64 = 1.0;

/// Systems other than the suite that must power off by themselves, with 0.
const SYSTEMS: [&str; 6] = ["default", MIXED, "tiers", "eight", "locks", "locks-chain"];
/// What is booted where any system would do.
pub const MIXED: &str = "mixed";
const NUMBERS: &str = "numbers";
/// Two of them are busy when one panics.
const PANIC_CORES: u32 = 4;
/// Loaders that must start a small system. The suite runs from CDs besides.
const LOADERS: [Loader; 4] = [Loader::UsbBios, Loader::UsbUefi, Loader::NetBios, Loader::NetUefi];

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
    cases.push(on_host("host", "host: unit tests", host_tests));
    let seconds = if quick { QUICK_READER_SECONDS } else { READER_SECONDS };
    cases.push(on_host("fuzz", "fuzz: readers of untrusted files", move |context| {
        fuzz::readers::all(&context.tree.workspace, seconds)
    }));
    cases.push(on_host("fuzz", "fuzz: hostile programs harm nobody", |context| {
        fuzz::hostile::ci(&context.tree.workspace)
    }));
    cases.push(on_host("orders", "orders: what crosses cores, in every order", |context| {
        orders::run(&context.tree)
    }));
    cases.push(on_host(
        "host",
        "host: unit tests of crates with unsafe code, interpreted by Miri",
        |context| miri::run(&context.tree),
    ));
    cases.push(on_host(
        "mutate",
        "mutate: deliberate mistakes in the kernel are noticed",
        |context| mutate::ci(&context.tree.workspace),
    ));
    cases.extend(variants::all(quick).into_iter().map(suite));
    cases.extend(special().into_iter().map(suite));
    cases.push(suite_in_chain_mode(Machine::new(2)));
    cases.extend(arm::suites());
    cases.push(suite_in_chain_mode(arm::usual()));
    cases.extend(Refusal::ALL.map(refusal));
    cases.extend(arm::wrong_trees());
    let known = workspace.systems()?;
    let systems = SYSTEMS.iter().filter(|name| known.iter().any(|system| system.name == **name));
    let usual = Setup { loader: Loader::Pvh, memory_mib: None };
    cases.extend(systems.map(|name| system(name, usual)));
    cases.push(system(MIXED, Setup { memory_mib: Some(SMALL_MEMORY_MIB), ..usual }));
    cases.extend(failing());
    // GRUB puts an archive that is smaller than the suite's at another place.
    cases.extend(LOADERS.map(|loader| system(MIXED, Setup { loader, ..usual })));
    cases.extend(arm::boots());
    cases.extend([(Board::Pc, "software"), (Board::QemuVirt, "the processor")].map(numbers));
    cases.push(pc_image());
    cases.extend([Board::Rpi3, Board::Rpi4].map(card));
    cases.extend(STORIES.map(story));
    cases.push(Case {
        group: "repeat",
        name: format!("repeat: {MIXED}, counted, prints the same again"),
        board: Some(Board::Pc),
        run: Box::new(|context| boots::repeats(&context.builds, MIXED)),
    });
    cases.extend([true, false].map(rows));
    cases.push(by_serial_line());
    Ok(cases)
}

/// A test that boots nothing, or all kinds of machines.
fn on_host(
    group: &'static str,
    name: &str,
    run: impl Fn(&Context) -> Result<String> + 'static,
) -> Case {
    Case { group, name: name.to_string(), board: None, run: Box::new(run) }
}

fn rule(name: &'static str) -> Case {
    Case {
        group: "check",
        name: format!("check: {name}"),
        board: None,
        run: Box::new(move |context| check::check(&context.tree, name).map(|()| String::new())),
    }
}

fn suite(variant: Variant) -> Case {
    Case {
        group: "suite",
        name: format!("suite: {variant}"),
        board: Some(Board::Pc),
        run: Box::new(move |context| boots::suite(&context.builds, &variant)),
    }
}

/// With a kernel that asserts its invariants besides.
fn suite_in_chain_mode(machine: Machine) -> Case {
    let variant = Variant { machine, profile: Profile::Debug };
    Case {
        group: "suite",
        name: format!("suite: chain mode, {variant}"),
        board: Some(variant.machine.board),
        run: Box::new(move |context| {
            boots::suite_of(&context.builds, boots::SUITE_IN_CHAIN_MODE, &variant)
        }),
    }
}

fn refusal(refusal: Refusal) -> Case {
    Case {
        group: "bad boot",
        name: format!("bad boot: {}", refusal.name()),
        board: Some(Board::Pc),
        run: Box::new(move |context| boots::refused(&context.builds, refusal)),
    }
}

fn system(name: &'static str, setup: Setup) -> Case {
    let memory = setup.memory_mib.map_or(String::new(), |memory| format!(", {memory} MiB"));
    Case {
        group: "system",
        name: format!("system: {name}, {}{memory}", setup.loader.name()),
        board: Some(Board::Pc),
        run: Box::new(move |context| boots::powers_off(&context.builds, name, setup)),
    }
}

/// Something goes wrong, and people are told.
fn failing() -> [Case; 2] {
    let faults: Run = Box::new(|context| failures::faults(&context.builds));
    let panics: Run = Box::new(|context| failures::panics(&context.builds, MIXED, PANIC_CORES));
    let case = |name, run| Case { group: "system", name, board: Some(Board::Pc), run };
    [
        case("system: faults, reported, and the rest goes on".to_string(), faults),
        case(format!("system: {MIXED}, {PANIC_CORES} cores, last words of the kernel"), panics),
    ]
}

/// A program with floating point, by whom it is computed on the board.
fn numbers((board, by): (Board, &'static str)) -> Case {
    Case {
        group: "system",
        name: format!("system: {NUMBERS}, {}, by {by}", board.name()),
        board: Some(board),
        run: Box::new(move |context| {
            let outcome = context.builds.run_on(board, NUMBERS, |_| {})?;
            let line = format!("{NUMBERS}: floating point by {by}: ok");
            ensure!(outcome.transcript.lines().any(|other| other == line), "no line `{line}`");
            Ok(line)
        }),
    }
}

fn by_serial_line() -> Case {
    Case {
        group: "hil",
        name: format!("hil: {MIXED}, by a serial line, on rig {HIL_RIG}"),
        board: Some(Board::Pc),
        run: Box::new(|context| hil::ci(&context.tree.workspace, HIL_RIG, MIXED)),
    }
}

fn pc_image() -> Case {
    Case {
        group: "image",
        name: "image: pc, the same each time".to_string(),
        board: Some(Board::Pc),
        run: Box::new(|context| images::repeats(&context.builds, MIXED)),
    }
}

fn card(board: Board) -> Case {
    Case {
        group: "image",
        name: format!("image: {}, the same each time, read back", board.name()),
        board: Some(board),
        run: Box::new(move |context| images::reads_back(&context.builds, board, MIXED)),
    }
}

fn story(story: Story) -> Case {
    Case {
        group: "trace",
        name: format!("trace: {}, the same on the simulated machine", story.system),
        board: Some(Board::Pc),
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
        board: Some(Board::Pc),
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
    use super::{all, passed};
    use crate::board::Board;
    use crate::workspace::Workspace;

    #[test]
    fn every_board_passes_the_suite_and_boots_a_system_besides() {
        let cases = all(&Workspace::open().unwrap(), false).unwrap();
        for board in Board::ALL {
            let own = || cases.iter().filter(|case| case.board == Some(board));
            assert!(own().any(|case| case.group == "suite"), "{}", board.name());
            assert!(own().any(|case| case.group != "suite"), "{}", board.name());
        }
    }

    #[test]
    fn host_tests_are_counted() {
        let text = "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\n\
                    test result: ok. 40 passed; 0 failed\n";
        assert_eq!(passed(text), 42);
    }
}
