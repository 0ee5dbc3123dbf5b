//! Properties: what is accepted packs and comes back; whatever the text, nothing panics.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use proptest::sample::select;

use super::packed::unpack;
use super::{BASE, parse};

/// A thread below another, by number; what it is given, as choices of the generator.
#[derive(Clone, Debug)]
struct Leaf {
    upper: usize,
    space: usize,
    badge: u32,
    stack: u64,
    parameters: [u32; 4],
    flags: [bool; 5],
    target: usize,
    lists: [bool; 5],
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let who = (any::<usize>(), any::<usize>(), any::<usize>(), any::<u32>(), 1u64..200_000);
    let what = (any::<[u32; 4]>(), any::<[bool; 5]>(), any::<[bool; 5]>());
    (who, what).prop_map(|((upper, space, target, badge, stack), (parameters, flags, lists))| {
        Leaf { upper, space, badge, stack, parameters, flags, target, lists }
    })
}

/// The text of a system with `cores` cores and the given leaves.
fn system(cores: usize, spaces: usize, leaves: &[Leaf]) -> String {
    let mut text = format!("name = \"generated\"\ncores = {cores}\nram = \"1G\"\n");
    for core in 0..cores {
        let protocol = if core % 2 == 0 { "direct" } else { "chain" };
        text += &format!("[core.{core}]\nroot = \"t{core}\"\nprotocol = \"{protocol}\"\n");
        text += &format!("cycle_counter = {}\n", core % 3 == 1);
        text += &format!("[thread.t{core}]\nspace = \"s0\"\n");
    }
    for space in 0..spaces {
        text += &format!("[space.s{space}]\nprogram = \"hello\"\nslots = {}\n", 500 + space);
    }
    text += "[memory.m]\nsize = \"12K\"\n";
    for (index, leaf) in leaves.iter().enumerate() {
        text += &thread(cores + index, leaf, spaces);
    }
    text
}

fn thread(own: usize, leaf: &Leaf, spaces: usize) -> String {
    let upper = leaf.upper % own;
    let [state, blocked, ask_blocked, started, power] = leaf.flags;
    let mut text = format!(
        "[thread.t{own}]\nspace = \"s{}\"\nscheduler = \"t{upper}\"\nstack = {}\n\
         parameters = {:?}\nstate = {state}\nblocked = {blocked}\nask_blocked = {ask_blocked}\n\
         started = {started}\npower = {power}\n",
        leaf.space % spaces,
        leaf.stack,
        leaf.parameters,
    );
    let target = leaf.target % own;
    let lines = [
        format!("gates = [{{ to = \"t{target}\", badge = {} }}]", leaf.badge),
        format!("threads = [{{ of = \"t{target}\", rights = [\"adopt\"] }}]"),
        "memory = [\"m\"]".to_string(),
        format!("interrupts = [{{ line = {own}, trigger = \"level\" }}]"),
        format!("ports = [{{ first = {}, count = 4 }}]", own * 4),
    ];
    for (line, wanted) in lines.iter().zip(leaf.lists) {
        if wanted {
            text += line;
            text.push('\n');
        }
    }
    text
}

/// One edit of a text: place, and what to do there.
fn edit(text: &str, place: usize, length: usize, insert: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let start = place % (characters.len() + 1);
    let end = (start + length).min(characters.len());
    let mut edited: String = characters[..start].iter().collect();
    edited.push_str(insert);
    edited.extend(&characters[end..]);
    edited
}

fn scrap() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "=",
        ",",
        ".",
        "\n",
        "\t",
        "\0",
        "\u{e9}",
        "\u{1f980}",
        "-1",
        "0x",
        "1e9",
        "true",
        "inf",
        "nan",
        "1979-05-27",
        "'''",
        "#",
        "\\u0000",
        "[core.9]",
        "[thread]",
        "99999999999999999999",
        "init",
        "root = \"worker\"",
        "scheduler = \"worker\"",
        "\r",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_packs_and_comes_back(
        cores in 1usize..=8,
        spaces in 1usize..4,
        leaves in proptest::collection::vec(leaf(), 0..24),
    ) {
        let source = system(cores, spaces, &leaves);
        // A generated tree may be too deep; everything else in it is possible.
        match parse(&source) {
            Ok(description) => {
                prop_assert_eq!(description.threads.len(), cores + leaves.len());
                let packed = description.pack();
                prop_assert_eq!(unpack(&packed, description.ram), description);
            }
            Err(text) => {
                let titles = text.lines().filter(|line| line.starts_with("error: `t"));
                let deep = titles.filter(|line| line.ends_with("levels below its root")).count();
                prop_assert_eq!(text.matches("error: ").count(), deep + 1, "{}\n{}", source, text);
            }
        }
    }

    #[test]
    fn a_mangled_text_never_panics_and_is_never_accepted_wrongly(
        base in select(vec![BASE, include_str!("../../../../../systems/mixed.toml")]),
        edits in proptest::collection::vec((any::<usize>(), 0usize..12, scrap()), 1..6),
    ) {
        let mut text = base.to_string();
        for (place, length, insert) in edits {
            text = edit(&text, place, length, insert);
        }
        if let Ok(description) = parse(&text) {
            prop_assert_eq!(unpack(&description.pack(), description.ram), description);
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}", _unit in Just(())) {
        let _ = parse(&text);
    }
}
