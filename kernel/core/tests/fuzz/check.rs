//! What must hold of the whole machine between two steps.
//!
//! The kernel asserts the rules of one core at every exit; here is what crosses cores and spaces.

mod confinement;
mod frames;
mod posts;

use crate::cast::{Cast, Role};
use crate::play::Play;
use crate::program::Program;
use crate::stage::{Machine, id};
use crate::violation::{Violation, broken, holds};
use cedo_floor::{Entry, FrameKind, SpaceId};
use cedo_machine::{CoreNumber, Frame};
use std::collections::BTreeSet;

/// The machine before anybody but the first server ran.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Frames that are not in the hostile Region, and what they were.
    entries: Vec<(Frame, Entry)>,
    /// Contents of those that nobody may change: tables of trusted Spaces, stocks, unused memory.
    contents: Vec<(Frame, Vec<u64>)>,
    /// The trusted Spaces.
    trusted: Vec<SpaceId>,
    /// The first hostile Space.
    hostile: SpaceId,
}

impl Baseline {
    pub fn of(world: &Machine, cast: &Cast) -> Baseline {
        let table = world.shared().table;
        let trusted_frame = |frame: &u32| !cast.hostile_frames.contains(frame);
        let entries: Vec<_> = (0..table.len())
            .filter(trusted_frame)
            .map(|frame| (Frame(frame), table.entry(Frame(frame))))
            .collect();
        let first = cast.members.values().find(|member| member.role == Role::Root);
        let first = first.expect("a root").frame;
        let of = |role: Role| {
            let member = cast.members.values().find(|member| member.role == role);
            let member = member.expect("everybody is there");
            world.kernel(member.core).look(id(member.frame)).space
        };
        let hostile = of(Role::Hostile);
        let trusted = vec![of(Role::Root), of(Role::Client)];
        assert!(trusted[0] != hostile && first.0 != 0);
        let owned = frames::of_space(world, hostile);
        let stays = |(frame, entry): &(Frame, Entry)| {
            let words = matches!(
                entry.kind(),
                FrameKind::PageTable | FrameKind::Table | FrameKind::Stock | FrameKind::Ram
            );
            words && !owned.contains(&frame.0) && !cast.data.contains(frame)
        };
        let content = |frame: Frame| (0..512).map(|index| world.read(frame, index)).collect();
        let contents = entries
            .iter()
            .filter(|entry| stays(entry))
            .map(|(frame, _)| (*frame, content(*frame)))
            .collect();
        let entries = entries.into_iter().filter(|(frame, _)| !owned.contains(&frame.0)).collect();
        Baseline { entries, contents, trusted, hostile }
    }
}

/// Everything.
pub fn everything(play: &Play<'_>) -> Result<(), Violation> {
    for core in play.stage.world.cores() {
        if let Err(broken) = play.stage.world.kernel(core).check_invariants() {
            return crate::violation::broken(broken.what, format!("core {}", core.0));
        }
        floating_owner(play, core)?;
    }
    trusted_memory(play)?;
    confinement::check(play)?;
    posts::check(play)?;
    frames::check(play)
}

/// Whose floating-point register a core holds is a thread of that core.
fn floating_owner(play: &Play<'_>, core: CoreNumber) -> Result<(), Violation> {
    let world = &play.stage.world;
    let Some(owner) = world.floating_owner(core) else { return Ok(()) };
    let entry = world.shared().table.entry(owner);
    let lives_here = entry.kind() == FrameKind::Thread && entry.home() == core;
    holds("a core holds floating point of its own threads", lives_here, || {
        format!("core {}: {owner:?} is {:?}", core.0, entry.kind())
    })
}

/// Trusted frames are what they were.
fn trusted_memory(play: &Play<'_>) -> Result<(), Violation> {
    let world = &play.stage.world;
    let baseline = &play.stage.baseline;
    let table = world.shared().table;
    let published = play.stage.cast.data[0];
    for (frame, before) in &baseline.entries {
        let now = table.entry(*frame);
        // Everybody may map the published page.
        let same = now == *before || *frame == published && now.kind() == before.kind();
        let lives = !play.stage.cast.is_first_hostile(*frame)
            && !play.stage.cast.is_first_hostile(Frame(frame.0.wrapping_sub(1)));
        holds("trusted frames stay what they are", same || !lives, || {
            format!("{frame:?}: {before:x?} {now:x?}")
        })?;
    }
    for (frame, before) in &baseline.contents {
        let changed = (0..512).find(|index| world.read(*frame, *index) != before[*index]);
        if let Some(index) = changed {
            let kind = table.entry(*frame).kind();
            return broken("trusted memory is unchanged", format!("{frame:?} {kind:?} {index}"));
        }
    }
    victims(play)
}

/// Every victim finds its notes.
fn victims(play: &Play<'_>) -> Result<(), Violation> {
    let cast = &play.stage.cast;
    for member in cast.members.values().filter(|member| member.role == Role::Client) {
        let Some(Program::Client(client)) = play.programs.get(&member.frame.0) else { continue };
        let page = cast.data[member.core.index()];
        for index in 0..512 {
            let (found, expected) =
                (play.stage.world.read(page, index), client.noted(index as u64));
            holds("victims find their memory", found == expected, || {
                format!("core {}, word {index}: {found:#x} for {expected:#x}", member.core.0)
            })?;
        }
    }
    Ok(())
}

/// Spaces that are not trusted.
fn hostile_spaces(play: &Play<'_>) -> BTreeSet<SpaceId> {
    let table = play.stage.world.shared().table;
    (0..table.len())
        .filter(|frame| table.entry(Frame(*frame)).kind() == FrameKind::Space)
        .filter_map(SpaceId::from_number)
        .filter(|space| !play.stage.baseline.trusted.contains(space))
        .collect()
}
