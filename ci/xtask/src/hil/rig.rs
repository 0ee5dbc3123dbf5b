//! Rigs (`hil/rigs/*.toml`): a board, the lines to it, its power, and the way an image gets there.

use super::scenario::about;
use crate::board::Board;
use crate::system::fields::{self, Fields};
use crate::system::source::Problems;
use std::path::PathBuf;
use std::time::Duration;

/// A rig.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rig {
    pub name: String,
    /// Its first comment line.
    pub about: String,
    pub board: Board,
    pub kind: Kind,
    pub limits: Limits,
}

/// What the board is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An emulator, at the other end of a pseudo-terminal.
    Emulator,
    /// A real board.
    Board(Wiring),
}

/// What leads to a real board.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wiring {
    pub console: Console,
    /// A second line, with the kernel's binary log.
    pub log: Option<Port>,
    /// Commands for its power.
    pub power: Power,
    pub boot: Boot,
    /// A Raspberry Pi's firmware, to be delivered with the system.
    pub firmware: Option<PathBuf>,
}

/// The way to the console.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Console {
    /// A serial device of this host.
    Port(Port),
    /// A program that shows it, such as a lab manager's: it runs at a pseudo-terminal.
    Command(String),
}

/// A serial device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Port {
    pub device: PathBuf,
    pub baud: u32,
}

/// Commands of the shell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Power {
    pub off: String,
    pub on: String,
}

/// How a system gets to the board.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Boot {
    /// An image, written by a command to a card that a switch (mux) moves between host and board.
    Image { command: String },
    /// A folder that a boot server gives out.
    Netboot { folder: PathBuf },
    /// It is there already.
    Nothing,
}

/// Limits of the rig, whatever it plays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// From power to the first byte.
    pub first: Duration,
    /// Between two pieces of output.
    pub silence: Duration,
    /// For each command.
    pub command: Duration,
    /// How long the power stays off.
    pub off: Duration,
}

const KEYS: [&str; 7] = ["kind", "board", "console", "log", "power", "boot", "limits"];
const LIMIT_KEYS: [&str; 4] = ["first_s", "silence_s", "command_s", "off_ms"];
const USUAL_BAUD: u64 = 115_200;

/// Kinds of rig, by the word in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Emulator,
    Board,
}

#[derive(Clone, Copy)]
enum Method {
    Image,
    Netboot,
    Nothing,
}

const KINDS: [(&str, Word); 2] = [("qemu", Word::Emulator), ("board", Word::Board)];
const METHODS: [(&str, Method); 3] =
    [("image", Method::Image), ("netboot", Method::Netboot), ("nothing", Method::Nothing)];

/// Checks the text of a file called `file`.
pub fn parse(name: &str, file: &str, source: &str) -> Result<Rig, String> {
    fields::read("the rig", file, source, |table, problems| {
        let fields = Fields::new(table, 0..0, "a rig", &KEYS, problems);
        let boards = Board::ALL.map(|board| (board.name(), board));
        let board = required(&fields, "board", &boards, "name the board", problems);
        let word = required(&fields, "kind", &KINDS, "`board`, or `qemu`", problems);
        let limits = limits(&fields, problems);
        let kind = match word? {
            Word::Emulator => Kind::Emulator,
            Word::Board => Kind::Board(wiring(&fields, problems)?),
        };
        let (name, about) = (name.to_string(), about(source));
        Some(Rig { name, about, board: board?, kind, limits })
    })
}

fn required<T: Copy>(
    fields: &Fields<'_>,
    key: &str,
    choices: &[(&str, T)],
    help: &str,
    problems: &mut Problems,
) -> Option<T> {
    if fields.get(key).is_none() {
        fields.missing(key, help, problems);
        return None;
    }
    fields.choice(key, choices, problems)
}

/// A table under a key. `None`, with a problem, if it is missing and needed.
fn table<'a>(
    fields: &Fields<'a>,
    key: &str,
    known: &[&str],
    help: Option<&str>,
    problems: &mut Problems,
) -> Option<Fields<'a>> {
    let Some(value) = fields.get(key) else {
        if let Some(help) = help {
            fields.missing(key, help, problems);
        }
        return None;
    };
    match value.get_ref() {
        toml::de::DeValue::Table(table) => {
            let what = format!("`{key}`");
            Some(Fields::new(table, value.span(), &what, known, problems))
        }
        _ => fields::wrong(value, &format!("a table: `[{key}]`"), problems),
    }
}

fn wiring(fields: &Fields<'_>, problems: &mut Problems) -> Option<Wiring> {
    let console = table(
        fields,
        "console",
        &["device", "baud", "command"],
        Some("a board needs `[console]` with `device` or `command`"),
        problems,
    );
    let console = console.and_then(|table| read_console(&table, problems));
    let log = table(fields, "log", &["device", "baud"], None, problems);
    let log = log.and_then(|table| port(&table, problems));
    let help = "a board needs `[power]` with the commands `off` and `on`";
    let power = table(fields, "power", &["off", "on"], Some(help), problems);
    let power = power.and_then(|table| {
        let off = needed(&table, "off", "the command that takes the power away", problems);
        let on = needed(&table, "on", "the command that gives it", problems);
        Some(Power { off: off?, on: on? })
    });
    let help = "a board needs `[boot]` with `method`: `image`, `netboot` or `nothing`";
    let boot =
        table(fields, "boot", &["method", "command", "folder", "firmware"], Some(help), problems)?;
    let firmware = boot.text("firmware", problems).map(|text| text.value.into());
    let boot = read_boot(&boot, problems);
    Some(Wiring { console: console?, log, power: power?, boot: boot?, firmware })
}

fn read_console(table: &Fields<'_>, problems: &mut Problems) -> Option<Console> {
    if table.get("device").is_none()
        && let Some(command) = table.text("command", problems)
    {
        return Some(Console::Command(command.value));
    }
    port(table, problems).map(Console::Port)
}

fn port(table: &Fields<'_>, problems: &mut Problems) -> Option<Port> {
    let device = needed(table, "device", "such as \"/dev/serial/by-id/usb-...\"", problems);
    let baud = table.number("baud", problems).map_or(USUAL_BAUD, |baud| baud.value);
    Some(Port { device: device?.into(), baud: u32::try_from(baud).unwrap_or(u32::MAX) })
}

fn read_boot(table: &Fields<'_>, problems: &mut Problems) -> Option<Boot> {
    let help = "`image`, `netboot` or `nothing`";
    Some(match required(table, "method", &METHODS, help, problems)? {
        Method::Image => {
            let help = "the command that writes $CEDO_IMAGE to the board's card";
            Boot::Image { command: needed(table, "command", help, problems)? }
        }
        Method::Netboot => {
            let help = "the folder that the boot server gives out";
            Boot::Netboot { folder: needed(table, "folder", help, problems)?.into() }
        }
        Method::Nothing => Boot::Nothing,
    })
}

fn needed(table: &Fields<'_>, key: &str, help: &str, problems: &mut Problems) -> Option<String> {
    if table.get(key).is_none() {
        table.missing(key, help, problems);
    }
    table.text(key, problems).map(|text| text.value)
}

fn limits(fields: &Fields<'_>, problems: &mut Problems) -> Limits {
    let table = table(fields, "limits", &LIMIT_KEYS, None, problems);
    let mut number = |key: &str, usual: u64| {
        let table = table.as_ref();
        table.and_then(|table| table.number(key, problems)).map_or(usual, |number| number.value)
    };
    Limits {
        first: Duration::from_secs(number("first_s", 30)),
        silence: Duration::from_secs(number("silence_s", 30)),
        command: Duration::from_secs(number("command_s", 60)),
        off: Duration::from_millis(number("off_ms", 2000)),
    }
}
