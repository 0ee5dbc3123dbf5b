//! Plays a scenario on a board: switches it on, listens, and comes to a verdict in bounded time.

use super::judge::{Figure, Judge};
use super::line::{Heard, Line};
use super::rig::Limits;
use super::scenario::Scenario;
use super::text::{Lines, Stamped};
use super::verdict::{Failure, Verdict, What};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Bytes read at once.
const PIECE_BYTES: usize = 4096;
/// The longest time without a look at the clock and at the switch.
const LOOK: Duration = Duration::from_millis(100);

/// The power of a board.
pub trait Switch {
    /// Takes it away.
    fn off(&mut self) -> Result<()>;
    /// Gives it.
    fn on(&mut self) -> Result<()>;
    /// How the board ended, where one can know: an emulator's end. `Ok` is an end as it should be.
    fn ended(&mut self) -> Option<Result<(), String>>;
    /// True if time on this board is the time of the world.
    fn is_real(&self) -> bool;
}

/// A game that was played.
#[derive(Debug)]
pub struct Game {
    pub verdict: Verdict,
    pub lines: Vec<Stamped>,
    pub figures: Vec<Figure>,
    pub took: Duration,
}

/// Plays it. `show` gets each line as it comes.
pub fn play(
    scenario: &Scenario,
    limits: &Limits,
    line: &Line,
    switch: &mut dyn Switch,
    mut show: impl FnMut(&Stamped),
) -> Game {
    let real = switch.is_real();
    let mut table = Table::new(scenario, limits);
    let result = start(limits, line, switch).map(|()| {
        table.start = Instant::now();
        table.listen(line, switch, &mut show)
    });
    let took = table.start.elapsed();
    // The verdict on a board that was played with is worth more than whether it went off again.
    let off = switch.off();
    let verdict = match (result, off) {
        (Err(error), _) => Verdict::Rig(format!("{error:#}")),
        (Ok(Some(what)), _) => table.failed(what),
        (Ok(None), Err(error)) => Verdict::Rig(format!("{error:#}")),
        (Ok(None), Ok(())) => table.judged(real),
    };
    let figures = table.judge.figures(real);
    Game { verdict, figures, took, lines: table.lines }
}

fn start(limits: &Limits, line: &Line, switch: &mut dyn Switch) -> Result<()> {
    switch.off()?;
    std::thread::sleep(limits.off);
    line.flush()?;
    switch.on()
}

/// The state of a game.
struct Table<'a> {
    scenario: &'a Scenario,
    limits: &'a Limits,
    judge: Judge<'a>,
    text: Lines,
    lines: Vec<Stamped>,
    start: Instant,
    heard: Instant,
    /// When the last expected line came.
    complete: Option<Instant>,
    rest: Option<String>,
}

impl<'a> Table<'a> {
    fn new(scenario: &'a Scenario, limits: &'a Limits) -> Self {
        Self {
            scenario,
            limits,
            judge: Judge::new(scenario),
            text: Lines::default(),
            lines: Vec::new(),
            start: Instant::now(),
            heard: Instant::now(),
            complete: None,
            rest: None,
        }
    }

    /// Listens until there is a verdict. Nothing: all lines have come.
    fn listen(
        &mut self,
        line: &Line,
        switch: &mut dyn Switch,
        show: &mut dyn FnMut(&Stamped),
    ) -> Option<What> {
        let mut buffer = [0; PIECE_BYTES];
        self.heard = Instant::now();
        loop {
            if self.complete.is_some_and(|since| since.elapsed() >= self.scenario.settle) {
                return None;
            }
            if let Some(what) = self.is_over() {
                return Some(what);
            }
            // What has ended may have left something to read, so the question comes first.
            let ended = switch.ended();
            match line.read(&mut buffer, LOOK) {
                Heard::Bytes(count) => {
                    if let Some(what) = self.hear(&buffer[..count], show) {
                        return Some(what);
                    }
                }
                Heard::Gone(why) => return self.unless_complete(What::Vanished { why }),
                Heard::Nothing => match ended {
                    Some(Ok(())) => {
                        let how = "the board switched off before it had said all".to_string();
                        return self.unless_complete(What::Ended { how });
                    }
                    Some(Err(how)) => return Some(What::Ended { how }),
                    None => {}
                },
            }
        }
    }

    fn unless_complete(&self, what: What) -> Option<What> {
        if self.complete.is_some() { None } else { Some(what) }
    }

    fn hear(&mut self, bytes: &[u8], show: &mut dyn FnMut(&Stamped)) -> Option<What> {
        self.heard = Instant::now();
        for line in self.text.take(bytes, self.start.elapsed()) {
            show(&line);
            let what = self.judge.take(&line);
            self.lines.push(line);
            if what.is_some() {
                return what;
            }
        }
        match self.judge.missing() {
            Some(_) => self.complete = None,
            None => {
                self.complete.get_or_insert_with(Instant::now);
            }
        }
        None
    }

    /// What the limits say.
    fn is_over(&mut self) -> Option<What> {
        let waited = self.heard.elapsed();
        if self.text.is_hopeless() {
            return Some(What::Garbage { bytes: self.text.bytes() });
        }
        if self.start.elapsed() >= self.scenario.total {
            return Some(self.at_the_end(What::Late { limit: self.scenario.total }));
        }
        let limit = if self.text.bytes() == 0 { self.limits.first } else { self.silence() };
        if self.complete.is_some() || waited < limit {
            return None;
        }
        self.rest = self.text.rest();
        let within_line = self.rest.is_some();
        Some(self.at_the_end(match self.text.bytes() {
            0 => What::Mute { waited },
            _ => What::Silent { waited, within_line },
        }))
    }

    fn silence(&self) -> Duration {
        self.scenario.silence.unwrap_or(self.limits.silence)
    }

    fn at_the_end(&self, what: What) -> What {
        if self.text.is_garbage() { What::Garbage { bytes: self.text.bytes() } } else { what }
    }

    fn judged(&self, real: bool) -> Verdict {
        match self.judge.problem(real) {
            Some(what) => Verdict::Failed(Failure { what, missing: None, last: None }),
            None => Verdict::Passed,
        }
    }

    fn failed(&mut self, what: What) -> Verdict {
        let rest = self.rest.take().or_else(|| self.text.rest());
        if let Some(text) = rest {
            self.lines.push(Stamped { at: self.start.elapsed(), text });
        }
        let missing = self.judge.missing().map(str::to_string);
        let last =
            self.lines.iter().rev().map(|line| &line.text).find(|text| !text.trim().is_empty());
        Verdict::Failed(Failure { what, missing, last: last.cloned() })
    }
}
