//! Computes with floating-point numbers in several threads that preempt each other, and says whether
//! every result is right to the last bit.
//!
//! It is compiled like any program that computes: its instructions are the processor's own where the
//! target has such, and nothing in it knows that a kernel saves registers.
//!
//! | file | contents |
//! |---|---|
//! | here | the worker, and the chief that judges and switches the machine off |
//! | `series` | what is computed |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod series;

use cedo_lib::abi::system::parameter::ROLE;
use cedo_lib::ipc::{Ipc, Partner};
use cedo_lib::{Console, Environment, ThisThread};
use core::fmt::Write;
use core::hint::black_box;
use series::{EXPECTED, bits};

/// How often each worker computes its series: for many slices of its scheduler.
const RUNS: u64 = 200;
/// Label of the message that says "finished". Word 0: worker, word 1: wrong results.
const FINISHED: u32 = 1;
/// Who executes the operations.
const BY: &str = if cfg!(target_feature = "neon") { "the processor" } else { "software" };

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    match environment.name() {
        "chief" => judge(&environment),
        _ => compute(&environment),
    }
}

/// Computes one series again and again.
fn compute(environment: &Environment) {
    let Some(chief) = environment.gate("chief") else { return };
    let role = environment.parameters()[ROLE];
    let expected = EXPECTED.get(role as usize).copied();
    let wrong = (0..RUNS).filter(|_| Some(bits(black_box(role))) != expected).count();
    let _ = Ipc::send(chief).message(FINISHED, 2, [role, wrong as u64, 0, 0, 0, 0, 0]).make();
}

/// Hears all workers.
fn judge(environment: &Environment) {
    let mut console = Console::of(environment);
    let mut good = true;
    for _ in EXPECTED {
        let heard = Ipc::receive(Partner::ANY).make();
        let [worker, wrong, ..] = heard.words;
        good &= heard.arrived() && heard.label() == FINISHED && wrong == 0;
        let _ = writeln!(console, "worker {worker}: {wrong} of {RUNS} results are wrong");
    }
    let word = if good { "ok" } else { "WRONG" };
    let _ = writeln!(console, "numbers: floating point by {BY}: {word}");
    if let Some(core) = environment.my_core() {
        core.power_off(u8::from(!good));
    }
}
