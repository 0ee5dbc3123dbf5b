//! The handler of enemies' faults on one core: brings back pages that they took from themselves, or
//! lets them start again. It also answers whoever else has a gate to it.

use crate::board::{Place, Rule};
use crate::places::{self, FAULT_BADGE, STACKS, TRUSTED_BADGE};
use crate::supervisor::layout::Layout;
use crate::supervisor::{confined_space, enter};
use crate::victims::failed_by_partner;
use cedo_fuzz::Random;
use cedo_fuzz::surroundings::MADE;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::notice::{FAULT_ADDRESS, FAULT_CAUSE};
use cedo_lib::abi::state::{Cause, FLAGS, GENERAL, INSTRUCTION, STACK};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::raw::probe::RECOVERY;
use cedo_lib::{Environment, Ipc, Label, Message, Partner, Region, Status, ThisThread};

/// Flags of a new thread: interrupts on, and the bit that is always set.
const NEW_FLAGS: u64 = 0x202;
/// A probe goes on so many bytes behind the instruction that faults, at most.
const BEHIND: u64 = 16;

struct Handler {
    this: ThisThread,
    place: Place,
    layout: Layout,
    image: Region,
    random: Random,
}

/// Handles faults for ever.
///
/// # Panics
/// If the description does not give it the image.
pub fn run(this: ThisThread) {
    let environment = Environment::of(&this);
    let mut handler = Handler {
        place: Place::of(&environment),
        layout: Layout::new(),
        image: environment.memory("image").expect("handlers have the image").region,
        random: Random::part(2, environment.core_number().into()),
        this,
    };
    let wait = Ipc::receive(Partner::ANY).want_state();
    let (mut next, mut answers) = (wait, false);
    loop {
        let message = next.make();
        let answer = handler.take(&message, answers);
        answers = answer.is_some();
        next = answer.unwrap_or(wait);
    }
}

impl Handler {
    /// Takes a message; the answer.
    fn take(&mut self, message: &Message, answered: bool) -> Option<Ipc> {
        if !message.arrived() {
            let gone = answered && message.status == Status::Stale;
            if !gone && !failed_by_partner(message.status) {
                self.place.broken(Rule::HandlersCanWait, [message.status as u64, 0, 0]);
            }
            return None;
        }
        let thread = message.badge.wrapping_sub(FAULT_BADGE);
        if thread >= STACKS && message.badge & !0xff != TRUSTED_BADGE {
            let numbers = [message.badge, message.tag.0, 0];
            self.place.broken(Rule::HandlersHearOfEnemiesOnly, numbers);
        }
        let answer = Ipc::reply_and_wait(message.token()?).want_state();
        if message.kernel_label() != Some(Label::Fault) {
            return Some(answer.message(1, 0, [0; 7]));
        }
        // Faults of threads that enemies made come through a gate for anything.
        let made = places::ENEMIES + self.random.below(MADE[0]);
        let thread = if thread < STACKS { thread } else { made };
        Some(if self.goes_on(message, thread) { answer.with_state() } else { answer })
    }

    /// Makes the fault good; true if the thread shall go on with the state in the reply area.
    fn goes_on(&mut self, message: &Message, thread: u64) -> bool {
        if message.words[FAULT_CAUSE] == Cause::SystemCall as u64 {
            return false;
        }
        if self.bring_back(message.words[FAULT_ADDRESS]) {
            return false;
        }
        let received = self.this.utcb().received();
        let mut state = StateArea { mask: GENERAL, ..StateArea::EMPTY };
        let (at, recovery) = (received.general[INSTRUCTION], received.general[RECOVERY]);
        // Any other place is what a wild thread happens to have there: it would go on in the middle of an
        // instruction, or in what is none.
        let is_probe = self.layout.is_code(at) && recovery.wrapping_sub(at) <= BEHIND;
        if is_probe && !self.random.once_in(4) {
            state.general = received.general;
            state.general[INSTRUCTION] = recovery;
        } else {
            state.general.iter_mut().for_each(|word| *word = self.random.number());
            state.general[FLAGS] = NEW_FLAGS;
            state.general[INSTRUCTION] = self.layout.entry();
            state.general[STACK] = places::stack_pointer(thread);
        }
        self.this.utcb_mut().set_reply(&state);
        true
    }

    /// Maps the page at this address as it was at first, if there was one and it is lost.
    fn bring_back(&mut self, address: u64) -> bool {
        let Some((page, access)) = self.layout.page(address) else { return false };
        let Some(_open) = enter() else { return false };
        let (space, address) = (confined_space(), address & !(PAGE_SIZE - 1));
        match space.map(self.image, page, address, 1, access) {
            Ok(()) => true,
            Err(Status::Occupied) if self.random.once_in(4) => {
                // Something else may be there; the fault may also be an access that is not allowed.
                let gone = space.unmap(address, 1);
                gone.and_then(|()| space.map(self.image, page, address, 1, access)).is_ok()
                    && self.random.once_in(2)
            }
            Err(_) => false,
        }
    }
}
