//! Messages of the servers: labels and word positions, no logic. Open a server's file here first.
//!
//! (What a scheduler does for callers is in `cedo_lib::sched`: every scheduler of that library does it.)
//!
//! A label counts only between one server and its clients; two servers may use the same number.
//!
//! | file | server |
//! |---|---|
//! | [`console`] | text in and out on the serial line |
#![no_std]
#![forbid(unsafe_code)]

pub mod console;
