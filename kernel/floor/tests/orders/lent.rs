//! What travels with a mail is lent: written by one core, read by another, then home again. Words
//! are relaxed atomics and a UTCB is plain memory; only the inboxes order them.

use crate::cores::Machine;
use crate::{Plain, check};
use loom::sync::Arc;
use loom::thread;

const SERVER: usize = 0;

/// A machine, and the UTCB that goes with each mail.
struct Lent {
    machine: Machine,
    utcbs: Vec<Plain>,
}

impl Lent {
    fn new(cores: usize, mails: usize) -> Arc<Lent> {
        let utcbs = (0..=mails).map(|_| Plain::new(0)).collect();
        Arc::new(Lent { machine: Machine::new(cores, mails), utcbs })
    }

    fn write(&self, mail: u32, value: u64) {
        self.machine.mail(mail).words[1].set(value);
        self.machine.mail(mail).tag.set(value + 1);
        self.utcbs[mail as usize].set(value + 2);
    }

    fn read(&self, mail: u32) -> u64 {
        let value = self.machine.mail(mail).words[1].get();
        assert_eq!(self.machine.mail(mail).tag.get(), value + 1);
        assert_eq!(self.utcbs[mail as usize].get(), value + 2);
        value
    }

    /// Calls the server `calls` times; core and mail of the client have one number.
    fn call(&self, client: u32, calls: u64) {
        for call in 1..=calls {
            self.write(client, call * 100);
            self.machine.post(SERVER, client);
            let mut home = false;
            while !home {
                self.machine.halt(client as usize, 8, |_| {
                    assert_eq!(self.read(client), call * 100 + 50);
                    home = true;
                });
            }
        }
    }

    /// Answers `calls` calls.
    fn serve(&self, calls: usize) {
        let mut answered = 0;
        while answered < calls {
            self.machine.halt(SERVER, 8, |client| {
                let value = self.read(client);
                self.write(client, value + 50);
                self.machine.post(client as usize, client);
                answered += 1;
            });
        }
    }
}

#[test]
fn a_call_and_its_answer_share_one_mail() {
    check(5, || {
        let lent = Lent::new(2, 1);
        let client = thread::spawn({
            let lent = Arc::clone(&lent);
            move || lent.call(1, 2)
        });
        lent.serve(2);
        client.join().expect("does not fail");
        lent.machine.check_end();
    });
}

#[test]
fn two_clients_are_not_confused() {
    check(3, || {
        let lent = Lent::new(3, 2);
        let clients = [1, 2].map(|client| {
            let lent = Arc::clone(&lent);
            thread::spawn(move || lent.call(client, 1))
        });
        lent.serve(2);
        clients.into_iter().for_each(|client| client.join().expect("does not fail"));
        lent.machine.check_end();
    });
}
