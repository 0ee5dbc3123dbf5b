//! Decodes the kernel's binary log: what arrives on the second serial line, with the format strings
//! and source positions that only the full ELF file has.

use anyhow::{Context, Result, bail, ensure};
use defmt_decoder::{DecodeError, Frame, Locations, StreamDecoder, Table};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(100);
/// Instead of a position. [`Dictionary::read`] has seen that each entry of the kernel has one.
const UNKNOWN: &str = "position unknown";

/// What a kernel's log needs to become text.
pub struct Dictionary {
    table: Table,
    locations: Locations,
    root: PathBuf,
}

impl Dictionary {
    /// Reads format strings and positions from the full kernel file; `root` is cut off from paths.
    pub fn read(kernel: &Path, root: &Path) -> Result<Self> {
        let elf =
            std::fs::read(kernel).with_context(|| format!("cannot read {}", kernel.display()))?;
        let table = match Table::parse(&elf) {
            Ok(Some(table)) => table,
            Ok(None) => bail!("{} has no log table", kernel.display()),
            Err(error) => bail!("cannot read the log table of {}: {error:#}", kernel.display()),
        };
        let locations = table.get_locations(&elf).with_context(|| {
            format!("cannot read where the log's entries are in the source of {}", kernel.display())
        })?;
        let lost = table.indices().filter(|index| !locations.contains_key(&(*index as u64)));
        let lost = lost.count();
        ensure!(
            lost == 0,
            "{} does not say where {lost} of its log's entries are in the source; build it with \
             `debug` in its profile in Cargo.toml",
            kernel.display()
        );
        Ok(Self { table, locations, root: root.to_path_buf() })
    }

    /// All complete entries in `bytes`.
    pub fn decode(&self, bytes: &[u8]) -> Vec<String> {
        let mut decoder = self.table.new_stream_decoder();
        decoder.received(bytes);
        let mut lines = Vec::new();
        self.drain(&mut *decoder, |line| lines.push(line));
        lines
    }

    fn drain(&self, decoder: &mut dyn StreamDecoder, mut entry: impl FnMut(String)) {
        loop {
            match decoder.decode() {
                Ok(frame) => entry(self.line(&frame)),
                Err(DecodeError::UnexpectedEof) => return,
                Err(DecodeError::Malformed) if self.table.encoding().can_recover() => {
                    entry("(damaged log entry)".to_string());
                }
                Err(DecodeError::Malformed) => return,
            }
        }
    }

    fn line(&self, frame: &Frame<'_>) -> String {
        let text = frame.display(false).to_string();
        let Some(location) = self.locations.get(&frame.index()) else {
            return format!("{text}  ({UNKNOWN})");
        };
        let file = location.file.strip_prefix(&self.root).unwrap_or(&location.file);
        format!("{text}  ({}:{})", file.display(), location.line)
    }
}

/// Prints the log to stderr while the guest writes it.
pub struct Follower {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Follower {
    /// Follows the file the emulator writes.
    pub fn start(dictionary: Dictionary, file: PathBuf) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || follow(&dictionary, &file, &stopped));
        Self { stop, thread }
    }

    /// Prints the rest and ends.
    pub fn finish(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            eprintln!("warning: decoding the log ended early");
        }
    }
}

fn follow(dictionary: &Dictionary, path: &Path, stopped: &Receiver<()>) {
    let mut decoder = dictionary.table.new_stream_decoder();
    let mut file = None;
    loop {
        let last = !matches!(stopped.recv_timeout(POLL), Err(RecvTimeoutError::Timeout));
        if file.is_none() {
            file = File::open(path).ok();
        }
        let mut bytes = Vec::new();
        if let Some(file) = &mut file
            && file.read_to_end(&mut bytes).is_ok()
        {
            decoder.received(&bytes);
            dictionary.drain(&mut *decoder, |line| eprintln!("[log] {line}"));
        }
        if last {
            return;
        }
    }
}
