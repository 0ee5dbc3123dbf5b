//! What the floor promises, on memory of the host. Run by Miri these tests look for what a processor
//! does not show: two references that should not be there together, and races.

extern crate std;

use super::*;
use std::boxed::Box;
use std::vec::Vec;

const FRAMES: u32 = 8;
const TAIL: [u64; TAIL_WORDS] = [1, 2, 3, 4, 5, 6, 7, 8];
const CORE_0: CoreNumber = CoreNumber(0);
const CORE_1: CoreNumber = CoreNumber(1);

/// A frame of memory.
#[repr(C, align(4096))]
struct Cells(Words);

/// What a kernel might keep.
struct Kept;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Thread {
    turns: u64,
    all_of_it: [u8; THREAD_BYTES - 8],
}

impl Types for Kept {
    type Thread = Thread;
    type Irq = u32;
    type Space = AtomicU64;
}

/// Memory and the accesses of two cores.
fn cores() -> [Objects<Kept>; 2] {
    let zero = || Cells([const { AtomicU64::new(0) }; 512]);
    let cells: &'static [Cells] =
        Box::leak((0..FRAMES).map(|_| zero()).collect::<Vec<_>>().into_boxed_slice());
    // SAFETY: 1. The frames are leaked, and all of them is inside atomics. 2. They are aligned to
    // a page. 3. They are used through this window only.
    let window = unsafe { Window::new(cells.as_ptr().cast_mut().cast(), FRAMES) };
    let words = || -> Vec<_> { (0..FRAMES).map(|_| AtomicU64::new(0)).collect() };
    let table = FrameTable::new(words().leak(), words().leak());
    (1..FRAMES).for_each(|frame| table.add_ram(Frame(frame)));
    let claims = Claims::new();
    [CORE_0, CORE_1].map(|core| Objects::new(&claims, window, table, core).expect("not yet taken"))
}

fn thread(turns: u64) -> Thread {
    Thread { turns, all_of_it: [turns as u8; THREAD_BYTES - 8] }
}

fn id(frame: u32) -> ThreadId {
    ThreadId::from_number(frame).expect("not 0")
}

#[test]
fn each_core_gets_its_access_once() {
    let [objects, _] = cores();
    let claims = Claims::new();
    let again = || Objects::<Kept>::new(&claims, objects.window, objects.table, CORE_1);
    assert!(again().is_some());
    assert!(again().is_none());
}

#[test]
fn a_thread_is_its_cores_and_its_mail_is_everybodys() {
    const TURNS: u64 = 50;
    let [mut home, other] = cores();
    assert!(home.claim_thread(Frame(1), CORE_0, thread(0), &TAIL));
    assert!(home.is_here(id(1)) && !other.is_here(id(1)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mail = other.mail(id(1));
            assert_eq!(mail.home.get(), 0);
            mail.words[6].set(7);
            mail.sequence.publish(1);
        });
        for turn in 1..=TURNS {
            let thread = home.thread(id(1));
            thread.turns = turn;
            thread.all_of_it.fill(turn as u8);
        }
        while home.mail(id(1)).sequence.observe() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(home.mail(id(1)).words[6].get(), 7);
    });
    assert_eq!(*home.thread_ref(id(1)), thread(TURNS));
}

#[test]
fn two_threads_are_two_places() {
    let [mut objects, _] = cores();
    assert!(objects.claim_thread(Frame(1), CORE_0, thread(1), &TAIL));
    assert!(objects.claim_thread(Frame(2), CORE_0, thread(2), &TAIL));
    let (one, two) = objects.threads(id(1), id(2));
    core::mem::swap(one, two);
    two.turns = 5;
    assert_eq!((one.turns, two.turns), (2, 5));
    assert_eq!((objects.thread_ref(id(1)).turns, objects.thread_ref(id(2)).turns), (2, 5));
}

#[test]
fn a_space_is_shared_by_all_cores() {
    const TURNS: u64 = 50;
    let [mut one, other] = cores();
    assert!(one.claim_space(Frame(3), AtomicU64::new(0), &TAIL));
    let space = SpaceId::from_number(3).expect("not 0");
    std::thread::scope(|scope| {
        for objects in [&one, &other] {
            scope.spawn(move || {
                (0..TURNS).for_each(|_| {
                    objects.space(space).fetch_add(1, Ordering::Relaxed);
                });
            });
        }
    });
    assert!(one.table().retire(Frame(3)));
    assert_eq!(other.space(space).load(Ordering::Relaxed), 2 * TURNS);
}

#[test]
fn a_released_frame_can_hold_something_else() {
    let [mut objects, _] = cores();
    for round in 0..3 {
        assert!(objects.claim_thread(Frame(1), CORE_0, thread(round), &TAIL));
        objects.thread(id(1)).turns += 1;
        objects.retire(id(1));
        assert!(objects.table().release(Frame(1)));
        assert!(objects.claim_irq(Frame(1), 40, &TAIL));
        let irq = IrqId::from_number(1).expect("not 0");
        *objects.irq(irq) += 2;
        assert_eq!(*objects.irq(irq), 42);
        assert!(objects.table().retire(Frame(1)) && objects.table().release(Frame(1)));
        assert!(objects.claim_words(Frame(1), FrameKind::Table));
        let words = objects.words(Frame(1)).expect("words");
        assert!(words.iter().all(|word| word.swap(u64::MAX, Ordering::Relaxed) == 0));
        assert!(objects.table().retire(Frame(1)) && objects.table().release(Frame(1)));
    }
}

#[test]
fn nothing_is_claimed_twice_and_frame_0_never() {
    let [mut one, mut other] = cores();
    assert!(one.claim_irq(Frame(1), 0, &TAIL));
    assert!(!other.claim_thread(Frame(1), CORE_1, thread(0), &TAIL));
    assert!(!other.claim_words(Frame(1), FrameKind::Table));
    assert!(!one.claim_thread(Frame(0), CORE_0, thread(0), &TAIL));
    assert!(!one.claim_space(Frame(0), AtomicU64::new(0), &TAIL));
    assert!(!one.claim_words(Frame(0), FrameKind::Stock));
    assert!(!one.claim_words(Frame(2), FrameKind::Thread));
    assert!(one.words(Frame(1)).is_none());
}

#[test]
#[should_panic = "does not hold what the kernel thinks"]
fn another_cores_thread_cannot_be_reached() {
    let [mut home, mut other] = cores();
    assert!(home.claim_thread(Frame(1), CORE_0, thread(0), &TAIL));
    other.thread(id(1));
}

#[test]
#[should_panic = "does not hold what the kernel thinks"]
fn one_thread_is_not_two() {
    let [mut objects, _] = cores();
    assert!(objects.claim_thread(Frame(1), CORE_0, thread(0), &TAIL));
    objects.threads(id(1), id(1));
}

#[test]
fn the_tail_of_an_object_is_everybodys_until_it_ends() {
    let [mut home, other] = cores();
    assert!(other.tail(Frame(1)).is_none());
    assert!(home.claim_thread(Frame(1), CORE_0, thread(0), &TAIL));
    let thread = home.thread(id(1));
    let tail = other.tail(Frame(1)).expect("a thread");
    tail[7].store(9, Ordering::Relaxed);
    thread.turns = 1;
    let values = tail.each_ref().map(|word| word.load(Ordering::Relaxed));
    assert_eq!((values[..7].to_vec(), values[7]), (TAIL[..7].to_vec(), 9));
    assert!(home.table().map().is_marked(Frame(1)));
    home.retire(id(1));
    assert!(other.tail(Frame(1)).is_none() && !home.table().map().is_marked(Frame(1)));
}

#[test]
fn who_runs_and_a_partner_are_two_threads_of_this_core() {
    let [mut home, mut other] = cores();
    for frame in [1, 2] {
        assert!(home.claim_thread(Frame(frame), CORE_0, thread(0), &TAIL));
    }
    assert!(other.claim_thread(Frame(3), CORE_1, thread(3), &TAIL));
    assert!(home.current().is_none());
    home.set_current(Some(id(1)));
    for nobody in [1, 3, 4, u32::MAX] {
        let current = home.current().expect("is noted");
        assert!(current.with(Frame(nobody)).is_none(), "{nobody}");
    }
    let name = u64::from(home.table().entry(Frame(2)).generation()) << 32 | 2;
    let current = home.current().expect("is noted");
    assert!(current.with_exactly(name + (1 << 32)).is_none());
    let pair = home.current().and_then(|current| current.with_exactly(name));
    let pair = pair.expect("lives here");
    (pair.me.thread.turns, pair.partner.thread.turns) = (10, 20);
    let (me, partner) = pair.switch();
    me.mail.badge.set(partner.thread.turns);
    assert_eq!(home.mail(id(1)).badge.get(), 20);
    assert_eq!(home.current().map(|current| current.thread().turns), Some(20));
    let pair = home.current().and_then(|current| current.with(Frame(1)));
    assert_eq!(pair.map(|pair| pair.partner.thread.turns), Some(10));
}

#[test]
fn a_thread_that_leaves_its_core_or_ends_is_not_noted_as_who_runs() {
    for ends in [true, false] {
        let [mut home, _other] = cores();
        for frame in [1, 2] {
            assert!(home.claim_thread(Frame(frame), CORE_0, thread(0), &TAIL));
        }
        home.set_current(Some(id(1)));
        if ends {
            home.retire(id(2))
        } else {
            home.hand_over(id(2), CORE_1)
        }
        assert!(home.current().is_some(), "it was another one");
        if ends {
            home.retire(id(1))
        } else {
            home.hand_over(id(1), CORE_1)
        }
        assert!(home.current().is_none());
    }
}

#[test]
#[should_panic = "does not hold what the kernel thinks"]
fn another_cores_thread_does_not_run_here() {
    let [mut home, mut other] = cores();
    assert!(home.claim_thread(Frame(1), CORE_0, thread(0), &TAIL));
    other.set_current(Some(id(1)));
}
