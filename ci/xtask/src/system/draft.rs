//! The file as it was written: every value with its place, names not looked up yet.

use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::system::{PARAMETERS, thread_flag};
use toml::de::DeTable;

use super::description::Protocol;
use super::devices::Devices;
use super::fields::Fields;
use super::grants::{self, GrantDraft, ObjectDraft};
use super::parameters;
use super::source::{At, Problem, Problems};

/// The whole file.
pub struct Draft {
    pub name: Option<At<String>>,
    pub cores: Option<At<u64>>,
    pub ram: Option<At<u64>>,
    pub core: Vec<CoreDraft>,
    pub spaces: Vec<SpaceDraft>,
    pub threads: Vec<ThreadDraft>,
    pub memories: Vec<MemoryDraft>,
}

/// `[core.<number>]`
pub struct CoreDraft {
    pub name: At<String>,
    /// The name as a number.
    pub number: Option<u64>,
    pub root: Option<At<String>>,
    pub protocol: Protocol,
    pub cycle_counter: bool,
}

/// `[space.<name>]`
pub struct SpaceDraft {
    pub name: At<String>,
    pub program: At<String>,
    pub slots: Option<At<u64>>,
    pub stock_pages: Option<At<u64>>,
}

/// `[thread.<name>]`
pub struct ThreadDraft {
    pub name: At<String>,
    pub space: At<String>,
    pub core: Option<At<u64>>,
    pub scheduler: Option<At<String>>,
    pub handler: Option<At<String>>,
    pub stack: Option<At<u64>>,
    pub parameters: [u64; PARAMETERS],
    pub flags: Vec<At<u32>>,
    pub power: Option<At<bool>>,
    pub grants: Vec<GrantDraft>,
}

/// `[memory.<name>]`
pub struct MemoryDraft {
    pub name: At<String>,
    pub size: Option<At<u64>>,
    pub base: Option<At<u64>>,
    /// The registers of a device of the board.
    pub is_device: bool,
}

const PROTOCOLS: [(&str, Protocol); 2] = [("direct", Protocol::Direct), ("chain", Protocol::Chain)];

const THREAD_KEYS: [&str; 19] = [
    "space",
    "core",
    "scheduler",
    "handler",
    "stack",
    "parameters",
    "gates",
    "interrupts",
    "ports",
    "devices",
    "memory",
    "threads",
    "spaces",
    "cores",
    "power",
    "state",
    "blocked",
    "ask_blocked",
    "started",
];

/// Reads the top level and everything below it.
pub fn read(table: &DeTable<'_>, devices: &Devices, problems: &mut Problems) -> Draft {
    let known = ["name", "cores", "ram", "core", "space", "thread", "memory"];
    let top = Fields::new(table, 0..0, "a system description", &known, problems);
    let mut draft = Draft {
        name: top.text("name", problems),
        cores: top.number("cores", problems),
        ram: top.size("ram", problems),
        core: tables(&top, "core", core, problems),
        spaces: tables(&top, "space", space, problems),
        threads: tables(
            &top,
            "thread",
            |name, table, problems| thread(name, table, devices, problems),
            problems,
        ),
        memories: tables(&top, "memory", memory, problems),
    };
    device_memories(&mut draft, devices, problems);
    if top.get("name").is_none() {
        top.missing("name", "give the system a name: `name = \"mine\"`", problems);
    }
    if top.get("cores").is_none() {
        top.missing("cores", "say how many cores it needs: `cores = 2`", problems);
    }
    draft
}

fn tables<T>(
    top: &Fields<'_>,
    key: &str,
    read: impl Fn(At<String>, &DeTable<'_>, &mut Problems) -> T,
    problems: &mut Problems,
) -> Vec<T> {
    let tables = top.tables(key, problems);
    tables.into_iter().map(|(name, table)| read(name, table, problems)).collect()
}

fn core(name: At<String>, table: &DeTable<'_>, problems: &mut Problems) -> CoreDraft {
    let known = ["root", "protocol", "cycle_counter"];
    let fields = Fields::new(table, name.span.clone(), "a core", &known, problems);
    if fields.get("root").is_none() {
        let help = "name the thread that schedules this core: `root = \"rr0\"`";
        fields.missing("root", help, problems);
    }
    CoreDraft {
        number: core_number(&name, problems),
        root: fields.text("root", problems),
        protocol: fields.choice("protocol", &PROTOCOLS, problems).unwrap_or(Protocol::Direct),
        cycle_counter: fields.flag("cycle_counter", problems).is_some_and(|flag| flag.value),
        name,
    }
}

fn core_number(name: &At<String>, problems: &mut Problems) -> Option<u64> {
    let number = name.value.parse().ok().filter(|number: &u64| number.to_string() == name.value);
    if number.is_none() {
        let title = format!("`{}` is not the number of a core", name.value);
        let problem = Problem::new(title, &name.span, "not a number");
        problems.add(problem.help("cores are numbered from 0: `[core.0]`"));
    }
    number
}

fn space(name: At<String>, table: &DeTable<'_>, problems: &mut Problems) -> SpaceDraft {
    let known = ["program", "slots", "stock_pages"];
    let fields = Fields::new(table, name.span.clone(), "a space", &known, problems);
    SpaceDraft {
        program: fields.text("program", problems).unwrap_or_else(|| name.clone()),
        slots: fields.number("slots", problems),
        stock_pages: fields.number("stock_pages", problems),
        name,
    }
}

fn thread(
    name: At<String>,
    table: &DeTable<'_>,
    devices: &Devices,
    problems: &mut Problems,
) -> ThreadDraft {
    let fields = Fields::new(table, name.span.clone(), "a thread", &THREAD_KEYS, problems);
    ThreadDraft {
        space: fields.text("space", problems).unwrap_or_else(|| name.clone()),
        core: fields.number("core", problems),
        scheduler: fields.text("scheduler", problems),
        handler: fields.text("handler", problems),
        stack: fields.size("stack", problems),
        parameters: parameters::read(fields.get("parameters"), problems),
        flags: flags(&fields, problems),
        power: fields.flag("power", problems).filter(|power| power.value),
        grants: grants::read(&fields, devices, problems),
        name,
    }
}

/// Bits of [`thread_flag`] with their places.
fn flags(fields: &Fields<'_>, problems: &mut Problems) -> Vec<At<u32>> {
    let keys = [
        ("state", true, thread_flag::EDGE_STATE),
        ("blocked", true, thread_flag::EDGE_BLOCKED),
        ("ask_blocked", true, thread_flag::ASK_BLOCKED),
        ("started", false, thread_flag::STOPPED),
    ];
    let mut flags = Vec::new();
    for (key, value, bit) in keys {
        if let Some(flag) = fields.flag(key, problems).filter(|flag| flag.value == value) {
            flags.push(At::new(bit, flag.span));
        }
    }
    flags
}

/// Adds the registers of devices that threads name and that are in memory, each once.
fn device_memories(draft: &mut Draft, devices: &Devices, problems: &mut Problems) {
    let Draft { threads, memories, .. } = draft;
    for grant in threads.iter().flat_map(|thread| &thread.grants) {
        let ObjectDraft::Memory { of, device: true, .. } = &grant.object else { continue };
        let Some(found) = devices.get(&of.value).and_then(|device| device.memory) else { continue };
        let same = memories.iter().find(|memory| memory.name.value == of.value);
        if let Some(memory) = same.filter(|memory| !memory.is_device) {
            let title = format!("the memory `{}` is called as a device of the board", of.value);
            let problem = Problem::new(title, &memory.name.span, "this memory");
            let problem = problem.related(&of.span, "this device");
            problems.add(problem.help("give the memory another name"));
        }
        if same.is_none() {
            memories.push(MemoryDraft {
                name: of.clone(),
                size: Some(At::new(found.pages * PAGE_SIZE, of.span.clone())),
                base: Some(At::new(found.base, of.span.clone())),
                is_device: true,
            });
        }
    }
}

fn memory(name: At<String>, table: &DeTable<'_>, problems: &mut Problems) -> MemoryDraft {
    let fields = Fields::new(table, name.span.clone(), "a memory", &["size", "base"], problems);
    if fields.get("size").is_none() {
        fields.missing("size", "say how large it is: `size = \"4K\"`", problems);
    }
    let (size, base) = (fields.size("size", problems), fields.number("base", problems));
    MemoryDraft { name, size, base, is_device: false }
}
