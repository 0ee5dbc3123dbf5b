//! The sched-rr server.
fn main() {}
