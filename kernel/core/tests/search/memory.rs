//! Whether the host has memory left: a long search must not take it all.

/// States between two looks.
const BETWEEN: usize = 4096;
/// This share of the host's memory is left alone, in hundredths.
const LEFT_ALONE: u64 = 10;

/// True if little is left. Looks now and then only; never true on a host that does not tell.
pub fn is_short(states: usize) -> bool {
    if !states.is_multiple_of(BETWEEN) {
        return false;
    }
    std::fs::read_to_string("/proc/meminfo").is_ok_and(|text| says_short(&text))
}

/// What `/proc/meminfo` says (proc_meminfo(5)): amounts in KiB, one per line.
fn says_short(text: &str) -> bool {
    let amount = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let amounts = amount("MemAvailable:").zip(amount("MemTotal:"));
    amounts.is_some_and(|(available, total)| available < total / 100 * LEFT_ALONE)
}

#[test]
fn little_memory_is_noticed() {
    let text = |available| format!("MemTotal: 1000000 kB\nMemAvailable: {available} kB\n");
    assert!(!says_short(&text(200_000)));
    assert!(says_short(&text(99_000)));
    assert!(!says_short("MemTotal: 1000000 kB\n"));
}
