//! The console server: text of all programs on the serial line, by interrupt.
//!
//! It keeps lines of different clients whole and loses no text that it has taken. It is no terminal:
//! it edits nothing, echoes nothing, and knows no colours. Its messages are in
//! `cedo_api::console`.
//!
//! Two threads of one Space: the server, which has the device "uart" (a 16550 or a PL011) and a gate to
//! the other as "uart"; and the relay, which has the device's interrupt as "uart" and a gate to the server
//! as "console". Both need the same core.
//!
//! | file | contents |
//! |---|---|
//! | `relay` | hears interrupts, and tells the server |
//! | `line` | the device, of either kind |
//! | `uart_16550`, `pl011` | the kinds |
//! | `wire` | the device with the bytes that go in and out |
//! | `queue` | bytes in a ring |
//! | `lines` | what clients have written of lines that are not complete |
//! | `server` | what is answered when |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod line;
mod lines;
mod pl011;
mod queue;
mod relay;
mod server;
mod uart_16550;
mod wire;

use cedo_lib::driver::Next;
use cedo_lib::{Environment, ThisThread};
use line::Device;
use relay::{INTERRUPT, Relay};
use server::Server;

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    if environment.irq("uart").is_some() {
        relay::run(&environment);
    }
    let relay = environment.gate("uart").map(Relay::at);
    let Some(device) = relay.and_then(|relay| Device::start(&environment, relay)) else {
        panic!(
            "the console needs a device and a gate called \"uart\": see docs/system-description.md"
        );
    };
    let mut server = Server::new(device);
    let mut next = Next::Wait;
    loop {
        let message = next.wait();
        next = match (message.kernel_label(), message.label()) {
            (Some(_), _) => Next::Wait,
            (None, INTERRUPT) => {
                server.interrupt();
                Next::answer(&message, cedo_api::console::DONE, 0, [0; 7])
            }
            _ => server.request(&message, this.utcb()),
        };
    }
}
