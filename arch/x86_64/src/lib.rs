//! The x86-64 machine.
#![no_std]
