//! From a device's interrupt, here a timer's, to the first instruction of the thread that handles it;
//! meanwhile another thread spins.

use crate::samples::{Samples, Summary};
use crate::{decision, stopwatch};
use cedo_lib::alarm::Alarm;
use cedo_lib::ipc::{Ipc, Partner};
use cedo_lib::{Environment, Gate, Label};

const WARM_UP: usize = 16;
const COUNT: usize = 400;
/// Time until the interrupt: 102 ticks of a PC's interval timer.
const SHOT_NS: u64 = 85_500;
/// Label of the messages between the measuring thread and the handler.
const GO: u32 = 2;

static SAMPLES: Samples = Samples::new();

/// Takes interrupts, each starting the next, until there are enough of them.
pub fn handle(environment: &Environment) {
    let (Some(bench), Some(timer)) = (environment.gate("bench"), Alarm::of(environment)) else {
        return;
    };
    // Whatever the timer did before it was started here is taken and forgotten.
    let mut wanted = 0;
    let mut message = Ipc::receive(Partner::ANY).make();
    loop {
        let now = stopwatch::now();
        let before = decision::last_reading();
        if message.arrived() && message.kernel_label() == Some(Label::Irq) {
            if wanted > 0 && before != 0 && now > before {
                SAMPLES.add(now - before);
                wanted -= 1;
                if wanted == 0 {
                    decision::stop();
                    let _ = Ipc::send(bench).message(GO, 0, [0; 7]).make();
                }
            }
        } else if message.arrived() && message.label() == GO {
            wanted = WARM_UP + COUNT;
        }
        if wanted > 0 {
            timer.set(SHOT_NS);
        }
        message = match message.token() {
            Some(token) => Ipc::reply_and_wait(token).make(),
            None => Ipc::receive(Partner::ANY).make(),
        };
    }
}

/// Measures; nothing if the handler or the spinner does not start.
pub fn measure(handler: Gate, spinner: Gate) -> Option<Summary> {
    decision::prepare();
    SAMPLES.clear();
    if !decision::go(spinner, false) {
        return None;
    }
    Ipc::send(handler).message(GO, 0, [0; 7]).make().done().ok()?;
    // One message of the handler, one of the spinner.
    for _ in 0..2 {
        Ipc::receive(Partner::ANY).make().done().ok()?;
    }
    Some(SAMPLES.summary(WARM_UP, 0))
}
