//! What a thread is given: the lists in its table.
//!
//! An entry is a table, or only a name (for a core: its number) where all else has a default.

use cedo_abi::Rights;
use toml::de::{DeTable, DeValue};

use super::devices::{self, Devices};
use super::fields::{Fields, wrong};
use super::source::{At, Problem, Problems, Span};

/// A capability as it was written.
pub struct GrantDraft {
    /// What the thread looks it up by.
    pub name: At<String>,
    pub rights: Rights,
    pub object: ObjectDraft,
}

/// What it names.
pub enum ObjectDraft {
    Gate {
        to: At<String>,
        badge: Option<At<u64>>,
    },
    Thread {
        of: At<String>,
    },
    Space {
        of: At<String>,
    },
    Core {
        of: At<u64>,
    },
    /// `device`: the registers of a device of the board.
    Memory {
        of: At<String>,
        at: Option<At<u64>>,
        map: bool,
        device: bool,
    },
    Irq {
        line: At<u64>,
        trigger: u64,
        badge: Option<At<u64>>,
    },
    Ports {
        first: At<u64>,
        count: At<u64>,
    },
    Lines {
        first: At<u64>,
        count: At<u64>,
    },
}

const GATE: [(&str, Rights); 4] = [
    ("send", Rights::SEND),
    ("call", Rights::CALL),
    ("donate", Rights::DONATE),
    ("handover", Rights::HANDOVER),
];
const THREAD: [(&str, Rights); 3] =
    [("control", Rights::CONTROL), ("adopt", Rights::ADOPT), ("state", Rights::STATE)];
const CONTROL: [(&str, Rights); 1] = [("control", Rights::CONTROL)];
const ACCESS: [(&str, Rights); 4] = [
    ("r", Rights::READ),
    ("rw", Rights::READ.or(Rights::WRITE)),
    ("rx", Rights::READ.or(Rights::EXECUTE)),
    ("rwx", Rights::READ.or(Rights::WRITE).or(Rights::EXECUTE)),
];
const TRIGGERS: [(&str, u64); 2] = [("edge", 0), ("level", 1)];

/// Reads one entry that is a table; `None` where it cannot be understood.
type FromTable = fn(&Fields<'_>, &Devices, &mut Problems) -> Option<GrantDraft>;

/// Key of a thread, what an entry is called, keys of an entry, reader.
const LISTS: [(&str, &str, &[&str], FromTable); 9] = [
    ("gates", "a gate", &["to", "rights", "badge", "name"], gate),
    ("threads", "a thread capability", &["of", "rights", "name"], thread),
    ("spaces", "a space capability", &["of", "rights", "name"], space),
    ("cores", "a core capability", &["of", "rights", "name"], core),
    ("memory", "a mapping", &["of", "at", "map", "access", "objects", "name"], memory),
    ("interrupts", "an interrupt", &["line", "trigger", "badge", "name", "optional"], interrupt),
    ("ports", "a range of ports", &["first", "count", "name"], ports),
    ("lines", "a range of interrupt lines", &["first", "count", "name"], lines),
    ("devices", "a device", &["of", "name", "optional"], device),
];

/// All lists of a thread.
pub fn read(thread: &Fields<'_>, devices: &Devices, problems: &mut Problems) -> Vec<GrantDraft> {
    let mut grants = Vec::new();
    for (key, what, known, from_table) in LISTS {
        for value in thread.list(key, problems) {
            // A lone name or number stands for the first key of a table.
            let mut short = DeTable::new();
            let table = match value.get_ref() {
                DeValue::Table(table) => table,
                DeValue::String(_) | DeValue::Integer(_) => {
                    let key = toml::Spanned::new(value.span(), known[0].into());
                    short.insert(key, value.clone());
                    &short
                }
                _ => {
                    wrong::<()>(value, &format!("{what}: a name or a table"), problems);
                    continue;
                }
            };
            let fields = Fields::new(table, value.span(), what, known, problems);
            if fields.get(known[0]).is_none() {
                let help = format!("{what} needs at least `{}`", known[0]);
                fields.missing(known[0], &help, problems);
            }
            grants.extend(from_table(&fields, devices, problems));
        }
    }
    grants
}

fn gate(fields: &Fields<'_>, _: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let badge = fields.number("badge", problems);
    let default = Rights::SEND.or(Rights::CALL).or(Rights::DONATE);
    let rights = fields.rights(&GATE, default, problems);
    let to = fields.text("to", problems)?;
    let name = name_or(fields, &to.value, &to.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Gate { to, badge } })
}

fn thread(fields: &Fields<'_>, _: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let rights = fields.rights(&THREAD, Rights::CONTROL, problems);
    let of = fields.text("of", problems)?;
    let name = name_or(fields, &of.value, &of.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Thread { of } })
}

fn space(fields: &Fields<'_>, _: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let rights = fields.rights(&CONTROL, Rights::CONTROL, problems);
    let of = fields.text("of", problems)?;
    let name = name_or(fields, &of.value, &of.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Space { of } })
}

fn core(fields: &Fields<'_>, _: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let rights = fields.rights(&CONTROL, Rights::CONTROL, problems);
    let of = fields.number("of", problems)?;
    let name = name_or(fields, &format!("core{}", of.value), &of.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Core { of } })
}

fn memory(fields: &Fields<'_>, _: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let default = Rights::READ.or(Rights::WRITE);
    let rights = fields.choice("access", &ACCESS, problems).unwrap_or(default);
    let objects = fields.flag("objects", problems).is_some_and(|objects| objects.value);
    let rights = if objects { rights.or(Rights::OBJECTS) } else { rights };
    let at = fields.number("at", problems);
    let map = fields.flag("map", problems);
    if let (Some(at), Some(map)) = (&at, map.as_ref().filter(|map| !map.value)) {
        let problem = Problem::new("an address without a mapping", &at.span, "maps it");
        problems.add(problem.related(&map.span, "does not map it"));
    }
    let of = fields.text("of", problems)?;
    let name = name_or(fields, &of.value, &of.span, problems);
    let map = map.is_none_or(|map| map.value);
    Some(GrantDraft { name, rights, object: ObjectDraft::Memory { of, at, map, device: false } })
}

/// A line by its number, or by the name of the device that it belongs to.
fn interrupt(
    fields: &Fields<'_>,
    devices: &Devices,
    problems: &mut Problems,
) -> Option<GrantDraft> {
    let chosen = fields.choice("trigger", &TRIGGERS, problems);
    let badge = fields.number("badge", problems);
    let is_device = matches!(fields.get("line")?.get_ref(), DeValue::String(_));
    let (line, usual, name) = if is_device {
        let of = fields.text("line", problems)?;
        let Some(interrupt) = find(fields, &of, devices, problems)?.interrupt else {
            let title = format!("the device `{}` has no interrupt", of.value);
            problems.add(Problem::new(title, &of.span, "on this board"));
            return None;
        };
        let usual = u64::from(interrupt.trigger == devices::Trigger::Level);
        (At::new(interrupt.line, of.span), usual, of.value)
    } else {
        let line = fields.number("line", problems)?;
        let name = format!("line{}", line.value);
        (line, 0, name)
    };
    let trigger = chosen.unwrap_or(usual);
    let name = name_or(fields, &name, &line.span, problems);
    let object = ObjectDraft::Irq { line, trigger, badge };
    Some(GrantDraft { name, rights: Rights::CONTROL, object })
}

/// First and count of a range; a lone number is a range of one.
fn range(fields: &Fields<'_>, problems: &mut Problems) -> Option<(At<u64>, At<u64>)> {
    let first = fields.number("first", problems)?;
    let one = At::new(1, first.span.clone());
    let count = fields.number("count", problems).unwrap_or(one);
    Some((first, count))
}

/// Interrupt lines of which the thread makes Irqs by itself.
fn lines(fields: &Fields<'_>, _: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let (first, count) = range(fields, problems)?;
    let name = name_or(fields, &format!("lines{}", first.value), &first.span, problems);
    Some(GrantDraft { name, rights: Rights::CONTROL, object: ObjectDraft::Lines { first, count } })
}

fn ports(fields: &Fields<'_>, _: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let (first, count) = range(fields, problems)?;
    let name = name_or(fields, &format!("ports{:x}", first.value), &first.span, problems);
    let object = ObjectDraft::Ports { first, count };
    Some(GrantDraft { name, rights: Rights::READ.or(Rights::WRITE), object })
}

/// The registers of a device of the board, ports or memory.
fn device(fields: &Fields<'_>, devices: &Devices, problems: &mut Problems) -> Option<GrantDraft> {
    let of = fields.text("of", problems)?;
    let found = find(fields, &of, devices, problems)?;
    let name = name_or(fields, &of.value, &of.span, problems);
    let object = match found.ports {
        Some(ports) => ObjectDraft::Ports {
            first: At::new(ports.first, of.span.clone()),
            count: At::new(ports.count, of.span),
        },
        None => ObjectDraft::Memory { of, at: None, map: true, device: true },
    };
    Some(GrantDraft { name, rights: Rights::READ.or(Rights::WRITE), object })
}

/// The device called `of`. It is a problem that the board has none, unless the entry is optional: then
/// the thread does without.
fn find<'a>(
    fields: &Fields<'_>,
    of: &At<String>,
    devices: &'a Devices,
    problems: &mut Problems,
) -> Option<&'a devices::Device> {
    let found = devices.get(&of.value);
    let optional = fields.flag("optional", problems).is_some_and(|optional| optional.value);
    if found.is_none() && !optional {
        let title = format!("the board has no device `{}`", of.value);
        let problem = Problem::new(title, &of.span, "no such device");
        let names: Vec<_> = devices.names().map(|name| format!("`{name}`")).collect();
        problems.add(problem.help(match names.as_slice() {
            [] => "this board names no device".to_string(),
            _ => format!("there are {}", names.join(", ")),
        }));
    }
    found
}

fn name_or(fields: &Fields<'_>, default: &str, span: &Span, problems: &mut Problems) -> At<String> {
    fields.text("name", problems).unwrap_or_else(|| At::new(default.to_string(), span.clone()))
}
