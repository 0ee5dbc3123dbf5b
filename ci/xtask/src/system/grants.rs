//! What a thread is given: the lists in its table.
//!
//! An entry is a table, or only a name (for a core: its number) where all else has a default.

use cedo_abi::Rights;
use toml::de::{DeTable, DeValue};

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
    Gate { to: At<String>, badge: Option<At<u64>> },
    Thread { of: At<String> },
    Space { of: At<String> },
    Core { of: At<u64> },
    Memory { of: At<String>, at: Option<At<u64>>, map: bool },
    Irq { line: At<u64>, trigger: u64, badge: Option<At<u64>> },
    Ports { first: At<u64>, count: At<u64> },
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
type FromTable = fn(&Fields<'_>, &mut Problems) -> Option<GrantDraft>;

/// Key of a thread, what an entry is called, keys of an entry, reader.
const LISTS: [(&str, &str, &[&str], FromTable); 7] = [
    ("gates", "a gate", &["to", "rights", "badge", "name"], gate),
    ("threads", "a thread capability", &["of", "rights", "name"], thread),
    ("spaces", "a space capability", &["of", "rights", "name"], space),
    ("cores", "a core capability", &["of", "rights", "name"], core),
    ("memory", "a mapping", &["of", "at", "map", "access", "objects", "name"], memory),
    ("interrupts", "an interrupt", &["line", "trigger", "badge", "name"], interrupt),
    ("ports", "a range of ports", &["first", "count", "name"], ports),
];

/// All lists of a thread.
pub fn read(thread: &Fields<'_>, problems: &mut Problems) -> Vec<GrantDraft> {
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
            grants.extend(from_table(&fields, problems));
        }
    }
    grants
}

fn gate(fields: &Fields<'_>, problems: &mut Problems) -> Option<GrantDraft> {
    let badge = fields.number("badge", problems);
    let default = Rights::SEND.or(Rights::CALL).or(Rights::DONATE);
    let rights = fields.rights(&GATE, default, problems);
    let to = fields.text("to", problems)?;
    let name = name_or(fields, &to.value, &to.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Gate { to, badge } })
}

fn thread(fields: &Fields<'_>, problems: &mut Problems) -> Option<GrantDraft> {
    let rights = fields.rights(&THREAD, Rights::CONTROL, problems);
    let of = fields.text("of", problems)?;
    let name = name_or(fields, &of.value, &of.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Thread { of } })
}

fn space(fields: &Fields<'_>, problems: &mut Problems) -> Option<GrantDraft> {
    let rights = fields.rights(&CONTROL, Rights::CONTROL, problems);
    let of = fields.text("of", problems)?;
    let name = name_or(fields, &of.value, &of.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Space { of } })
}

fn core(fields: &Fields<'_>, problems: &mut Problems) -> Option<GrantDraft> {
    let rights = fields.rights(&CONTROL, Rights::CONTROL, problems);
    let of = fields.number("of", problems)?;
    let name = name_or(fields, &format!("core{}", of.value), &of.span, problems);
    Some(GrantDraft { name, rights, object: ObjectDraft::Core { of } })
}

fn memory(fields: &Fields<'_>, problems: &mut Problems) -> Option<GrantDraft> {
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
    Some(GrantDraft { name, rights, object: ObjectDraft::Memory { of, at, map } })
}

fn interrupt(fields: &Fields<'_>, problems: &mut Problems) -> Option<GrantDraft> {
    let trigger = fields.choice("trigger", &TRIGGERS, problems).unwrap_or(0);
    let badge = fields.number("badge", problems);
    let line = fields.number("line", problems)?;
    let name = name_or(fields, &format!("line{}", line.value), &line.span, problems);
    let object = ObjectDraft::Irq { line, trigger, badge };
    Some(GrantDraft { name, rights: Rights::CONTROL, object })
}

fn ports(fields: &Fields<'_>, problems: &mut Problems) -> Option<GrantDraft> {
    let first = fields.number("first", problems)?;
    let one = At::new(1, first.span.clone());
    let count = fields.number("count", problems).unwrap_or(one);
    let name = name_or(fields, &format!("ports{:x}", first.value), &first.span, problems);
    let object = ObjectDraft::Ports { first, count };
    Some(GrantDraft { name, rights: Rights::READ.or(Rights::WRITE), object })
}

fn name_or(fields: &Fields<'_>, default: &str, span: &Span, problems: &mut Problems) -> At<String> {
    fields.text("name", problems).unwrap_or_else(|| At::new(default.to_string(), span.clone()))
}
