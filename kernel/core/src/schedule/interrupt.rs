//! Interrupts are messages (DESIGN.md section 10).

use crate::kernel::Kernel;
use crate::object::irq::IrqState;
use crate::object::thread::State;
use crate::object::unusual::LATCHED;
use cedo_abi::Status;
use cedo_floor::{IrqId, ThreadId};
use cedo_machine::{Line, Machine, Trigger};

impl<M: Machine> Kernel<M> {
    /// The core's deadline has passed: an interrupt whose handler is the root.
    pub fn timer_interrupt(&mut self) {
        self.local.timer_pending = true;
        if let Some(root) = self.local.root {
            self.interrupted(root);
        }
    }

    /// A device interrupt.
    pub fn line_interrupt(&mut self, line: Line) {
        let Some(id) = self.irq_of(line) else { return };
        let irq = self.objects.irq(id);
        match irq.state {
            IrqState::Armed => {
                irq.state = IrqState::Pending;
                let handler = irq.handler;
                self.append_irq(handler, id);
                self.interrupted(handler);
            }
            IrqState::Delivered if irq.trigger == Trigger::Edge => irq.again = true,
            IrqState::Pending | IrqState::Delivered => {}
        }
    }

    fn irq_of(&self, line: Line) -> Option<IrqId> {
        self.local.lines.get(line.0 as usize).copied().flatten()
    }

    /// Something is pending at `handler`: it is ready if it waits for anything.
    pub fn interrupted(&mut self, handler: ThreadId) {
        let thread = self.thread(handler);
        thread.scheduler.event += 1;
        let (waits, granted) = (thread.state == State::Open, thread.scheduler.granted.is_some());
        if waits && (!granted || self.is_on_stack(handler)) {
            self.thread(handler).unusual.set(LATCHED, true);
            self.arrived(handler);
        }
    }

    fn append_irq(&mut self, handler: ThreadId, id: IrqId) {
        self.objects.irq(id).next = None;
        let list = &mut self.thread(handler).irqs;
        let last = list.last.replace(id);
        match last {
            None => list.first = Some(id),
            Some(last) => self.objects.irq(last).next = Some(id),
        }
    }

    /// Takes the oldest pending interrupt of `handler`.
    pub fn take_irq(&mut self, handler: ThreadId) -> Option<IrqId> {
        let id = self.look(handler).irqs.first?;
        let irq = self.objects.irq(id);
        let next = irq.next.take();
        irq.state = IrqState::Delivered;
        irq.sequence = irq.sequence.wrapping_add(1);
        let list = &mut self.thread(handler).irqs;
        list.first = next;
        if next.is_none() {
            list.last = None;
        }
        Some(id)
    }

    /// Takes `id` out of its handler's list, wherever it is. For destruction.
    pub fn unlink_irq(&mut self, id: IrqId) {
        let irq = *self.objects.irq(id);
        if irq.state != IrqState::Pending {
            return;
        }
        let list = &mut self.thread(irq.handler).irqs;
        if list.first == Some(id) {
            list.first = irq.next;
        }
        let (mut at, last) = (list.first, list.last);
        let mut before = None;
        while let Some(other) = at {
            let next = self.objects.irq(other).next;
            if next == Some(id) {
                self.objects.irq(other).next = irq.next;
            }
            before = Some(other);
            at = self.objects.irq(other).next;
        }
        if last == Some(id) {
            self.thread(irq.handler).irqs.last = before;
        }
    }

    /// `handler` acknowledges. Errors: `Stale`, and nothing changes.
    pub fn acknowledge(
        &mut self,
        handler: ThreadId,
        id: IrqId,
        sequence: u32,
    ) -> Result<(), Status> {
        let irq = self.objects.irq(id);
        let awaited =
            irq.handler == handler && irq.state == IrqState::Delivered && irq.sequence == sequence;
        if !awaited {
            return Err(Status::Stale);
        }
        let (line, trigger) = (irq.line, irq.trigger);
        if core::mem::replace(&mut irq.again, false) {
            irq.state = IrqState::Pending;
            self.append_irq(handler, id);
            self.thread(handler).scheduler.event += 1;
            return Ok(());
        }
        irq.state = IrqState::Armed;
        if trigger == Trigger::Level {
            self.machine.unmask_line(line);
        }
        Ok(())
    }
}
