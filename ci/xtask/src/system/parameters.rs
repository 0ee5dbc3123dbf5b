//! Names of the parameter words: the one place that maps them.

use cedo_abi::system::{PARAMETERS, parameter};
use toml::de::DeValue;

use super::fields::{Fields, Value, number, wrong};
use super::source::{Problem, Problems, Span};

/// A name, the word it sets, and what the number is multiplied with.
const NAMES: [(&str, usize, u64); 6] = [
    ("priority", parameter::PRIORITY, 1),
    ("slice_ns", parameter::SLICE_NS, 1),
    ("slice_us", parameter::SLICE_NS, 1_000),
    ("slice_ms", parameter::SLICE_NS, 1_000_000),
    ("role", parameter::ROLE, 1),
    ("value", parameter::VALUE, 1),
];

/// The words of a thread: a table of names, or a list of up to four numbers.
pub fn read(value: Option<&Value<'_>>, problems: &mut Problems) -> [u64; PARAMETERS] {
    let Some(value) = value else { return [0; PARAMETERS] };
    match value.get_ref() {
        DeValue::Array(list) => by_position(list, value, problems),
        DeValue::Table(table) => {
            let known = NAMES.map(|(name, _, _)| name);
            let fields = Fields::new(table, value.span(), "parameters", &known, problems);
            by_name(&fields, problems)
        }
        _ => wrong(value, "a table such as { priority = 3 } or a list of numbers", problems)
            .unwrap_or_default(),
    }
}

fn by_position(
    list: &[Value<'_>],
    whole: &Value<'_>,
    problems: &mut Problems,
) -> [u64; PARAMETERS] {
    if list.len() > PARAMETERS {
        let label = format!("{} numbers", list.len());
        let title = format!("a thread has {PARAMETERS} parameter words");
        problems.add(Problem::new(title, &whole.span(), label));
    }
    let mut words = [0; PARAMETERS];
    for (word, value) in words.iter_mut().zip(list) {
        *word = number(value, problems).map_or(0, |number| number.value);
    }
    words
}

fn by_name(fields: &Fields<'_>, problems: &mut Problems) -> [u64; PARAMETERS] {
    let mut words = [0; PARAMETERS];
    let mut set: [Option<Span>; PARAMETERS] = [const { None }; PARAMETERS];
    for (name, slot, scale) in NAMES {
        let Some(number) = fields.number(name, problems) else { continue };
        match number.value.checked_mul(scale) {
            Some(word) => words[slot] = word,
            None => problems.add(
                Problem::new("a slice that is too long", &number.span, "more than 64 bits")
                    .help("slices are kept in nanoseconds"),
            ),
        }
        if let Some(other) = set[slot].replace(number.span.clone()) {
            let problem = Problem::new("two lengths of a slice", &number.span, "one too many");
            problems.add(problem.related(&other, "the other one"));
        }
    }
    words
}
