//! The devices of a board, by name (`bsp/*/board.toml`): what a description means by them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cedo_abi::layout::PAGE_SIZE;
use serde::Deserialize;

/// The devices that a description may name.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Devices {
    #[serde(default)]
    device: BTreeMap<String, Device>,
}

/// A device: how it is reached, and how it interrupts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its registers are I/O ports.
    pub ports: Option<Ports>,
    /// Its registers are in memory.
    pub memory: Option<Memory>,
    /// How it interrupts.
    pub interrupt: Option<Interrupt>,
}

/// A range of I/O ports.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// First port.
    pub first: u64,
    /// Number of ports.
    pub count: u64,
}

/// Pages of physical memory.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Physical address of the first page.
    pub base: u64,
    /// Number of pages.
    pub pages: u64,
}

/// A line of the interrupt controller.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interrupt {
    /// The line, as the machine numbers it.
    pub line: u64,
    /// How the device signals.
    pub trigger: Trigger,
}

/// How a device signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// By a transition.
    Edge,
    /// By a level.
    Level,
}

impl Devices {
    /// Those of the board that is described in `path`.
    pub fn load(path: &Path) -> Result<Devices> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        Devices::parse(&text).with_context(|| format!("{name} describes no board"))
    }

    /// Those in a text.
    pub fn parse(text: &str) -> Result<Devices> {
        let devices: Devices = toml::from_str(text)?;
        for (name, device) in &devices.device {
            ensure!(
                device.ports.is_some() != device.memory.is_some(),
                "device `{name}` needs either `ports` or `memory`"
            );
            if let Some(memory) = device.memory {
                ensure!(
                    memory.base.is_multiple_of(PAGE_SIZE) && memory.pages > 0,
                    "the memory of device `{name}` is not made of whole pages"
                );
            }
        }
        Ok(devices)
    }

    /// The device called `name`.
    pub fn get(&self, name: &str) -> Option<&Device> {
        self.device.get(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.device.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{Devices, Trigger};

    #[test]
    fn a_device_has_ports_or_memory_and_perhaps_a_line() {
        let text = "[device.uart]\nports = { first = 0x3f8, count = 8 }\n\
                    interrupt = { line = 4, trigger = \"edge\" }\n\
                    [device.clock]\nmemory = { base = 0x9010000, pages = 1 }\n";
        let devices = Devices::parse(text).unwrap();
        let uart = devices.get("uart").unwrap();
        assert_eq!(uart.ports.unwrap().first, 0x3f8);
        assert_eq!(uart.interrupt.unwrap().trigger, Trigger::Edge);
        assert!(devices.get("clock").unwrap().interrupt.is_none());
        assert_eq!(devices.names().collect::<Vec<_>>(), ["clock", "uart"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let both = "[device.a]\nports = { first = 1, count = 1 }\nmemory = { base = 0, pages = 1 }";
        let odd = "[device.a]\nmemory = { base = 1, pages = 1 }";
        for text in ["[device.a]", both, odd, "[device.a]\nport = 1", "devices = 1"] {
            assert!(Devices::parse(text).is_err(), "{text}");
        }
    }
}
