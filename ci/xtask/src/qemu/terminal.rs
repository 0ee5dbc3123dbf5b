//! The terminal's settings, which an emulator that is killed does not restore.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// What to go back to, while an emulator uses the terminal.
static SAVED: Mutex<Option<String>> = Mutex::new(None);

/// The terminal is lent to an emulator until this is dropped.
pub struct Lent;

/// Remembers the settings.
pub fn lend() -> Lent {
    let output = Command::new("stty").arg("-g").stdin(Stdio::inherit()).output();
    let settings = output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    *SAVED.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    Lent
}

/// Goes back to the settings before [`lend`], if any are to be restored.
pub fn restore() {
    let settings = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(settings) = settings {
        // Nothing better can be done about a terminal that is gone.
        let _ = Command::new("stty").arg(settings).stdin(Stdio::inherit()).status();
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        restore();
    }
}
