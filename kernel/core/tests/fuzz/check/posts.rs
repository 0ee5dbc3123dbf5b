//! Mails: each in at most one list, each that is under way in exactly one, none forgotten.

use crate::play::Play;
use crate::stage::{Machine, id};
use crate::violation::{Violation, broken, holds};
use cedo_core::object::thread::State;
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{CoreNumber, Frame, Interrupt};
use std::collections::BTreeMap;

/// Where a mail is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Inbox(CoreNumber),
    Senders(ThreadId),
    Owed(ThreadId),
    Closed(ThreadId),
}

/// More mails than there can be: a list in a circle.
const MANY: usize = 10_000;

pub fn check(play: &Play<'_>) -> Result<(), Violation> {
    let world = &play.stage.world;
    let threads = threads(world);
    let places = places(world, &threads)?;
    for (thread, core) in &threads {
        let place = places.get(&thread.number().get()).copied();
        let state = world.kernel(*core).look(*thread).state;
        let fits = match state {
            State::Remote(_) | State::Recalled(_) => {
                place.is_some_and(|place| place != Place::Senders(*thread))
            }
            State::Reply(by) => place == Some(Place::Owed(by)),
            State::Sending(to) => place == Some(Place::Senders(to)),
            State::Closed(from) => place == Some(Place::Closed(from.thread)),
            _ => place.is_none(),
        };
        holds("a mail is where its thread's wait says", fits, || {
            format!("{}: {state:?}, mail {place:?}", play.stage.cast.name(thread.frame()))
        })?;
    }
    signals(world)
}

/// All threads and their home cores.
fn threads(world: &Machine) -> Vec<(ThreadId, CoreNumber)> {
    let table = world.shared().table;
    (0..table.len())
        .map(|frame| (Frame(frame), table.entry(Frame(frame))))
        .filter(|(_, entry)| entry.kind() == FrameKind::Thread)
        .map(|(frame, entry)| (id(frame), entry.home()))
        .collect()
}

fn places(
    world: &Machine,
    threads: &[(ThreadId, CoreNumber)],
) -> Result<BTreeMap<u32, Place>, Violation> {
    let mut places = BTreeMap::new();
    let table = world.shared().table;
    let mut walk = |first: Option<u32>, place: Place| {
        let mut at = first.unwrap_or(0);
        for _ in 0..MANY {
            let Some(thread) = ThreadId::from_number(at) else { return Ok(()) };
            let entry = table.entry(thread.frame());
            if entry.kind() != FrameKind::Thread {
                return broken("mails of what is gone are in no list", format!("{place:?}"));
            }
            if let Some(other) = places.insert(at, place) {
                let text = format!("{thread:?}: {place:?} and {other:?}");
                return broken("a mail is in one list", text);
            }
            at = world.kernel(entry.home()).mail(thread).next.get();
        }
        broken("lists of mails end", format!("{place:?}"))
    };
    for core in world.cores() {
        let first = world.shared().inboxes[core.index()].first();
        walk(first.map(|frame| frame.get()), Place::Inbox(core))?;
    }
    for (thread, core) in threads {
        let looked = world.kernel(*core).look(*thread);
        let number = |first: Option<ThreadId>| first.map(|id| id.number().get());
        walk(number(looked.senders.first), Place::Senders(*thread))?;
        walk(number(looked.owed.first), Place::Owed(*thread))?;
        walk(number(looked.closed.first), Place::Closed(*thread))?;
    }
    Ok(places)
}

/// A core with something in its inbox has been interrupted.
fn signals(world: &Machine) -> Result<(), Violation> {
    for core in world.cores() {
        let posted = !world.shared().inboxes[core.index()].is_empty();
        let told = world.pending(core).contains(&Interrupt::Signal);
        holds("a core with posts is interrupted", !posted || told, || format!("core {}", core.0))?;
    }
    Ok(())
}
