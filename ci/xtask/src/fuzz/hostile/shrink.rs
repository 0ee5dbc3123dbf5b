//! A failing episode made small: alone, with fewer calls, with fewer threads, as far as it still
//! fails in the same way. Counted attempts come first, since they repeat; in others cores run as the
//! host lets them, so each is made some times.

use super::boot::{Bench, Broken, Outcome};
use super::order::Order;
use crate::progress;
use anyhow::Result;
use std::time::{Duration, Instant};

/// Boots of one attempt.
const TRIES: usize = 3;
/// Time for one boot.
const BOOT: Duration = Duration::from_secs(120);
/// Episodes before the failing one that are tried with it.
const BEFORE: u64 = 3;
/// Calls with which an episode starts that the seed gives no smaller number.
const CALLS: u64 = 60_000;
/// An episode with fewer calls is small enough.
const FEW: u64 = 20;
/// Hostile threads of each core.
const ENEMIES: u32 = 4;

/// Makes it small; lines that say how far it came and how to repeat it.
pub fn shrink(
    bench: &mut Bench<'_>,
    order: &Order,
    broken: &Broken,
    limit: Duration,
) -> Result<String> {
    progress::say(&format!("  {order}: {}; making it small", broken.rule));
    let mut shrinker = Shrinker { bench, broken, end: Instant::now() + limit };
    let last = broken.episode;
    let alone = Order { episodes: (last, last), ..*order };
    let few = Order { episodes: (last.saturating_sub(BEFORE), last), ..*order };
    let all = Order { episodes: (0, last), ..*order };
    let counted = [alone, few].map(|attempt| Order { counted: true, ..attempt });
    let mut smallest = None;
    for attempt in counted.into_iter().chain([alone, few, all]) {
        if attempt.episodes.1 > 0 && shrinker.fails(&attempt)? {
            smallest = Some(attempt);
            break;
        }
    }
    let Some(mut smallest) = smallest else {
        return Ok(
            "it did not happen again in the same episode: cores met in another order, or the \
                   time for attempts was over\n"
                .to_string(),
        );
    };
    shrinker.fewer_calls(&mut smallest)?;
    shrinker.fewer_threads(&mut smallest)?;
    let exactly = if smallest.counted { ", bit for bit" } else { "" };
    let text = format!("smallest that fails in the same way{exactly}: {}\n", smallest.command());
    Ok(if shrinker.is_late() { format!("{text}(the time for attempts was over)\n") } else { text })
}

struct Shrinker<'a, 'b> {
    bench: &'a mut Bench<'b>,
    broken: &'a Broken,
    end: Instant,
}

impl Shrinker<'_, '_> {
    fn is_late(&self) -> bool {
        Instant::now() >= self.end
    }

    /// True if one of some boots breaks the same rule.
    fn fails(&mut self, order: &Order) -> Result<bool> {
        for _ in 0..if order.counted { 1 } else { TRIES } {
            let left = self.end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            match self.bench.boot(order, Some(left.min(BOOT)))? {
                Outcome::Broken(broken) if broken.rule == self.broken.rule => return Ok(true),
                _ => {}
            }
        }
        Ok(false)
    }

    fn fewer_calls(&mut self, smallest: &mut Order) -> Result<()> {
        let (mut fine, mut fails) = (0, if smallest.limit == 0 { CALLS } else { smallest.limit });
        while fails - fine > FEW.max(fails / 8) {
            let limit = fine + (fails - fine) / 2;
            if self.fails(&Order { limit, ..*smallest })? {
                fails = limit;
                smallest.limit = limit;
            } else {
                fine = limit;
            }
        }
        Ok(())
    }

    fn fewer_threads(&mut self, smallest: &mut Order) -> Result<()> {
        let all = (1 << (smallest.cores * ENEMIES)) - 1;
        let mut enemies = if smallest.enemies == 0 { all } else { smallest.enemies };
        for bit in 0..smallest.cores * ENEMIES {
            let fewer = enemies & !(1 << bit);
            if fewer == enemies || fewer == 0 {
                continue;
            }
            if self.fails(&Order { enemies: fewer, ..*smallest })? {
                enemies = fewer;
                smallest.enemies = fewer;
            }
        }
        Ok(())
    }
}
