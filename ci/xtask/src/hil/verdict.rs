//! What came of playing a scenario, in words that say what to look at.

use std::fmt;
use std::time::Duration;

/// Letters of a board's line that are shown.
const SHOWN_LETTERS: usize = 200;

/// How it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All lines came, nothing that may not, and all figures are within their bounds.
    Passed,
    /// The board did something else.
    Failed(Failure),
    /// The rig did not do its part: nothing is known about the board.
    Rig(String),
}

/// What the board did, and where it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub what: What,
    /// The expected line that had not come.
    pub missing: Option<String>,
    /// The last line that did come.
    pub last: Option<String>,
}

/// What the board did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// It never said anything.
    Mute { waited: Duration },
    /// It fell silent.
    Silent { waited: Duration, within_line: bool },
    /// It went on talking, but the time was over.
    Late { limit: Duration },
    /// It said what it may not say.
    Forbidden { line: String },
    /// It starts over and over.
    Loop { starts: usize, time: Duration },
    /// It started once more than it should.
    Restarted,
    /// What arrives is no text.
    Garbage { bytes: usize },
    /// The serial device vanished.
    Vanished { why: String },
    /// It switched off, or its emulator ended.
    Ended { how: String },
    /// A figure is missing or out of its bounds; all of them.
    Bounds { problems: Vec<String> },
}

impl Verdict {
    /// True if it passed.
    pub fn is_passed(&self) -> bool {
        *self == Self::Passed
    }

    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Rig(_) => "error",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Rig(reason) => write!(f, "the rig failed: {reason}"),
            Self::Failed(Failure { what, missing, last }) => {
                write!(f, "{what}")?;
                if let Some(missing) = missing {
                    write!(f, "\n  expected next: {missing}")?;
                }
                match last {
                    Some(last) => write!(f, "\n  last line:     {}", short(last)),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mute { waited } => write!(
                f,
                "the board said nothing for {}; look at its power, at the wires of the serial line, \
                 and whether it found something to boot",
                seconds(*waited)
            ),
            Self::Silent { waited, within_line } => {
                let place = if *within_line { "in the middle of a line" } else { "after a line" };
                write!(
                    f,
                    "the board fell silent {place} and stayed so for {}; it hangs, or lost its power",
                    seconds(*waited)
                )
            }
            Self::Late { limit } => write!(
                f,
                "the board still talks after {}, but has not said all that is expected",
                seconds(*limit)
            ),
            Self::Forbidden { line } => {
                write!(f, "the board said what it must not: {}", short(line))
            }
            Self::Loop { starts, time } => write!(
                f,
                "the board resets in a loop: it started {starts} times in {}; look at what it said \
                 last before it started again, and at its power supply",
                seconds(*time)
            ),
            Self::Restarted => write!(
                f,
                "the board started again in the middle: it was reset, or lost its power for a moment"
            ),
            Self::Garbage { bytes } => write!(
                f,
                "what arrives is no text ({bytes} bytes); look at the speed of the line (baud), and \
                 whether the wires are those of the console"
            ),
            Self::Vanished { why } => write!(
                f,
                "the serial device vanished ({why}); look at the plug of the adapter, and whether it \
                 draws its power from the board"
            ),
            Self::Ended { how } => write!(f, "{how}"),
            Self::Bounds { problems } => write!(f, "out of bounds:\n  {}", problems.join("\n  ")),
        }
    }
}

/// A line that is too long to be shown, cut.
fn short(line: &str) -> String {
    match line.char_indices().nth(SHOWN_LETTERS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_string(),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f32())
}
