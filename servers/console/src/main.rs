//! The console server: text of all programs on the serial line, by interrupt.
//!
//! It keeps lines of different clients whole and loses no text that it has taken. It is no terminal:
//! it edits nothing, echoes nothing, and knows no colours. Its messages are in
//! `cedo_api::console`.
//!
//! The environment names the ports and the interrupt of a 16550 "uart".
//!
//! | file | contents |
//! |---|---|
//! | `uart` | the device |
//! | `queue` | bytes in a ring |
//! | `lines` | what clients have written of lines that are not complete |
//! | `server` | what is answered when |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod lines;
mod queue;
mod server;
mod uart;

use cedo_lib::driver::Next;
use cedo_lib::{Environment, Label, ThisThread};
use server::Server;
use uart::Uart;

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    let Some(range) = environment.ports("uart") else {
        panic!("the console needs the ports of its device as \"uart\"");
    };
    if environment.irq("uart").is_none() {
        panic!("the console needs the interrupt of its device as \"uart\"");
    }
    let mut uart = Uart::new(range);
    uart.start();
    let mut server = Server::new(uart);
    let mut next = Next::Wait;
    loop {
        let message = next.wait();
        next = match message.kernel_label() {
            Some(Label::Irq) => {
                server.interrupt();
                Next::acknowledge(&message)
            }
            Some(_) => Next::Wait,
            None => server.request(&message, this.utcb()),
        };
    }
}
