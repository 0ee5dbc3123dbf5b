//! The runner on a pseudo-terminal, against boards that do what boards do when something is wrong: each
//! ends in a verdict that says so, in bounded time.

use super::judge::Judge;
use super::line::{Cable, Line};
use super::play::{Game, Switch, play};
use super::power::Commands;
use super::rig::{self, Boot, Console, Kind, Limits, Power};
use super::scenario::{self, Scenario};
use super::text::Stamped;
use super::verdict::{Failure, Verdict, What};
use anyhow::{Result, bail};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BANNER: &str = "Cedo 0.1.0: 2 cores, 200 MiB free\r\n";
const SOON: Duration = Duration::from_millis(300);
const LIMITS: Limits =
    Limits { first: SOON, silence: SOON, command: SOON, off: Duration::from_millis(10) };
/// No game of these tests takes as long.
const LONG: Duration = Duration::from_secs(5);

const SCENARIO: &str = "
system = 'mixed'
expect = ['^hello', '^result ', '^done$']
total_s = 2
settle_ms = 50
[bound.late]
line = '^result max=(\\d+)$'
unit = 'ns'
at_most = 100
";

/// What a fake board does once it has power.
#[derive(Clone, Copy)]
enum Step {
    Say(&'static str),
    Bytes(u8, usize),
    Wait(u64),
    /// All over again.
    Again,
    /// The serial adapter is pulled out.
    Unplug,
}
use Step::{Again, Bytes, Say, Unplug, Wait};

/// A board that plays steps at its end of a cable.
struct Fake {
    steps: &'static [Step],
    cable: Arc<Mutex<Option<Cable>>>,
    has_power: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    real: bool,
}

impl Switch for Fake {
    fn off(&mut self) -> Result<()> {
        self.has_power.store(false, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok());
        }
        Ok(())
    }

    fn on(&mut self) -> Result<()> {
        self.has_power.store(true, Ordering::SeqCst);
        let (steps, cable) = (self.steps, Arc::clone(&self.cable));
        let has_power = Arc::clone(&self.has_power);
        self.thread = Some(std::thread::spawn(move || act(steps, &cable, &has_power)));
        Ok(())
    }

    fn ended(&mut self) -> Option<Result<(), String>> {
        None
    }

    fn is_real(&self) -> bool {
        self.real
    }
}

fn act(steps: &[Step], cable: &Mutex<Option<Cable>>, has_power: &AtomicBool) {
    let mut next = 0;
    while has_power.load(Ordering::SeqCst)
        && let Some(step) = steps.get(next)
    {
        next += 1;
        match step {
            Say(text) => say(cable, text.as_bytes()),
            Bytes(byte, count) => say(cable, &vec![*byte; *count]),
            Wait(milliseconds) => wait(Duration::from_millis(*milliseconds), has_power),
            Again => next = 0,
            Unplug => drop(cable.lock().unwrap().take()),
        }
    }
}

/// Does nothing, as long as there is power.
fn wait(time: Duration, has_power: &AtomicBool) {
    let start = Instant::now();
    while start.elapsed() < time && has_power.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// As a serial line does, it goes on when nobody listens: what does not fit is lost.
fn say(cable: &Mutex<Option<Cable>>, bytes: &[u8]) {
    let cable = cable.lock().unwrap();
    let Some(cable) = &*cable else { return };
    let start = Instant::now();
    let mut rest = bytes;
    while !rest.is_empty() && start.elapsed() < SOON {
        match rustix::io::write(cable.board.as_fd(), rest) {
            Ok(count) => rest = &rest[count..],
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn scenario_of(text: &str) -> Scenario {
    scenario::parse("test", "test.toml", text, &["mixed".to_string()]).unwrap()
}

fn game_of(steps: &'static [Step], real: bool) -> Game {
    game_in(&scenario_of(SCENARIO), steps, real)
}

fn game_in(scenario: &Scenario, steps: &'static [Step], real: bool) -> Game {
    let start = Instant::now();
    let cable = Cable::new().unwrap();
    rustix::io::ioctl_fionbio(&cable.board, true).unwrap();
    let line = Line::open(&cable.device, 115_200).unwrap();
    let cable = Arc::new(Mutex::new(Some(cable)));
    let has_power = Arc::new(AtomicBool::new(false));
    let mut board = Fake { steps, cable, has_power, thread: None, real };
    let game = play(scenario, &LIMITS, &line, &mut board, |_| ());
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    game
}

fn failure(steps: &'static [Step]) -> Failure {
    match game_of(steps, true).verdict {
        Verdict::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_board_that_says_all_passes_after_noise_and_other_lines() {
    let game = game_of(
        &[
            Bytes(0xff, 64),
            Say("\r\n"),
            Say(BANNER),
            Say("hel"),
            Wait(20),
            Say("lo\r\nmore\r\nresult max=100\r\ndone\r\n"),
            Wait(1000),
        ],
        true,
    );
    assert!(game.verdict.is_passed(), "{}", game.verdict);
    assert_eq!(game.figures[0].values, [100.0]);
    assert_eq!(game.lines.last().unwrap().text, "done");
    assert!(game.lines.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn lines_in_another_order_do_not_pass() {
    let failure = failure(&[Say(BANNER), Say("hello\ndone\nresult max=1\n")]);
    assert!(matches!(failure.what, What::Silent { within_line: false, .. }), "{failure:?}");
    assert_eq!(failure.missing.as_deref(), Some("^done$"));
    assert_eq!(failure.last.as_deref(), Some("result max=1"));
}

#[test]
fn a_board_whose_power_is_cut_while_it_starts_fell_silent_in_a_line() {
    let failure = failure(&[Say(BANNER), Say("hello\r\nresul"), Wait(1000)]);
    assert!(matches!(failure.what, What::Silent { within_line: true, .. }), "{failure:?}");
    assert_eq!(failure.last.as_deref(), Some("resul"));
    assert_eq!(failure.missing.as_deref(), Some("^result "));
}

#[test]
fn a_board_whose_power_fails_for_a_moment_does_not_pass_although_it_says_all() {
    let failure = failure(&[
        Say(BANNER),
        Say("hello\r\nres"),
        Wait(50),
        Say("\r\n"),
        Say(BANNER),
        Say("hello\r\nresult max=1\r\ndone\r\n"),
        Wait(1000),
    ]);
    assert_eq!(failure.what, What::Restarted);
}

#[test]
fn a_mute_board_is_not_waited_for() {
    let failure = failure(&[Wait(1000)]);
    assert!(matches!(failure.what, What::Mute { .. }), "{failure:?}");
}

#[test]
fn a_board_that_resets_in_a_loop_is_stopped_at_its_third_start() {
    let game = game_of(&[Say(BANNER), Say("hello\r\n"), Wait(30), Again], true);
    let Verdict::Failed(Failure { what: What::Loop { starts, time }, .. }) = &game.verdict else {
        panic!("{}", game.verdict);
    };
    assert_eq!(*starts, 3);
    assert!(*time >= Duration::from_millis(50) && *time < Duration::from_secs(1), "{time:?}");
}

#[test]
fn a_line_at_the_wrong_speed_is_garbage() {
    let failure = failure(&[Bytes(0xfe, 640), Wait(1000)]);
    assert!(matches!(failure.what, What::Garbage { bytes: 640 }), "{failure:?}");
    assert!(failure.what.to_string().contains("baud"));
}

#[test]
fn garbage_without_end_is_given_up_early() {
    let game = game_of(&[Bytes(0x80, 6400), Wait(5), Again], true);
    assert!(matches!(game.verdict, Verdict::Failed(Failure { what: What::Garbage { .. }, .. })));
    assert!(game.took < Duration::from_secs(2));
}

#[test]
fn a_line_without_an_end_is_given_up() {
    let failure = failure(&[Say(BANNER), Bytes(b'x', 20_000), Wait(1000)]);
    assert!(matches!(failure.what, What::Garbage { .. }), "{failure:?}");
    assert!(Verdict::Failed(failure).to_string().len() < 1000);
}

#[test]
fn a_board_that_talks_for_ever_is_stopped() {
    let scenario = Scenario { total: 2 * SOON, ..scenario_of(SCENARIO) };
    let game = game_in(&scenario, &[Say("tick\r\n"), Wait(20), Again], true);
    let Verdict::Failed(failure) = &game.verdict else { panic!("{}", game.verdict) };
    assert!(matches!(failure.what, What::Late { .. }), "{failure:?}");
}

#[test]
fn a_serial_device_that_vanishes_is_named_as_the_reason() {
    let failure = failure(&[Say(BANNER), Say("hello\r\n"), Wait(30), Unplug, Wait(1000)]);
    assert!(matches!(failure.what, What::Vanished { .. }), "{failure:?}");
    assert_eq!(failure.last.as_deref(), Some("hello"));
}

#[test]
fn what_no_board_may_say_ends_the_game_also_after_the_last_line() {
    let at_once = failure(&[Say(BANNER), Say("panic: core 1: list is empty\r\n"), Wait(1000)]);
    assert!(matches!(at_once.what, What::Forbidden { .. }), "{at_once:?}");
    let later = failure(&[
        Say("hello\nresult max=1\ndone\n"),
        Wait(10),
        Say("panic: too late\n"),
        Wait(1000),
    ]);
    assert!(matches!(later.what, What::Forbidden { .. }), "{later:?}");
}

#[test]
fn a_figure_is_judged_where_time_is_real() {
    const STEPS: &[Step] = &[Say("hello\nresult max=101\ndone\n"), Wait(1000)];
    let real = game_of(STEPS, true);
    let Verdict::Failed(Failure { what: What::Bounds { problems }, .. }) = &real.verdict else {
        panic!("{}", real.verdict);
    };
    assert_eq!(problems[..], ["late: 101 ns, at most 100 ns allowed"]);
    let emulated = game_of(STEPS, false);
    assert!(emulated.verdict.is_passed(), "{}", emulated.verdict);
    assert!(!emulated.figures[0].judged && emulated.figures[0].values == [101.0]);
    let missing = failure(&[Say("hello\nresult -\ndone\n"), Wait(1000)]);
    assert!(matches!(missing.what, What::Bounds { .. }), "{missing:?}");
}

#[test]
fn every_line_with_a_figure_is_judged_and_some_on_emulators_too() {
    let text = SCENARIO.replace("at_most = 100", "at_least = 0\nat_most = 100\njudged = 'always'");
    let scenario = scenario_of(&text.replace("max=(\\d+)", "max=(-?\\d+)"));
    let mut judge = Judge::new(&scenario);
    for figure in [1, 200, -1, 100] {
        let text = format!("result max={figure}");
        assert_eq!(judge.take(&Stamped { at: Duration::ZERO, text }), None);
    }
    let Some(What::Bounds { problems }) = judge.problem(false) else {
        panic!("two figures are out of bounds");
    };
    assert_eq!(
        problems[..],
        ["late: 200 ns, at most 100 ns allowed", "late: -1 ns, at least 0 ns wanted"]
    );
}

#[test]
fn a_board_can_be_a_program_and_its_switch_two_commands() {
    let folder = tempfile::tempdir().unwrap();
    let power = folder.path().join("power").display().to_string();
    let console = format!(
        "while test ! -e {power}; do sleep 0.01; done; printf 'hello\\nresult max=1\\ndone\\n'; \
         exec sleep 5"
    );
    let line = Line::of_command(&console).unwrap();
    let power = Power { off: format!("rm -f {power}"), on: format!("touch {power}") };
    let mut switch = Commands { power, variables: Vec::new(), limit: LONG };
    let game = play(&scenario_of(SCENARIO), &LIMITS, &line, &mut switch, |_| ());
    assert!(game.verdict.is_passed(), "{}", game.verdict);
    assert!(!folder.path().join("power").exists());
}

/// A switch whose outlet is somebody else's.
struct Broken;

impl Switch for Broken {
    fn off(&mut self) -> Result<()> {
        Ok(())
    }

    fn on(&mut self) -> Result<()> {
        bail!("outlet 4: no such outlet")
    }

    fn ended(&mut self) -> Option<Result<(), String>> {
        None
    }

    fn is_real(&self) -> bool {
        true
    }
}

#[test]
fn a_switch_that_fails_is_the_rigs_failure() {
    let cable = Cable::new().unwrap();
    let line = Line::open(&cable.device, 115_200).unwrap();
    let game = play(&scenario_of(SCENARIO), &LIMITS, &line, &mut Broken, |_| ());
    assert_eq!(game.verdict, Verdict::Rig("outlet 4: no such outlet".to_string()));
    assert_eq!(game.verdict.word(), "error");
}

/// A problem of a scenario, as people see it.
fn problem(text: &str) -> String {
    scenario::parse("test", "hil/scenarios/test.toml", text, &["mixed".to_string()]).unwrap_err()
}

#[test]
fn a_wrong_scenario_is_shown_at_its_line() {
    let text = "system = 'mixed'\nexpect = ['a(b']\ntotal_s = 1\n";
    let shown = "error: this is no regular expression
 --> hil/scenarios/test.toml:2:11
  |
2 | expect = ['a(b']
  |           ^^^^^ unclosed group
  |
  = help: write it in '...', where backslashes stand for themselves

error: could not use the scenario `hil/scenarios/test.toml` due to 1 previous error";
    assert_eq!(problem(text), shown);
    for (text, reason) in [
        ("system = 'mixt'\nexpect = ['a']\ntotal_s = 1", "unknown system `mixt`"),
        ("system = 'mixed'\ntotal_s = 1", "missing key `expect`"),
        ("system = 'mixed'\nexpect = ['a']", "missing key `total_s`"),
        ("system = 'mixed'\nexpects = ['a']\ntotal_s = 1", "did you mean `expect`?"),
        ("system = 'mixed'\nexpect = ['a']\ntotal_s = 1\nboards = ['x']", "unknown board `x`"),
        ("system = 'mixed'\nexpect = 'a'\ntotal_s = 1", "expected a list"),
        (
            "system = 'mixed'\nexpect = ['a']\ntotal_s = 1\n[bound.b]\nat_most = 1",
            "missing key `line`",
        ),
        (
            "system = 'mixed'\nexpect = ['a']\ntotal_s = 1\n[bound.b]\nline = 'a'\nat_most = 1",
            "a figure needs one group",
        ),
        (
            "system = 'mixed'\nexpect = ['a']\ntotal_s = 1\n[bound.b]\nline = '(a)'",
            "missing key `at_most`",
        ),
        ("system = ", "the file must be TOML"),
    ] {
        let shown = problem(text);
        assert!(shown.contains(reason), "{reason}: {shown}");
        assert!(shown.contains("--> hil/scenarios/test.toml:"), "{shown}");
    }
}

#[test]
fn a_wrong_rig_is_shown_at_its_line() {
    for (text, reason) in [
        ("kind = 'qemu'", "missing key `board`"),
        ("kind = 'lab'\nboard = 'pc'", "it can be `qemu`, `board`"),
        ("kind = 'board'\nboard = 'pc'", "missing key `console`"),
        ("kind = 'qemu'\nboard = 'pc'\n[limits]\nfirst = 3", "did you mean `first_s`?"),
        (
            "kind = 'board'\nboard = 'pc'\n[console]\ndevice = '/dev/x'\n[power]\noff = 'a'\non = 'b'\n\
             [boot]\nmethod = 'image'",
            "missing key `command`",
        ),
    ] {
        let shown = rig::parse("test", "hil/rigs/test.toml", text).unwrap_err();
        assert!(shown.contains(reason), "{reason}: {shown}");
        assert!(shown.contains("--> hil/rigs/test.toml:"), "{shown}");
    }
}

#[test]
fn all_rigs_and_scenarios_of_the_repository_can_be_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let texts = |folder: &str| -> Vec<(String, String)> {
        let names = super::names(&root.join(folder)).unwrap();
        let text = |name: &String| {
            std::fs::read_to_string(root.join(folder).join(format!("{name}.toml"))).unwrap()
        };
        names.iter().map(|name| (name.clone(), text(name))).collect()
    };
    let systems: Vec<_> = super::names(&root.join("systems")).unwrap();
    let scenarios = texts(super::SCENARIOS);
    assert!(!scenarios.is_empty());
    for (name, text) in scenarios {
        if let Err(error) = scenario::parse(&name, &name, &text, &systems) {
            panic!("{error}");
        }
    }
    let mut kinds = Vec::new();
    for (name, text) in texts(super::RIGS) {
        match rig::parse(&name, &name, &text) {
            Ok(rig) => kinds.push(rig.kind),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(kinds.contains(&Kind::Emulator));
    let boards: Vec<_> = kinds
        .iter()
        .filter_map(|kind| match kind {
            Kind::Board(wiring) => Some(wiring),
            Kind::Emulator => None,
        })
        .collect();
    assert!(boards.iter().any(|wiring| matches!(wiring.console, Console::Command(_))));
    assert!(boards.iter().any(|wiring| matches!(wiring.boot, Boot::Image { .. })));
}
