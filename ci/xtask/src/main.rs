//! `cargo xtask`: builds, boots, measures, checks and packs Cedo.
//!
//! Runs on the host. It knows file formats and other programs (cargo, the emulator, GRUB); what the
//! kernel means is not here.
//!
//! | file | contents |
//! |---|---|
//! | [`run`] | command: boot a system in the emulator |
//! | [`bench`] | command: boot the benchmarks, print and save the figures |
//! | [`path`] | command: one operation's way, instruction by instruction |
//! | [`check`] | command: rules that need no boot |
//! | [`test`] | command: everything, on many machine variants |
//! | [`table`] | command: print the table of who runs next |
//! | [`explore`] | command: search the states of the kernel further than the tests do |
//! | [`mutate`] | command: break the kernel on purpose; a check must notice |
//! | [`fuzz`] | command: hostile programs, and inputs that nobody would write |
//! | [`hil`] | command: play scenarios on real boards, or on an emulator at a serial line |
//! | [`image`] | command: write what a board starts from: an image, or a folder of a boot server |
//! | [`setup`] | command: look for what the others need, install what is missing |
//! | `system`, `archive`, `elf` | the files of a boot: see `lib.rs` |
//! | [`workspace`] | folders, packages and systems of this checkout |
//! | [`board`] | the boards: what is built for each, and what runs it |
//! | [`build`] | runs cargo for kernel and servers, makes the files of one boot |
//! | [`flat`] | makes a flat image of a kernel |
//! | [`tree`] | makes a device tree for an emulator that brings none |
//! | [`qemu`] | the emulated machine: command line, time limit, console, how it ended |
//! | [`log`] | decodes the kernel's binary log |
//! | [`progress`] | what a person sees while a step takes long |
#![forbid(unsafe_code)]

mod bench;
mod board;
mod build;
mod check;
mod explore;
mod flat;
mod fuzz;
mod hil;
mod image;
mod log;
mod mutate;
mod path;
mod progress;
mod qemu;
mod run;
mod setup;
mod table;
mod test;
mod tree;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::{archive, elf, system};

/// Build, boot, measure and check Cedo, a multicore microkernel without a scheduler.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
#[command(arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Bench(bench::Arguments),
    Path(path::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Table(table::Arguments),
    Explore(explore::Arguments),
    Mutate(mutate::Arguments),
    Fuzz(fuzz::Arguments),
    Hil(hil::Arguments),
    Image(image::Arguments),
    Setup(setup::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::main(&arguments),
        Command::Bench(arguments) => bench::main(&arguments),
        Command::Path(arguments) => path::main(&arguments),
        Command::Check(arguments) => check::main(&arguments),
        Command::Test(arguments) => test::main(&arguments),
        Command::Table(arguments) => table::main(&arguments),
        Command::Explore(arguments) => explore::main(&arguments),
        Command::Mutate(arguments) => mutate::main(&arguments),
        Command::Fuzz(arguments) => fuzz::main(&arguments),
        Command::Hil(arguments) => hil::main(&arguments),
        Command::Image(arguments) => image::main(&arguments),
        Command::Setup(arguments) => setup::main(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
