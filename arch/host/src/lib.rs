//! The simulated machine.
#![no_std]
