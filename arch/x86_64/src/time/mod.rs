//! Clocks and deadlines.
//!
//! | file | contents |
//! |---|---|
//! | `reference` | a counter of known frequency: HPET, ACPI timer or PIT |
//! | `calibrate` | how fast the time-stamp counter and the local timer run |
//! | [`offset`] | how far two cores' time-stamp counters are apart |
//! | [`unit`] | what one tick of the time-stamp counter is |
//! | [`timer`] | what a core's one-shot timer is told, in either of its modes |
//! | `deadline` | a core's one-shot timer |

pub use cedo_arch_common::scale;

#[cfg(target_os = "none")]
pub mod calibrate;
#[cfg(target_os = "none")]
pub mod deadline;
pub mod offset;
#[cfg(target_os = "none")]
pub mod reference;
pub mod timer;
pub mod unit;
