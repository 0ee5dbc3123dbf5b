//! Looks names up: what each thread, core and grant points at.
//!
//! What could not be found was reported and is `None`, so that later checks pass over it.

use cedo_abi::MAX_CORES;

use super::draft::{Draft, ThreadDraft};
use super::grants::ObjectDraft;
use super::source::{At, Problem, Problems, nearest};

/// The name of the first server, which every system has.
pub const INIT: &str = cedo_abi::archive::INIT;

/// What the names of a draft mean, by index.
pub struct Links {
    /// Root of each core from 0, where there is one.
    pub roots: Vec<Option<usize>>,
    /// By thread.
    pub threads: Vec<ThreadLinks>,
}

/// What one thread points at.
pub struct ThreadLinks {
    pub space: Option<usize>,
    /// A root's is itself.
    pub scheduler: Option<usize>,
    pub handler: Handler,
    pub core: Option<usize>,
    /// Thread, space, memory or core of each grant; `Some(0)` where it points at none of them.
    pub grants: Vec<Option<usize>>,
}

/// Who handles a thread's faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handler {
    Init,
    Thread(usize),
    Unknown,
}

/// Looks everything up.
pub fn resolve(draft: &Draft, problems: &mut Problems) -> Links {
    let roots = roots(draft, problems);
    let mut threads: Vec<_> = draft
        .threads
        .iter()
        .enumerate()
        .map(|(index, thread)| links_of(draft, index, thread, &roots, problems))
        .collect();
    for index in 0..threads.len() {
        threads[index].core = core_of(draft, &threads, &roots, index);
    }
    Links { roots, threads }
}

fn links_of(
    draft: &Draft,
    index: usize,
    thread: &ThreadDraft,
    roots: &[Option<usize>],
    problems: &mut Problems,
) -> ThreadLinks {
    let scheduler = match &thread.scheduler {
        Some(scheduler) => find_thread(draft, scheduler, "scheduler", problems),
        None if roots.contains(&Some(index)) => Some(index),
        None => {
            let title = format!("thread `{}` has no scheduler", thread.name.value);
            let problem = Problem::new(title, &thread.name.span, "nobody would ever run it");
            let help = "name a thread: `scheduler = \"...\"`, or make it the `root` of a core";
            problems.add(problem.help(help));
            None
        }
    };
    let handler = match &thread.handler {
        None => Handler::Init,
        Some(name) if name.value == INIT => Handler::Init,
        Some(name) => match find_thread(draft, name, "fault handler", problems) {
            Some(handler) => Handler::Thread(handler),
            None => Handler::Unknown,
        },
    };
    let grants = thread.grants.iter().map(|grant| target(draft, &grant.object, problems)).collect();
    let spaces = draft.spaces.iter().map(|space| &space.name);
    let space = find(&thread.space, "space", spaces, problems);
    ThreadLinks { space, scheduler, handler, core: None, grants }
}

fn target(draft: &Draft, object: &ObjectDraft, problems: &mut Problems) -> Option<usize> {
    match object {
        ObjectDraft::Gate { to, .. } => find_thread(draft, to, "thread", problems),
        ObjectDraft::Thread { of } => find_thread(draft, of, "thread", problems),
        ObjectDraft::Space { of } => {
            find(of, "space", draft.spaces.iter().map(|space| &space.name), problems)
        }
        ObjectDraft::Memory { of, .. } => {
            find(of, "memory", draft.memories.iter().map(|memory| &memory.name), problems)
        }
        ObjectDraft::Core { of } => existing_core(draft, of, problems),
        ObjectDraft::Irq { .. } | ObjectDraft::Ports { .. } | ObjectDraft::Lines { .. } => Some(0),
    }
}

fn find_thread(
    draft: &Draft,
    name: &At<String>,
    what: &str,
    problems: &mut Problems,
) -> Option<usize> {
    find(name, what, draft.threads.iter().map(|thread| &thread.name), problems)
}

fn find<'a>(
    wanted: &At<String>,
    what: &str,
    names: impl Iterator<Item = &'a At<String>> + Clone,
    problems: &mut Problems,
) -> Option<usize> {
    if let Some(index) = names.clone().position(|name| name.value == wanted.value) {
        return Some(index);
    }
    let title = format!("unknown {what} `{}`", wanted.value);
    let table = if matches!(what, "space" | "memory") { what } else { "thread" };
    let label = format!("there is no `[{table}.{}]`", wanted.value);
    let help = match nearest(&wanted.value, names.map(|name| name.value.as_str())) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if wanted.value == INIT => "init can be a fault handler and nothing else".to_string(),
        None => format!("add a table `[{table}.{}]`", wanted.value),
    };
    problems.add(Problem::new(title, &wanted.span, label).help(help));
    None
}

/// The roots by core; reports cores that are too many, missing, or have no known root.
fn roots(draft: &Draft, problems: &mut Problems) -> Vec<Option<usize>> {
    let cores = number_of_cores(draft, problems);
    let mut roots: Vec<Option<usize>> = vec![None; cores];
    for core in &draft.core {
        let root = core
            .root
            .as_ref()
            .and_then(|root| find_thread(draft, root, "root scheduler", problems));
        let Some(number) = core.number.map(|number| At::new(number, core.name.span.clone())) else {
            continue;
        };
        if draft.cores.is_none() {
            continue;
        }
        if let Some(number) = existing_core(draft, &number, problems) {
            roots[number] = root;
        }
    }
    for number in 0..cores {
        let described = draft.core.iter().any(|core| core.number == Some(number as u64));
        if let (false, Some(cores)) = (described, &draft.cores) {
            let title = format!("core {number} has no root scheduler");
            let label = format!("there is no `[core.{number}]`");
            let help =
                format!("add `[core.{number}]` with `root = \"...\"`, or ask for fewer cores");
            problems.add(Problem::new(title, &cores.span, label).help(help));
        }
    }
    roots
}

fn number_of_cores(draft: &Draft, problems: &mut Problems) -> usize {
    let Some(cores) = &draft.cores else { return 0 };
    if cores.value == 0 || cores.value > MAX_CORES as u64 {
        let title = format!("{} cores are not possible", cores.value);
        let label = format!("must be from 1 to {MAX_CORES}");
        problems.add(Problem::new(title, &cores.span, label));
    }
    cores.value.min(MAX_CORES as u64) as usize
}

/// The number of a core, if the description asks for that many.
pub fn existing_core(draft: &Draft, core: &At<u64>, problems: &mut Problems) -> Option<usize> {
    let cores = draft.cores.as_ref()?;
    if core.value < cores.value && core.value < MAX_CORES as u64 {
        return Some(core.value as usize);
    }
    if cores.value <= MAX_CORES as u64 && cores.value > 0 {
        let title = format!("there is no core {}", core.value);
        let label = format!("the last one is {}", cores.value - 1);
        let problem = Problem::new(title, &core.span, label);
        problems.add(problem.related(&cores.span, "cores are counted here"));
    }
    None
}

/// A thread's core: as written, else its root's.
fn core_of(
    draft: &Draft,
    threads: &[ThreadLinks],
    roots: &[Option<usize>],
    index: usize,
) -> Option<usize> {
    let mut at = index;
    for _ in 0..threads.len() {
        if let Some(core) = roots.iter().position(|root| *root == Some(at)) {
            return Some(core);
        }
        if let Some(core) = &draft.threads[at].core {
            return usize::try_from(core.value).ok().filter(|core| *core < roots.len());
        }
        at = threads[at].scheduler?;
    }
    None
}
