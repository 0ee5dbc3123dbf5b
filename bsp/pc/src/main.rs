//! The PC kernel binary.
fn main() {}
