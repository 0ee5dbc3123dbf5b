//! Clocks and deadlines.
//!
//! The counter of this architecture runs at one known rate and is the same on every core: there is
//! nothing to calibrate and no offset to measure.
//!
//! | file | contents |
//! |---|---|
//! | `counter` | the virtual counter |
//! | `deadline` | a core's one-shot timer |
//! | `alarm` | a second one, for programs |
//! | `cycles` | the cycle counter, for programs |
//! | [`unit`] | what one tick of the counter is |

#[cfg(target_os = "none")]
pub mod alarm;
#[cfg(target_os = "none")]
pub mod counter;
#[cfg(target_os = "none")]
pub mod cycles;
#[cfg(target_os = "none")]
pub mod deadline;
pub mod unit;
