//! What the kernel gets, and entering it.

use super::fail::fail;
use super::tables::{Builder, NoMemory};
use crate::core_area::RECORDS;
use crate::cpu::Aarch64;
use crate::entry::{leave, upcall};
use crate::late::Late;
use crate::layout::{WINDOW_BASE, stack_top};
use crate::panic;
use crate::system::System;
use crate::time::{cycles, unit};
use crate::tree::Found;
use cedo_abi::info::feature;
use cedo_arch_common::memory::{self, MOST_RANGES, Span, Spans};
use cedo_machine::{Frame, MemoryRange, Platform, Upcalls, object_map_words};
use cedo_mmio::Window;
use core::sync::atomic::{AtomicU64, Ordering};
use heapless::Vec;

/// Command line word: the counter counts an emulator's instructions.
const COUNTED: &str = "counter=instructions";
/// The same: the counter runs with an emulator, which the tree does not tell.
const EMULATED: &str = "counter=emulated";

static RANGES: Late<Vec<MemoryRange, MOST_RANGES>> = Late::new();
static PLATFORM: Late<Platform> = Late::new();

/// What a core needs to enter the kernel.
pub struct Release {
    /// Address of the `K::Shared`.
    shared: u64,
    /// Address of core 0's `K`; the others' follow.
    kernels: u64,
    /// The machine.
    pub platform: &'static Platform,
}

/// Memory for the kernel's own objects.
struct Places {
    frame_table: &'static [AtomicU64],
    object_map: &'static [AtomicU64],
    info_frame: Frame,
    shared: u64,
    kernels: u64,
}

/// Takes memory for the kernel's objects, describes the rest, and lets the kernel prepare what its
/// cores share. `user_root` is a page table that maps nothing.
pub fn prepare<K: Upcalls<Machine = Aarch64>>(
    builder: &mut Builder,
    ram: &Spans,
    devices: &Spans,
    found: &Found,
    system: &System,
    (cores, user_root): (usize, u64),
) -> Result<Release, NoMemory> {
    let places = take::<K>(builder, ram, cores)?;
    let ranges = RANGES.set(memory::ranges(&builder.free, devices));
    let window = (ram.end() >> 12) as u32;
    let platform = PLATFORM.set(Platform {
        // SAFETY: 1. `Builder::map_window` mapped all RAM, to stay. 2. The window's base is
        // page-aligned. 3. From here on Rust's objects in RAM are those of `places` and the
        // builder's tables and stacks, which no memory range names.
        window: unsafe { Window::new(WINDOW_BASE as *mut u8, window) },
        frame_table: places.frame_table,
        object_map: places.object_map,
        memory: ranges.map_or(&[], |ranges| ranges.as_slice()),
        archive: found
            .archive
            .map(|archive: Span| (Frame::containing(archive.start), archive.bytes())),
        info_frame: places.info_frame,
        kernel_root: Frame::containing(user_root),
        cores: cores as u8,
        features: features(found),
        clock_scale: system.scale.nanoseconds,
        clock_hz: system.scale.tick_hz,
        // The counter is the same on every core.
        clock_offset: [0; cedo_abi::MAX_CORES],
    });
    let Some(platform) = platform else { return Err(NoMemory) };
    let shared = K::share(platform).unwrap_or_else(|reason| fail(format_args!("{reason}")));
    // SAFETY: `take` took this memory for it, aligned to a page and large enough.
    unsafe { (places.shared as *mut K::Shared).write(shared) };
    Ok(Release { shared: places.shared, kernels: places.kernels, platform })
}

fn take<K: Upcalls>(builder: &mut Builder, ram: &Spans, cores: usize) -> Result<Places, NoMemory> {
    const { assert!(align_of::<K>() <= 4096 && align_of::<K::Shared>() <= 4096) };
    let frames = (ram.end() >> 12) as usize;
    let mut take = |bytes: usize| builder.zeroed(bytes as u64);
    let mut words = |count: usize| -> Result<&'static [AtomicU64], NoMemory> {
        let first = (WINDOW_BASE + take(count * size_of::<AtomicU64>())?) as *const AtomicU64;
        // SAFETY: the memory was just taken and zeroed, is in the window for ever, and is used
        // through this slice only.
        Ok(unsafe { core::slice::from_raw_parts(first, count) })
    };
    Ok(Places {
        frame_table: words(frames)?,
        object_map: words(object_map_words(frames))?,
        info_frame: Frame::containing(take(4096)?),
        shared: WINDOW_BASE + take(size_of::<K::Shared>().max(1))?,
        kernels: WINDOW_BASE + take((size_of::<K>() * cores).max(1))?,
    })
}

fn features(found: &Found) -> u64 {
    let debug = if cfg!(debug_assertions) { feature::DEBUG } else { 0 };
    let unit =
        unit::feature(found.has_word(COUNTED), found.is_emulated || found.has_word(EMULATED));
    let cycles = if cycles::exist() { feature::CYCLE_COUNTER } else { 0 };
    feature::NO_EXECUTE | feature::COUNTER_DEADLINE | unit | cycles | debug
}

/// Leaves the boot code's stack for core 0's own, which has guard pages, and enters the kernel.
pub fn change_stack<K: Upcalls<Machine = Aarch64>>(
    system: &'static System,
    release: &'static Release,
) -> ! {
    // SAFETY: 1. The stack is mapped, empty and this core's. 2. Both arguments live for ever, so
    // nothing on the present stack is needed again.
    unsafe {
        core::arch::asm!(
            "mov sp, {top}",
            "mov x29, xzr",
            "mov x30, xzr",
            "b {enter}",
            top = in(reg) stack_top(0),
            enter = sym enter_kernel::<K>,
            in("x0") 0usize,
            in("x1") system,
            in("x2") release,
            options(noreturn),
        )
    }
}

/// Makes this core's kernel and enters it, on the core's own stack.
pub extern "C" fn enter_kernel<K: Upcalls<Machine = Aarch64>>(
    core: usize,
    system: &'static System,
    release: &'static Release,
) -> ! {
    let record = &RECORDS[core];
    // SAFETY: `prepare` put a `K::Shared` there, which stays.
    let shared = unsafe { &*(release.shared as *const K::Shared) };
    let kernel = (release.kernels as *mut K).wrapping_add(core);
    let value = K::new(Aarch64::new(core, system), shared, release.platform);
    // SAFETY: `take` took one place per core there, and this one is this core's.
    unsafe { kernel.write(value) };
    record.kernel.store(kernel as usize, Ordering::Release);
    panic::register::<K>(core);
    // SAFETY: the kernel was just written, and no entry can refer to it before `leave::enter`.
    match unsafe { &mut *kernel }.first() {
        Ok(next) => leave::enter(record, upcall::answer(next)),
        Err(reason) => fail(format_args!("{reason}")),
    }
}
