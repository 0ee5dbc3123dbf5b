//! A failing run, made short: steps are left out while it still breaks the same rule.

use crate::episode::{Moment, replay};
use crate::play::Stage;
use crate::stage::id;
use crate::step::Step;
use cedo_core::object::thread::Record;
use cedo_core::object::unusual::LATCHED;
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{CoreNumber, Frame};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long to try.
const PATIENCE: Duration = Duration::from_secs(60);

/// Steps that mean something, and who made them.
type Made = Vec<(Step, Option<Frame>)>;

/// A search for a shorter run.
struct Shrinking<'a> {
    stage: &'a mut Stage,
    rule: &'a str,
    best: Made,
    end: Instant,
}

/// The shortest run found that breaks `rule`.
pub fn shrink(stage: &mut Stage, steps: &[Step], rule: &str) -> Vec<Step> {
    let Some(best) = meaningful(stage, steps, rule) else { return steps.to_vec() };
    let mut search = Shrinking { stage, rule, best, end: Instant::now() + PATIENCE };
    loop {
        let before = search.best.len();
        search.without_somebody();
        search.without_pieces();
        if search.best.len() == before || search.is_late() {
            return search.best.iter().map(|(step, _)| *step).collect();
        }
    }
}

impl Shrinking<'_> {
    fn is_late(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Keeps these steps if they still break the rule.
    fn accepts(&mut self, candidate: &[Step]) -> bool {
        let found = meaningful(self.stage, candidate, self.rule);
        let shorter = found.filter(|found| found.len() < self.best.len());
        shorter.map(|shorter| self.best = shorter).is_some()
    }

    /// Leaves everything out that one thread did.
    fn without_somebody(&mut self) {
        let actors: BTreeSet<_> = self.best.iter().filter_map(|(_, actor)| *actor).collect();
        for actor in actors {
            let others = self.best.iter().filter(|(_, other)| *other != Some(actor));
            let candidate: Vec<Step> = others.map(|(step, _)| *step).collect();
            if !self.is_late() {
                self.accepts(&candidate);
            }
        }
    }

    /// Leaves out pieces, smaller and smaller ones.
    fn without_pieces(&mut self) {
        let mut piece = self.best.len().div_ceil(2);
        while piece > 0 {
            let mut from = 0;
            while from < self.best.len() && !self.is_late() {
                let mut candidate: Vec<Step> = self.best.iter().map(|(step, _)| *step).collect();
                candidate.drain(from..(from + piece).min(candidate.len()));
                if !self.accepts(&candidate) {
                    from += piece;
                }
            }
            piece /= 2;
        }
    }
}

/// The steps of a run that mean something, if it breaks `rule`.
fn meaningful(stage: &mut Stage, steps: &[Step], rule: &str) -> Option<Made> {
    let mut made = Made::new();
    let violation = replay(stage, steps, |play, step, moment| match moment {
        Moment::Before => {
            let actor = step.actor().and_then(|core| play.current(core));
            made.push((*step, actor));
        }
        Moment::Done => {}
        Moment::Meaningless => _ = made.pop(),
    });
    violation.is_some_and(|violation| violation.rule == rule).then_some(made)
}

/// A run in words, one line a step: who acted, what the call answered if the thread goes on, and who
/// runs then.
pub fn trace(stage: &mut Stage, steps: &[Step]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut actor = None;
    replay(stage, steps, |play, step, moment| {
        let cast = &play.stage.cast;
        if moment == Moment::Before {
            actor = step.actor().and_then(|core| Some((core, play.current(core)?)));
            let name =
                actor.map(|(core, frame)| format!("core {}, {}: ", core.0, cast.name(frame)));
            let step = match step {
                Step::Trusted(_, Some(choice)) => choice.in_words(cast),
                step => step.to_string(),
            };
            lines.push(format!("{}{step}", name.unwrap_or_default()));
        } else if let Some(line) = lines.last_mut() {
            let runs = |core| match play.current(CoreNumber(core)) {
                Some(frame) => cast.name(frame),
                None => "nobody".to_owned(),
            };
            let now: Vec<_> = (0..play.cores()).map(runs).collect();
            let answer = actor
                .filter(|(core, frame)| play.current(*core) == Some(*frame))
                .map(|(_, frame)| format!(" -> {:?}", play.answer_of(frame)));
            line.push_str(&answer.unwrap_or_default());
            line.push_str(&format!("; runs {}", now.join(", ")));
        }
    });
    lines.extend(end(stage));
    lines
}

/// Who is where, after the last step.
fn end(stage: &Stage) -> Vec<String> {
    let table = stage.world.shared().table;
    let frames = (0..table.len()).map(Frame);
    let threads = frames.filter(|frame| table.entry(*frame).kind() == FrameKind::Thread);
    threads
        .map(|frame| {
            let kernel = stage.world.kernel(table.entry(frame).home());
            let thread = kernel.look(id(frame));
            let name = |id: ThreadId| stage.cast.name(id.frame());
            let mut text = format!("{}: {:?}", stage.cast.name(frame), thread.state);
            text.push_str(&format!(", below {}", name(thread.branch.scheduler)));
            if thread.record.how != Record::None {
                text.push_str(&format!(", recorded {:?}", thread.record.how));
            }
            if thread.scheduler.ready > 0 {
                text.push_str(&format!(", {} ready", thread.scheduler.ready));
            }
            if let Some(granted) = thread.scheduler.granted {
                text.push_str(&format!(", granted to {}", name(granted)));
            }
            if thread.account.frame() != frame {
                text.push_str(&format!(", for {}", name(thread.account)));
            }
            if thread.unusual.has(LATCHED) {
                text.push_str(", latched");
            }
            text
        })
        .collect()
}
