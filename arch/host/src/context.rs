//! Saved user state of the simulated machine.

use cedo_abi::REGISTER_WORDS;
use cedo_abi::state::{
    ALL, BASES, FLAGS, FLOATING_POINT_WORDS, GENERAL, INSTRUCTION, REGISTERS, STACK,
};
use cedo_abi::status::Status;
use cedo_abi::utcb::StateArea;
use cedo_machine::{Context, PageFormat, Request, UserAddress};

use crate::HostPages;

/// The flags that user code can have; all others are the machine's.
pub const USER_FLAGS: u64 = 0xff;

/// Bits that the floating-point register does not have.
pub const FLOATING_RESERVED: u64 = 1 << 63;

/// Where in a context the floating-point register is saved.
pub(crate) const FLOATING_WORD: usize = 16;

/// Words of a context.
pub const CONTEXT_WORDS: usize = 18;

/// The user registers of one thread.
///
/// As on a real machine a role in a call and a role in its answer share a register: the result
/// replaces the operation, the badge replaces `to`, the token replaces `from`.
///
/// The registers in the general group of a state area are: operation, to, from, tag, message words
/// 0-6.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct HostContext {
    operation: u64,
    to: u64,
    from: u64,
    tag: u64,
    words: [u64; REGISTER_WORDS],
    instruction: u64,
    stack: u64,
    flags: u64,
    bases: [u64; 2],
    floating: u64,
    resume: u64,
}

const _: () = assert!(size_of::<HostContext>() == 8 * CONTEXT_WORDS);

/// What user code puts into registers to make a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Roles {
    /// The operation word.
    pub operation: u64,
    /// The role `to`.
    pub to: u64,
    /// The role `from`.
    pub from: u64,
    /// The role `tag`.
    pub tag: u64,
    /// Message words.
    pub words: [u64; REGISTER_WORDS],
}

impl Roles {
    /// All but the message words.
    pub fn request(&self) -> Request {
        Request { operation: self.operation, to: self.to, from: self.from, tag: self.tag }
    }
}

/// Which registers survive the return to user code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// The answer of a call: the short return path is enough.
    Short,
    /// All of them: the thread was interrupted or faulted, or its state was installed.
    Full,
}

impl HostContext {
    /// The result word of the last call.
    pub fn result(&self) -> u64 {
        self.operation
    }

    /// The status in the result word.
    pub fn status(&self) -> Status {
        Status::of_result(self.operation)
    }

    /// The badge of the message that arrived.
    pub fn badge(&self) -> u64 {
        self.to
    }

    /// The token of the message that arrived.
    pub fn token(&self) -> u64 {
        self.from
    }

    /// The flags.
    pub fn flags(&self) -> u64 {
        self.flags
    }

    /// Segment bases.
    pub fn bases(&self) -> [u64; 2] {
        self.bases
    }

    /// Saves the floating-point register.
    pub(crate) fn set_floating(&mut self, value: u64) {
        self.floating = value;
    }

    /// How this thread returns to user code.
    pub fn resume(&self) -> Resume {
        if self.resume == 0 { Resume::Short } else { Resume::Full }
    }

    /// Loads the registers of a call.
    pub fn set_roles(&mut self, roles: &Roles) {
        let Roles { operation, to, from, tag, words } = *roles;
        (self.operation, self.to, self.from, self.tag, self.words) =
            (operation, to, from, tag, words);
    }

    /// Loads the registers of a call but for the message words.
    pub fn set_request(&mut self, request: &Request) {
        let Request { operation, to, from, tag } = *request;
        (self.operation, self.to, self.from, self.tag) = (operation, to, from, tag);
    }

    /// Moves the instruction pointer, as user code does.
    pub fn set_instruction(&mut self, instruction: u64) {
        self.instruction = instruction;
    }

    /// Notes how this thread entered the kernel, and so how it must return.
    pub fn set_resume(&mut self, resume: Resume) {
        self.resume = u64::from(resume == Resume::Full);
    }

    /// The context as it lies in memory.
    pub fn to_memory(&self) -> [u64; CONTEXT_WORDS] {
        let mut memory = [0; CONTEXT_WORDS];
        memory[..4].copy_from_slice(&[self.operation, self.to, self.from, self.tag]);
        memory[4..11].copy_from_slice(&self.words);
        memory[11..14].copy_from_slice(&[self.instruction, self.stack, self.flags]);
        memory[14..16].copy_from_slice(&self.bases);
        memory[16..].copy_from_slice(&[self.floating, self.resume]);
        memory
    }

    /// The context that lies in memory as these words.
    pub fn from_memory(memory: &[u64; CONTEXT_WORDS]) -> HostContext {
        let mut words = [0; REGISTER_WORDS];
        words.copy_from_slice(&memory[4..11]);
        HostContext {
            operation: memory[0],
            to: memory[1],
            from: memory[2],
            tag: memory[3],
            words,
            instruction: memory[11],
            stack: memory[12],
            flags: memory[13],
            bases: [memory[14], memory[15]],
            floating: memory[16],
            resume: memory[17],
        }
    }

    fn install_general(&mut self, general: &[u64; cedo_abi::state::GENERAL_WORDS]) {
        let registers = &general[REGISTERS..Self::GENERAL_WORDS];
        (self.operation, self.to, self.from, self.tag) =
            (registers[0], registers[1], registers[2], registers[3]);
        self.words.copy_from_slice(&registers[4..]);
        self.instruction = general[INSTRUCTION];
        self.stack = general[STACK];
        self.flags = general[FLAGS] & USER_FLAGS;
    }
}

impl Context for HostContext {
    const GENERAL_WORDS: usize = REGISTERS + 4 + REGISTER_WORDS;

    fn new(instruction: UserAddress, stack: u64, argument: u64) -> HostContext {
        let mut words = [0; REGISTER_WORDS];
        words[0] = argument;
        HostContext {
            words,
            instruction: instruction.number(),
            stack,
            resume: 1,
            ..HostContext::default()
        }
    }

    fn operation(&self) -> u64 {
        self.operation
    }

    fn to(&self) -> u64 {
        self.to
    }

    fn from(&self) -> u64 {
        self.from
    }

    fn tag(&self) -> u64 {
        self.tag
    }

    fn words(&self) -> [u64; REGISTER_WORDS] {
        self.words
    }

    fn set_result(&mut self, result: u64) {
        self.operation = result;
    }

    fn set_message(&mut self, badge: u64, token: u64, tag: u64) {
        (self.to, self.from, self.tag) = (badge, token, tag);
    }

    fn set_words(&mut self, words: &[u64; REGISTER_WORDS]) {
        self.words = *words;
    }

    fn repeat(&mut self, operation: u64) {
        self.operation = operation;
        self.instruction = self.instruction.wrapping_sub(crate::world::CALL_BYTES);
    }

    fn skip(&mut self) {
        self.instruction = self.instruction.wrapping_add(crate::world::CALL_BYTES);
    }

    fn is_plain(&self) -> bool {
        self.resume() == Resume::Short && self.bases == [0, 0]
    }

    fn instruction(&self) -> u64 {
        self.instruction
    }

    fn stack(&self) -> u64 {
        self.stack
    }

    fn save_state(&self, mask: u64, area: &mut StateArea) {
        area.mask = mask & ALL;
        if mask & GENERAL != 0 {
            let registers = &mut area.general[REGISTERS..Self::GENERAL_WORDS];
            registers[..4].copy_from_slice(&[self.operation, self.to, self.from, self.tag]);
            registers[4..].copy_from_slice(&self.words);
            area.general[INSTRUCTION] = self.instruction;
            area.general[STACK] = self.stack;
            area.general[FLAGS] = self.flags;
        }
        if mask & BASES != 0 {
            area.bases = self.bases;
        }
    }

    fn may_have(area: &StateArea) -> bool {
        let user = |address: u64| HostPages::user_address(address, 1).is_some();
        area.mask & !ALL == 0
            && (area.mask & GENERAL == 0 || user(area.general[INSTRUCTION]))
            && (area.mask & BASES == 0 || area.bases.iter().all(|base| user(*base)))
    }

    fn install_state(&mut self, area: &StateArea) -> bool {
        if !HostContext::may_have(area) {
            return false;
        }
        let (general, bases) = (area.mask & GENERAL != 0, area.mask & BASES != 0);
        if general {
            self.install_general(&area.general);
        }
        if bases {
            self.bases = area.bases;
        }
        self.set_resume(Resume::Full);
        true
    }

    fn floating(&self) -> [u64; FLOATING_POINT_WORDS] {
        let mut words = [0; FLOATING_POINT_WORDS];
        words[0] = self.floating;
        words
    }

    fn install_floating(&mut self, words: &[u64; FLOATING_POINT_WORDS]) {
        self.floating = words[0] & !FLOATING_RESERVED;
    }
}
