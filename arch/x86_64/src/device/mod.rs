//! Interrupt controllers, timers, serial ports: one device, one file.
//!
//! | file | contents |
//! |---|---|
//! | [`redirection`] | entries of an I/O interrupt controller; which line goes where |
//! | [`routes`] | what the entries of all lines say |
//! | [`io_apic`] | the controllers that device lines arrive at |
//! | `local_apic` | each core's own interrupt controller and timer |
//! | `pic` | the old interrupt controllers, switched off |
//! | `hpet` | the high precision event timer, as a counter |
//! | `power_timer` | the ACPI timer, as a counter |
//! | `pit` | the old timer, as a counter |
//! | `uart` | a serial port |
//! | `port` | port input and output |

#[cfg(target_os = "none")]
pub mod hpet;
pub mod io_apic;
#[cfg(target_os = "none")]
pub mod local_apic;
#[cfg(target_os = "none")]
pub mod pic;
#[cfg(target_os = "none")]
pub mod pit;
#[cfg(target_os = "none")]
pub mod port;
#[cfg(target_os = "none")]
pub mod power_timer;
pub mod redirection;
pub mod routes;
#[cfg(target_os = "none")]
pub mod uart;
