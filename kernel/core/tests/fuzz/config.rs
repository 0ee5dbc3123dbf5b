//! How many cores, and which protocol on each.

use cedo_core::kernel::Protocol;
use cedo_machine::CoreNumber;
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    pub cores: u8,
    /// Bit n: core n is in chain mode.
    pub chain: u8,
    /// Cached translations outlast that another page table is active.
    pub keeps_translations: bool,
}

impl Config {
    pub const ALL: [Config; 6] = [
        Config::new(1, 0, false),
        Config::new(2, 0, true),
        Config::new(4, 0, false),
        Config::new(1, 1, true),
        Config::new(2, 2, false),
        Config::new(4, 0b1010, true),
    ];

    const fn new(cores: u8, chain: u8, keeps_translations: bool) -> Config {
        Config { cores, chain, keeps_translations }
    }

    pub fn protocol(self, core: CoreNumber) -> Protocol {
        if self.chain >> core.0 & 1 == 0 { Protocol::Direct } else { Protocol::Chain }
    }
}

impl fmt::Display for Config {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} core{}", self.cores, if self.cores == 1 { "" } else { "s" })?;
        if self.chain != 0 {
            write!(to, ", chain mode on {:b}", self.chain)?;
        }
        if self.keeps_translations { write!(to, ", translations kept") } else { Ok(()) }
    }
}
