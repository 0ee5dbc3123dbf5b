//! Where memories are mapped: chooses the addresses left open, checks all of them.

use cedo_abi::Rights;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::system::place::{MAPPINGS_END, MAPPINGS_START, MEMORY};

use super::draft::Draft;
use super::grants::ObjectDraft;
use super::links::Links;
use super::source::{Problem, Problems, Span};

/// One mapping in one space.
pub struct Mapping<'a> {
    /// Thread and grant of the thread.
    pub grant: (usize, usize),
    pub address: u64,
    space: usize,
    memory: usize,
    pages: u64,
    rights: Rights,
    span: &'a Span,
}

impl Mapping<'_> {
    fn end(&self) -> u64 {
        self.address.saturating_add(self.pages.saturating_mul(PAGE_SIZE))
    }

    /// True where both are one and the same mapping, made by two threads of a space.
    fn is(&self, other: &Mapping<'_>) -> bool {
        (self.space, self.memory, self.address) == (other.space, other.memory, other.address)
    }
}

/// All mappings. Those without an address of their own follow each other from
/// [`MEMORY`], each with an unmapped page behind it, or share the address that another thread of
/// the space has.
pub fn place<'a>(draft: &'a Draft, links: &Links, problems: &mut Problems) -> Vec<Mapping<'a>> {
    let mut placed: Vec<Mapping<'a>> = Vec::new();
    // Those with an address first: the others go around them.
    for open in [false, true] {
        for mut mapping in mappings(draft, links, open) {
            if open {
                mapping.address = choose(&mapping, &placed);
            }
            check(draft, &mapping, &placed, problems);
            placed.push(mapping);
        }
    }
    placed
}

fn mappings<'a>(draft: &'a Draft, links: &Links, open: bool) -> Vec<Mapping<'a>> {
    let mut found = Vec::new();
    for (index, thread) in draft.threads.iter().enumerate() {
        for (number, grant) in thread.grants.iter().enumerate() {
            let ObjectDraft::Memory { of, at, map: true, .. } = &grant.object else { continue };
            let of_thread = &links.threads[index];
            let (Some(space), Some(memory)) = (of_thread.space, of_thread.grants[number]) else {
                continue;
            };
            if at.is_none() != open {
                continue;
            }
            let size = draft.memories[memory].size.as_ref().map_or(0, |size| size.value);
            found.push(Mapping {
                grant: (index, number),
                address: at.as_ref().map_or(0, |at| at.value),
                space,
                memory,
                pages: size.div_ceil(PAGE_SIZE),
                rights: grant.rights,
                span: at.as_ref().map_or(&of.span, |at| &at.span),
            });
        }
    }
    found
}

fn choose(mapping: &Mapping<'_>, placed: &[Mapping<'_>]) -> u64 {
    let here = placed.iter().filter(|other| other.space == mapping.space);
    if let Some(same) = here.clone().find(|other| other.memory == mapping.memory) {
        return same.address;
    }
    let beyond = here.map(Mapping::end).filter(|end| *end > MEMORY && *end < MAPPINGS_END).max();
    beyond.map_or(MEMORY, |end| end.next_multiple_of(PAGE_SIZE).saturating_add(PAGE_SIZE))
}

fn check(draft: &Draft, mapping: &Mapping<'_>, placed: &[Mapping<'_>], problems: &mut Problems) {
    let (address, end) = (mapping.address, mapping.end());
    if !address.is_multiple_of(PAGE_SIZE) {
        let title = format!("the address {address:#x} is not on a page");
        let label = format!("must be a multiple of {PAGE_SIZE:#x}");
        problems.add(Problem::new(title, mapping.span, label));
    } else if address < MAPPINGS_START || end > MAPPINGS_END {
        let title = format!("a mapping from {address:#x} to {end:#x} is not possible");
        let label = format!("must be between {MAPPINGS_START:#x} and {MAPPINGS_END:#x}");
        let problem = Problem::new(title, mapping.span, label);
        problems.add(problem.help("leave `at` out: a free address is chosen"));
    }
    for other in placed.iter().filter(|other| other.space == mapping.space) {
        let space = &draft.spaces[mapping.space].name.value;
        let name = |mapping: &Mapping<'_>| draft.memories[mapping.memory].name.value.clone();
        if mapping.is(other) {
            if mapping.rights != other.rights {
                let title = format!("`{}` is mapped twice in space `{space}`", name(mapping));
                let problem = Problem::new(title, mapping.span, "with another access");
                let problem = problem.related(other.span, "than here");
                problems.add(problem.help("threads of a space share its mappings"));
            }
        } else if other.address < end && address < other.end() {
            let title = format!("two mappings overlap in space `{space}`");
            let label = format!("`{}`: {address:#x} to {end:#x}", name(mapping));
            let others = format!("`{}`: {:#x} to {:#x}", name(other), other.address, other.end());
            let problem = Problem::new(title, mapping.span, label).related(other.span, others);
            problems.add(problem.help("leave `at` out: a free address is chosen"));
            break;
        }
    }
}
