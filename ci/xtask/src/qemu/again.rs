//! How to make a failed run happen again.

use super::Machine;
use crate::build::Profile;

/// Lines for a person: the command, and whether it repeats the run to the bit.
///
/// A counted run does: time is the number of instructions, cores take turns, and nothing comes from
/// outside (QEMU, "TCG Instruction Counting"). In any other run time passes and cores run as the host
/// lets them.
pub fn advice(system: &str, machine: &Machine, profile: Profile) -> String {
    let debug = if profile == Profile::Debug { " --debug" } else { "" };
    let command = |machine: &Machine| {
        format!("cargo xtask run --system {system} {}{debug}", machine.options())
    };
    if machine.icount {
        return format!("to repeat it bit for bit: {}", command(machine));
    }
    let counted = Machine { icount: true, ..machine.clone() };
    format!(
        "to run it again: {} (time and cores run freely and may do something else; what this shows \
         repeats bit for bit: {})",
        command(machine),
        command(&counted)
    )
}

#[cfg(test)]
mod tests {
    use super::{Machine, Profile, advice};

    #[test]
    fn a_counted_run_repeats() {
        let mut machine = Machine::new(1);
        machine.icount = true;
        let text = advice("suite", &machine, Profile::Debug);
        let command = "cargo xtask run --system suite --cores 1 --icount --debug";
        assert_eq!(text, format!("to repeat it bit for bit: {command}"));
    }

    #[test]
    fn another_one_may_not() {
        let text = advice("suite", &Machine::new(2), Profile::Release);
        assert!(text.contains("--no-icount (time and cores run freely"), "{text}");
        assert!(text.contains("--cores 2 --icount)"), "{text}");
    }
}
