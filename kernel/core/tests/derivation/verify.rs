//! The kernel against the model.

use crate::model::{State, What};
use crate::stage::{AREA, PAGES, Stage};
use cedo_abi::layout::PAGE_SIZE;
use cedo_arch_host::HostPages;
use cedo_floor::FrameKind;
use cedo_machine::{Frame, PageFormat};
use std::collections::BTreeMap;

/// What the kernel has at a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    Nothing,
    Mapped(Frame),
    /// Unmapped, and not yet forgotten by every core.
    Zombie,
}

impl Stage {
    /// Everything that is alive is there as it should be, and nothing that is gone.
    pub fn verify(&self) {
        let mut surely: BTreeMap<u32, u16> = BTreeMap::new();
        let mut perhaps: BTreeMap<u32, u16> = BTreeMap::new();
        for space in 0..self.model.spaces.len() {
            if self.model.is_there(space) {
                assert!(self.exists(space), "Space {space} is gone");
                self.verify_slots(space);
                self.verify_pages(space);
            }
        }
        for node in &self.model.nodes {
            if let What::Page(..) = node.what {
                let frame = node.capability.frame.0;
                let count = match node.state {
                    State::Alive => &mut surely,
                    State::Dead | State::Doomed => &mut perhaps,
                    State::Fading | State::Gone => continue,
                };
                *count.entry(frame).or_default() += 1;
            }
        }
        let idle = self.is_idle();
        for (frame, count) in surely {
            let entry = self.world.shared().table.entry(Frame(frame));
            assert!(entry.kind() == FrameKind::Ram && entry.map_count() >= count, "{frame:#x}");
            if idle {
                assert_eq!(entry.map_count(), count, "frame {frame:#x}");
            }
        }
        if idle {
            for (frame, _) in perhaps {
                self.verify_unmapped(frame);
            }
        }
        self.verify_objects(idle);
    }

    fn verify_slots(&self, space: usize) {
        for slot in self.slots(space) {
            let seen = self.seen(self.model.spaces[space].id, slot);
            let node = self.model.slot(space, slot).map(|id| &self.model.nodes[id]);
            match node.map(|node| node.state) {
                Some(State::Alive) => {
                    let expected = node.map(|node| node.capability);
                    assert_eq!(seen, expected, "slot {slot} of Space {space}");
                }
                Some(State::Dead | State::Doomed | State::Fading) => {
                    assert!(seen.is_none() || seen == node.map(|node| node.capability));
                }
                _ => assert_eq!(seen, None, "slot {slot} of Space {space}"),
            }
        }
    }

    fn verify_pages(&self, space: usize) {
        for page in 0..PAGES + 16 {
            let seen = self.page(space, page);
            let node = self.model.at(What::Page(space, page)).map(|id| &self.model.nodes[id]);
            let frame = node.map(|node| Seen::Mapped(node.capability.frame));
            match node.map(|node| node.state) {
                Some(State::Alive) => {
                    assert_eq!(Some(seen), frame, "page {page} of Space {space}");
                }
                Some(_) => {
                    assert!(seen == Seen::Nothing || seen == Seen::Zombie || frame == Some(seen))
                }
                None => assert!(!matches!(seen, Seen::Mapped(_)), "page {page} of Space {space}"),
            }
        }
    }

    fn page(&self, space: usize, page: u64) -> Seen {
        let id = self.model.spaces[space].id;
        let address =
            HostPages::user_address(AREA + page * PAGE_SIZE, PAGE_SIZE).expect("a user's");
        let mut table = Frame(id.frame().0 + 1);
        for level in (1..=HostPages::LEVELS).rev() {
            let entry = self.world.read(table, HostPages::index(address, level));
            match HostPages::frame(entry) {
                Some(frame) if level == 1 => return Seen::Mapped(frame),
                Some(lower) => table = lower,
                None if entry == 0 => return Seen::Nothing,
                None => return Seen::Zombie,
            }
        }
        Seen::Nothing
    }

    /// A frame of which all mappings that may be there are dead is mapped nowhere.
    fn verify_unmapped(&self, frame: u32) {
        let alive = |node: &&crate::model::Node| {
            matches!(node.what, What::Page(..))
                && node.state == State::Alive
                && node.capability.frame.0 == frame
        };
        let count = self.model.nodes.iter().filter(alive).count();
        let entry = self.world.shared().table.entry(Frame(frame));
        assert_eq!(usize::from(entry.map_count()), count, "frame {frame:#x}");
    }

    fn verify_objects(&self, idle: bool) {
        for (id, node) in self.model.nodes.iter().enumerate() {
            if matches!(node.what, What::Slot(..) | What::Page(..)) {
                continue;
            }
            let is_there = self.is_there(id);
            match node.state {
                State::Alive => assert!(is_there, "{:?} is gone", node.what),
                State::Gone => assert!(!is_there, "{:?} is there", node.what),
                _ => assert!(!idle || !is_there, "{:?} was not collected", node.what),
            }
        }
    }
}
