//! Makes the description of a draft that passed all checks.

use cedo_abi::Rights;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::system::thread_flag;

use super::claims::OWN_CORE;
use super::description::{Core, Description, Grant, Memory, Object, Space, Thread};
use super::draft::Draft;
use super::grants::ObjectDraft;
use super::links::{Handler, Links};
use super::mappings::Mapping;
use super::room::{DEFAULT_RAM, DEFAULT_STACK, slots_used, stock_pages, table_frames};

/// The description; nothing where a check let something through that it must not.
pub fn build(draft: &Draft, links: &Links, mappings: &[Mapping<'_>]) -> Option<Description> {
    let mut cores = Vec::new();
    for (number, root) in links.roots.iter().enumerate() {
        let core = draft.core.iter().find(|core| core.number == Some(number as u64))?;
        let (protocol, cycle_counter) = (core.protocol, core.cycle_counter);
        cores.push(Core { root: index((*root)?)?, protocol, cycle_counter });
    }
    let threads = 0..draft.threads.len();
    Some(Description {
        name: draft.name.as_ref()?.value.clone(),
        ram: draft.ram.as_ref().map_or(DEFAULT_RAM, |ram| ram.value),
        cores,
        spaces: spaces(draft, links)?,
        threads: threads
            .map(|index| thread(draft, links, mappings, index))
            .collect::<Option<_>>()?,
        memories: memories(draft)?,
    })
}

fn spaces(draft: &Draft, links: &Links) -> Option<Vec<Space>> {
    let spaces = draft.spaces.iter().enumerate();
    spaces
        .map(|(number, space)| {
            Some(Space {
                name: space.name.value.clone(),
                program: space.program.value.clone(),
                table_frames: table_frames(space, slots_used(draft, links, number))
                    .try_into()
                    .ok()?,
                stock_pages: stock_pages(space).try_into().ok()?,
            })
        })
        .collect()
}

fn memories(draft: &Draft) -> Option<Vec<Memory>> {
    let memories = draft.memories.iter();
    memories
        .map(|memory| {
            Some(Memory {
                name: memory.name.value.clone(),
                pages: memory.size.as_ref()?.value / PAGE_SIZE,
                base: memory.base.as_ref().map_or(0, |base| base.value),
            })
        })
        .collect()
}

fn thread(draft: &Draft, links: &Links, mappings: &[Mapping<'_>], number: usize) -> Option<Thread> {
    let (written, linked) = (&draft.threads[number], &links.threads[number]);
    let is_child = |child: usize| child != number && links.threads[child].scheduler == Some(number);
    let mut flags = written.flags.iter().fold(0, |flags, flag| flags | flag.value);
    if (0..draft.threads.len()).any(is_child) || links.roots.contains(&Some(number)) {
        flags |= thread_flag::SCHEDULER;
    }
    let core = index(linked.core?)?;
    let mut grants = Vec::new();
    if links.roots.contains(&Some(number)) || written.power.is_some() {
        let rights = u32::from(Rights::CONTROL.0);
        grants.push(Grant { name: OWN_CORE.to_string(), rights, object: Object::Core { core } });
    }
    for position in 0..written.grants.len() {
        grants.push(grant(draft, links, mappings, (number, position))?);
    }
    let stack = written.stack.as_ref().map_or(DEFAULT_STACK, |stack| stack.value);
    Some(Thread {
        name: written.name.value.clone(),
        space: index(linked.space?)?,
        core,
        scheduler: index(linked.scheduler?)?,
        handler: match linked.handler {
            Handler::Init => None,
            Handler::Thread(handler) => Some(index(handler)?),
            Handler::Unknown => return None,
        },
        stack_pages: stack.div_ceil(PAGE_SIZE).try_into().ok()?,
        flags,
        parameters: written.parameters,
        grants,
    })
}

fn grant(
    draft: &Draft,
    links: &Links,
    mappings: &[Mapping<'_>],
    at: (usize, usize),
) -> Option<Grant> {
    let written = &draft.threads[at.0].grants[at.1];
    let target = index(links.threads[at.0].grants[at.1]?)?;
    let object = match &written.object {
        ObjectDraft::Gate { badge, .. } => {
            Object::Gate { thread: target, badge: badge.as_ref().map_or(0, |badge| badge.value) }
        }
        ObjectDraft::Thread { .. } => Object::Thread { thread: target },
        ObjectDraft::Space { .. } => Object::Space { space: target },
        ObjectDraft::Core { .. } => Object::Core { core: target },
        ObjectDraft::Memory { .. } => {
            let mapping = mappings.iter().find(|mapping| mapping.grant == at);
            let address = mapping.map_or(0, |mapping| mapping.address);
            Object::Memory { memory: target, address }
        }
        ObjectDraft::Irq { line, trigger, badge } => {
            let badge = badge.as_ref().map_or(0, |badge| badge.value);
            Object::Irq { line: line.value, trigger: *trigger, badge }
        }
        ObjectDraft::Ports { first, count } => {
            Object::Ports { first: first.value, count: count.value }
        }
    };
    Some(Grant { name: written.name.value.clone(), rights: u32::from(written.rights.0), object })
}

fn index(number: usize) -> Option<u32> {
    u32::try_from(number).ok()
}
