//! Calls of the power firmware (Arm DEN 0022, Power State Coordination Interface).

use crate::tree::Conduit;
use smccc::{Hvc, Smc, psci};

/// Firmware that starts cores and switches off.
#[derive(Clone, Copy, Debug)]
pub struct Firmware(pub Conduit);

impl Firmware {
    /// Starts the core with this affinity at the physical address `entry`. False if it refuses.
    pub fn start_core(self, affinity: u64, entry: u64) -> bool {
        let started = match self.0 {
            Conduit::Hvc => psci::cpu_on::<Hvc>(affinity, entry, 0),
            Conduit::Smc => psci::cpu_on::<Smc>(affinity, entry, 0),
        };
        started.is_ok()
    }

    /// Switches off; returns where that fails.
    pub fn power_off(self) {
        // What it answers if it does not switch off changes nothing.
        let _ = match self.0 {
            Conduit::Hvc => psci::system_off::<Hvc>(),
            Conduit::Smc => psci::system_off::<Smc>(),
        };
    }

    /// Starts the machine anew; returns where that fails.
    pub fn reset(self) {
        // As above.
        let _ = match self.0 {
            Conduit::Hvc => psci::system_reset::<Hvc>(),
            Conduit::Smc => psci::system_reset::<Smc>(),
        };
    }
}
