//! What the kernel gets, and entering it.

use super::fail::fail;
use super::information::{Information, Span};
use super::memory::{self, MOST_RANGES, Spans};
use super::tables::{Builder, NoMemory};
use crate::core_area::RECORDS;
use crate::cpu::X86_64;
use crate::entry::{leave, system_call, upcall};
use crate::features::Features;
use crate::late::Late;
use crate::layout::{WINDOW_BASE, stack_top};
use crate::panic;
use crate::system::System;
use crate::time::timer::Mode;
use crate::time::unit;
use cedo_abi::info::feature;
use cedo_machine::{Frame, MemoryRange, Platform, Upcalls, object_map_words};
use cedo_mmio::Window;
use core::sync::atomic::{AtomicU64, Ordering};
use heapless::Vec;

/// Command line word: the counter counts an emulator's instructions.
const COUNTED: &str = "counter=instructions";

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
/// cores share.
pub fn prepare<K: Upcalls<Machine = X86_64>>(
    builder: &mut Builder,
    ram: &Spans,
    devices: &Spans,
    information: &Information,
    system: &System,
    cores: usize,
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
        archive: information
            .archive
            .map(|archive: Span| (Frame::containing(archive.start), archive.bytes())),
        info_frame: places.info_frame,
        kernel_root: Frame::containing(builder.root),
        cores: cores as u8,
        features: features(information, &system.features),
        clock_scale: system.scale.nanoseconds,
        clock_hz: system.scale.tick_hz,
        clock_offset: core::array::from_fn(|core| {
            RECORDS[core].clock_offset.load(Ordering::Relaxed)
        }),
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
    let mut take = |bytes: usize| builder.zeroed(bytes as u64, u64::MAX);
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

fn features(information: &Information, found: &Features) -> u64 {
    let bit = |is_set, bit| if is_set { bit } else { 0 };
    bit(found.no_execute, feature::NO_EXECUTE)
        | bit(found.timer == Mode::Counter, feature::COUNTER_DEADLINE)
        | unit::feature(information.has_word(COUNTED), found.hypervisor)
        | bit(cfg!(debug_assertions), feature::DEBUG)
}

/// Leaves the boot code's stack for core 0's own, which has guard pages, and enters the kernel.
pub fn change_stack<K: Upcalls<Machine = X86_64>>(
    system: &'static System,
    release: &'static Release,
) -> ! {
    // SAFETY: 1. The stack is mapped, empty and this core's. 2. Both arguments live for ever, so
    // nothing on the present stack is needed again.
    unsafe {
        core::arch::asm!(
            "mov rsp, {top}",
            "xor ebp, ebp",
            "call {enter}",
            "ud2",
            top = in(reg) stack_top(0),
            enter = sym enter_kernel::<K>,
            in("rdi") 0usize,
            in("rsi") system,
            in("rdx") release,
            options(noreturn),
        )
    }
}

/// Makes this core's kernel and enters it, on the core's own stack.
pub extern "C" fn enter_kernel<K: Upcalls<Machine = X86_64>>(
    core: usize,
    system: &'static System,
    release: &'static Release,
) -> ! {
    let record = &RECORDS[core];
    // SAFETY: `prepare` put a `K::Shared` there, which stays.
    let shared = unsafe { &*(release.shared as *const K::Shared) };
    let kernel = (release.kernels as *mut K).wrapping_add(core);
    let value = K::new(X86_64::new(core, system), shared, release.platform);
    // SAFETY: `take` took one place per core there, and this one is this core's.
    unsafe { kernel.write(value) };
    record.kernel.store(kernel as usize, Ordering::Release);
    panic::register::<K>(core);
    Features::enable_system_calls(system_call::entry::<K>(core));
    // SAFETY: the kernel was just written, and no entry can refer to it before `leave::enter`.
    match unsafe { &mut *kernel }.first() {
        Ok(next) => leave::enter(record, upcall::answer(next)),
        Err(reason) => fail(format_args!("{reason}")),
    }
}
