//! Every check: what it says, at which line, and that nothing else is said.

use super::{BASE, parse};

/// Lines of [`BASE`], and the line that `more` begins at.
fn base_with(more: &str) -> String {
    format!("{}{more}\n", BASE.trim_start())
}

/// Asserts that there are exactly these problems: line, and a part of the text.
fn expect(source: &str, problems: &[(usize, &str)]) {
    let text = parse(source).expect_err("this must be a problem");
    let blocks: Vec<_> = text.split("\n\n").collect();
    let (count, blocks) = blocks.split_last().unwrap();
    assert_eq!(blocks.len(), problems.len(), "{text}");
    for (block, (line, part)) in blocks.iter().zip(problems) {
        assert!(block.contains(&format!("--> system.toml:{line}:")), "line {line}?\n{text}");
        assert!(block.contains(part), "`{part}`?\n{text}");
    }
    assert!(count.contains(&format!("due to {} previous error", problems.len())), "{text}");
}

/// A further thread after [`BASE`], which has 20 lines.
fn worker(keys: &str) -> String {
    base_with(&format!("[thread.w]\nspace = \"workers\"\nscheduler = \"rr0\"\n{keys}"))
}

/// Line of the first key given to [`worker`].
const KEY: usize = 24;

/// [`BASE`] with one piece replaced.
fn replaced(from: &str, to: &str) -> String {
    let base = base_with("");
    assert!(base.contains(from));
    base.replacen(from, to, 1)
}

#[test]
fn the_base_has_no_problem() {
    let description = parse(&base_with("")).unwrap();
    assert_eq!(description.programs(), ["hello", "sched-rr"]);
    assert_eq!(description.cores(), 2);
    assert!(parse(&worker("")).is_ok());
}

#[test]
fn problems_look_as_in_rustc() {
    let source = worker("gates = [\"rr0\", \"rr9\"]\nstack = \"0K\"");
    let expected = r#"error: unknown thread `rr9`
  --> system.toml:24:17
   |
24 | gates = ["rr0", "rr9"]
   |                 ^^^^^ there is no `[thread.rr9]`
   |
   = help: did you mean `rr0`?

error: a stack of 0 bytes is not possible
  --> system.toml:25:9
   |
25 | stack = "0K"
   |         ^^^^ must be from 1 to 16773120 bytes
   |
   = help: 16K is usual, and what a thread has without this key

error: could not use the system description `system.toml` due to 2 previous errors"#;
    assert_eq!(parse(&source).unwrap_err(), expected);
}

#[test]
fn a_second_place_is_shown_where_it_is() {
    let source = "name = \"x\"\ncores = 1 # \u{e9}\n[core.0]\nroot = \"rr0\"\n[space.rr0]\nprogram = \"sched-rr\"\n\
                  [thread.rr0]\n\tinterrupts = [4, { line = 4, name = \"again\" }]\n";
    let expected = r#"error: interrupt line 4 has two handlers
 --> system.toml:8:28
  |
8 |     interrupts = [4, { line = 4, name = "again" }]
  |                   - first claimed by `rr0`
  |                               ^ claimed by `rr0` too
  |
  = help: one thread handles a line; let it tell the other by a gate

error: could not use the system description `system.toml` due to 1 previous error"#;
    let text = parse(source).unwrap_err();
    assert_eq!(text, expected);
}

#[test]
fn toml_errors_are_all_shown() {
    expect("name = \nx y\n[core.0", &[(1, "string"), (2, "key"), (3, "unclosed table")]);
    expect("name = \"a\"\nname = \"b\"\n", &[(2, "duplicate key")]);
}

#[test]
fn keys_are_known_and_required() {
    expect("", &[(1, "missing key `name`"), (1, "missing key `cores`")]);
    expect(&worker("schedular = \"rr0\""), &[(KEY, "did you mean `scheduler`?")]);
    expect(&worker("zzz = 1"), &[(KEY, "a thread has space, core")]);
    expect(&base_with("[device.x]"), &[(21, "unknown key `device`")]);
    expect(&base_with("[memory.m]"), &[(21, "missing key `size`")]);
    expect(
        &replaced("root = \"rr1\"\n", ""),
        &[(5, "missing key `root`"), (15, "thread `rr1` has no scheduler")],
    );
    expect(&worker("gates = [{ badge = 1 }]"), &[(KEY, "missing key `to`")]);
    expect(&worker("parameters = { prio = 1 }"), &[(KEY, "unknown key `prio`")]);
}

#[test]
fn values_have_types() {
    expect(&worker("stack = \"16X\""), &[(KEY, "expected a size")]);
    expect(&worker("stack = \"99999999999G\""), &[(KEY, "expected a size")]);
    expect(&worker("stack = true"), &[(KEY, "expected a number")]);
    expect(&worker("power = 1"), &[(KEY, "expected `true` or `false`")]);
    expect(&worker("gates = \"console\""), &[(KEY, "expected a list")]);
    expect(&worker("gates = [1]"), &[(KEY, "expected a text")]);
    expect(&worker("gates = [true]"), &[(KEY, "expected a gate: a name or a table")]);
    expect(&worker("interrupts = [{ line = true }]"), &[(KEY, "expected a number")]);
    expect(&worker("handler = 3"), &[(KEY, "expected a text")]);
    expect(&worker("parameters = 3"), &[(KEY, "expected a table such as")]);
    expect(&worker("parameters = [1, 2, 3, 4, 5]"), &[(KEY, "has 4 parameter words")]);
    expect(&worker("parameters = [-1]"), &[(KEY, "expected a number from 0")]);
    expect(&worker("parameters = { slice_us = 1, slice_ns = 2 }"), &[(KEY, "two lengths")]);
    expect(&worker("parameters = { slice_ms = 0xffff_ffff_ffff_ffff }"), &[(KEY, "too long")]);
    expect(&replaced("protocol = \"chain\"", "protocol = \"both\""), &[(7, "unknown protocol")]);
    expect(&worker("gates = [{ to = \"rr0\", rights = [\"fly\"] }]"), &[(KEY, "unknown right")]);
    expect(
        "name = \"x\"\ncores = 1\ncore = 3\n",
        &[(2, "core 0 has no root"), (3, "tables such as `[core.name]`")],
    );
}

#[test]
fn names_are_looked_up() {
    expect(
        &replaced("scheduler = \"rr0\"", "scheduler = \"rr7\""),
        &[(20, "unknown scheduler `rr7`")],
    );
    expect(
        &replaced("space = \"workers\"", "space = \"worker\""),
        &[(19, "did you mean `workers`?")],
    );
    expect(&worker("handler = \"nobody\""), &[(KEY, "unknown fault handler `nobody`")]);
    expect(&worker("threads = [\"nobody\"]"), &[(KEY, "unknown thread `nobody`")]);
    expect(&worker("spaces = [\"nobody\"]"), &[(KEY, "unknown space `nobody`")]);
    expect(&worker("memory = [\"nobody\"]"), &[(KEY, "unknown memory `nobody`")]);
    expect(&worker("gates = [\"init\"]"), &[(KEY, "init can be a fault handler")]);
    expect(&worker("cores = [2]"), &[(KEY, "there is no core 2")]);
    expect(&replaced("\"hello\"", "\"helo\""), &[(11, "did you mean `hello`?")]);
    expect(&replaced("\"hello\"", "\"init\""), &[(11, "unknown program `init`")]);
}

#[test]
fn names_have_a_form_and_are_unique() {
    expect(&replaced("\"base\"", "\"\""), &[(1, "is not a name")]);
    expect(&replaced("\"base\"", "\"my system\""), &[(1, "is not a name")]);
    let long = "x".repeat(25);
    expect(&base_with(&format!("[memory.{long}]\nsize = 4096")), &[(21, "is too long")]);
    let gate = format!("gates = [{{ to = \"rr0\", name = \"{long}\" }}]");
    expect(&worker(&gate), &[(KEY, "25 characters")]);
    expect(&base_with("[space.init]\nprogram = \"hello\""), &[(21, "the name `init` is taken")]);
    expect(&base_with("[thread.worker]\nstack = 1"), &[(21, "duplicate key")]);
    expect(&worker("gates = [\"rr0\", \"rr0\"]"), &[(KEY, "two gates are called `rr0`")]);
    expect(&worker("cores = [{ of = 1, name = \"core\" }]"), &[(KEY, "a thread's own core")]);
    assert!(parse(&worker("gates = [\"rr0\"]\nthreads = [\"rr0\"]")).is_ok(), "of two kinds");
}

#[test]
fn cores_exist_and_have_a_root() {
    expect(&replaced("cores = 2", "cores = 3"), &[(2, "core 2 has no root scheduler")]);
    expect(&replaced("cores = 2", "cores = 1"), &[(5, "there is no core 1"), (16, "no scheduler")]);
    expect(
        &replaced("cores = 2", "cores = 0"),
        &[
            (2, "must be from 1 to 8"),
            (14, "thread `rr0` has no scheduler"),
            (16, "thread `rr1` has no scheduler"),
        ],
    );
    expect(
        &replaced("[core.1]", "[core.one]"),
        &[(2, "core 1 has no root"), (5, "is not the number of a core"), (16, "no scheduler")],
    );
    expect(
        &replaced("root = \"rr1\"", "root = \"rr7\""),
        &[(6, "unknown root scheduler `rr7`"), (16, "no scheduler")],
    );
    expect(&worker("core = 2"), &[(KEY, "there is no core 2")]);
}

#[test]
fn roots_are_roots() {
    expect(
        &replaced("root = \"rr1\"", "root = \"rr0\""),
        &[(14, "`rr0` is the root of two cores"), (16, "no scheduler")],
    );
    let with = |key: &str| replaced("[thread.rr0]\n", &format!("[thread.rr0]\n{key}\n"));
    expect(&with("scheduler = \"rr1\""), &[(15, "the root scheduler `rr0` has a scheduler")]);
    expect(&with("started = false"), &[(15, "a root runs from the start")]);
    expect(&with("state = true"), &[(15, "it has no scheduler to tell")]);
    expect(&with("core = 1"), &[(15, "`rr0` is the root of core 0")]);
    assert!(parse(&with("core = 0\nask_blocked = true\nquiet = true")).is_ok());
    expect(&worker("quiet = true"), &[(KEY, "`w` is not the root scheduler of a core")]);
}

#[test]
fn the_scheduling_tree_is_a_tree() {
    let on_1 = "[thread.w]\nspace = \"workers\"\nscheduler = \"rr0\"\ncore = 1";
    expect(&base_with(on_1), &[(24, "the scheduler of `w` is on another core")]);
    let itself = "[thread.w]\nspace = \"workers\"\nscheduler = \"w\"";
    expect(&base_with(itself), &[(23, "only a root is its own scheduler")]);
    let cycle = "[thread.v]\nspace = \"workers\"\nscheduler = \"w\"\n\
                 [thread.w]\nspace = \"workers\"\nscheduler = \"v\"";
    expect(&base_with(cycle), &[(23, "a cycle of 2 schedulers"), (26, "a cycle of 2")]);
    assert!(parse(&base_with(&levels(8))).is_ok());
    expect(&base_with(&levels(9)), &[(20 + 3 * 8 + 3, "`t9` is 9 levels below its root")]);
}

/// A chain of threads `t1`, `t2`, ... below `rr0`.
fn levels(depth: usize) -> String {
    let thread = |level: usize| {
        let upper = if level == 1 { "rr0".to_string() } else { format!("t{}", level - 1) };
        format!("[thread.t{level}]\nspace = \"workers\"\nscheduler = \"{upper}\"\n")
    };
    (1..=depth).map(thread).collect()
}

#[test]
fn a_scheduler_has_at_most_64_children() {
    let children = |count: usize| -> String {
        let child = |n| format!("[thread.t{n}]\nspace = \"workers\"\nscheduler = \"rr0\"\n");
        (0..count).map(child).collect()
    };
    assert!(parse(&base_with(&children(63))).is_ok());
    expect(&base_with(&children(64)), &[(14, "`rr0` schedules 65 threads")]);
}

#[test]
fn fault_handlers_can_handle() {
    assert!(parse(&worker("handler = \"init\"")).is_ok());
    assert!(parse(&worker("handler = \"rr1\"")).is_ok(), "on another core");
    expect(&worker("handler = \"w\""), &[(KEY, "a thread that faulted cannot handle it")]);
    let pair = "[thread.v]\nspace = \"workers\"\nscheduler = \"rr0\"\nhandler = \"w\"\n\
                [thread.w]\nspace = \"workers\"\nscheduler = \"rr0\"\nhandler = \"v\"";
    expect(&base_with(pair), &[(24, "a cycle of 2 fault handlers"), (28, "a cycle of 2")]);
    let below = replaced("[thread.rr0]\n", "[thread.rr0]\nhandler = \"worker\"\n");
    expect(&below, &[(15, "the fault handler of `rr0` needs it to run")]);
}

#[test]
fn gates_lines_and_ports_are_possible() {
    expect(&worker("gates = [\"w\"]"), &[(KEY, "`w` has a gate to itself")]);
    expect(&worker("gates = [{ to = \"rr0\", rights = [] }]"), &[(KEY, "without rights")]);
    let badge = |badge| worker(&format!("gates = [{{ to = \"rr0\", badge = {badge} }}]"));
    assert!(parse(&badge(4_294_967_295_u64)).is_ok());
    expect(&badge(4_294_967_296), &[(KEY, "the largest is 4294967295")]);
    expect(&worker("interrupts = [256]"), &[(KEY, "the highest is 255")]);
    expect(
        &worker("interrupts = [7, 7]"),
        &[(KEY, "two interrupts are called `line7`"), (KEY, "two handlers")],
    );
    expect(&worker("lines = [256]"), &[(KEY, "the highest is 255")]);
    expect(&worker("lines = [{ first = 9, count = 0 }]"), &[(KEY, "0 interrupt lines from 9")]);
    let end = |count| worker(&format!("lines = [{{ first = 250, count = {count} }}]"));
    assert!(parse(&end(6)).is_ok());
    expect(&end(7), &[(KEY, "must be from 1 to 6")]);
    let both = "interrupts = [9]\nlines = [{ first = 8, count = 2 }]";
    expect(&worker(both), &[(KEY + 1, "interrupt line 9 has two handlers")]);
    let ranges = "lines = [{ first = 4, count = 3 }, { first = 6, count = 2 }]";
    expect(&worker(ranges), &[(KEY, "interrupt line 6 has two handlers")]);
    expect(&worker("ports = [0x10000]"), &[(KEY, "the highest is 0xffff")]);
    expect(&worker("ports = [{ first = 9, count = 0 }]"), &[(KEY, "0 ports from 0x9")]);
    let end = |count| worker(&format!("ports = [{{ first = 0xfff0, count = {count} }}]"));
    assert!(parse(&end(16)).is_ok());
    expect(&end(17), &[(KEY, "must be from 1 to 16")]);
    let ranges = "ports = [{ first = 8, count = 8 }, { first = 16, count = 1 }, 15]";
    expect(&worker(ranges), &[(KEY, "overlap at 0xf")]);
}

#[test]
fn sizes_are_possible() {
    expect(&worker("stack = \"16M\""), &[(KEY, "a stack of 16777216 bytes")]);
    let slots = |slots| replaced("\"hello\"", &format!("\"hello\"\nslots = {slots}"));
    assert!(parse(&slots(65)).is_ok());
    expect(&slots(64), &[(12, "must be from 65 to 4096")]);
    expect(&slots(65_537), &[(12, "65537 slots")]);
    let stock = replaced("\"hello\"", "\"hello\"\nstock_pages = 100_000");
    expect(&stock, &[(1, "does not fit"), (12, "at most 65536")]);
    expect(&replaced("\"8K\"", "0"), &[(13, "a memory of 0 bytes")]);
    expect(&replaced("\"8K\"", "100"), &[(13, "must be a multiple of 4096")]);
    let device = |base: &str| replaced("\"8K\"", &format!("\"8K\"\nbase = {base}"));
    assert!(parse(&device("0xfee0_0000")).is_ok());
    expect(&device("0"), &[(14, "leave `base` out for RAM")]);
    expect(&device("0x123"), &[(14, "a device at 0x123")]);
    expect(&device("0x000f_ffff_ffff_f000"), &[(14, "at most 52 bits")]);
}

#[test]
fn the_system_fits_its_ram() {
    expect(&replaced("\"8K\"", "\"64M\""), &[(1, "does not fit 64M of RAM")]);
    let more = replaced("\"8K\"", "\"64M\"").replacen("cores = 2", "cores = 2\nram = \"90M\"", 1);
    assert_eq!(parse(&more).unwrap().ram, 90 << 20);
    expect(&replaced("cores = 2", "cores = 2\nram = 1024"), &[(3, "does not fit 1M of RAM")]);
    let device = replaced("\"8K\"", "\"1G\"\nbase = 0x8000_0000");
    assert!(parse(&device).is_ok(), "a device is no RAM");
}

#[test]
fn mappings_lie_apart() {
    let at = |at: &str| worker(&format!("memory = [{{ of = \"shared\", at = {at} }}]"));
    assert!(parse(&at("0x4000_0000")).is_ok());
    expect(&at("0x4000_0001"), &[(KEY, "is not on a page")]);
    expect(&at("0x20_0000"), &[(KEY, "must be between 0x40000000")]);
    expect(&at("0x0000_6000_0000_0000"), &[(KEY, "must be between")]);
    expect(&at("0xffff_ffff_ffff_f000"), &[(KEY, "must be between")]);
    let two = |keys: &str| {
        base_with(&format!(
            "[memory.other]\nsize = \"8K\"\n[thread.w]\nspace = \"workers\"\nscheduler = \"rr0\"\nmemory = [{keys}]"
        ))
    };
    let same = "{ of = \"shared\", at = 0x4000_0000 }, { of = \"other\", at = 0x4000_1000 }";
    expect(&two(same), &[(26, "two mappings overlap in space `workers`")]);
    assert!(parse(&two("\"shared\", \"other\"")).is_ok());
    let map = "memory = [{ of = \"shared\", map = false, at = 0x4000_0000 }]";
    expect(&worker(map), &[(KEY, "an address without a mapping")]);
    let access = "memory = [\"shared\"]\n[thread.v]\nspace = \"workers\"\nscheduler = \"rr0\"\n\
                  memory = [{ of = \"shared\", access = \"r\" }]";
    expect(&worker(access), &[(KEY + 4, "is mapped twice in space `workers`")]);
}

#[test]
fn init_can_keep_it() {
    let memories = |count: usize| -> String {
        (0..count).map(|number| format!("[memory.m{number}]\nsize = 4096\n")).collect()
    };
    assert!(parse(&base_with(&memories(31))).is_ok());
    expect(&base_with(&memories(32)), &[(83, "one memory too many")]);
    let spaces = |count: usize| -> String {
        (0..count).map(|number| format!("[space.s{number}]\nprogram = \"hello\"\n")).collect()
    };
    assert!(parse(&base_with(&spaces(46))).is_ok());
    expect(&base_with(&spaces(47)), &[(21 + 2 * 46, "one space too many")]);
    let gates = |count: usize| {
        let gate = |number| format!("{{ to = \"rr0\", name = \"g{number}\" }}, ");
        worker(&format!("gates = [{}]", (0..count).map(gate).collect::<String>()))
    };
    assert!(parse(&gates(166)).is_ok());
    expect(&gates(167), &[(21, "`w` is given too much")]);
}

#[test]
fn a_system_has_at_most_160_threads() {
    let group = |scheduler: usize, count: usize| -> String {
        let child = |child| {
            format!(
                "[thread.t{scheduler}-{child}]\nspace = \"workers\"\nscheduler = \"t{scheduler}\"\n"
            )
        };
        format!("[thread.t{scheduler}]\nspace = \"workers\"\nscheduler = \"rr0\"\n")
            + &(0..count).map(child).collect::<String>()
    };
    let threads = |last: usize| base_with(&(group(0, 60) + &group(1, 60) + &group(2, last)));
    assert!(parse(&threads(34)).is_ok());
    expect(&threads(35), &[(21 + 3 * 157, "one thread too many")]);
}

#[test]
fn devices_are_those_of_the_board() {
    assert!(parse(&worker("devices = [\"uart\", \"clock\"]\ninterrupts = [\"uart\"]")).is_ok());
    expect(&worker("devices = [\"uart2\"]"), &[(KEY, "the board has no device `uart2`")]);
    expect(&worker("interrupts = [\"4\"]"), &[(KEY, "the board has no device `4`")]);
    expect(&worker("interrupts = [\"clock\"]"), &[(KEY, "the device `clock` has no interrupt")]);
    let optional = "devices = [{ of = \"uart2\", optional = true }]\n\
                    interrupts = [{ line = \"uart2\", optional = true }]";
    let without = parse(&worker(optional)).expect("an optional device may be missing");
    let plain = parse(&worker("")).expect("a thread needs no device");
    assert_eq!(without.pack(), plain.pack());
    let twice = "[memory.clock]\nsize = 4096\n";
    let source = worker(&format!("devices = [\"clock\"]\n{twice}"));
    expect(&source, &[(KEY + 1, "the memory `clock` is called as a device of the board")]);
}
