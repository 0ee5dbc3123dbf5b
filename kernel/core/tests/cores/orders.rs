//! All orders in which a scene can play: every state that it can reach is visited once.

use crate::scene::{Event, Scene};
use std::collections::HashSet;

/// Steps after which a scene counts as one that never comes to rest.
const MAX_STEPS: usize = 400;
/// States after which a scene counts as too large.
const MAX_STATES: usize = 60_000;

/// Plays the scene in every order until nothing can happen any more, and looks at each end. Returns
/// how many ends there are.
pub fn in_every_order(mut scene: Scene, look: impl Fn(&Scene)) -> usize {
    let mut search = Search { look, seen: HashSet::new(), ends: 0, trace: Trace(Vec::new()) };
    search.visit(&mut scene);
    search.trace.0.clear();
    search.ends
}

struct Search<F> {
    look: F,
    seen: HashSet<u64>,
    ends: usize,
    trace: Trace,
}

impl<F: Fn(&Scene)> Search<F> {
    fn visit(&mut self, scene: &mut Scene) {
        let events = scene.events();
        if events.is_empty() {
            self.ends += 1;
            return (self.look)(scene);
        }
        if !self.seen.insert(scene.key()) {
            return;
        }
        assert!(self.seen.len() < MAX_STATES, "more than {MAX_STATES} states");
        assert!(self.trace.0.len() < MAX_STEPS, "never comes to rest");
        let moment = scene.moment();
        for (index, event) in events.iter().enumerate() {
            if index > 0 {
                scene.go_back_to(&moment);
            }
            self.trace.0.push(*event);
            scene.happens(*event);
            self.visit(scene);
            self.trace.0.pop();
        }
    }
}

/// What happened, shown if the play ends in a panic.
struct Trace(Vec<Event>);

impl Drop for Trace {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            println!("after {:?}", self.0);
        }
    }
}
