//! Something that must not happen.

/// A rule that was broken, and what was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The rule: failures of one rule count as the same.
    pub rule: String,
    pub text: String,
}

/// A rule is broken.
pub fn broken<T>(rule: &str, text: String) -> Result<T, Violation> {
    Err(Violation { rule: rule.to_owned(), text })
}

/// A rule holds, or it is broken.
pub fn holds(rule: &str, condition: bool, text: impl FnOnce() -> String) -> Result<(), Violation> {
    if condition { Ok(()) } else { broken(rule, text()) }
}

/// The kernel panicked.
pub fn panicked(payload: &(dyn std::any::Any + Send)) -> Violation {
    let text = payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    // What differs from run to run is in numbers and brackets.
    let rule = text.split(['(', '{']).next().unwrap_or_default();
    let rule: String = rule.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    let functions = crate::quieten::functions();
    let first = functions.iter().find(|name| !GENERAL.contains(&name.as_str()));
    let rule = match first {
        Some(first) if first != ASSERTS => format!("{rule} in {first}"),
        _ => rule,
    };
    Violation { rule, text: format!("{text}; in {}", functions.join(" < ")) }
}

/// Functions that say nothing about where an error is.
const GENERAL: [&str; 6] = ["look", "thread", "mail", "space", "broken", "unlink"];
/// The function that asserts what holds at every exit, whatever led there.
const ASSERTS: &str = "assert_invariants";
