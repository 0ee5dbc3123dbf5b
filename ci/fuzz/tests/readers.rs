//! The plain harness as a program. `cargo xtask fuzz readers` starts it.

use anyhow::{Context, Result, bail};
use cedo_readers::run::{self, Failure};
use cedo_readers::{READERS, Reader};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Hold the readers of untrusted files against inputs made from a seed.
#[derive(Parser)]
struct Arguments {
    /// Seconds per reader.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Where the inputs come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this reader.
    #[arg(long)]
    reader: Option<String>,
    /// Only this case of the seed.
    #[arg(long)]
    case: Option<u64>,
    /// Only the bytes in this file.
    #[arg(long)]
    input: Option<PathBuf>,
    /// Run nothing; put the valid files that inputs are made of there.
    #[arg(long)]
    files: Option<PathBuf>,
    /// Where to put inputs that fail.
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many readers failed.
fn start(arguments: &Arguments) -> Result<usize> {
    let wanted = |reader: &&Reader| arguments.reader.as_deref().is_none_or(|it| it == reader.name);
    let readers: Vec<_> = READERS.iter().filter(wanted).collect();
    if readers.is_empty() {
        let names: Vec<_> = READERS.iter().map(|reader| reader.name).collect();
        bail!("there is no such reader; there are: {}", names.join(", "));
    }
    if let Some(folder) = &arguments.files {
        return write_files(&readers, folder).map(|()| 0);
    }
    run::keep_panics();
    if arguments.input.is_none() && arguments.case.is_none() {
        return run_all(&readers, arguments);
    }
    let mut failures = 0;
    for reader in readers {
        let input = match &arguments.input {
            Some(path) => std::fs::read(path).with_context(|| format!("cannot read {path:?}"))?,
            None => {
                let case = arguments.case.unwrap_or_default();
                run::input(reader, &(reader.files)(), arguments.seed, case)
            }
        };
        failures += usize::from(!repeat(reader, &input));
    }
    Ok(failures)
}

/// Runs each reader for its time, as many at once as there are processors. How many failed.
fn run_all(readers: &[&Reader], arguments: &Arguments) -> Result<usize> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<usize> {
        let mut failures = 0;
        while let Some(reader) = readers.get(next.fetch_add(1, Ordering::Relaxed)) {
            failures += usize::from(!run_one(reader, arguments)?);
        }
        Ok(failures)
    };
    thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|worker| worker.join().expect("panics are kept"));
        ends.sum()
    })
}

/// Runs one input. True if the reader behaves.
fn repeat(reader: &Reader, input: &[u8]) -> bool {
    let result = run::attempt(reader, input);
    match &result {
        Ok(true) => println!("{}: accepts {} bytes", reader.name, input.len()),
        Ok(false) => println!("{}: refuses {} bytes", reader.name, input.len()),
        Err(message) => println!("{}: {message}\n  input: {}", reader.name, hex(input)),
    }
    result.is_ok()
}

fn run_one(reader: &Reader, arguments: &Arguments) -> Result<bool> {
    let seed = arguments.seed;
    match run::run(reader, seed, Duration::from_secs_f64(arguments.seconds)) {
        Ok(tried) => {
            let (inputs, accepted) = (tried.inputs, tried.accepted);
            println!("{}: {inputs} inputs, {accepted} accepted ({})", reader.name, reader.about);
            Ok(true)
        }
        Err(failure) => {
            explain(reader, seed, &failure, arguments.output.as_deref())?;
            Ok(false)
        }
    }
}

fn explain(reader: &Reader, seed: u64, failure: &Failure, folder: Option<&Path>) -> Result<()> {
    let (name, Failure { case, message, input }) = (reader.name, failure);
    println!("{name}: FAILED over case {case} of seed {seed}: {message}");
    println!("  smallest input, {} bytes: {}", input.len(), hex(input));
    println!("  repeat: cargo xtask fuzz readers --reader {name} --seed {seed} --case {case}");
    if let Some(folder) = folder {
        let path = folder.join(format!("{name}-{seed}-{case}.bin"));
        std::fs::write(&path, input).with_context(|| format!("cannot write {path:?}"))?;
        println!("  or:     cargo xtask fuzz readers --reader {name} --input {}", path.display());
    }
    Ok(())
}

fn write_files(readers: &[&Reader], folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {folder:?}"))?;
    for reader in readers {
        for (number, file) in (reader.files)().iter().enumerate() {
            let path = folder.join(format!("{}-{number}", reader.name));
            std::fs::write(&path, file).with_context(|| format!("cannot write {path:?}"))?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
