//! What one boot does: as parameters of the supervisor, and as a command for people.

use cedo_abi::system::PARAMETERS;
use std::fmt;

/// What one boot does. 0: as the seed says, or no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    pub seed: u64,
    pub cores: u32,
    /// Bit n: core n is in chain mode.
    pub chain: u64,
    /// After so many there are no more episodes.
    pub calls: u64,
    /// First and last episode.
    pub episodes: (u64, u64),
    /// Bit 4 * core + number: that hostile thread takes part.
    pub enemies: u64,
    /// Calls of each episode.
    pub limit: u64,
    /// Messages carry typed items.
    pub items: bool,
    /// Hostile programs get a capability that they must not have, which must be found.
    pub plants: bool,
    /// The kernel is the one that ships, without assertions.
    pub release: bool,
    /// Time is the number of instructions executed, and cores take turns: repeats bit for bit.
    pub counted: bool,
}

impl Order {
    /// Everything as the seed says, in direct mode, on a kernel with assertions, without an end.
    pub const fn new(seed: u64, cores: u32) -> Order {
        Order {
            seed,
            cores,
            chain: 0,
            calls: 0,
            episodes: (0, 0),
            enemies: 0,
            limit: 0,
            items: true,
            plants: false,
            release: false,
            counted: false,
        }
    }

    /// The words that the supervisor reads (`servers/hostile/src/supervisor/plan.rs`).
    pub fn parameters(&self) -> [u64; PARAMETERS] {
        let (first, last) = self.episodes;
        let limits = self.enemies & 0xffff | self.limit << 16 | u64::from(self.items) << 63;
        let limits = limits | u64::from(self.plants) << 62;
        [self.seed, self.calls, first & 0xffff_ffff | last << 32, limits]
    }

    /// The command that does the same.
    pub fn command(&self) -> String {
        let Order { seed, cores, calls, episodes: (first, last), enemies, limit, .. } = *self;
        // With more jobs each would make a part of the calls.
        let mut text =
            format!("cargo xtask fuzz --seed {seed} --cores {cores} --calls {calls} --jobs 1");
        if self.chain != chain_of(seed, cores) {
            text += &format!(" --chain {:#x}", self.chain);
        }
        if self.release {
            text += " --release";
        }
        if last != 0 || first > 1 {
            let last = if last == 0 { u64::from(u32::MAX) } else { last };
            text += &format!(" --episodes {first}-{last}");
        }
        if enemies != 0 {
            text += &format!(" --enemies {enemies:#x}");
        }
        if limit != 0 {
            text += &format!(" --limit {limit}");
        }
        if !self.items {
            text += " --no-items";
        }
        if self.counted {
            text += " --counted";
        }
        text
    }
}

impl fmt::Display for Order {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.cores == 1 { "" } else { "s" };
        let chain: Vec<_> = (0..self.cores).filter(|core| self.chain >> core & 1 != 0).collect();
        write!(to, "{} core{plural}, seed {}", self.cores, self.seed)?;
        if chain.is_empty() { Ok(()) } else { write!(to, ", chain mode on {chain:?}") }
    }
}

/// Which cores are in chain mode if nobody says: none, all or every other one, by turns.
pub fn chain_of(seed: u64, cores: u32) -> u64 {
    let all = (1 << cores) - 1;
    match seed % 4 {
        2 => all,
        0 => all & 0xaaaa,
        _ => 0,
    }
}

/// `7` or `3-7`.
pub fn episodes(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u32>().map(u64::from);
    match (number(first), number(last)) {
        (Ok(first), Ok(last)) if first <= last && last > 0 => Ok((first, last)),
        _ => Err("write one number from 1 on, or two such as 3-7".to_string()),
    }
}

/// A number, hexadecimal after `0x`.
pub fn bits(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "write a number such as 0x3f".to_string())
}

#[cfg(test)]
mod tests {
    use super::{Order, bits, chain_of, episodes};

    #[test]
    fn an_order_is_told_to_the_supervisor_and_to_people() {
        let all = Order { chain: 2, calls: 9, ..Order::new(5, 2) };
        assert_eq!(all.parameters(), [5, 9, 0, 1 << 63]);
        assert_eq!(
            all.command(),
            "cargo xtask fuzz --seed 5 --cores 2 --calls 9 --jobs 1 --chain 0x2"
        );
        assert_eq!(all.to_string(), "2 cores, seed 5, chain mode on [1]");
        assert_eq!(Order { plants: true, ..all }.parameters()[3], 3 << 62);
        let (enemies, limit) = (0x11, 100);
        let episodes = (3, 7);
        let some = Order { episodes, enemies, limit, items: false, release: true, ..all };
        assert_eq!(some.parameters(), [5, 9, 3 | 7 << 32, 0x11 | 100 << 16]);
        let ending = "--calls 9 --jobs 1 --chain 0x2 --release --episodes 3-7 --enemies 0x11 --limit 100 --no-items";
        assert!(some.command().ends_with(ending), "{}", some.command());
        let exact = Order { counted: true, ..some };
        assert_eq!(exact.command(), some.command() + " --counted");
    }

    #[test]
    fn seeds_choose_the_protocols() {
        assert_eq!([1, 2, 3, 4].map(|seed| chain_of(seed, 4)), [0, 0xf, 0, 0xa]);
        assert_eq!([1, 2, 3, 4].map(|seed| chain_of(seed, 1)), [0, 1, 0, 0]);
    }

    #[test]
    fn what_people_write_is_read() {
        assert_eq!(episodes("7"), Ok((7, 7)));
        assert_eq!(episodes("3-7"), Ok((3, 7)));
        assert!(episodes("7-3").is_err() && episodes("0").is_err() && episodes("x").is_err());
        assert_eq!(bits("0x1f"), Ok(31));
        assert!(bits("0x").is_err());
    }
}
