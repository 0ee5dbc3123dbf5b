//! A device that interrupts once each time that it is set, after a time: for tests and measurements
//! of interrupts. Which device that is, its ports say.

use crate::environment::{Environment, PortRange};
use cedo_abi::call::ports::CORE_TIMER;
use cedo_abi::info::KernelInfo;

/// The device.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    range: PortRange,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A PC's interval timer, channel 0. Source: Intel 8254 data sheet, mode 0.
    IntervalTimer,
    /// A core's own timer ([`CORE_TIMER`]), which counts as the counter does, so many times a second.
    CoreTimer(u64),
}

/// First port of the interval timer, of channel 0.
const INTERVAL_TIMER: u16 = 0x40;
/// Its control port.
const COMMAND: u16 = 0x43;
/// Ticks of the interval timer per second: the PC's crystal.
const TICKS_PER_SECOND: u64 = 1_193_182;
/// Channel 0, low byte then high byte, mode 0: one edge when the count is over.
const ONE_SHOT: u8 = 0x30;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

impl Alarm {
    /// The device called "timer".
    pub fn of(environment: &Environment) -> Option<Alarm> {
        Alarm::at(environment.ports("timer")?, crate::clock::information())
    }

    /// The device with these ports. Nothing if they are no timer's.
    pub fn at(range: PortRange, information: &KernelInfo) -> Option<Alarm> {
        let kind = match range.first {
            INTERVAL_TIMER => Kind::IntervalTimer,
            CORE_TIMER => Kind::CoreTimer(information.clock_hz),
            _ => return None,
        };
        Some(Alarm { range, kind })
    }

    /// Interrupts after so many nanoseconds, at most 50 ms.
    pub fn set(&self, time_ns: u64) {
        match self.kind {
            Kind::IntervalTimer => {
                let count = time_ns * TICKS_PER_SECOND / NANOSECONDS_PER_SECOND;
                let [low, high, ..] = count.min(u64::from(u16::MAX)).to_le_bytes();
                self.write(COMMAND, ONE_SHOT);
                self.write(INTERVAL_TIMER, low);
                self.write(INTERVAL_TIMER, high);
            }
            Kind::CoreTimer(hertz) => {
                let ticks = time_ns * hertz / NANOSECONDS_PER_SECOND;
                self.count_down(ticks.max(1) as u32);
            }
        }
    }

    /// Ends interrupts that firmware left running.
    pub fn silence(&self) {
        match self.kind {
            // Mode 0 without a count.
            Kind::IntervalTimer => self.write(COMMAND, ONE_SHOT),
            Kind::CoreTimer(_) => self.count_down(0),
        }
    }

    // Ports that were not granted do nothing, and the interrupt is missed.

    fn write(&self, port: u16, value: u8) {
        let _ = self.range.ports.write_byte(port, value);
    }

    fn count_down(&self, ticks: u32) {
        let _ = self.range.ports.write(CORE_TIMER, 4, ticks);
    }
}

#[cfg(test)]
mod tests {
    use super::{Alarm, INTERVAL_TIMER};
    use crate::capability::Ports;
    use crate::environment::PortRange;
    use cedo_abi::call::ports::CORE_TIMER;
    use cedo_rt::raw::host;
    use std::vec::Vec;

    fn alarm(first: u16) -> Option<Alarm> {
        let range = PortRange { ports: Ports::at(5), first, count: 4 };
        Alarm::at(range, crate::clock::information())
    }

    /// Port, bytes and value of each write.
    fn written() -> Vec<[u64; 3]> {
        let calls = host::take_calls();
        calls.iter().map(|call| [call.words[0], call.words[1], call.words[2]]).collect()
    }

    #[test]
    fn an_interval_timer_gets_its_count_in_two_bytes() {
        alarm(INTERVAL_TIMER).unwrap().set(1_000_000);
        assert_eq!(written(), [[0x43, 1, 0x30], [0x40, 1, 0xa9], [0x40, 1, 4]]);
    }

    #[test]
    fn a_core_timer_gets_ticks_of_the_counter() {
        let alarm = alarm(CORE_TIMER).unwrap();
        alarm.set(200_000);
        alarm.set(0);
        alarm.silence();
        let ticks: Vec<_> = written().iter().map(|write| write[2]).collect();
        assert_eq!(ticks, [200_000, 1, 0]);
    }

    #[test]
    fn other_ports_are_no_timers() {
        assert!(alarm(0x3f8).is_none());
    }
}
