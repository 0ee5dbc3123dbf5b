//! The system files of the PC board, and the example of the manual.

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

#[test]
fn systems_that_name_devices_are_accepted_for_every_board() {
    for system in ["system", "bench", "mixed", "tiers", "suite", "suite-1"] {
        let path = workspace().join(format!("systems/{system}.toml"));
        let description =
            load(&path, &devices("qemu-virt")).unwrap_or_else(|error| panic!("{error:#}"));
        assert!(Reader::new(&description.pack()).is_ok());
    }
}

#[test]
fn every_shipped_system_is_accepted_and_packs() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(workspace().join("systems")).unwrap() {
        let path = entry.unwrap().path();
        let description = load(&path, &pc()).unwrap_or_else(|error| panic!("{error:#}"));
        assert!(Reader::new(&description.pack()).is_ok());
        names.push(description.name);
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
