//! One boot, and what came of it.

use super::order::Order;
use crate::board::Board;
use crate::build::{self, Parts, Profile};
use crate::progress::{self, Step};
use crate::qemu::Machine;
use crate::qemu::guest::{self, Limits};
use crate::run::{self, Watch};
use crate::system::Protocol;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// The supervisor prints a line per episode; a machine that prints nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(60);
/// Without a terminal there is a line each time that this has passed.
const SAY: Duration = Duration::from_secs(15);
/// What the supervisor prints.
const MARK: &str = "[fuzz] ";
/// What it prints of each victim, after that.
const SEEN: &str = "thread ";
/// The thread that reads the parameters.
const SUPERVISOR: &str = "supervisor";

/// What came of a boot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing was found.
    Fine { calls: u64 },
    /// A rule is broken.
    Broken(Broken),
    /// In this episode, behind so many calls, the emulator did what no processor does.
    Emulator { episode: u64, calls: u64 },
}

/// A broken rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The rule; of a panic its first line.
    pub rule: String,
    /// All that there is to say.
    pub text: String,
    /// In which episode.
    pub episode: u64,
}

/// A machine with hostile programs that runs one boot after the other.
#[derive(Clone)]
pub struct Bench<'a> {
    workspace: &'a Workspace,
    parts: Parts,
}

impl<'a> Bench<'a> {
    /// Builds all that boots with so many cores need.
    pub fn build(workspace: &'a Workspace, profile: Profile, cores: u32) -> Result<Self> {
        let system = workspace.system(&format!("fuzz-{cores}"))?;
        Ok(Self { workspace, parts: build::parts(workspace, Board::Pc, &system, profile)? })
    }

    /// A further one, which may boot at the same time; each needs another number.
    pub fn another(&self, number: usize) -> Self {
        let mut other = self.clone();
        other.parts.archive = format!("{}-{number}", self.parts.archive);
        other
    }

    /// Boots and waits for the end, for so long at most.
    pub fn boot(&mut self, order: &Order, total: Option<Duration>) -> Result<Outcome> {
        let mut threads = self.parts.description.threads.iter_mut();
        let supervisor = threads.find(|thread| thread.name == SUPERVISOR);
        supervisor.context("the system has no supervisor")?.parameters = order.parameters();
        for (number, core) in self.parts.description.cores.iter_mut().enumerate() {
            let chain = order.chain >> number & 1 != 0;
            core.protocol = if chain { Protocol::Chain } else { Protocol::Direct };
        }
        let boot = self.parts.pack(self.workspace)?;
        let step = Step::quiet(&format!("Booting {order}"));
        let mut said = Instant::now();
        let mut pending = String::new();
        let show = |bytes: &[u8]| {
            pending.push_str(&String::from_utf8_lossy(bytes));
            while let Some((line, rest)) = pending.split_once('\n') {
                if let Some(text) = line.strip_prefix(MARK) {
                    step.detail(text);
                    if said.elapsed() > SAY {
                        said = Instant::now();
                        progress::say(&format!("  {order}: {text}"));
                    }
                }
                pending = rest.to_string();
            }
        };
        let watch = Watch {
            limits: Limits { total, silence: Some(SILENCE) },
            show: Box::new(show),
            follow: None,
            interactive: false,
        };
        let machine = Machine { icount: order.counted, ..boot.machine.clone() };
        let outcome = run::start(self.workspace, &boot, &machine, watch)?;
        Ok(read(&outcome))
    }
}

/// What a guest's output says.
fn read(outcome: &guest::Outcome) -> Outcome {
    let lines = || outcome.transcript.lines().filter_map(|line| line.strip_prefix(MARK));
    let calls = lines().find_map(|line| line.strip_suffix(" calls, 0 violations"));
    if let (true, Some(calls)) = (outcome.is_success(), calls) {
        return Outcome::Fine { calls: calls.trim().parse().unwrap_or(0) };
    }
    if is_in_virtual_8086_mode(&outcome.transcript) {
        let progress = lines().filter_map(progress).next_back();
        let (episode, calls) = progress.unwrap_or((1, 0));
        return Outcome::Emulator { episode, calls };
    }
    let after = |mark: &str| lines().filter_map(|line| line.strip_prefix(mark)).next_back();
    let number = |text: &str| text.split([' ', ',']).next()?.parse().ok();
    let episode = after("episode ").and_then(number);
    let rule = after("broken: ").map(str::to_string);
    let panic = || outcome.transcript.lines().find(|line| line.starts_with("panic: "));
    let text = match (&rule, after("numbers: ")) {
        (Some(rule), Some(numbers)) => format!("broken: {rule} {numbers}"),
        _ => outcome.complaint(),
    };
    let seen: String =
        lines().filter(|line| line.starts_with(SEEN)).map(|line| format!("\n  {line}")).collect();
    let text = text + &seen;
    let rule = rule.or_else(|| panic().map(str::to_string));
    let rule = rule.unwrap_or_else(|| text.lines().next().unwrap_or("no end").to_string());
    Outcome::Broken(Broken { rule: without_numbers(&rule), text, episode: episode.unwrap_or(0) })
}

/// Number of the episode, and the calls before it.
fn progress(line: &str) -> Option<(u64, u64)> {
    let (episode, rest) = line.strip_prefix("episode ")?.split_once(", ")?;
    Some((episode.parse().ok()?, rest.split(' ').next()?.parse().ok()?))
}

/// True if the kernel stopped because of an exception in virtual-8086 mode, which looks like one of its
/// own. A 64-bit processor never enters it: IRET does not load that flag (Intel SDM volume 2A, IRET).
/// QEMU 7.2 does, for a program too that jumped into garbage with an IRET in it.
fn is_in_virtual_8086_mode(transcript: &str) -> bool {
    const VIRTUAL_8086: u64 = 1 << 17;
    let mut lines = transcript.lines().filter(|line| line.starts_with("panic: kernel "));
    let flags = lines.find_map(|line| line.split("rflags=").nth(1)?.split(' ').next());
    let flags = flags.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    flags.is_some_and(|flags| flags & VIRTUAL_8086 != 0)
}

/// Addresses and cores differ from run to run.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for word in
        text.split(' ').filter(|word| !word.contains(|letter: char| letter.is_ascii_digit()))
    {
        plain.push_str(word);
        plain.push(' ');
    }
    plain.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::{Broken, Outcome, read};
    use crate::qemu::end::End;
    use crate::qemu::guest;
    use std::time::Duration;

    fn of(end: End, transcript: &str) -> Outcome {
        let took = Duration::from_secs(7);
        read(&guest::Outcome { end, transcript: transcript.to_string(), took, log: Vec::new() })
    }

    #[test]
    fn a_run_without_violations_says_how_many_calls_it_made() {
        let text = "hello\n[fuzz] episode 1\n[fuzz] 1234 calls, 0 violations\n";
        assert_eq!(of(End::Off(0), text), Outcome::Fine { calls: 1234 });
        assert!(matches!(of(End::Off(1), text), Outcome::Broken(_)));
        assert!(matches!(of(End::Off(0), "[fuzz] episode 1\n"), Outcome::Broken(_)));
    }

    #[test]
    fn a_broken_rule_is_told_with_its_episode() {
        let text = "[fuzz] episode 3, 10 calls\n[fuzz] broken: frames come back\n\
                    [fuzz] numbers: [1, 2, 3]\n[fuzz] thread 5: 7 rounds\n";
        let Outcome::Broken(broken) = of(End::Off(1), text) else { panic!("it is broken") };
        assert_eq!(broken.rule, "frames come back");
        assert_eq!(broken.text, "broken: frames come back [1, 2, 3]\n  thread 5: 7 rounds");
        assert_eq!(broken.episode, 3);
    }

    #[test]
    fn what_no_processor_does_is_no_fault_of_the_kernels() {
        let text = |flags: &str| {
            format!(
                "[fuzz] episode 20, 4711 calls so far\npanic: core 0: debug exception\n\
                 panic: kernel rip=ac20 rsp=0 rflags={flags} cs=0\n"
            )
        };
        let emulator = Outcome::Emulator { episode: 20, calls: 4711 };
        assert_eq!(of(End::Off(3), &text("0000000000025002")), emulator);
        assert!(matches!(of(End::Off(3), &text("0000000000005002")), Outcome::Broken(_)));
    }

    #[test]
    fn panics_are_the_same_wherever_they_are() {
        let text = |core| format!("[fuzz] episode 4\npanic: core {core}: list is empty\n");
        let rule = |core| match of(End::Off(3), &text(core)) {
            Outcome::Broken(Broken { rule, episode: 4, .. }) => rule,
            other => panic!("{other:?}"),
        };
        assert_eq!(rule(1), rule(2));
        assert_eq!(rule(1), "panic: core list is empty");
    }
}
