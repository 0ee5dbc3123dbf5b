//! Panics inside a run are findings: nothing is printed, and where they happened is kept.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
    static WHERE: RefCell<Option<Backtrace>> = const { RefCell::new(None) };
}

/// Functions named of one panic.
const FUNCTIONS: usize = 6;

/// Runs something whose panics print nothing.
pub fn silently<T>(run: impl FnOnce() -> T) -> T {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if SILENT.get() {
                WHERE.set(Some(Backtrace::force_capture()));
            } else {
                usual(info);
            }
        }));
    });
    SILENT.set(true);
    let result = run();
    SILENT.set(false);
    result
}

/// The kernel's functions that the last panic went through, innermost first.
pub fn functions() -> Vec<String> {
    let Some(backtrace) = WHERE.take() else { return Vec::new() };
    let text = backtrace.to_string();
    text.lines()
        .filter_map(|line| line.split_once(": cedo_core::").map(|(_, name)| name))
        .map(|name| name.rsplit("::").next().unwrap_or(name).to_owned())
        .take(FUNCTIONS)
        .collect()
}
