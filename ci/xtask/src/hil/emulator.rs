//! The board of a rig of kind `qemu`: an emulator at the other end of a pseudo-terminal.
//!
//! Our end is opened like any serial device. The board's end is the emulator's stdin and stdout, so
//! nothing that it prints gets lost, and the line stays when it ends.

use super::line::Cable;
use super::play::Switch;
use crate::build::Boot;
use crate::qemu::end::End;
use crate::qemu::guest::{Running, run_unwatched};
use crate::qemu::{Medium, program};
use anyhow::{Context, Result};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// An emulated board.
pub struct Emulator<'a> {
    boot: &'a Boot,
    cable: &'a Cable,
    /// The second serial line goes there.
    log: &'a Path,
    running: Option<(Running, Receiver<String>)>,
}

impl<'a> Emulator<'a> {
    /// Switched off.
    pub fn new(boot: &'a Boot, cable: &'a Cable, log: &'a Path) -> Self {
        Self { boot, cable, log, running: None }
    }

    fn command(&self) -> Result<Command> {
        let machine = &self.boot.machine;
        let medium = Medium::Files {
            kernel: &self.boot.stripped,
            archive: self.boot.archive.as_deref(),
            tree: self.boot.tree.as_deref(),
            card: None,
        };
        let mut command = Command::new(program(machine.board));
        command.args(machine.arguments(&medium, self.log));
        let end = || self.cable.board.try_clone().context("cannot share the pseudo-terminal");
        command.stdin(Stdio::from(end()?)).stdout(Stdio::from(end()?)).stderr(Stdio::piped());
        Ok(command)
    }
}

impl Switch for Emulator<'_> {
    fn off(&mut self) -> Result<()> {
        // Dropping it ends the emulator.
        self.running = None;
        Ok(())
    }

    fn on(&mut self) -> Result<()> {
        let mut running = run_unwatched(self.command()?)?;
        let (sender, errors) = channel();
        if let Some(mut stream) = running.take_errors() {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                // Without its words there is still its exit code.
                let _ = stream.read_to_end(&mut text);
                let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
            });
        }
        self.running = Some((running, errors));
        Ok(())
    }

    fn ended(&mut self) -> Option<Result<(), String>> {
        let (running, errors) = self.running.as_mut()?;
        let status = running.status()?;
        let errors = errors.recv().unwrap_or_default();
        Some(match End::of(status, &errors) {
            End::Off(0) => Ok(()),
            End::Off(code) => Err(format!("the board switched off with code {code}")),
            End::Emulator(text) => Err(format!("the emulator failed: {}", text.trim())),
            _ => Err("the board was reset, most likely by a fault in the kernel".to_string()),
        })
    }

    fn is_real(&self) -> bool {
        false
    }
}
