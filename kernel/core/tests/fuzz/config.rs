//! How many cores, and which protocol on each.

use cedo_core::kernel::Protocol;
use cedo_machine::CoreNumber;
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    pub cores: u8,
    /// Bit n: core n is in chain mode.
    pub chain: u8,
}

impl Config {
    pub const ALL: [Config; 6] = [
        Config { cores: 1, chain: 0 },
        Config { cores: 2, chain: 0 },
        Config { cores: 4, chain: 0 },
        Config { cores: 1, chain: 1 },
        Config { cores: 2, chain: 2 },
        Config { cores: 4, chain: 0b1010 },
    ];

    pub fn protocol(self, core: CoreNumber) -> Protocol {
        if self.chain >> core.0 & 1 == 0 { Protocol::Direct } else { Protocol::Chain }
    }
}

impl fmt::Display for Config {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} core{}", self.cores, if self.cores == 1 { "" } else { "s" })?;
        match self.chain {
            0 => Ok(()),
            chain => write!(to, ", chain mode on {:b}", chain),
        }
    }
}
