//! What the kernel core shares between cores, in every order that the memory model allows: slots of
//! capability tables and their stamps, and the life of a Space. See the test of the same name of the floor.
#![cfg(loom)]
#![forbid(unsafe_code)]

mod slots;
mod spaces;
mod stamps;

/// Checks a model exhaustively up to this many preemptions.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(model);
}
