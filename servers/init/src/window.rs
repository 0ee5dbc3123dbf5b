//! Where this server sees the frames it fills, a few at a time.

use crate::frames::Frames;
use cedo_lib::abi::call::memory::PAGES_PER_CALL;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::system::place;
use cedo_lib::{Rights, Space, Status, View};

/// Pages seen at a time.
const PAGES: u64 = PAGES_PER_CALL;

/// Fills `pages` pages: zeroes, and `contents` from byte `offset` on.
pub fn fill(frames: Frames, pages: u64, offset: usize, contents: &[u8]) -> Result<(), Status> {
    let mut page = 0;
    while page < pages {
        let count = PAGES.min(pages - page);
        let bytes = (count * PAGE_SIZE) as usize;
        let access = Rights::READ.or(Rights::WRITE);
        Space::MINE.map(frames.region, frames.first + page, place::MEMORY, count, access)?;
        let view = View::new(place::MEMORY, bytes).ok_or(Status::BadAddress)?;
        view.clear();
        let (skip, start) = piece((page * PAGE_SIZE) as usize, offset);
        if let Some(contents) = contents.get(skip..) {
            view.copy_in(start, contents);
            cedo_lib::raw::publish_code(view.address(), view.bytes() as u64);
        }
        Space::MINE.unmap(place::MEMORY, count)?;
        page += count;
    }
    Ok(())
}

/// Of contents that start at `offset`: how much lies before `position`, and where the rest goes,
/// counted from `position`.
fn piece(position: usize, offset: usize) -> (usize, usize) {
    (position.saturating_sub(offset), offset.saturating_sub(position))
}

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn contents_are_split_where_the_window_ends() {
        assert_eq!(piece(0, 0), (0, 0));
        assert_eq!(piece(0, 100), (0, 100));
        assert_eq!(piece(8192, 100), (8092, 0));
        assert_eq!(piece(8192, 9000), (0, 808));
    }
}
