//! What was sent is what arrives: words, label, length, badge.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::servant::{ECHO, word};
use crate::verdict::{Failure, Verdict, done, equal, holds};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::{MESSAGE_WORDS, REGISTER_WORDS, Tag, tag};

pub const TESTS: &[Test] = &[
    test("0 to 64 words arrive unchanged in the same Space, and so does the reply", same_space),
    test("0 to 64 words arrive unchanged in another Space, and so does the reply", other_space),
    test("a message carries its label and length", label_and_length),
    test("a message carries the badge of the gate it came through", badge),
    test("a user cannot send what looks like a message of the kernel", no_forged_kernel_message),
    test("a send carries no reply token, a call does", tokens),
    test("words beyond the length of a message are left alone", rest_is_left_alone),
];

fn same_space(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::A)
}

fn other_space(driver: &mut Driver) -> Verdict {
    all_lengths(driver, Who::Far)
}

/// Calls with every length; the servant adds one to each word.
pub fn all_lengths(driver: &mut Driver, who: Who) -> Verdict {
    for length in 0..=MESSAGE_WORDS {
        echo(driver, who, length)?;
    }
    Ok(())
}

fn sent(length: usize, index: usize) -> u64 {
    ((length as u64 + 1) << 56) | (index as u64 * 0x101)
}

/// One call with `length` words.
pub fn echo(driver: &mut Driver, who: Who, length: usize) -> Verdict {
    let mut call = Op::call(who.gate()).tag(ECHO, length);
    for index in 0..length {
        match call.words.get_mut(index) {
            Some(word) => *word = sent(length, index),
            None => driver.this.utcb_mut().set_word(index, sent(length, index)),
        }
    }
    let out = done("a call that is echoed", call.run())?;
    equal("the tag of the echo", out.tag.0, Tag::new(ECHO, length).0)?;
    for index in 0..length {
        let got = word(&driver.this, &out, index);
        equal("a word of the echo", got, sent(length, index) + 1)?;
    }
    Ok(())
}

/// Lets a servant receive one message that `send` sends, and returns what it got.
fn received(driver: &mut Driver, send: Op) -> Result<crate::outcome::Outcome, Failure> {
    driver.carry_out(Who::A, &[Op::receive(ANY)])?;
    done("a send to a waiting servant", send.run())?;
    driver.settle()?;
    driver.outcome(Who::A, 0)
}

fn label_and_length(driver: &mut Driver) -> Verdict {
    for label in [0, 1, 0x7fff_ffff, u32::MAX] {
        let got = received(driver, Op::send(Who::A.gate()).tag(label, 3))?;
        equal("tag", got.out.tag.0, Tag::new(label, 3).0)?;
    }
    Ok(())
}

fn badge(driver: &mut Driver) -> Verdict {
    let got = received(driver, Op::send(Who::A.gate()).tag(1, 0))?;
    equal("badge", got.out.badge, Who::A.badge())
}

fn no_forged_kernel_message(driver: &mut Driver) -> Verdict {
    let forged = Tag::new(10, 1).0 | tag::KERNEL | 0xfffe << 16;
    let got = received(driver, Op::send(Who::A.gate()).raw_tag(forged))?;
    equal("tag", got.out.tag.0, Tag::new(10, 1).0)
}

fn tokens(driver: &mut Driver) -> Verdict {
    let got = received(driver, Op::send(Who::A.gate()).tag(1, 0))?;
    equal("token of a send", got.out.token, 0)?;
    driver.carry_out(Who::A, &[Op::receive(ANY)])?;
    driver.carry_out(Who::B, &[Op::call(Who::A.gate()).tag(1, 0)])?;
    let got = driver.outcome(Who::A, 0)?;
    holds("the token of a call has the top bit", got.out.token >> 63 == 1)
}

fn rest_is_left_alone(driver: &mut Driver) -> Verdict {
    const MARK: u64 = 0x4d41_524b;
    for index in REGISTER_WORDS..MESSAGE_WORDS {
        driver.this.utcb_mut().set_word(index, MARK);
    }
    done("a short call", Op::call(Who::A.gate()).tag(ECHO, REGISTER_WORDS).run())?;
    let kept = (REGISTER_WORDS..MESSAGE_WORDS)
        .filter(|index| driver.this.utcb().word(*index) == MARK)
        .count();
    equal("words that are as before", kept, MESSAGE_WORDS - REGISTER_WORDS)
}
