//! Nobody gains a capability, or a mapping, that it was not given.

use super::{Baseline, hostile_spaces};
use crate::cast::Cast;
use crate::play::Play;
use crate::stage::{CORE, LINES, NO_DONATION, PORTS, REGION_RIGHTS};
use crate::violation::{Violation, holds};
use cedo_abi::{Kind, Rights};
use cedo_arch_host::HostPages;
use cedo_core::object::capability::{Capability, look_up};
use cedo_floor::{FrameKind, FrameTable, SpaceId};
use cedo_machine::{Frame, PageFormat};

const GATE: Rights = NO_DONATION.or(Rights::DONATE).or(Rights::HANDOVER);

pub fn check(play: &Play<'_>) -> Result<(), Violation> {
    for space in hostile_spaces(play) {
        capabilities(play, space)?;
        mappings(play, space)?;
    }
    Ok(())
}

fn capabilities(play: &Play<'_>, id: SpaceId) -> Result<(), Violation> {
    let kernel = play.stage.world.kernel(CORE);
    let space = kernel.space(id);
    for slot in 0..space.slots {
        let Ok(found) = look_up(&kernel.objects, space, slot) else { continue };
        let given = is_given(&play.stage.cast, &play.stage.baseline, &found);
        holds("no capability is gained", given, || format!("{id:?} slot {slot}: {found:?}"))?;
    }
    Ok(())
}

/// True if the hostile Space could ever have been given this.
fn is_given(cast: &Cast, baseline: &Baseline, found: &Capability) -> bool {
    let own = cast.hostile_frames.contains(&found.frame.0);
    let own_thread = own || cast.is_first_hostile(found.frame);
    let range = |(first, count): (u64, u64)| {
        found.badge >= first && found.badge + found.count <= first + count
    };
    let read_write = Rights::READ.or(Rights::WRITE);
    match found.kind {
        Kind::Empty | Kind::Core => false,
        Kind::Space => own || Some(baseline.hostile) == SpaceId::new(found.frame),
        Kind::Thread => own_thread,
        Kind::Gate if own_thread => GATE.has(found.rights) || found.rights == Rights::NONE,
        Kind::Gate => cast.given_gates.iter().any(|(thread, badge, rights)| {
            *thread == found.frame && *badge == found.badge && rights.has(found.rights)
        }),
        Kind::Irq => own,
        Kind::Region => is_given_region(cast, found),
        Kind::Ports => range(PORTS) && read_write.has(found.rights),
        Kind::Lines => range(LINES) && read_write.has(found.rights),
    }
}

fn is_given_region(cast: &Cast, found: &Capability) -> bool {
    let frames = &cast.hostile_frames;
    let (first, end) = (u64::from(found.frame.0), u64::from(found.frame.0) + found.count);
    let own = first >= frames.start.into() && end <= frames.end.into();
    let published = found.frame == cast.data[0] && found.count == 1;
    own && REGION_RIGHTS.has(found.rights) || published && Rights::READ.has(found.rights)
}

/// Every page leads to memory of the hostile Region, to the published page or the information page
/// (both read-only), or to the UTCB of a hostile thread.
fn mappings(play: &Play<'_>, id: SpaceId) -> Result<(), Violation> {
    let world = &play.stage.world;
    let table = world.shared().table;
    let cast = &play.stage.cast;
    let space = world.kernel(CORE).space(id);
    let mut found = Ok(());
    super::frames::leaves(world, space.page_table, &mut |leaf| {
        let Some(frame) = HostPages::frame(leaf) else { return };
        let access = HostPages::access(leaf);
        let fine = match table.entry(frame).kind() {
            FrameKind::Ram if frame == cast.data[0] => !access.write && !access.execute,
            FrameKind::Ram => cast.hostile_frames.contains(&frame.0),
            FrameKind::Utcb | FrameKind::Quiet => {
                is_own_utcb(table, cast, frame) && !access.execute
            }
            _ => frame == world.shared().info_frame && !access.write,
        };
        if !fine && found.is_ok() {
            let entry = table.entry(frame);
            let text = format!("{id:?}: {frame:?} {:?} {access:?}", entry.kind());
            found = holds("no mapping is gained", false, || text);
        }
    });
    found
}

/// The UTCB of a thread is the frame behind it.
fn is_own_utcb(table: FrameTable, cast: &Cast, frame: Frame) -> bool {
    let thread = Frame(frame.0 - 1);
    let kind = table.entry(thread).kind();
    (cast.hostile_frames.contains(&frame.0) || cast.is_first_hostile(thread))
        && matches!(kind, FrameKind::Thread | FrameKind::Quiet)
}
