//! Cedo's commands.
fn main() {}
