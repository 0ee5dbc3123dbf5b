//! The harness: cases by number until the time is over.
//!
//! Case n of a seed is always the same input, so a failure needs no file to be repeated.

use crate::mutate::{self, Material};
use crate::random::Random;
use crate::readers::Reader;
use crate::shrink::shrink;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A reader that takes longer over one input has a loop that does not end.
const LONGEST_CASE: Duration = Duration::from_secs(30);

/// What was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tried {
    /// Inputs.
    pub inputs: u64,
    /// Those that the reader accepted.
    pub accepted: u64,
}

/// An input over which a reader misbehaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Number of the case.
    pub case: u64,
    /// The panic: where, and what it says.
    pub message: String,
    /// The smallest input found that panics.
    pub input: Vec<u8>,
}

thread_local! {
    /// The last panic of this thread.
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps panics for [`attempt`] instead of printing them.
pub fn keep_panics() {
    panic::set_hook(Box::new(|info| {
        MESSAGE.with(|message| *message.borrow_mut() = info.to_string().replace('\n', " "));
    }));
}

/// True if the reader accepts `input`; or the panic.
pub fn attempt(reader: &Reader, input: &[u8]) -> Result<bool, String> {
    panic::catch_unwind(AssertUnwindSafe(|| (reader.check)(input)))
        .map_err(|_| MESSAGE.with(|message| message.borrow().clone()))
}

/// The input of a case.
pub fn input(reader: &Reader, files: &[Vec<u8>], seed: u64, case: u64) -> Vec<u8> {
    let material = Material { files, words: reader.words };
    mutate::input(&material, &mut Random::new(seed, case))
}

/// Runs the valid files, which the reader must accept, and then cases for so long.
pub fn run(reader: &Reader, seed: u64, duration: Duration) -> Result<Tried, Failure> {
    let files = (reader.files)();
    let mut tried = Tried::default();
    for (file, number) in files.iter().zip(0..) {
        match attempt(reader, file) {
            Ok(true) => {}
            Ok(false) => return Err(refused(number, file)),
            Err(message) => return Err(Failure { case: number, message, input: file.clone() }),
        }
    }
    let start = Instant::now();
    let (now, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| watch(reader.name, seed, &now, &done));
        let result = loop {
            if start.elapsed() >= duration {
                break Ok(tried);
            }
            let case = now.fetch_add(1, Ordering::Relaxed);
            let input = input(reader, &files, seed, case);
            match attempt(reader, &input) {
                Ok(accepted) => tried.accepted += u64::from(accepted),
                Err(message) => {
                    let input = shrink(&input, |input| attempt(reader, input).is_err());
                    break Err(Failure { case, message, input });
                }
            }
            tried.inputs += 1;
        };
        done.store(true, Ordering::Relaxed);
        result
    })
}

fn refused(number: u64, file: &[u8]) -> Failure {
    let message = format!("the reader refuses valid file {number}");
    Failure { case: number, message, input: file.to_vec() }
}

/// Ends the process when one case lasts too long: a loop without end cannot be caught.
fn watch(name: &str, seed: u64, now: &AtomicU64, done: &AtomicBool) {
    let mut last = (0, Instant::now());
    while !done.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(50));
        let case = now.load(Ordering::Relaxed);
        if case != last.0 {
            last = (case, Instant::now());
        } else if last.1.elapsed() > LONGEST_CASE && !done.load(Ordering::Relaxed) {
            let case = case.saturating_sub(1);
            eprintln!("{name}: case {case} of seed {seed} does not end; repeat it:");
            eprintln!("  cargo xtask fuzz readers --reader {name} --seed {seed} --case {case}");
            std::process::exit(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that believes a length in its third byte.
    fn careless(bytes: &[u8]) -> bool {
        let Some(length) = bytes.get(2) else { return false };
        bytes.starts_with(b"ok") && bytes[3..][..usize::from(*length)].len() == usize::from(*length)
    }

    fn files() -> Vec<Vec<u8>> {
        vec![b"ok\x04abcd".to_vec()]
    }

    const CARELESS: Reader = Reader {
        name: "careless",
        about: "a reader with an error",
        files,
        words: &[],
        check: careless,
    };

    #[test]
    fn an_error_is_found_and_the_input_is_small() {
        keep_panics();
        let failure = run(&CARELESS, 1, Duration::from_secs(60)).unwrap_err();
        assert!(failure.message.contains("range end"), "{failure:?}");
        assert_eq!(failure.input.len(), 3, "{failure:?}");
        let again = input(&CARELESS, &files(), 1, failure.case);
        assert!(attempt(&CARELESS, &again).is_err());
    }

    #[test]
    fn a_reader_that_refuses_a_valid_file_fails() {
        let reader = Reader { check: |_| false, ..CARELESS };
        let failure = run(&reader, 1, Duration::ZERO).unwrap_err();
        assert!(failure.message.contains("refuses valid file 0"));
    }

    #[test]
    fn accepted_inputs_are_counted() {
        let reader = Reader { check: |bytes| bytes.len() % 2 == 1, ..CARELESS };
        let tried = run(&reader, 1, Duration::from_millis(50)).unwrap();
        assert!(tried.accepted > 0 && tried.accepted < tried.inputs, "{tried:?}");
    }
}
