//! Holds a board's lines against a scenario: order, what may not be said, starts, figures.

use super::scenario::{Bound, Judged, Scenario};
use super::text::Stamped;
use super::verdict::What;
use std::time::Duration;

/// As many starts are a loop.
const LOOP_STARTS: usize = 3;
/// More figures for one bound only a board that babbles has.
const MOST_FIGURES: usize = 10_000;

/// What is known so far.
pub struct Judge<'a> {
    scenario: &'a Scenario,
    /// Expected lines that have come since the last start.
    come: usize,
    starts: usize,
    first_start: Duration,
    /// The figures of each bound's lines.
    values: Vec<Vec<f64>>,
}

/// What a bound asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    pub name: String,
    /// One for each line that has it.
    pub values: Vec<f64>,
    pub unit: String,
    /// False where the bound is for boards and this is an emulator.
    pub judged: bool,
}

impl<'a> Judge<'a> {
    /// Before the first line.
    pub fn new(scenario: &'a Scenario) -> Self {
        let values = vec![Vec::new(); scenario.bounds.len()];
        Self { scenario, come: 0, starts: 0, first_start: Duration::ZERO, values }
    }

    /// Takes a line; answers what ends the game at once.
    pub fn take(&mut self, line: &Stamped) -> Option<What> {
        let text = line.text.as_str();
        if self.scenario.forbid.iter().any(|pattern| pattern.is_match(text)) {
            return Some(What::Forbidden { line: text.to_string() });
        }
        if self.scenario.start.is_match(text) {
            self.starts += 1;
            self.come = 0;
            if self.starts == 1 {
                self.first_start = line.at;
            }
            if self.starts == LOOP_STARTS {
                let time = line.at.saturating_sub(self.first_start);
                return Some(What::Loop { starts: self.starts, time });
            }
        }
        if self.scenario.expect.get(self.come).is_some_and(|pattern| pattern.is_match(text)) {
            self.come += 1;
        }
        for (bound, values) in self.scenario.bounds.iter().zip(&mut self.values) {
            let found = bound.line.captures(text).and_then(|groups| groups.get(1));
            let figure: Option<f64> = found.and_then(|group| group.as_str().parse().ok());
            if values.len() < MOST_FIGURES {
                values.extend(figure);
            }
        }
        None
    }

    /// The expected line that has not come; nothing if all have.
    pub fn missing(&self) -> Option<&str> {
        self.scenario.expect.get(self.come).map(|pattern| pattern.as_str())
    }

    /// What is wrong although all lines came. `real`: time is real.
    pub fn problem(&self, real: bool) -> Option<What> {
        if self.starts > 1 {
            return Some(What::Restarted);
        }
        let each = self.scenario.bounds.iter().zip(&self.values);
        let problems: Vec<_> =
            each.flat_map(|(bound, values)| complaints(bound, values, real)).collect();
        (!problems.is_empty()).then_some(What::Bounds { problems })
    }

    /// All figures that were measured.
    pub fn figures(&self, real: bool) -> Vec<Figure> {
        let each = self.scenario.bounds.iter().zip(&self.values);
        each.filter(|(_, values)| !values.is_empty())
            .map(|(bound, values)| Figure {
                name: bound.name.clone(),
                values: values.clone(),
                unit: bound.unit.clone(),
                judged: is_judged(bound, real),
            })
            .collect()
    }
}

fn is_judged(bound: &Bound, real: bool) -> bool {
    real || bound.judged == Judged::Always
}

/// A figure must be there everywhere; how big it may be is another question.
fn complaints(bound: &Bound, values: &[f64], real: bool) -> Vec<String> {
    let Bound { name, line, .. } = bound;
    if values.is_empty() {
        return vec![format!("{name}: no line matched `{}`", line.as_str())];
    }
    let judged = values.iter().filter(|_| is_judged(bound, real));
    judged.filter_map(|value| complaint(bound, *value)).collect()
}

fn complaint(bound: &Bound, value: f64) -> Option<String> {
    let Bound { name, unit, .. } = bound;
    match (bound.at_least, bound.at_most) {
        (Some(least), _) if value < least => {
            Some(format!("{name}: {value} {unit}, at least {least} {unit} wanted"))
        }
        (_, Some(most)) if value > most => {
            Some(format!("{name}: {value} {unit}, at most {most} {unit} allowed"))
        }
        _ => None,
    }
}
