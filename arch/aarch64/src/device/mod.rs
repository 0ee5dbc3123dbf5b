//! Interrupt controllers, serial ports: one device, one file.
//!
//! | file | contents |
//! |---|---|
//! | `controller` | the interrupt controller, of whatever kind |
//! | `gic` | a generic interrupt controller, of either version |
//! | [`distributor`] | the part of it that device lines arrive at |
//! | `gic_v2` | each core's interface to it, by registers in memory |
//! | `gic_v3` | the same, by registers of the processor |
//! | `bcm` | the interrupt controllers of a Raspberry Pi 3 as one |
//! | [`local_controller`] | of these, the one that each core has |
//! | [`legacy_controller`] | and the one of the devices |
//! | [`uart`] | a serial port |
//!
//! Every controller's interrupts are numbered as a GIC's: 0 to 15 signals between cores, 16 to 31 a
//! core's own, devices from 32.

#[cfg(target_os = "none")]
pub mod bcm;
#[cfg(target_os = "none")]
pub mod controller;
pub mod distributor;
#[cfg(target_os = "none")]
pub mod gic;
#[cfg(target_os = "none")]
pub mod gic_v2;
#[cfg(target_os = "none")]
pub mod gic_v3;
pub mod legacy_controller;
pub mod local_controller;
pub mod uart;

/// The first interrupt that each core has for itself.
pub const FIRST_OWN: u32 = 16;
/// The first line of a device.
pub const FIRST_DEVICE: u32 = 32;
