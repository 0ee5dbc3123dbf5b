//! A counter of known frequency: HPET, ACPI timer or PIT, the first that counts.

use crate::device::hpet::{self, Hpet};
use crate::device::{pit, power_timer};
use core::hint::spin_loop;

/// Looks in which a counter must have moved.
const LOOKS: u32 = 10_000;

/// The counter.
#[derive(Clone, Copy)]
pub struct Reference {
    source: Source,
    /// For the log.
    pub name: &'static str,
    /// Counts per second.
    pub hertz: u64,
    mask: u64,
}

#[derive(Clone, Copy)]
enum Source {
    Hpet(Hpet),
    PowerTimer(u16),
    Pit,
}

impl Reference {
    /// The best one that counts; `None` on a machine whose timers all stand still.
    pub fn choose(hpet: Option<(Hpet, u64)>, timer: Option<(u16, u32)>) -> Option<Reference> {
        let hpet =
            hpet.map(|(hpet, hertz)| Reference::new(Source::Hpet(hpet), "HPET", hertz, hpet::BITS));
        let timer = timer.map(|(port, bits)| {
            Reference::new(Source::PowerTimer(port), "ACPI timer", power_timer::HERTZ, bits)
        });
        hpet.filter(Reference::counts).or(timer.filter(Reference::counts)).or_else(|| {
            pit::start();
            let pit = Reference::new(Source::Pit, "PIT", pit::HERTZ, pit::BITS);
            Some(pit).filter(Reference::counts)
        })
    }

    fn new(source: Source, name: &'static str, hertz: u64, bits: u32) -> Reference {
        Reference { source, name, hertz, mask: (1 << bits) - 1 }
    }

    /// The count, as wide as it is.
    #[inline(never)]
    pub fn read(&self) -> u64 {
        match self.source {
            Source::Hpet(hpet) => hpet.read(),
            Source::PowerTimer(port) => power_timer::read(port),
            Source::Pit => pit::read(),
        }
    }

    /// Counts from `earlier` to `later`, which are less than a round apart.
    pub fn between(&self, earlier: u64, later: u64) -> u64 {
        later.wrapping_sub(earlier) & self.mask
    }

    fn counts(&self) -> bool {
        let first = self.read();
        (0..LOOKS).any(|_| {
            spin_loop();
            self.read() != first
        })
    }
}
