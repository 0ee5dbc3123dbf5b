//! Servers that pass a call on, and what they take next.

use crate::cores::{PLACES, mapped};
use crate::message::{LABEL, Op};
use crate::stage::{DATA, Stage};
use cedo_abi::Status;
use cedo_abi::call::ipc;
use cedo_abi::item::Item;
use cedo_abi::layout::PAGE_SIZE;

const BYTES: u64 = 3 * PAGE_SIZE + 7;

/// User 2 calls user 0, which passes the call on to user 1 and then takes a string of user 2's, or of
/// whoever else comes.
#[test]
fn a_call_that_is_passed_on_keeps_the_servers_label_and_words() {
    for places in [[0, 0, 0]].into_iter().chain(PLACES) {
        for (receives, first) in [(false, true), (false, false), (true, true), (true, false)] {
            let mut stage = Stage::build(&mapped(places));
            let [server, callee, client] = [0, 1, 2].map(|index| stage.user(index));
            let what = format!("{places:?} {receives} {first}");
            stage.make(server, &Op::receive().closed());
            stage.make(client, &Op::call(server));
            let token = stage.got(server).token;
            if first {
                stage.make(callee, &Op::receive().closed());
            }
            let mut forward = Op::forward(token, callee);
            forward.roles.words = [1, 2, 0, 0, 0, 0, 0];
            if receives {
                forward = forward.flags(ipc::RECEIVE).window(DATA, BYTES);
            }
            stage.make(server, &forward);
            if !first {
                stage.make(callee, &Op::receive().closed());
            }
            let passed = stage.got(callee);
            assert_eq!((passed.status, passed.label), (Status::Ok, LABEL), "{what}");
            assert_eq!(passed.words[..2], [1, 2], "{what}");
            stage.make(callee, &Op::reply(passed.token));
            assert_eq!(stage.got(client).status, Status::Ok, "{what}");
            if receives {
                stage.make(client, &Op::send(server).string(DATA, BYTES));
            }
            let forwarded = stage.got(server);
            assert!(forwarded.status.is_done(), "{what}: {forwarded:?}");
            if receives {
                assert_eq!(forwarded.items, [Item::string(DATA, BYTES)], "{what}");
            }
        }
    }
}
