//! Runs the emulator under a time limit and collects what the guest prints.

use super::console::Plain;
use super::end::End;
use super::{Machine, Medium, program, terminal};
use crate::log::{Dictionary, Follower};
use anyhow::{Context, Result};
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// Bytes read from the emulator at once.
const PIECE_BYTES: usize = 4096;
/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(1 << 30);
/// Time that an interrupted emulator has to end by itself.
const GRACE_STEP: Duration = Duration::from_millis(20);
const GRACE_STEPS: usize = 25;
/// Exit code after an interrupt, as shells use it.
const INTERRUPTED: i32 = 130;

/// Gets what the guest prints, in pieces.
pub type Show<'a> = Box<dyn FnMut(&[u8]) + 'a>;

/// Wall-clock time before the emulator is ended.
#[derive(Clone, Copy, Default, Debug)]
pub struct Limits {
    /// In all.
    pub total: Option<Duration>,
    /// Without any output.
    pub silence: Option<Duration>,
}

/// What to run and how to watch it.
pub struct Session<'a> {
    pub machine: &'a Machine,
    pub medium: Medium<'a>,
    pub limits: Limits,
    /// Gets the console, as it comes.
    pub show: Show<'a>,
    /// Prints the decoded log to stderr meanwhile.
    pub follow: Option<Dictionary>,
    /// Our terminal is the guest's.
    pub interactive: bool,
    /// The emulator listens there for commands: the buttons of the machine.
    pub monitor: Option<&'a Path>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Outcome {
    pub end: End,
    /// All that the guest printed, as plain text.
    pub transcript: String,
    pub took: Duration,
    /// The binary log.
    pub log: Vec<u8>,
}

type Shared = Arc<Mutex<Child>>;

/// Emulators that an interrupt must end.
static RUNNING: Mutex<Vec<Shared>> = Mutex::new(Vec::new());
static INTERRUPTS: Once = Once::new();
static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Boots, waits for the end, and says how it was.
pub fn run(session: Session<'_>) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let log = folder.path().join("log");
    let mut command = Command::new(program(session.machine.board));
    command.args(session.machine.arguments(&session.medium, &log));
    if let Some(socket) = session.monitor {
        command.arg("-monitor").arg(format!("unix:{},server=on,wait=off", socket.display()));
    }
    let terminal = (session.interactive && std::io::stdin().is_terminal()).then(terminal::lend);
    command.stdin(if terminal.is_some() { Stdio::inherit() } else { Stdio::null() });
    let follower = session.follow.map(|dictionary| Follower::start(dictionary, log.clone()));
    let mut outcome = watch(command, session.limits, session.show)?;
    if let Some(follower) = follower {
        follower.finish();
    }
    outcome.log = read_log(&log);
    Ok(outcome)
}

fn read_log(path: &Path) -> Vec<u8> {
    // Without the file the emulator did not get as far as creating it: there is no log then.
    std::fs::read(path).unwrap_or_default()
}

/// Runs `command` as the emulator.
fn watch(mut command: Command, limits: Limits, show: Show<'_>) -> Result<Outcome> {
    let start = Instant::now();
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}; `cargo xtask setup` installs it"))?;
    let console = pieces(child.stdout.take().context("the emulator has no stdout")?);
    let errors = pieces(child.stderr.take().context("the emulator has no stderr")?);
    let child = register(child);
    let (transcript, ended) = collect(&console, start, limits, show);
    if ended.is_some() {
        // It may have ended by itself in this instant; then there is nothing to kill.
        let _ = lock(&child).kill();
    }
    let status = lock(&child).wait().context("cannot wait for the emulator")?;
    forget(&child);
    while IS_INTERRUPTED.load(Ordering::SeqCst) {
        // `end_all` ends this program; how the emulator ended says nothing then.
        std::thread::park();
    }
    let errors: Vec<u8> = errors.iter().flatten().collect();
    let end = ended.unwrap_or_else(|| End::of(status, &String::from_utf8_lossy(&errors)));
    Ok(Outcome { end, transcript, took: start.elapsed(), log: Vec::new() })
}

/// Reads in a thread of its own; the channel closes at the end of the stream.
fn pieces(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; PIECE_BYTES];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The console until it closes, or the limit that passed before that.
fn collect(
    console: &Receiver<Vec<u8>>,
    start: Instant,
    limits: Limits,
    mut show: Show<'_>,
) -> (String, Option<End>) {
    let mut plain = Plain::default();
    let mut transcript = Vec::new();
    let mut heard = Instant::now();
    let ended = loop {
        let left = |since: Instant, limit: Option<Duration>| {
            limit.map_or(FOREVER, |limit| limit.saturating_sub(since.elapsed()))
        };
        let (total, silence) = (left(start, limits.total), left(heard, limits.silence));
        if total.is_zero() {
            break Some(End::TimeLimit);
        }
        match console.recv_timeout(total.min(silence)) {
            Ok(bytes) => {
                let text = plain.filter(&bytes);
                show(&text);
                transcript.extend(text);
                heard = Instant::now();
            }
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) if silence < total => break Some(End::Silence),
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    (String::from_utf8_lossy(&transcript).into_owned(), ended)
}

/// An emulator whose console is somebody else's. It ends when this is dropped, and on an interrupt.
pub struct Running(Shared);

/// Starts `command`, an emulator with all its streams set.
pub fn run_unwatched(mut command: Command) -> Result<Running> {
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command
        .spawn()
        .with_context(|| format!("cannot start {name}; `cargo xtask setup` installs it"))?;
    Ok(Running(register(child)))
}

impl Running {
    /// What it says on stderr, if that is piped.
    pub fn take_errors(&mut self) -> Option<ChildStderr> {
        lock(&self.0).stderr.take()
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        lock(&self.0).try_wait().ok().flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = lock(&self.0);
        // It may have ended by itself; then there is nothing to end.
        let _ = child.kill();
        let _ = child.wait();
        drop(child);
        forget(&self.0);
    }
}

fn register(child: Child) -> Shared {
    INTERRUPTS.call_once(|| {
        if ctrlc::set_handler(end_all).is_err() {
            eprintln!("warning: an interrupt will leave the emulator running");
        }
    });
    let child = Arc::new(Mutex::new(child));
    lock(&RUNNING).push(Arc::clone(&child));
    child
}

fn forget(child: &Shared) {
    lock(&RUNNING).retain(|other| !Arc::ptr_eq(other, child));
}

/// On an interrupt: no emulator outlives this program.
fn end_all() {
    IS_INTERRUPTED.store(true, Ordering::SeqCst);
    for child in lock(&RUNNING).iter() {
        // A lock that is held means that its end is already being waited for.
        if let Ok(mut child) = child.try_lock() {
            end(&mut child);
        }
    }
    terminal::restore();
    std::process::exit(INTERRUPTED);
}

/// A key press interrupts the emulator too; it then ends by itself.
fn end(child: &mut Child) {
    for _ in 0..GRACE_STEPS {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(GRACE_STEP),
            _ => return,
        }
    }
    // It may have ended in this instant; then there is nothing to kill.
    let _ = child.kill();
    let _ = child.wait();
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{End, Limits, Outcome, watch};
    use std::process::Command;
    use std::time::Duration;

    fn fake(script: &str, limit: Duration) -> (Outcome, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let limits = Limits { total: Some(limit), silence: Some(SILENCE) };
        let mut shown = Vec::new();
        let outcome = watch(command, limits, Box::new(|text| shown.extend(text))).unwrap();
        (outcome, String::from_utf8(shown).unwrap())
    }

    const LONG: Duration = Duration::from_secs(20);
    const SILENCE: Duration = Duration::from_secs(2);

    #[test]
    fn a_guest_that_falls_silent_is_ended_early() {
        let (outcome, _) = fake("for i in 1 2 3; do sleep 1; echo $i; done; exec sleep 60", LONG);
        assert_eq!(outcome.end, End::Silence);
        assert_eq!(outcome.transcript, "1\n2\n3\n");
    }

    #[test]
    fn shows_the_console_and_reads_the_exit_code() {
        let (outcome, shown) = fake("printf 'one\\r\\n'; echo two; exit 33", LONG);
        assert_eq!(outcome.end, End::Off(0));
        assert_eq!(outcome.transcript, "one\ntwo\n");
        assert_eq!(shown, outcome.transcript);
    }

    #[test]
    fn a_hung_guest_is_ended_with_what_it_said() {
        let (outcome, _) = fake("echo booting; exec sleep 60", Duration::from_millis(300));
        assert_eq!(outcome.end, End::TimeLimit);
        assert_eq!(outcome.transcript, "booting\n");
        assert!(outcome.took < LONG);
    }

    #[test]
    fn a_guest_that_prints_for_ever_is_ended_too() {
        let (outcome, _) = fake("exec yes", Duration::from_millis(300));
        assert_eq!(outcome.end, End::TimeLimit);
        assert!(outcome.transcript.starts_with("y\ny\n"));
    }

    #[test]
    fn what_the_emulator_complains_of_is_kept() {
        let (outcome, _) = fake("echo 'no such machine' >&2; exit 1", LONG);
        assert!(matches!(outcome.end, End::Emulator(text) if text.contains("no such machine")));
    }

    #[test]
    fn an_emulator_that_is_missing_is_named() {
        let error =
            watch(Command::new("/nowhere/qemu"), Limits::default(), Box::new(|_| {})).unwrap_err();
        assert!(error.to_string().contains("/nowhere/qemu"));
    }
}
