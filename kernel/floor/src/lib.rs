//! The unsafe floor.
#![no_std]
