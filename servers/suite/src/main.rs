//! The suite server.
fn main() {}
