//! Checks of the scheduling tree and of fault handlers.

use cedo_abi::MAX_DEPTH;
use cedo_abi::system::{MAX_CHILDREN, thread_flag};

use super::draft::Draft;
use super::links::{Handler, Links, existing_core};
use super::source::{Problem, Problems};

/// All checks of this file.
pub fn check(draft: &Draft, links: &Links, problems: &mut Problems) {
    for index in 0..draft.threads.len() {
        if links.roots.contains(&Some(index)) {
            root(draft, links, index, problems);
        } else {
            no_root(draft, index, problems);
        }
        core(draft, links, index, problems);
        chain(draft, links, index, problems);
        handler(draft, links, index, problems);
        children(draft, links, index, problems);
    }
    for (number, root) in links.roots.iter().enumerate() {
        let other = links.roots[..number].iter().position(|other| other == root);
        if let (Some(root), Some(other)) = (root, other) {
            let name = &draft.threads[*root].name;
            let title = format!("`{}` is the root of two cores", name.value);
            let label = format!("root of core {other} and of core {number}");
            let problem = Problem::new(title, &name.span, label);
            problems.add(problem.help("a thread lives on one core: describe another thread"));
        }
    }
}

/// What a root must not have.
fn root(draft: &Draft, links: &Links, index: usize, problems: &mut Problems) {
    let thread = &draft.threads[index];
    if let Some(scheduler) = &thread.scheduler {
        let title = format!("the root scheduler `{}` has a scheduler", thread.name.value);
        let problem = Problem::new(title, &scheduler.span, "a root is its own scheduler");
        problems.add(problem.help("remove this line, or choose another `root` for the core"));
    }
    for flag in &thread.flags {
        let label = match flag.value {
            thread_flag::STOPPED => "a root runs from the start",
            thread_flag::EDGE_STATE | thread_flag::EDGE_BLOCKED => "it has no scheduler to tell",
            _ => continue,
        };
        let title = format!("not possible for the root scheduler `{}`", thread.name.value);
        problems.add(Problem::new(title, &flag.span, label).help("remove this key"));
    }
    let own = links.roots.iter().position(|root| *root == Some(index));
    if let (Some(core), Some(own)) = (&thread.core, own)
        && core.value != own as u64
        && existing_core(draft, core, &mut Problems::default()).is_some()
    {
        let title = format!("`{}` is the root of core {own}", thread.name.value);
        let label = format!("and cannot live on core {}", core.value);
        problems.add(Problem::new(title, &core.span, label).help("remove this line"));
    }
}

/// What only a root has.
fn no_root(draft: &Draft, index: usize, problems: &mut Problems) {
    let thread = &draft.threads[index];
    for flag in thread.flags.iter().filter(|flag| flag.value == thread_flag::QUIET) {
        let title = format!("`{}` is not the root scheduler of a core", thread.name.value);
        let problem = Problem::new(title, &flag.span, "only a root can let its core halt unheard");
        problems.add(problem.help("remove this key"));
    }
}

/// Home cores exist, and a thread lives where its scheduler does.
fn core(draft: &Draft, links: &Links, index: usize, problems: &mut Problems) {
    let thread = &draft.threads[index];
    let Some(written) = &thread.core else { return };
    let Some(own) = existing_core(draft, written, problems) else { return };
    let Some(scheduler) = links.threads[index].scheduler.filter(|other| *other != index) else {
        return;
    };
    let Some(core) = links.threads[scheduler].core.filter(|core| *core != own) else { return };
    let name = &draft.threads[scheduler].name;
    let title = format!("the scheduler of `{}` is on another core", thread.name.value);
    let label = format!("`{}` is on core {core}", name.value);
    let mut problem = Problem::new(title, &written.span, label);
    if let Some(scheduler) = &thread.scheduler {
        problem = problem.related(&scheduler.span, "a scheduler schedules threads of its own core");
    }
    problems.add(problem.help("leave `core` out: a thread lives on the core of its scheduler"));
}

/// Upwards from a thread: no cycle, a root at the end, not too deep.
fn chain(draft: &Draft, links: &Links, index: usize, problems: &mut Problems) {
    let mut at = index;
    let mut depth = 0;
    while let Some(scheduler) = links.threads[at].scheduler {
        if links.roots.contains(&Some(at)) {
            break;
        }
        depth += 1;
        at = scheduler;
        if at == index || depth > draft.threads.len() {
            break;
        }
    }
    let thread = &draft.threads[index];
    let Some(scheduler) = &thread.scheduler else { return };
    if at == index && depth > 0 {
        let title = format!("`{}` is scheduled by itself", thread.name.value);
        let label = match depth {
            1 => "only a root is its own scheduler".to_string(),
            _ => format!("a cycle of {depth} schedulers"),
        };
        let problem = Problem::new(title, &scheduler.span, label);
        problems.add(problem.help("every thread must have a `root` of a core above it"));
    } else if depth > MAX_DEPTH && depth <= draft.threads.len() {
        let title = format!("`{}` is {depth} levels below its root", thread.name.value);
        let label = format!("at most {MAX_DEPTH} are possible");
        problems.add(Problem::new(title, &scheduler.span, label));
    }
}

/// Handlers form no cycle and do not wait for the thread they help.
fn handler(draft: &Draft, links: &Links, index: usize, problems: &mut Problems) {
    let thread = &draft.threads[index];
    let Some(written) = &thread.handler else { return };
    let Handler::Thread(handler) = links.threads[index].handler else { return };
    let mut at = index;
    for step in 1..=draft.threads.len() {
        let Handler::Thread(next) = links.threads[at].handler else { break };
        at = next;
        if at == index {
            let title = format!("`{}` handles its own faults", thread.name.value);
            let label = match step {
                1 => "a thread that faulted cannot handle it".to_string(),
                _ => format!("a cycle of {step} fault handlers"),
            };
            let problem = Problem::new(title, &written.span, label);
            problems.add(problem.help("leave `handler` out: init handles the fault"));
            return;
        }
    }
    if is_below(links, handler, index) {
        let title = format!("the fault handler of `{}` needs it to run", thread.name.value);
        let name = &draft.threads[handler].name.value;
        let label = format!("`{name}` is below `{}` in the scheduling tree", thread.name.value);
        let problem = Problem::new(title, &written.span, label);
        problems.add(problem.help("choose init or a thread that another scheduler runs"));
    }
}

/// True if `upper` schedules `lower`, directly or through others.
fn is_below(links: &Links, lower: usize, upper: usize) -> bool {
    let mut at = lower;
    for _ in 0..links.threads.len() {
        let Some(scheduler) = links.threads[at].scheduler.filter(|next| *next != at) else {
            return false;
        };
        at = scheduler;
        if at == upper {
            return true;
        }
    }
    false
}

fn children(draft: &Draft, links: &Links, index: usize, problems: &mut Problems) {
    let is_child = |child: usize| child != index && links.threads[child].scheduler == Some(index);
    let count = (0..draft.threads.len()).filter(|child| is_child(*child)).count();
    if count > MAX_CHILDREN {
        let name = &draft.threads[index].name;
        let title = format!("`{}` schedules {count} threads", name.value);
        let label = format!("at most {MAX_CHILDREN} are possible");
        let problem = Problem::new(title, &name.span, label);
        problems.add(problem.help("put another scheduler between them"));
    }
}
