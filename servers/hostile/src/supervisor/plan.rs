//! What to do: from the parameters of the description, and from the seed.

use super::means::Means;
use crate::places::{ENEMIES, ENEMIES_PER_CORE};
use cedo_fuzz::Random;
use core::ops::RangeInclusive;

/// The parameters: `[seed, calls, first episode | last << 32, enemies | calls of an episode << 16]`,
/// 0 meaning: as the seed says, or no limit. Bit 63 of the last: messages carry typed items. Bit 62: the
/// confined Space gets a capability that it must not have, which must be found.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Of everything.
    pub seed: u64,
    /// Calls after which there are no more episodes.
    pub calls: u64,
    first: u64,
    last: u64,
    enemies: u64,
    limit: u64,
    items: bool,
    plants: bool,
}

/// One episode.
#[derive(Clone, Copy, Debug)]
pub struct Episode {
    /// Of its numbers.
    pub seed: u64,
    /// Calls after which it ends.
    pub calls: u64,
    /// Bit `n`: enemy `n` takes part.
    pub enemies: u64,
    /// Messages carry typed items.
    pub items: bool,
    /// The confined Space gets a capability that it must not have.
    pub plants: bool,
    /// See [`crate::order::Order`].
    pub self_harm: u64,
    /// As above.
    pub faults: u64,
    /// As above.
    pub patience: u64,
}

impl Episode {
    /// Those that take part.
    pub fn enemies(&self) -> impl Iterator<Item = u64> + use<> {
        let enemies = self.enemies;
        (0..ENEMIES).filter(move |enemy| enemies >> enemy & 1 == 1)
    }
}

impl Plan {
    /// What the description says.
    pub fn read(means: &Means) -> Plan {
        let [seed, calls, episodes, limits] = means.parameters;
        let (items, plants) = (limits >> 63 != 0, limits >> 62 & 1 != 0);
        let limits = limits & !(3 << 62);
        let (first, last) = (episodes & 0xffff_ffff, episodes >> 32);
        Plan {
            seed,
            calls: if calls == 0 { u64::MAX } else { calls },
            first: first.max(1),
            last: if last == 0 { u64::from(u32::MAX) } else { last },
            enemies: if limits & 0xffff == 0 { 0xffff } else { limits & 0xffff },
            items,
            plants,
            limit: if limits >> 16 == 0 { u64::MAX } else { limits >> 16 },
        }
    }

    /// Their numbers.
    pub fn episodes(&self) -> RangeInclusive<u64> {
        self.first..=self.last
    }

    /// What episode `number` is like.
    pub fn episode(&self, number: u64, cores: u64) -> Episode {
        let mut random = Random::part(self.seed, number);
        let calls = random.pick(&[3_000, 20_000, 20_000, 60_000]);
        let mut enemies = 0;
        for core in 0..cores {
            let some = (1 << (1 + random.below(ENEMIES_PER_CORE))) - 1;
            enemies |= some << (core * ENEMIES_PER_CORE);
        }
        Episode {
            items: self.items && random.once_in(2),
            plants: self.plants,
            self_harm: random.pick(&[0, 1_000, 10_000]),
            faults: random.pick(&[32, 200, 1_000]),
            patience: random.pick(&[2, 20, 100, 500]),
            seed: random.number(),
            calls: calls.min(self.limit),
            enemies: enemies & self.enemies,
        }
    }
}

const _: () = assert!(ENEMIES <= 16);
