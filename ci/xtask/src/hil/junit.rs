//! Verdicts as JUnit XML, for whoever collects test results.
//!
//! Elements and attributes are those that the Jenkins JUnit plug-in's schema (`junit-10.xsd`) has.

use super::play::Game;
use super::verdict::Verdict;
use super::xml::escaped;
use std::fmt::Write as _;

/// The report of all games of a rig: scenario and game.
pub fn report(rig: &str, games: &[(String, Game)]) -> String {
    let count = |word| games.iter().filter(|(_, game)| game.verdict.word() == word).count();
    let (failures, errors) = (count("failed"), count("error"));
    let time: f32 = games.iter().map(|(_, game)| game.took.as_secs_f32()).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" \
         time=\"{time:.3}\">",
        escaped(rig),
        games.len()
    );
    for (scenario, game) in games {
        case(rig, scenario, game, &mut xml);
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn case(rig: &str, scenario: &str, game: &Game, xml: &mut String) {
    let _ = writeln!(
        xml,
        "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">",
        escaped(rig),
        escaped(scenario),
        game.took.as_secs_f32()
    );
    let reason = game.verdict.to_string();
    let tag = match game.verdict {
        Verdict::Passed => None,
        Verdict::Failed(_) => Some("failure"),
        Verdict::Rig(_) => Some("error"),
    };
    if let Some(tag) = tag {
        let first = escaped(reason.lines().next().unwrap_or_default());
        let _ = writeln!(xml, "    <{tag} message=\"{first}\">{}</{tag}>", escaped(&reason));
    }
    xml.push_str("    <system-out>");
    for line in &game.lines {
        let _ = write!(xml, "{:9.3} {}&#10;", line.at.as_secs_f32(), escaped(&line.text));
    }
    xml.push_str("</system-out>\n  </testcase>\n");
}

#[cfg(test)]
mod tests {
    use super::report;
    use crate::hil::play::Game;
    use crate::hil::text::Stamped;
    use crate::hil::verdict::{Failure, Verdict, What};
    use std::time::Duration;

    fn game(verdict: Verdict, lines: &[&str]) -> Game {
        let took = Duration::from_millis(1500);
        let stamped = |text: &&str| Stamped { at: took, text: (*text).to_string() };
        Game { verdict, lines: lines.iter().map(stamped).collect(), figures: Vec::new(), took }
    }

    #[test]
    fn any_line_of_a_board_is_well_formed_xml() {
        let hostile = "]]> <a b=\"c\"> & \u{1} \u{fffe} \u{fffd} ' \u{7f}";
        let line = hostile.to_string();
        let failure = Failure { what: What::Forbidden { line }, missing: None, last: None };
        let games = [
            ("good".to_string(), game(Verdict::Passed, &["one", hostile])),
            ("<bad>".to_string(), game(Verdict::Failed(failure), &[])),
            ("rig".to_string(), game(Verdict::Rig("a\nb".to_string()), &[])),
        ];
        let xml = report("qemu-pc", &games);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let suite = document.root_element();
        assert_eq!(suite.attribute("tests"), Some("3"));
        assert_eq!(suite.attribute("failures"), Some("1"));
        assert_eq!(suite.attribute("errors"), Some("1"));
        assert_eq!(suite.attribute("time"), Some("4.500"));
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        assert_eq!(cases[1].attribute("name"), Some("<bad>"));
        let node = |case: usize, tag: &str| {
            cases[case].children().find(|node| node.has_tag_name(tag)).unwrap()
        };
        let output = node(0, "system-out").text().unwrap();
        assert!(output.starts_with("    1.500 one\n"), "{output}");
        assert!(output.contains("]]> <a b=\"c\"> & \\x01 \\xfffe \u{fffd} '"), "{output}");
        assert!(node(1, "failure").attribute("message").unwrap().contains("what it must not"));
        assert_eq!(node(2, "error").text(), Some("the rig failed: a\nb"));
    }
}
