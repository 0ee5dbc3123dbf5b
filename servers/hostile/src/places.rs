//! Slots and addresses of the confined Space, and what its capabilities allow.

use cedo_fuzz::surroundings::{AREA_PAGES, MADE};
use cedo_lib::Rights;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::system::place;

/// Enemies that the supervisor makes, on each core.
pub const ENEMIES_PER_CORE: u64 = 4;
/// Cores of the largest system.
pub const CORES: u64 = 4;
/// Enemies that the supervisor makes at most.
pub const ENEMIES: u64 = ENEMIES_PER_CORE * CORES;
/// Threads with a stack and a count: those, those that enemies make, and the inspector.
pub const STACKS: u64 = ENEMIES + MADE[0] + 1;
/// The inspector's stack.
pub const INSPECTOR: u64 = ENEMIES + MADE[0];

/// Slots of the confined Space.
pub mod slot {
    /// The Space itself.
    pub const SPACE: u64 = 1;
    /// Enemies.
    pub const THREADS: u64 = 2;
    /// Gates: to each enemy, and to the trusted threads that can be called.
    pub const GATES: u64 = 20;
    /// The Region that enemies own.
    pub const LOOT: u64 = 54;
    /// A page of a victim's that everybody may read.
    pub const PUBLISHED: u64 = 55;
    /// Interrupt lines; ports follow.
    pub const LINES: u64 = 56;
    /// Ports.
    pub const PORTS: u64 = 57;
    /// First of those in which enemies make things.
    pub const MADE: u64 = 64;
    /// Slots in all.
    pub const COUNT: u64 = 128;
}

/// Where enemies map.
pub const AREA: u64 = place::MAPPINGS_START;
/// Stacks of threads that enemies make follow on their area and UTCBs.
pub const MADE_STACKS: u64 = AREA + 0x0100_0000;
/// Pages of a stack.
pub const STACK_PAGES: u64 = 5;
/// Stacks of the enemies that the supervisor makes, and of the inspector.
pub const FIRST_STACKS: u64 = AREA + 0x0200_0000;
/// UTCBs of the enemies that the supervisor makes, and of the inspector.
pub const UTCBS: u64 = AREA + 0x0300_0000;
/// Counts of each thread ([`crate::order::Count`]).
pub const COUNTS: u64 = AREA + 0x0400_0000;
/// What enemies are told; read-only.
pub const ORDER: u64 = COUNTS + PAGE_SIZE;
/// What the inspector found.
pub const REPORT: u64 = COUNTS + 2 * PAGE_SIZE;

/// First badge of gates to trusted threads. Far from what enemies choose: no flipped bit leads here.
pub const TRUSTED_BADGE: u64 = 0x5eed_a500;
/// Badge of a client's gates.
pub const CLIENT_BADGE: u64 = 0x5eed_c300;
/// First badge of the gates through which enemies' faults go.
pub const FAULT_BADGE: u64 = 0x5eed_fa00;
/// First cookie of enemies at their first schedulers.
pub const COOKIE: u64 = 0x300;

/// A gate for everything.
pub const DONATION: Rights = NO_DONATION.or(Rights::DONATE).or(Rights::HANDOVER);
/// A gate to a thread that must not run on others' time.
pub const NO_DONATION: Rights = Rights::SEND.or(Rights::CALL);
/// What enemies may do with their Region.
pub const LOOT_RIGHTS: Rights =
    Rights::READ.or(Rights::WRITE).or(Rights::EXECUTE).or(Rights::OBJECTS);

/// First page of a thread's stack.
pub const fn stack(thread: u64) -> u64 {
    let made = thread.wrapping_sub(ENEMIES);
    if made < MADE[0] {
        MADE_STACKS + made * STACK_PAGES * PAGE_SIZE
    } else {
        FIRST_STACKS + thread * (STACK_PAGES + 1) * PAGE_SIZE
    }
}

/// A thread's first stack pointer.
pub const fn stack_pointer(thread: u64) -> u64 {
    stack(thread) + STACK_PAGES * PAGE_SIZE - FIRST_BYTES
}

/// Bytes above it.
pub const FIRST_BYTES: u64 = 8 * cedo_lib::stack::FIRST_WORDS as u64;

/// A thread's UTCB.
pub const fn utcb(thread: u64) -> u64 {
    let made = thread.wrapping_sub(ENEMIES);
    if made < MADE[0] { AREA + (AREA_PAGES + made) * PAGE_SIZE } else { UTCBS + thread * PAGE_SIZE }
}

const _: () = assert!(FIRST_BYTES.is_multiple_of(16));
const _: () = assert!(slot::THREADS + ENEMIES <= slot::GATES);
const _: () = assert!(slot::GATES + ENEMIES + 3 * CORES <= slot::LOOT);
const _: () = assert!(slot::MADE + cedo_fuzz::surroundings::MADE_SLOTS <= slot::COUNT);
