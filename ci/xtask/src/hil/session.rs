//! One scenario on one rig: builds, delivers, plays, reports.

use super::delivery;
use super::emulator::Emulator;
use super::line::{Cable, Heard, Line};
use super::play::{self, Game};
use super::power::Commands;
use super::report;
use super::rig::{Boot as Method, Console, Kind, Port, Rig, Wiring};
use super::scenario::Scenario;
use super::text::Stamped;
use super::verdict::Verdict;
use crate::build::{self, Boot, Profile};
use crate::image;
use crate::log::Dictionary;
use crate::setup::Need;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest time the log's reader takes to notice that it is to stop.
const LOOK: Duration = Duration::from_millis(100);
const PIECE_BYTES: usize = 4096;

/// What the host needs for a rig.
pub fn needs(rig: &Rig) -> Vec<Need> {
    let [build, emulator] = rig.board.needs();
    match &rig.kind {
        Kind::Emulator => vec![build, emulator],
        Kind::Board(Wiring { boot: Method::Nothing, .. }) => vec![build],
        Kind::Board(_) => vec![build, image::need(rig.board)],
    }
}

/// Plays `scenario` on `rig` and writes what came of it into a folder of `folder`. An error is one of
/// this host: nothing could be played.
pub fn run(
    workspace: &Workspace,
    rig: &Rig,
    scenario: &Scenario,
    folder: &Path,
    show: bool,
) -> Result<Game> {
    let system = workspace.system(&scenario.system)?;
    let boot = build::boot(workspace, rig.board, &system, Profile::Release)?;
    let mut log = Vec::new();
    let played = match &rig.kind {
        Kind::Emulator => emulated(rig, scenario, &boot, show, &mut log),
        Kind::Board(wiring) => real(workspace, rig, wiring, scenario, &boot, show, &mut log),
    };
    let game = played.unwrap_or_else(|error| Game {
        verdict: Verdict::Rig(format!("{error:#}")),
        lines: Vec::new(),
        figures: Vec::new(),
        took: Duration::ZERO,
    });
    let log = match log.is_empty() {
        true => Vec::new(),
        false => Dictionary::read(&boot.kernel, &workspace.root)?.decode(&log),
    };
    report::write(&folder.join(&scenario.name), rig, scenario, &game, &log)?;
    Ok(game)
}

/// The test of `cargo xtask test`: one scenario on one rig must pass.
pub fn ci(workspace: &Workspace, rig: &str, scenario: &str) -> Result<String> {
    let (rig, scenario) = (super::rig(workspace, rig)?, super::scenario(workspace, scenario)?);
    let folder = workspace.output()?.join("hil").join(&rig.name);
    let game = run(workspace, &rig, &scenario, &folder, false)?;
    match game.verdict {
        Verdict::Passed => Ok(format!("{} lines", game.lines.len())),
        verdict => bail!("{verdict}"),
    }
}

fn emulated(
    rig: &Rig,
    scenario: &Scenario,
    boot: &Boot,
    show: bool,
    log: &mut Vec<u8>,
) -> Result<Game> {
    let cable = Cable::new()?;
    let line = Line::open(&cable.device, 115_200)?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let file = folder.path().join("log");
    let mut switch = Emulator::new(boot, &cable, &file);
    let game = play::play(scenario, &rig.limits, &line, &mut switch, shown(show));
    // Without the file the emulator did not get as far as creating it: there is no log then.
    *log = std::fs::read(&file).unwrap_or_default();
    Ok(game)
}

fn real(
    workspace: &Workspace,
    rig: &Rig,
    wiring: &Wiring,
    scenario: &Scenario,
    boot: &Boot,
    show: bool,
    log: &mut Vec<u8>,
) -> Result<Game> {
    let variables = delivery::deliver(workspace, rig, wiring, boot)?;
    let line = match &wiring.console {
        Console::Port(port) => Line::open(&port.device, port.baud)?,
        Console::Command(command) => Line::of_command(command)?,
    };
    let recorder = wiring.log.as_ref().map(Recorder::start).transpose()?;
    let (power, limit) = (wiring.power.clone(), rig.limits.command);
    let mut switch = Commands { power, variables, limit };
    let game = play::play(scenario, &rig.limits, &line, &mut switch, shown(show));
    *log = recorder.map_or(Vec::new(), Recorder::finish);
    Ok(game)
}

fn shown(show: bool) -> impl FnMut(&Stamped) {
    move |line| {
        if show {
            println!("{:9.3} {}", line.at.as_secs_f32(), line.text);
        }
    }
}

/// Collects what arrives on the second line.
struct Recorder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u8>>,
}

impl Recorder {
    fn start(port: &Port) -> Result<Self> {
        let line = Line::open(&port.device, port.baud)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut bytes, mut buffer) = (Vec::new(), [0; PIECE_BYTES]);
            while !stopped.load(Ordering::Relaxed) {
                match line.read(&mut buffer, LOOK) {
                    Heard::Bytes(count) => bytes.extend(&buffer[..count]),
                    Heard::Nothing => {}
                    // The log is a help, not a verdict.
                    Heard::Gone(_) => break,
                }
            }
            bytes
        });
        Ok(Self { stop, thread })
    }

    fn finish(self) -> Vec<u8> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Recorder;
    use crate::hil::line::Cable;
    use crate::hil::rig::Port;
    use std::path::PathBuf;

    #[test]
    fn the_second_line_is_recorded_as_it_comes() {
        let cable = Cable::new().unwrap();
        let recorder =
            Recorder::start(&Port { device: cable.device.clone(), baud: 115_200 }).unwrap();
        rustix::io::write(&cable.board, b"\x00\xff log \x03\r\n").unwrap();
        // It has read when there is nothing left, which the board's end cannot see: some looks long.
        std::thread::sleep(4 * super::LOOK);
        assert_eq!(recorder.finish(), b"\x00\xff log \x03\r\n");
        let missing = Port { device: PathBuf::from("/nowhere/tty"), baud: 9600 };
        assert!(Recorder::start(&missing).is_err());
    }
}
