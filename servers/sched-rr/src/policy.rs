//! Round robin: whoever can run waits in one line, and each turn lasts at most one slice.

use cedo_lib::lists::Lists;
use cedo_lib::policy::{CHILDREN, Decision, Grant, PARAMETERS, Policy, Why};

/// The one list: children that can run, the next one first.
const LINE: usize = 0;

/// One line, one slice.
pub struct RoundRobin {
    ready: Lists<CHILDREN, 1>,
    /// Length of a turn; 0: a turn ends at every preemption, and nobody sets a timer. That is what
    /// a scheduler below another one wants: its scheduler's slices end its children's turns.
    slice_ns: u64,
    /// The turn that was granted last.
    turn: Option<Turn>,
}

#[derive(Clone, Copy)]
struct Turn {
    child: usize,
    end_ns: u64,
}

impl RoundRobin {
    /// Nobody ready, turns of `slice_ns` nanoseconds.
    pub const fn new(slice_ns: u64) -> RoundRobin {
        RoundRobin { ready: Lists::new(), slice_ns, turn: None }
    }
}

impl Policy for RoundRobin {
    fn admit(&mut self, _child: usize, _parameters: &[u64; PARAMETERS]) {}

    fn ready(&mut self, child: usize, why: Why, now_ns: u64) {
        let in_its_turn = self.turn.is_some_and(|turn| turn.child == child && now_ns < turn.end_ns);
        if why == Why::Preempted && in_its_turn {
            self.ready.push_first(LINE, child);
        } else {
            self.end_turn_of(child);
            self.ready.push_last(LINE, child);
        }
    }

    fn blocked(&mut self, child: usize) {
        self.end_turn_of(child);
        self.ready.remove(child);
    }

    fn choose(&mut self, now_ns: u64) -> Option<Decision> {
        let child = self.ready.first(LINE)?;
        self.ready.remove(child);
        let rest = self.turn.filter(|turn| turn.child == child && now_ns < turn.end_ns);
        let turn = rest.unwrap_or(Turn { child, end_ns: now_ns.saturating_add(self.slice_ns) });
        self.turn = Some(turn);
        let grant = if rest.is_some() { Grant::Rest } else { Grant::Fresh };
        let until_ns = (self.slice_ns > 0).then_some(turn.end_ns);
        Some(Decision { child, until_ns, grant })
    }
}

impl RoundRobin {
    /// Forgets what is left of the child's turn, so that it starts a new one next time.
    fn end_turn_of(&mut self, child: usize) {
        self.turn = self.turn.filter(|turn| turn.child != child);
    }
}
