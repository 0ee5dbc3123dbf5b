//! What depends on what, kept the naive way: everything that was ever made, and by means of what.

use cedo_abi::{Kind, Rights};
use cedo_core::object::capability::Capability;
use cedo_floor::SpaceId;

/// Number of a node.
pub type Id = usize;

/// What a node is, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A capability in a slot of a Space.
    Slot(usize, u32),
    /// A frame mapped at a page of the tests' area of a Space.
    Page(usize, u64),
    /// A Space.
    Space(usize),
    /// A thread that lives in a Space.
    Thread(usize),
    /// An Irq of a line.
    Irq(u64),
}

/// Whether it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It is.
    Alive,
    /// It was taken back: it may be there until that is over, and nothing can be made of it.
    Dead,
    /// It goes with the Space that it, or what it was made by means of, is in. It may be there, and things
    /// can be made of it until that Space is condemned; they go too.
    Doomed,
    /// A capability whose object is being destroyed: it may be there and good for copies until then.
    Fading,
    /// It is not.
    Gone,
}

/// Whether something was made by means of it since it was last revoked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Flag {
    No,
    /// An attempt failed after the kernel may have noted it.
    Perhaps,
    Yes,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub what: What,
    pub by: Vec<Id>,
    pub state: State,
    pub flag: Flag,
    /// Of a slot: what is in it. Of a page: `frame` and `rights`. Of an object: `frame`.
    pub capability: Capability,
    /// The object that a capability names.
    pub object: Option<Id>,
}

/// A Space, and the node that it is, if it can go.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub id: SpaceId,
    pub node: Option<Id>,
}

#[derive(Default)]
pub struct Model {
    pub nodes: Vec<Node>,
    pub spaces: Vec<Place>,
}

impl Model {
    /// Adds what was made by means of `by`.
    pub fn add(&mut self, what: What, by: &[Id], capability: Capability, object: Option<Id>) -> Id {
        // What was in the place must be gone, or the kernel would have refused.
        if let Some(id) = self.at(what) {
            assert_ne!(self.nodes[id].state, State::Alive, "{what:?} was taken");
            self.nodes[id].state = State::Gone;
        }
        for id in by {
            self.nodes[*id].flag = Flag::Yes;
        }
        let fades = object.is_some_and(|object| self.nodes[object].state != State::Alive);
        let state = if fades { State::Fading } else { State::Alive };
        let flag = Flag::No;
        self.nodes.push(Node { what, by: by.to_vec(), state, flag, capability, object });
        self.nodes.len() - 1
    }

    /// What may be in a place: at most one.
    pub fn at(&self, what: What) -> Option<Id> {
        let is_place = matches!(what, What::Slot(..) | What::Page(..));
        let mut there = (0..self.nodes.len())
            .filter(|id| is_place && self.nodes[*id].what == what)
            .filter(|id| self.nodes[*id].state != State::Gone);
        let found = there.next();
        assert!(there.next().is_none(), "two things at {what:?}");
        found
    }

    /// What may be in a slot.
    pub fn slot(&self, space: usize, slot: u32) -> Option<Id> {
        self.at(What::Slot(space, slot))
    }

    /// Takes back what depends on `id`, and keeps that.
    pub fn revoke(&mut self, id: Id) {
        self.nodes[id].flag = Flag::No;
        for child in 0..self.nodes.len() {
            if self.nodes[child].by.contains(&id) {
                self.kill(child);
            }
        }
    }

    /// Takes back a node and all that depends on it. What is in a Space that is taken back is doomed.
    pub fn kill(&mut self, id: Id) {
        self.end(id, State::Dead, State::Doomed);
    }

    /// The same for an object that is destroyed: what is in a Space is dead at once.
    pub fn destroy(&mut self, id: Id) {
        self.end(id, State::Dead, State::Dead);
    }

    /// What was just made is doomed if something that it was made by means of is, or its place.
    pub fn share_fate(&mut self, id: Id, place: usize) {
        let doomed = |by: &Id| self.nodes[*by].state == State::Doomed;
        if self.nodes[id].by.iter().any(doomed) || !self.is_there(place) {
            self.end(id, State::Doomed, State::Doomed);
        }
    }

    fn end(&mut self, id: Id, how: State, inside: State) {
        let now = self.nodes[id].state;
        if matches!(now, State::Dead | State::Gone) || now == how {
            return;
        }
        self.nodes[id].state = how;
        for other in 0..self.nodes.len() {
            let node = &self.nodes[other];
            let is_inside = match (self.nodes[id].what, node.what) {
                (What::Space(space), What::Slot(at, _) | What::Page(at, _) | What::Thread(at)) => {
                    at == space
                }
                _ => false,
            };
            if node.by.contains(&id) {
                self.end(other, how, inside);
            } else if is_inside {
                self.end(other, inside, inside);
            } else if node.object == Some(id) && node.state == State::Alive {
                self.nodes[other].state = State::Fading;
            }
        }
    }

    /// Something is no longer there, and nobody depended on it.
    pub fn remove(&mut self, id: Id) {
        self.nodes[id].state = State::Gone;
    }

    /// Nothing is under way: what was taken back is gone.
    pub fn settle(&mut self) {
        for node in &mut self.nodes {
            if matches!(node.state, State::Dead | State::Doomed | State::Fading) {
                node.state = State::Gone;
            }
        }
    }

    /// Capabilities above one that is made by means of `id`.
    pub fn depth_below(&self, id: Id) -> usize {
        1 + self.nodes[id].by.iter().map(|by| self.depth_below(*by)).max().unwrap_or(0)
    }

    /// True if a Space exists as far as the model knows.
    pub fn is_there(&self, space: usize) -> bool {
        self.spaces[space].node.is_none_or(|id| self.nodes[id].state == State::Alive)
    }

    /// A slot with something of this kind that something can be made by means of, or nearly.
    pub fn find(&self, space: usize, kind: Kind) -> Vec<(Id, u32)> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, node)| node.state == State::Alive && node.capability.kind == kind)
            .filter_map(|(id, node)| match node.what {
                What::Slot(at, slot) if at == space => Some((id, slot)),
                _ => None,
            })
            .collect()
    }
}

/// A capability for nothing, to fill in.
pub const BLANK: Capability = Capability {
    kind: Kind::Empty,
    rights: Rights::NONE,
    frame: cedo_machine::Frame(0),
    generation: 0,
    badge: 0,
    count: 0,
};
