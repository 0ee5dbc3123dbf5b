//! The frame table and the page tables, seen from outside and held against each other.

use crate::Server;
use cedo_arch_host::HostPages;
use cedo_floor::{Entry, FrameKind, SpaceId};
use cedo_machine::{Frame, PageFormat};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// What each frame is and how often it is mapped; generations left out.
pub(crate) fn kinds(server: &Server) -> Vec<(FrameKind, u16)> {
    entries(server).into_iter().map(|entry| (entry.kind(), entry.map_count())).collect()
}

fn entries(server: &Server) -> Vec<Entry> {
    let table = server.world.shared().table;
    (0..table.len()).map(|frame| table.entry(Frame(frame))).collect()
}

/// Every frame that page tables map as often as the frame table says, every table and pair of stock
/// reached exactly once from a Space, twins beside them and nowhere else, exactly objects and stock
/// marked, and nothing left quiet.
pub(crate) fn check(server: &Server) {
    let entries = entries(server);
    let mut mapped: BTreeMap<u32, u16> = BTreeMap::new();
    let mut owned: BTreeMap<u32, u32> = BTreeMap::new();
    for (number, entry) in (0..).zip(&entries) {
        assert!(!matches!(entry.kind(), FrameKind::Quiet | FrameKind::QuietSpace), "{number:#x}");
        if entry.kind() == FrameKind::Space {
            let id = SpaceId::from_number(number).expect("not frame 0");
            let space = server.world.kernel(crate::CORE).objects.space(id);
            walk(server, space.page_table, HostPages::LEVELS, &mut mapped, &mut owned);
            let mut stock = space.stock.load(Ordering::Relaxed);
            while stock != 0 {
                assert_eq!(entries[stock as usize].kind(), FrameKind::Stock);
                *owned.entry(stock).or_default() += 1;
                stock = server.world.read(Frame(stock), 0) as u32;
            }
        }
    }
    let table = server.world.shared().table;
    for (number, entry) in (0..).zip(&entries) {
        let is_first = matches!(entry.kind(), FrameKind::PageTable | FrameKind::Stock);
        if is_first {
            assert_eq!(entries[number as usize + 1].kind(), FrameKind::Twin, "{number:#x}");
        }
        let is_marked = table.map().is_marked(Frame(number));
        let has_origin = matches!(
            entry.kind(),
            FrameKind::Thread | FrameKind::Irq | FrameKind::Space | FrameKind::Stock
        );
        assert_eq!(is_marked, has_origin, "frame {number:#x}");
        let count = mapped.get(&number).copied().unwrap_or(0);
        match entry.kind() {
            FrameKind::Ram => assert_eq!(entry.map_count(), count, "frame {number:#x}"),
            FrameKind::PageTable | FrameKind::Stock => {
                assert_eq!(owned.get(&number), Some(&1), "frame {number:#x}");
            }
            FrameKind::Twin => {
                let first = entries[number as usize - 1].kind();
                assert!(matches!(first, FrameKind::PageTable | FrameKind::Stock), "{number:#x}");
            }
            _ => assert_eq!(entry.map_count(), 0, "frame {number:#x}"),
        }
    }
}

fn walk(
    server: &Server,
    table: Frame,
    level: u32,
    mapped: &mut BTreeMap<u32, u16>,
    owned: &mut BTreeMap<u32, u32>,
) {
    *owned.entry(table.0).or_default() += 1;
    for index in 0..512 {
        let entry = server.world.read(table, index);
        if level == HostPages::LEVELS && HostPages::is_kernel_entry(index) {
            continue;
        }
        match HostPages::frame(entry) {
            Some(frame) if level == 1 => *mapped.entry(frame.0).or_default() += 1,
            Some(frame) => walk(server, frame, level - 1, mapped, owned),
            None => {
                assert_eq!(entry, 0, "a zombie that nobody buried");
                assert_eq!(server.world.read(table.plus(1), index), 0, "the origin of nothing");
            }
        }
    }
}
