//! Checks of names: their form, their length, that each is used once, that programs exist.

use cedo_abi::system::NAME_BYTES;

use super::draft::Draft;
use super::grants::{GrantDraft, ObjectDraft};
use super::links::INIT;
use super::source::{At, Problem, Problems, nearest};

/// All checks of this file. `programs` are the servers that can be built.
pub fn check(draft: &Draft, programs: &[String], problems: &mut Problems) {
    if let Some(name) = &draft.name {
        form(name, NAME_BYTES, problems);
    }
    for space in &draft.spaces {
        own(&space.name, "space", problems);
        program(&space.program, programs, problems);
    }
    for memory in &draft.memories {
        own(&memory.name, "memory", problems);
    }
    for thread in &draft.threads {
        own(&thread.name, "thread", problems);
        thread.grants.iter().for_each(|grant| form(&grant.name, NAME_BYTES, problems));
        unique(&thread.grants, problems);
    }
}

fn form(name: &At<String>, longest: usize, problems: &mut Problems) {
    let text = &name.value;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || !text.bytes().all(allowed) {
        let problem = Problem::new(format!("`{text}` is not a name"), &name.span, "not a name");
        problems.add(problem.help("names are made of letters, digits, `-` and `_`"));
    } else if text.len() > longest {
        let label = format!("{} characters", text.len());
        let problem = Problem::new(format!("the name `{text}` is too long"), &name.span, label);
        problems.add(problem.help(format!("at most {longest} characters are possible")));
    }
}

fn own(name: &At<String>, what: &str, problems: &mut Problems) {
    form(name, NAME_BYTES, problems);
    if name.value == INIT {
        let title = format!("the name `{INIT}` is taken");
        let problem = Problem::new(title, &name.span, "every system has the first server");
        problems.add(problem.help(format!("call your {what} otherwise")));
    }
}

fn program(program: &At<String>, programs: &[String], problems: &mut Problems) {
    if programs.contains(&program.value) {
        form(program, cedo_abi::archive::NAME_BYTES, problems);
        return;
    }
    let title = format!("unknown program `{}`", program.value);
    let label = format!("there is no `servers/{}`", program.value);
    let help = match nearest(&program.value, programs.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}; name one: `program = \"...\"`", programs.join(", ")),
    };
    problems.add(Problem::new(title, &program.span, label).help(help));
}

/// A thread finds a capability by name and kind.
fn unique(grants: &[GrantDraft], problems: &mut Problems) {
    for (index, grant) in grants.iter().enumerate() {
        let same = |other: &&GrantDraft| {
            other.name.value == grant.name.value && kind(other) == kind(grant)
        };
        if let Some(other) = grants[..index].iter().find(same) {
            let title = format!("two {} are called `{}`", kind(grant), grant.name.value);
            let problem = Problem::new(title, &grant.name.span, "this one");
            let problem = problem.related(&other.name.span, "and this one");
            problems.add(problem.help("give one of them another name: `name = \"...\"`"));
        }
    }
}

fn kind(grant: &GrantDraft) -> &'static str {
    match grant.object {
        ObjectDraft::Gate { .. } => "gates",
        ObjectDraft::Thread { .. } => "thread capabilities",
        ObjectDraft::Space { .. } => "space capabilities",
        ObjectDraft::Core { .. } => "core capabilities",
        ObjectDraft::Memory { .. } => "memories",
        ObjectDraft::Irq { .. } => "interrupts",
        ObjectDraft::Ports { .. } => "port ranges",
        ObjectDraft::Lines { .. } => "ranges of lines",
    }
}
