//! The kernel core.
#![no_std]
