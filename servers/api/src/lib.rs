//! Messages of the servers: labels and word positions, no logic. Open a server's file here first.
//!
//! A label counts only between one server and its clients; two servers may use the same number.
//!
//! | file | server |
//! |---|---|
//! | [`console`] | text in and out on the serial line |
//! | [`scheduler`] | what a scheduler of the user library does for callers |
#![no_std]
#![forbid(unsafe_code)]

pub mod console;
pub mod scheduler;
