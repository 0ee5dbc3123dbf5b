//! The relay: a thread that hears the device's interrupts and calls the server for each.
//!
//! Why the server does not hear them itself: while its queue is full it waits for the device and for
//! nobody else, so that clients wait where they lose nothing, in the kernel's queue. Such a wait
//! names a thread, and the relay is that thread.

use cedo_api::console::REFUSED;
use cedo_lib::driver::{Next, reply};
use cedo_lib::{Environment, Gate, Ipc, Label, Status, Token};

/// Label of the relay's calls: the device interrupted. Anybody may say so; it only makes the server
/// look.
pub const INTERRUPT: u32 = 0x200;

/// Calls the server for each interrupt, for ever. The interrupt counts as served when the server
/// answers.
pub fn run(environment: &Environment) -> ! {
    let Some(server) = environment.gate("console") else {
        panic!(
            "the console's relay needs a gate called \"console\": see docs/system-description.md"
        );
    };
    let mut next = Next::Wait;
    loop {
        let message = next.wait();
        next = if message.kernel_label() == Some(Label::Irq) {
            // Without a server there is nobody to serve the device.
            let _ = Ipc::call(server).message(INTERRUPT, 0, [0; 7]).make();
            Next::acknowledge(&message)
        } else {
            Next::answer(&message, REFUSED, 0, [0; 7])
        };
    }
}

/// The relay as the server sees it.
pub struct Relay {
    gate: Gate,
    /// An interrupt that was waited for, and not answered yet.
    heard: Option<Token>,
}

impl Relay {
    /// The relay behind this gate.
    pub const fn at(gate: Gate) -> Relay {
        Relay { gate, heard: None }
    }

    /// Waits for the next interrupt and for nothing else; answers the one before.
    pub fn wait(&mut self) {
        let call = match self.heard.take() {
            Some(token) => Ipc::send_and_receive(token, self.gate),
            None => Ipc::receive(self.gate),
        };
        let message = call.make();
        match message.status {
            _ if message.arrived() => self.heard = message.token(),
            Status::Aborted | Status::Stale => {}
            status => panic!("the console does not hear its device: {status:?}"),
        }
    }

    /// Answers the last interrupt that was waited for.
    pub fn acknowledge(&mut self) {
        if let Some(token) = self.heard.take() {
            reply(token, 0, 0, [0; 7]);
        }
    }
}
