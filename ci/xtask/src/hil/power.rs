//! Commands of a rig, and the power of a real board, which is two of them.

use super::play::Switch;
use super::rig::Power;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Between two looks whether a command has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Letters of a command that are shown.
const NAME_LETTERS: usize = 80;

/// Runs a command of the shell; `variables` are in its environment. It has `limit` to end with 0.
pub fn run(command: &str, variables: &[(&str, String)], limit: Duration) -> Result<()> {
    let errors = tempfile::tempfile().context("cannot create a temporary file")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::null());
    // To a file: a pipe could stay open in a program that the command leaves running.
    shell.stderr(errors.try_clone().context("cannot share a temporary file")?);
    for (name, value) in variables {
        shell.env(name, value);
    }
    let child = shell.spawn().context("cannot start sh")?;
    let end = wait(child, limit);
    let (name, said) = (name(command), said(errors));
    match end? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("`{name}` failed ({status}){said}"),
        None => bail!("`{name}` was still running after {:.1} s{said}", limit.as_secs_f32()),
    }
}

/// As much of a command as tells which it is: its first line, cut.
fn name(command: &str) -> String {
    let command = command.trim();
    let line = command.lines().next().unwrap_or_default();
    let name: String = line.chars().take(NAME_LETTERS).collect();
    if name.len() < command.len() { format!("{name} ...") } else { name }
}

fn wait(mut child: Child, limit: Duration) -> Result<Option<std::process::ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a command")? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            // It may have ended in this instant; then there is nothing to end.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

fn said(mut errors: std::fs::File) -> String {
    use std::io::Seek;
    let mut text = Vec::new();
    // What cannot be read back is only missing from a message.
    let _ = errors.rewind().and_then(|()| errors.read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// The power of a real board.
pub struct Commands {
    pub power: Power,
    pub variables: Vec<(&'static str, String)>,
    pub limit: Duration,
}

impl Switch for Commands {
    fn off(&mut self) -> Result<()> {
        run(&self.power.off, &self.variables, self.limit).context("power off")
    }

    fn on(&mut self) -> Result<()> {
        run(&self.power.on, &self.variables, self.limit).context("power on")
    }

    fn ended(&mut self) -> Option<Result<(), String>> {
        None
    }

    fn is_real(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use std::time::{Duration, Instant};

    const LIMIT: Duration = Duration::from_millis(200);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_command_gets_its_variables_and_must_end_with_0() {
        run("test \"$CEDO_BOARD\" = rpi4", &[("CEDO_BOARD", "rpi4".to_string())], LONG).unwrap();
        let error = run("\necho no such outlet >&2\nexit 3\n", &[], LONG).unwrap_err().to_string();
        let expected = "`echo no such outlet >&2 ...` failed (exit status: 3): no such outlet";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let start = Instant::now();
        let error = run("exec sleep 60", &[], LIMIT).unwrap_err().to_string();
        assert!(error.contains("still running") && start.elapsed() < 20 * LIMIT, "{error}");
    }
}
