//! The sched-fp server.
fn main() {}
