//! What the confined Space has: a thread of it that runs clean code says what is in every slot.
//!
//! It looks twice. When the enemies have stopped, nothing may be more than what was given: ranges and
//! rights. That tells nothing of what cannot be told by looking, such as a gate that enemies made to
//! their own thread from one to a victim. So it looks again when all that was given is taken back, and
//! with it whatever was made by means of that: then every slot is empty. What is still there came from
//! somewhere else.

use super::layout::Piece;
use super::make::{make_thread, step};
use super::means::Means;
use crate::board::Broken;
use crate::enemy::REPORT_WORDS;
use crate::order::Count;
use crate::places::{self, INSPECTOR, LOOT_RIGHTS, TRUSTED_BADGE, slot};
use cedo_lib::abi::Kind;
use cedo_lib::capability::{Identity, identify};
use cedo_lib::{Gate, Rights, Status, Winner};

/// Time that an inspector may take: it shares its core with what enemies made.
const PATIENCE_NS: u64 = 15_000_000_000;
const READ_WRITE: Rights = Rights::READ.or(Rights::WRITE);
const GATE: Rights = places::DONATION;

/// Makes the program whole again, with `spare` of the memory "objects" for page tables.
pub fn bring_back(means: &mut Means, spare: (u64, u64)) -> Result<(), Broken> {
    let space = means.space();
    step("a Space can get more stock", 0, space.stock(means.objects, spare.0, spare.1))?;
    for piece in means.layout.pieces() {
        // What enemies put there goes, what they took away comes back.
        let result = space.unmap(piece.address, piece.pages).and_then(|()| {
            let Piece { address, first, pages, access } = piece;
            space.map(means.image_region, first, address, pages, access)
        });
        step("a program can be mapped again", piece.address, result)?;
    }
    means.layout.restore(means.image);
    Ok(())
}

/// Nothing is more than what was given.
pub fn nothing_is_more(means: &mut Means) -> Result<(), Broken> {
    let given = Given::of(means);
    inspect(means, "no capability is gained", |words| given.allows(words))
}

/// Nothing is there, now that all that was given is taken back.
pub fn nothing_is_left(means: &mut Means) -> Result<(), Broken> {
    inspect(means, "no capability comes from elsewhere", |[kind, ..]| kind == Kind::Empty as u64)
}

/// Looks into every slot: `allows` says of what is there whether it may be.
fn inspect(
    means: &mut Means,
    rule: &'static str,
    allows: impl Fn([u64; REPORT_WORDS]) -> bool,
) -> Result<(), Broken> {
    step("an inspector can be started", 0, start(means))?;
    let count = Count::of(means.image_page(means.layout.counts()), INSPECTOR);
    let begin_ns = means.clock.now_ns();
    while count.calls() != slot::COUNT {
        means.rest();
        means.check_board()?;
        if means.clock.now_ns() > begin_ns + PATIENCE_NS {
            let position = means.thread(INSPECTOR).read(0);
            let numbers = match position {
                Ok(position) => [count.starts(), position.instruction, position.stack],
                Err(status) => [count.starts(), status as u64, 0],
            };
            return Err(Broken { rule: "an inspector gets on", numbers });
        }
    }
    let report = means.image_page(means.layout.counts() + 2);
    for slot in 0..slot::COUNT {
        let words = core::array::from_fn(|at| report.word(slot as usize * REPORT_WORDS + at));
        if !allows(words) {
            let [kind, rights, badge_or_first, _] = words;
            let numbers = [slot << 32 | kind, rights, badge_or_first];
            return Err(Broken { rule, numbers });
        }
    }
    Ok(())
}

fn start(means: &Means) -> Result<(), Status> {
    let thread = make_thread(means, INSPECTOR, 0)?;
    let root = means.roots[0].ok_or(Status::NoCapability)?;
    thread.set_scheduler(root, places::COOKIE, 0)?;
    thread.set_handler(Some(Gate::at(means.slots.fault_gate(INSPECTOR))))?;
    thread.resume(Winner::Caller)
}

/// What enemies were given.
struct Given {
    loot: Option<Identity>,
    published: Option<Identity>,
    ports: Option<Identity>,
    lines: Option<Identity>,
    gates: [Option<Identity>; 3 * places::CORES as usize],
}

impl Given {
    fn of(means: &Means) -> Given {
        let look = |slot| identify(slot).ok();
        let [loot, published, ports, lines] = means.given_slots.map(look);
        Given { loot, published, ports, lines, gates: means.gates.map(|gate| look(gate?.slot)) }
    }

    /// True if what a slot holds could have been given, or made of what was.
    fn allows(&self, [kind, rights, first, count]: [u64; REPORT_WORDS]) -> bool {
        let rights = Rights(rights as u16);
        let Some(kind) = u8::try_from(kind).ok().and_then(Kind::from_number) else { return false };
        let inside = |whole: &Option<Identity>, most: Rights| {
            most.has(rights)
                && whole.is_some_and(|whole| {
                    first >= whole.badge_or_first
                        && first + count <= whole.badge_or_first + whole.count
                })
        };
        match kind {
            // Nobody sees which one it is; the second look tells.
            Kind::Empty | Kind::Space | Kind::Thread | Kind::Irq => true,
            Kind::Gate if first & !0xff == TRUSTED_BADGE => {
                let mut gates = self.gates.iter().flatten();
                gates.any(|gate| gate.badge_or_first == first && gate.rights.has(rights))
            }
            // Enemies cannot make these badges, so a gate that has one was stolen.
            Kind::Gate if first >> 16 == TRUSTED_BADGE >> 16 => false,
            Kind::Gate => GATE.has(rights),
            Kind::Region => {
                inside(&self.loot, LOOT_RIGHTS) || inside(&self.published, Rights::READ)
            }
            Kind::Ports => inside(&self.ports, READ_WRITE),
            Kind::Lines => inside(&self.lines, Rights::ALL),
            Kind::Core => false,
        }
    }
}
