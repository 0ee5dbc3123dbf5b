//! Machine variants: not all combinations of properties, but every pair of them.

use crate::board::Board;
use crate::build::Profile;
use crate::qemu::{Loader, Machine, Processor};
use std::fmt;

const CORES: [u32; 4] = [2, 1, 4, 8];
const PROCESSORS: [Processor; 2] = [Processor::PentiumD, Processor::Max];
const LOADERS: [Loader; 3] = [Loader::Pvh, Loader::IsoBios, Loader::IsoUefi];
const PROFILES: [Profile; 2] = [Profile::Release, Profile::Debug];
/// Choices per property, in the order above.
const LEVELS: [usize; 4] = [CORES.len(), PROCESSORS.len(), LOADERS.len(), PROFILES.len()];

/// One machine and the kernel on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    pub machine: Machine,
    pub profile: Profile,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, loader, .. } = &self.machine;
        let plural = if *cores == 1 { "" } else { "s" };
        let (processor, loader, profile) = (processor.name(), loader.name(), self.profile.name());
        if self.machine.board != Board::Pc {
            write!(f, "{}, ", self.machine.board.name())?;
        }
        write!(f, "{cores} core{plural}, {processor}, {loader}, {profile}")?;
        let hpet = if self.machine.hpet { "" } else { ", no HPET" };
        let icount = if self.machine.icount { ", counted" } else { "" };
        write!(f, "{hpet}{icount}")?;
        let memory = self.machine.memory_mib;
        if memory == Machine::new(1).memory_mib { Ok(()) } else { write!(f, ", {memory} MiB") }
    }
}

/// The variants; the first only if `quick`.
pub fn all(quick: bool) -> Vec<Variant> {
    let rows = pairwise(&LEVELS);
    let count = if quick { 1 } else { rows.len() };
    rows.into_iter().take(count).map(|row| variant(&row)).collect()
}

fn variant(row: &[usize]) -> Variant {
    let mut machine = Machine::new(CORES[row[0]]);
    machine.processor = PROCESSORS[row[1]];
    machine.loader = LOADERS[row[2]];
    // Counting instructions makes cores take turns, which starves those that wait for busy ones.
    // UEFI firmware polls, which takes minutes when each poll counts.
    machine.icount = machine.cores == 1 && !machine.loader.is_uefi();
    Variant { machine, profile: PROFILES[row[3]] }
}

/// A pair of choices: property, choice, other property, choice.
type Pair = (usize, usize, usize, usize);

/// Few rows in which every pair of choices occurs. `levels` says how many choices a property has.
fn pairwise(levels: &[usize]) -> Vec<Vec<usize>> {
    let mut open = pairs(levels);
    let mut rows = Vec::new();
    while let Some(first) = open.first().copied() {
        let row = row(levels, first, &open);
        open.retain(|pair| !covers(&row, *pair));
        rows.push(row);
    }
    rows
}

fn pairs(levels: &[usize]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for one in 0..levels.len() {
        for other in one + 1..levels.len() {
            for choice in 0..levels[one] {
                pairs.extend((0..levels[other]).map(|second| (one, choice, other, second)));
            }
        }
    }
    pairs
}

/// A row with `first` in it, and as many open pairs as one gets by choosing property by property.
fn row(levels: &[usize], first: Pair, open: &[Pair]) -> Vec<usize> {
    let mut chosen: Vec<Option<usize>> = vec![None; levels.len()];
    chosen[first.0] = Some(first.1);
    chosen[first.2] = Some(first.3);
    for property in 0..levels.len() {
        if chosen[property].is_some() {
            continue;
        }
        let mut best = (0, 0);
        for choice in 0..levels[property] {
            chosen[property] = Some(choice);
            let gain = open.iter().filter(|pair| is_in(&chosen, **pair)).count();
            if choice == 0 || gain > best.1 {
                best = (choice, gain);
            }
        }
        chosen[property] = Some(best.0);
    }
    chosen.into_iter().flatten().collect()
}

fn is_in(chosen: &[Option<usize>], (one, first, other, second): Pair) -> bool {
    chosen[one] == Some(first) && chosen[other] == Some(second)
}

fn covers(row: &[usize], (one, first, other, second): Pair) -> bool {
    row[one] == first && row[other] == second
}

#[cfg(test)]
mod tests {
    use super::{LEVELS, all, covers, pairs, pairwise};
    use std::collections::BTreeSet;

    #[test]
    fn every_pair_occurs_in_few_rows() {
        for levels in [&LEVELS[..], &[2, 2], &[3, 3, 3, 3], &[5, 1, 4]] {
            let rows = pairwise(levels);
            let all: usize = levels.iter().product();
            assert!(pairs(levels).iter().all(|pair| rows.iter().any(|row| covers(row, *pair))));
            assert!(rows.len() <= all);
            assert!(rows.iter().all(|row| row.len() == levels.len()));
        }
        assert!(pairwise(&LEVELS).len() <= 14);
    }

    #[test]
    fn names_of_variants_differ() {
        let variants = all(false);
        let names: BTreeSet<_> = variants.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), variants.len());
    }

    #[test]
    fn quick_boots_the_usual_machine() {
        let variants = all(true);
        assert_eq!(variants.len(), 1);
        assert_eq!(variants[0].to_string(), "2 cores, pentium-d, pvh, release");
    }
}
