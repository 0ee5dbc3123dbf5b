//! What a game leaves behind: transcript, results as JSON, pictures.

use super::histogram;
use super::play::Game;
use super::results::{self, Bar, Results};
use super::rig::{Kind, Rig};
use super::scenario::Scenario;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Writes all files of one game into `folder`. `log`: the kernel's log, decoded.
pub fn write(
    folder: &Path,
    rig: &Rig,
    scenario: &Scenario,
    game: &Game,
    log: &[String],
) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let results = results::read(&game.lines);
    save(folder, "transcript.txt", &transcript(game))?;
    let json = serde_json::to_string_pretty(&summary(rig, scenario, game, &results))?;
    save(folder, "result.json", &(json + "\n"))?;
    if !log.is_empty() {
        save(folder, "log.txt", &(log.join("\n") + "\n"))?;
    }
    for (name, bars) in &results.histograms {
        let measures = match rig.kind {
            Kind::Emulator => " (an emulator: this is no measure of time)",
            Kind::Board(_) => "",
        };
        let title = format!("{name} on {}{measures}", rig.name);
        let file = format!("{}.svg", file_name(name));
        save(folder, &file, &histogram::svg(&title, "ns", bars))?;
    }
    Ok(())
}

/// Writes a file.
pub fn save(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn transcript(game: &Game) -> String {
    let mut text = String::new();
    for line in &game.lines {
        let _ = writeln!(text, "{:9.3} {}", line.at.as_secs_f32(), line.text);
    }
    let _ = writeln!(text, "\n{}", game.verdict);
    text
}

fn summary(rig: &Rig, scenario: &Scenario, game: &Game, results: &Results) -> Value {
    let figures: Vec<_> = game
        .figures
        .iter()
        .map(|figure| {
            json!({ "name": figure.name, "values": figure.values, "unit": figure.unit,
                "judged": figure.judged })
        })
        .collect();
    let bar = |bar: &Bar| json!([bar.from, bar.to, bar.count]);
    let histograms: serde_json::Map<_, _> = results
        .histograms
        .iter()
        .map(|(name, bars)| (name.clone(), bars.iter().map(bar).collect()))
        .collect();
    json!({
        "rig": rig.name,
        "board": rig.board.name(),
        "scenario": scenario.name,
        "system": scenario.system,
        "verdict": game.verdict.word(),
        "reason": game.verdict.to_string(),
        "seconds": game.took.as_secs_f64(),
        "figures": figures,
        "records": results.records,
        "histograms": histograms,
    })
}

/// A histogram's name comes from a board's console: it names no other folder.
fn file_name(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = name.chars().take(80).map(letter).collect();
    if name.is_empty() { "histogram".to_string() } else { name }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_board_cannot_choose_a_folder() {
        assert_eq!(file_name("../../etc/x"), "------etc-x");
        assert_eq!(file_name(""), "histogram");
    }
}
