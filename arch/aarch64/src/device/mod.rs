//! Interrupt controllers, serial ports: one device, one file.
//!
//! | file | contents |
//! |---|---|
//! | [`distributor`] | the part of an interrupt controller that device lines arrive at |
//! | `gic` | the interrupt controller, of either kind |
//! | `gic_v2` | each core's interface to it, by registers in memory |
//! | `gic_v3` | the same, by registers of the processor |
//! | [`uart`] | a serial port |

pub mod distributor;
#[cfg(target_os = "none")]
pub mod gic;
#[cfg(target_os = "none")]
pub mod gic_v2;
#[cfg(target_os = "none")]
pub mod gic_v3;
pub mod uart;
