//! Interrupt objects: created and removed on the core that their handler lives on.

use super::Answer;
use super::decode::{self, Arguments};
use super::memory::part_of;
use crate::kernel::{Kernel, MAX_LINES};
use crate::object::irq::{Irq, IrqState};
use crate::object::made::Made;
use crate::object::origin::Origin;
use crate::object::source::{self, Source};
use crate::operation::Operation;
use cedo_abi::{Kind, REGISTER_WORDS, Rights, Status};
use cedo_floor::{FrameKind, IrqId, SpaceId, ThreadId};
use cedo_machine::{CoreNumber, Frame, Line, Machine, Trigger};

/// An interrupt object to be: resolved on the caller's core, made on the handler's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IrqRequest {
    /// Its frame.
    pub frame: Frame,
    /// The line.
    pub line: Line,
    /// How the line signals.
    pub trigger: Trigger,
    /// Who is to hear of it.
    pub handler: ThreadId,
    /// Generation of the handler's frame.
    pub handler_generation: u32,
    /// Badge of its messages.
    pub badge: u64,
    /// The caller's Space: it gets the capability, and has Region and Lines.
    pub space: SpaceId,
    /// Generation of that Space's frame.
    pub space_generation: u32,
    /// Slot of the capability.
    pub slot: u32,
    /// The Region it is made of.
    pub region: SourceName,
    /// The right to the line.
    pub lines: SourceName,
}

/// A slot of the caller with its stamp: on another core it is read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceName(u64);

impl SourceName {
    fn of(source: &Source) -> SourceName {
        let named = |origin: Origin| u64::from(origin.slot) << 48 | origin.stamp;
        SourceName(source.origin.map_or(0, named))
    }
}

/// Two half words in one.
const fn pair(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

impl IrqRequest {
    /// As the words of [`Operation::CreateIrq`].
    pub fn to_words(self) -> [u64; REGISTER_WORDS] {
        [
            pair(self.frame.0, self.line.0),
            pair(self.handler.number().get(), self.handler_generation),
            pair(self.space.number().get(), self.space_generation),
            self.badge,
            pair(self.slot, u32::from(self.trigger == Trigger::Level)),
            self.region.0,
            self.lines.0,
        ]
    }

    /// From the words of [`Operation::CreateIrq`]; none if those are no request.
    pub fn from_words(words: &[u64; REGISTER_WORDS]) -> Option<IrqRequest> {
        let [what, handler, space, badge, slot, region, lines] = *words;
        let trigger = if slot >> 32 == 0 { Trigger::Edge } else { Trigger::Level };
        Some(IrqRequest {
            frame: Frame(what as u32),
            line: Line((what >> 32) as u32),
            trigger,
            handler: ThreadId::from_number(handler as u32)?,
            handler_generation: (handler >> 32) as u32,
            badge,
            space: SpaceId::from_number(space as u32)?,
            space_generation: (space >> 32) as u32,
            slot: slot as u32,
            region: SourceName(region),
            lines: SourceName(lines),
        })
    }
}

impl<M: Machine> Kernel<M> {
    /// Binds an interrupt line to a handler (needs CONTROL). Errors: `BadArgument` beyond Region or
    /// Lines, for a line the machine has not, or an unknown trigger; `Occupied` if the line has an
    /// Irq or the slot is taken; `FramesBusy`.
    pub(super) fn create_irq(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let (request, home) = self.irq_request(caller, arguments)?;
        if home == self.core() {
            return Ok(self.create_irq_here(&request).into());
        }
        self.post_operation(caller, home, Operation::CreateIrq, &request.to_words());
        Ok(Answer::Later)
    }

    /// The second half, on the handler's core.
    pub fn create_irq_here(&mut self, request: &IrqRequest) -> Status {
        let (handler, generation) = (request.handler.frame(), request.handler_generation);
        if !self.is_mine(handler, FrameKind::Thread, generation)
            || !self.is_space(request.space, request.space_generation)
        {
            return Status::NoCapability;
        }
        if !self.shared.note_line(request.line, true) {
            return Status::Occupied;
        }
        let Err(status) = self.put_irq(request) else { return Status::Ok };
        self.shared.note_line(request.line, false);
        status
    }

    /// Ends an interrupt object of this core. Its frame is memory again at once: no other core ever
    /// looks at what is in it.
    pub(super) fn remove_irq(&mut self, id: IrqId) {
        let irq = *self.objects.irq(id);
        self.machine.mask_line(irq.line);
        self.unlink_irq(id);
        let slots = self.local.lines.iter_mut();
        slots.filter(|slot| **slot == Some(id)).for_each(|slot| *slot = None);
        self.objects.table().retire(id.frame());
        self.objects.table().release(id.frame());
        self.shared.note_line(irq.line, false);
    }

    /// True if `id`, of this core, is the handler of an interrupt object.
    pub(super) fn handles_irqs(&mut self, id: ThreadId) -> bool {
        let objects = &mut self.objects;
        self.local.lines.iter().flatten().any(|irq| objects.irq(*irq).handler == id)
    }

    /// Ends all interrupt objects of a handler that is being destroyed.
    pub(super) fn remove_irqs_of(&mut self, handler: ThreadId) {
        for line in 0..MAX_LINES {
            if let Some(id) = self.local.lines[line]
                && self.objects.irq(id).handler == handler
            {
                self.remove_irq(id);
            }
        }
    }

    fn irq_request(
        &self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<(IrqRequest, CoreNumber), Status> {
        let [first, lines, line, handler, badge, trigger, _] = arguments.words;
        let region = self.object_region(caller, arguments.to)?;
        let frame = part_of(&region.capability, first, 1)?;
        let lines = self.source_of(caller, lines, Kind::Lines, Rights::NONE)?;
        let range = &lines.capability;
        let offset = line.checked_sub(range.badge).ok_or(Status::BadArgument)?;
        if offset >= range.count || line >= MAX_LINES as u64 || trigger > 1 {
            return Err(Status::BadArgument);
        }
        let (handler, handler_generation) =
            self.thread_argument(caller, handler, Rights::CONTROL)?;
        let (space, slot) = (self.look(caller).space, decode::slot(arguments.from)?);
        self.expect_empty(space, slot)?;
        self.expect_unused(frame, 1)?;
        let request = IrqRequest {
            frame,
            line: Line(line as u32),
            trigger: if trigger == 0 { Trigger::Edge } else { Trigger::Level },
            handler,
            handler_generation,
            badge,
            space,
            space_generation: self.objects.table().entry(space.frame()).generation(),
            slot,
            region: SourceName::of(&region),
            lines: SourceName::of(&lines),
        };
        Ok((request, self.objects.table().entry(handler.frame()).home()))
    }

    /// The Region or Lines of a request, which may have travelled. Errors: `NoCapability` if it is no
    /// longer what it was.
    fn named_source(&self, request: &IrqRequest, name: SourceName) -> Result<Source, Status> {
        let source = source::source(&self.objects, request.space, (name.0 >> 48) as u32)?;
        if SourceName::of(&source) != name {
            return Err(Status::NoCapability);
        }
        self.claim_source(Some(&source))?;
        Ok(source)
    }

    /// Makes the object; the line is this request's.
    fn put_irq(&mut self, request: &IrqRequest) -> Result<(), Status> {
        let id = IrqId::new(request.frame).ok_or(Status::FramesBusy)?;
        self.expect_empty(request.space, request.slot)?;
        let region = self.named_source(request, request.region)?;
        let lines = self.named_source(request, request.lines)?;
        let made = Made { region: region.origin, lines: lines.origin, ..Made::BY_KERNEL };
        let irq = Irq {
            line: request.line,
            trigger: request.trigger,
            handler: request.handler,
            badge: request.badge,
            state: IrqState::Armed,
            again: false,
            sequence: self.objects.table().entry(request.frame).generation().wrapping_shl(16),
            next: None,
        };
        if !self.objects.claim_irq(request.frame, irq, &made.to_tail()) {
            return Err(Status::FramesBusy);
        }
        let capability = self.object_capability(Kind::Irq, request.frame);
        let placed = if self.machine.route_line(request.line, request.trigger) {
            self.place_capability((request.space, request.slot), &capability, Some(&region))
        } else {
            Err(Status::BadArgument)
        };
        if placed.is_err() {
            // Only this core ever looks into the frame, so it is quiet at once.
            self.objects.table().retire(request.frame);
            self.objects.table().release(request.frame);
            return placed;
        }
        if let Some(slot) = self.local.lines.get_mut(request.line.0 as usize) {
            *slot = Some(id);
        }
        self.machine.unmask_line(request.line);
        Ok(())
    }
}
