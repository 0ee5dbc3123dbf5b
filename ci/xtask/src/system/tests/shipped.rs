//! The system files on every board, and the example of the manual.

use std::path::Path;

use cedo_abi::read::system::Reader;

use crate::system::{Devices, load, parse, programs, workspace};

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path)).unwrap()
}

fn devices(board: &str) -> Devices {
    Devices::load(&workspace().join("bsp").join(board).join("board.toml")).unwrap()
}

fn pc() -> Devices {
    devices("pc")
}

/// Folders of `bsp` that say which devices a board has.
fn boards() -> Vec<String> {
    let folders = std::fs::read_dir(workspace().join("bsp")).unwrap().map(|entry| entry.unwrap());
    let boards = folders.filter(|folder| folder.path().join("board.toml").exists());
    boards.map(|folder| folder.file_name().into_string().unwrap()).collect()
}

#[test]
fn every_shipped_system_is_accepted_for_every_board_and_packs() {
    let boards = boards();
    assert!(boards.len() > 1, "boards were found: {boards:?}");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(workspace().join("systems")).unwrap() {
        let path = entry.unwrap().path();
        for board in &boards {
            let description = load(&path, &devices(board))
                .unwrap_or_else(|error| panic!("{board}, {}: {error:#}", path.display()));
            assert!(Reader::new(&description.pack()).is_ok());
            if board == "pc" {
                names.push(description.name);
            }
        }
    }
    for name in
        ["default", "mixed", "tiers", "bench", "bench-chain", "suite", "suite-1", "suite-chain"]
    {
        assert!(names.iter().any(|other| other == name), "{name} is missing");
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "two systems have one name");
}

/// What a description says, without its title and name, and without the protocol that the other has.
fn without_protocol(path: &str) -> Vec<String> {
    let text = read(path);
    let differs = |line: &str| {
        line.starts_with('#') || line.starts_with("name =") || line == "protocol = \"chain\""
    };
    text.lines().filter(|line| !differs(line)).map(str::to_string).collect()
}

#[test]
fn systems_in_chain_mode_are_their_namesakes_otherwise() {
    for name in ["bench", "locks", "suite"] {
        let (direct, chain) =
            (format!("systems/{name}.toml"), format!("systems/{name}-chain.toml"));
        assert_eq!(without_protocol(&direct), without_protocol(&chain), "{name}");
        let cores = load(&workspace().join(&chain), &pc()).unwrap().cores.len();
        let protocols = read(&chain).matches("\nprotocol = \"chain\"").count();
        assert_eq!(protocols, cores, "{name}: every root chooses chain mode");
    }
}

#[test]
fn only_benchmarks_show_the_cycle_counter_and_on_the_core_that_measures() {
    for name in ["default", "bench", "bench-chain", "mixed", "suite", "timers"] {
        let file = if name == "default" { "system" } else { name };
        let path = workspace().join(format!("systems/{file}.toml"));
        let cores = load(&path, &pc()).unwrap().cores;
        let measures = matches!(name, "default" | "bench" | "bench-chain");
        let shown = (0..).zip(&cores).filter(|(_, core)| core.cycle_counter);
        let shown: Vec<usize> = shown.map(|(number, _)| number).collect();
        assert_eq!(shown, if measures { vec![0] } else { vec![] }, "{name}");
    }
}

#[test]
fn the_tiers_have_three_levels_of_schedulers_on_each_core() {
    let description = load(&workspace().join("systems/tiers.toml"), &pc()).unwrap();
    let threads = &description.threads;
    let is_scheduler = |index: u32| {
        threads.iter().zip(0..).any(|(thread, own)| thread.scheduler == index && own != index)
    };
    for core in &description.cores {
        let level = |upper: u32| {
            (0u32..).zip(threads).filter_map(move |(index, thread)| {
                (thread.scheduler == upper && index != upper).then_some(index)
            })
        };
        let second: Vec<_> = level(core.root).filter(|index| is_scheduler(*index)).collect();
        assert!(second.len() > 1);
        for scheduler in second {
            let third: Vec<_> = level(scheduler).filter(|index| is_scheduler(*index)).collect();
            assert!(!third.is_empty() && level(scheduler).count() > 2);
            assert!(third.iter().all(|scheduler| level(*scheduler).count() > 2));
        }
    }
}

#[test]
fn the_example_of_the_manual_is_accepted() {
    let manual = read("docs/system-description.md");
    let mut blocks = manual.split("```toml\n").skip(1).filter_map(|part| part.split("```").next());
    let example = blocks.find(|block| block.starts_with("# example.toml")).unwrap();
    let programs = programs(&workspace().join("servers")).unwrap();
    let description =
        parse("example.toml", example, &programs, &pc()).unwrap_or_else(|it| panic!("{it}"));
    assert_eq!(description.name, "example");
}

#[test]
fn a_file_that_is_missing_is_named() {
    let error = load(Path::new("/nowhere/system.toml"), &pc()).unwrap_err();
    assert!(
        format!("{error:#}").contains("cannot read the system description `/nowhere/system.toml`")
    );
}
