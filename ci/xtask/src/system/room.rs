//! Checks of sizes and numbers: what init can keep, stacks, tables, memories, and that all of it fits
//! the RAM asked for.

use cedo_abi::call::object::{MAX_TABLE_FRAMES, SLOTS_PER_FRAME};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::environment;
use cedo_abi::system::place::MAX_STACK_PAGES;
use cedo_abi::system::{MAX_ENVIRONMENT_BYTES, MAX_MEMORIES, MAX_SPACES, MAX_THREADS};

use super::draft::{Draft, MemoryDraft, SpaceDraft};
use super::grants::ObjectDraft;
use super::links::Links;
use super::source::{At, Problem, Problems};

/// RAM of a system that does not say how much it needs.
pub const DEFAULT_RAM: u64 = 64 << 20;
/// RAM set aside for the kernel, the boot archive, and programs.
pub const ALLOWANCE: u64 = 24 << 20;
/// Stack of a thread that does not say how much it needs.
pub const DEFAULT_STACK: u64 = 16 << 10;
/// Extra page-table frames of a space that does not say how many it needs.
pub const DEFAULT_STOCK_PAGES: u64 = 32;
/// Slots that a space has besides those its threads are given.
pub const FREE_SLOTS: u64 = 64;
/// Most slots of a space.
pub const MAX_SLOTS: u64 = MAX_TABLE_FRAMES * SLOTS_PER_FRAME;
/// Most extra page-table frames of a space.
pub const MAX_STOCK_PAGES: u64 = 64 * 1024;
/// Frames of a thread besides its stack: thread, UTCB, environment (two), page tables for them.
const THREAD_PAGES: u64 = 16;
/// Frames of a space besides table and extra stock: the space, its page table, tables for its program.
const SPACE_PAGES: u64 = 40;
/// Frames for page tables of a mapping that is smaller than what one table maps.
const MAPPING_PAGES: u64 = 8;
/// Pages that a page table maps, for each of its two frames.
const PAGES_PER_TABLE_FRAME: u64 = 256;
/// Physical addresses have at most so many bits.
const PHYSICAL_BITS: u32 = 52;

/// All checks of this file.
pub fn check(draft: &Draft, links: &Links, problems: &mut Problems) {
    number("space", MAX_SPACES, draft.spaces.iter().map(|it| &it.name), problems);
    number("thread", MAX_THREADS, draft.threads.iter().map(|it| &it.name), problems);
    number("memory", MAX_MEMORIES, draft.memories.iter().map(|it| &it.name), problems);
    for index in 0..draft.threads.len() {
        environment_size(draft, links, index, problems);
    }
    for thread in &draft.threads {
        if let Some(stack) = &thread.stack {
            stack_size(stack, problems);
        }
    }
    for (index, space) in draft.spaces.iter().enumerate() {
        slots(space, slots_used(draft, links, index), problems);
        if let Some(stock) = space.stock_pages.as_ref().filter(|it| it.value > MAX_STOCK_PAGES) {
            let title = format!("a stock of {} pages is too large", stock.value);
            let label = format!("at most {MAX_STOCK_PAGES} are possible");
            problems.add(Problem::new(title, &stock.span, label));
        }
    }
    for memory in &draft.memories {
        memory_size(memory, problems);
    }
    ram(draft, links, problems);
}

/// The first server keeps a fixed number of each.
fn number<'a>(
    what: &str,
    most: usize,
    mut names: impl Iterator<Item = &'a At<String>>,
    problems: &mut Problems,
) {
    if let Some(name) = names.nth(most) {
        let title = format!("one {what} too many");
        let label = format!("at most {most} are possible");
        problems.add(Problem::new(title, &name.span, label));
    }
}

/// What a thread is told about its capabilities and children has a largest size.
fn environment_size(draft: &Draft, links: &Links, index: usize, problems: &mut Problems) {
    let thread = &draft.threads[index];
    let is_child = |child: &usize| links.threads[*child].scheduler == Some(index);
    let children = (0..draft.threads.len()).filter(is_child).count();
    // One more for the capability of its own core.
    let grants = thread.grants.len() + 1;
    let bytes = environment::length(grants, children);
    if bytes > MAX_ENVIRONMENT_BYTES {
        let title = format!("`{}` is given too much", thread.name.value);
        let label = format!("{grants} capabilities and {children} children");
        let help = "give some of it to another thread of its space: they share all capabilities";
        problems.add(Problem::new(title, &thread.name.span, label).help(help));
    }
}

fn stack_size(stack: &At<u64>, problems: &mut Problems) {
    let most = u64::from(MAX_STACK_PAGES) * PAGE_SIZE;
    if stack.value == 0 || stack.value > most {
        let title = format!("a stack of {} bytes is not possible", stack.value);
        let label = format!("must be from 1 to {most} bytes");
        let problem = Problem::new(title, &stack.span, label);
        problems.add(problem.help("16K is usual, and what a thread has without this key"));
    }
}

/// Slots that a space's threads are given.
pub fn slots_used(draft: &Draft, links: &Links, space: usize) -> u64 {
    let of_space = |index: &usize| links.threads[*index].space == Some(space);
    let threads = (0..draft.threads.len()).filter(of_space);
    threads.map(|index| draft.threads[index].grants.len() as u64 + 1).sum()
}

fn slots(space: &SpaceDraft, used: u64, problems: &mut Problems) {
    let Some(slots) = &space.slots else { return };
    if slots.value < used + FREE_SLOTS || slots.value > MAX_SLOTS {
        let title = format!("{} slots are not possible", slots.value);
        let label = format!("must be from {} to {MAX_SLOTS}", used + FREE_SLOTS);
        let problem = Problem::new(title, &slots.span, label);
        problems.add(problem.help(format!(
            "the threads of this space are given up to {used}, and {FREE_SLOTS} stay free"
        )));
    }
}

fn memory_size(memory: &MemoryDraft, problems: &mut Problems) {
    let Some(size) = &memory.size else { return };
    let limit = 1 << PHYSICAL_BITS;
    if size.value == 0 || !size.value.is_multiple_of(PAGE_SIZE) || size.value > limit {
        let title = format!("a memory of {} bytes is not possible", size.value);
        let label = format!("must be a multiple of {PAGE_SIZE}");
        problems.add(Problem::new(title, &size.span, label));
    }
    let Some(base) = &memory.base else { return };
    if base.value == 0 || !base.value.is_multiple_of(PAGE_SIZE) {
        let title = format!("a device at {:#x} is not possible", base.value);
        let label = format!("must be a multiple of {PAGE_SIZE:#x}, and not 0");
        let problem = Problem::new(title, &base.span, label);
        problems.add(problem.help("leave `base` out for RAM"));
    } else if base.value.saturating_add(size.value) > limit {
        let title = format!("a device at {:#x} is not possible", base.value);
        let label = format!("physical addresses have at most {PHYSICAL_BITS} bits");
        problems.add(Problem::new(title, &base.span, label));
    }
}

/// The sum of what the description asks for. An estimate from above: init is exact, and says so
/// on the console if RAM runs out.
fn ram(draft: &Draft, links: &Links, problems: &mut Problems) {
    let mut pages: u64 = ALLOWANCE / PAGE_SIZE;
    let mut add = |more: u64| pages = pages.saturating_add(more);
    for thread in &draft.threads {
        let stack = thread.stack.as_ref().map_or(DEFAULT_STACK, |stack| stack.value);
        add(THREAD_PAGES + stack.div_ceil(PAGE_SIZE));
    }
    for (index, space) in draft.spaces.iter().enumerate() {
        add(SPACE_PAGES + table_frames(space, slots_used(draft, links, index)));
        add(stock_pages(space));
    }
    for (thread, linked) in draft.threads.iter().zip(&links.threads) {
        for (grant, target) in thread.grants.iter().zip(&linked.grants) {
            if let (ObjectDraft::Memory { map: true, .. }, Some(memory)) = (&grant.object, target) {
                add(MAPPING_PAGES + pages_of(&draft.memories[*memory]) / PAGES_PER_TABLE_FRAME);
            }
        }
    }
    for memory in draft.memories.iter().filter(|memory| memory.base.is_none()) {
        add(pages_of(memory));
    }
    let needed = pages.saturating_mul(PAGE_SIZE);
    let ram = draft.ram.as_ref().map_or(DEFAULT_RAM, |ram| ram.value);
    if needed <= ram {
        return;
    }
    let at = draft.ram.as_ref().map(|ram| &ram.span);
    let at = at.or(draft.name.as_ref().map(|name| &name.span)).cloned().unwrap_or(0..0);
    let title = format!("the system does not fit {} of RAM", megabytes(ram));
    let label = format!("it needs up to {}", megabytes(needed));
    let help = format!("ask for more: `ram = \"{}\"`", megabytes(needed));
    problems.add(Problem::new(title, &at, label).help(help));
}

fn pages_of(memory: &MemoryDraft) -> u64 {
    memory.size.as_ref().map_or(0, |size| size.value.div_ceil(PAGE_SIZE))
}

/// Frames of a space's capability table.
pub fn table_frames(space: &SpaceDraft, used: u64) -> u64 {
    let slots = space.slots.as_ref().map_or(used + FREE_SLOTS, |slots| slots.value);
    slots.div_ceil(SLOTS_PER_FRAME)
}

/// A space's extra frames for page tables.
pub fn stock_pages(space: &SpaceDraft) -> u64 {
    space.stock_pages.as_ref().map_or(DEFAULT_STOCK_PAGES, |stock| stock.value)
}

fn megabytes(bytes: u64) -> String {
    format!("{}M", bytes.div_ceil(1 << 20))
}
