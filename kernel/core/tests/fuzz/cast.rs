//! Who is who, by frame.

use crate::config::Config;
use crate::stage::Made;
use cedo_abi::Rights;
use cedo_fuzz::Slots;
use cedo_machine::{CoreNumber, Frame};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a thread is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The root scheduler of its core.
    Root,
    /// Handles the faults of hostile threads.
    Handler,
    /// A victim that is called by victims, and by hostile threads without donation.
    Server,
    /// A victim that hostile threads may lend their time to.
    Donated,
    /// A victim that calls servers on two cores.
    Client,
    /// Does anything.
    Hostile,
}

/// A thread that the first server made, or the first server.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub frame: Frame,
    pub core: CoreNumber,
    pub role: Role,
    /// Slot of its core in the trusted Space.
    pub core_slot: u64,
}

/// Everybody.
#[derive(Clone, Debug)]
pub struct Cast {
    pub config: Config,
    pub members: BTreeMap<u32, Member>,
    /// Frames of the hostile Region.
    pub hostile_frames: Range<u32>,
    /// Victims' data by core.
    pub data: Vec<Frame>,
    /// Gates of the hostile Space to trusted threads: thread, badge, rights.
    pub given_gates: Vec<(Frame, u64, Rights)>,
    /// Slots of the gates of the hostile Space.
    pub gates: Slots,
    /// By core: slots of its hostile threads in the trusted Space.
    pub hostile_slots: Vec<Vec<u64>>,
}

impl Cast {
    pub fn new(config: Config, (first, count): (u64, u64)) -> Cast {
        Cast {
            config,
            members: BTreeMap::new(),
            hostile_frames: first as u32..(first + count) as u32,
            data: Vec::new(),
            given_gates: Vec::new(),
            gates: Slots::NONE,
            hostile_slots: Vec::new(),
        }
    }

    pub fn add(&mut self, frame: Frame, core: CoreNumber, role: Role, core_slot: u64) {
        self.members.insert(frame.0, Member { frame, core, role, core_slot });
    }

    pub fn set_hostile_slots(&mut self, core: usize, made: &[Made]) {
        assert_eq!(core, self.hostile_slots.len());
        self.hostile_slots.push(made.iter().map(|made| made.slot).collect());
    }

    /// The role of the thread in a frame: who is not known was made by hostile threads.
    pub fn role(&self, frame: Frame) -> Role {
        if self.hostile_frames.contains(&frame.0) {
            return Role::Hostile;
        }
        self.members.get(&frame.0).map_or(Role::Hostile, |member| member.role)
    }

    /// True if the first server made this thread for the hostile Space.
    pub fn is_first_hostile(&self, frame: Frame) -> bool {
        self.members.get(&frame.0).is_some_and(|member| member.role == Role::Hostile)
    }

    /// A short name.
    pub fn name(&self, frame: Frame) -> String {
        if self.hostile_frames.contains(&frame.0) {
            return format!("made{}", frame.0 - self.hostile_frames.start);
        }
        let Some(member) = self.members.get(&frame.0) else { return format!("{frame:?}") };
        let number = self
            .members
            .values()
            .filter(|other| other.role == member.role && other.frame.0 < frame.0)
            .count();
        match member.role {
            Role::Root => format!("root{}", member.core.0),
            Role::Handler => format!("handler{}", member.core.0),
            Role::Server => format!("server{}", member.core.0),
            Role::Donated => format!("lender{}", member.core.0),
            Role::Client => format!("client{}", member.core.0),
            Role::Hostile => format!("h{}.{}", member.core.0, number % 4),
        }
    }
}
