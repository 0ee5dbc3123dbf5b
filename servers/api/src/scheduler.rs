//! What a root scheduler of the user library does for callers besides scheduling.

/// Sleep: answered when the machine-wide clock has reached word 0 (nanoseconds). Answer: [`DONE`],
/// word 0 = the time then.
pub const SLEEP_UNTIL: u32 = 1;

/// Answer: done.
pub const DONE: u32 = 0;
/// Answer: unknown label, or a scheduler that owns no timer.
pub const REFUSED: u32 = 0x100;
/// Answer: as many callers sleep as the scheduler has room for.
pub const FULL: u32 = 0x101;
