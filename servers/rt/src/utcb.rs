//! The page that a thread shares with the kernel, as its owner sees it.

use cedo_abi::item::{Item, MAX_ITEMS};
use cedo_abi::state::FLOATING_POINT_WORDS;
use cedo_abi::utcb::{StateArea, Utcb};
use cedo_abi::{MESSAGE_WORDS, REGISTER_WORDS};
use core::mem::offset_of;
use core::ptr::NonNull;

/// The UTCB page of the current thread. Neither copied nor sent: there is one per thread.
#[derive(Debug)]
pub struct UtcbPage {
    page: NonNull<Utcb>,
}

impl UtcbPage {
    /// # Safety
    /// 1. `page` is a UTCB page of the calling thread, mapped readable and writable while it lives.
    /// 2. There is no other `UtcbPage` for it.
    pub(crate) const unsafe fn new(page: NonNull<Utcb>) -> UtcbPage {
        UtcbPage { page }
    }

    /// A page of zeroes for tests on the host.
    #[cfg(not(target_os = "none"))]
    pub fn for_tests() -> UtcbPage {
        let page = std::boxed::Box::leak(std::boxed::Box::new(Utcb::EMPTY));
        // SAFETY: 1. the page is leaked; 2. it was made here.
        unsafe { UtcbPage::new(NonNull::from(page)) }
    }

    /// Where it is.
    pub fn address(&self) -> u64 {
        self.page.as_ptr() as u64
    }

    /// Message word `index`. The first [`REGISTER_WORDS`] travel in registers: what the page has in
    /// their places means nothing. 0 beyond the last.
    #[inline]
    pub fn word(&self, index: usize) -> u64 {
        if index >= MESSAGE_WORDS {
            return 0;
        }
        let place = self.page.as_ptr().cast::<u64>().wrapping_add(index);
        // SAFETY: `place` is inside the page, which is mapped (`new`), and aligned; the message
        // words are its first field.
        unsafe { place.read_volatile() }
    }

    /// Sets message word `index`; nothing beyond the last.
    #[inline]
    pub fn set_word(&mut self, index: usize, value: u64) {
        if index >= MESSAGE_WORDS {
            return;
        }
        let place = self.page.as_ptr().cast::<u64>().wrapping_add(index);
        // SAFETY: `place` is inside the page, which is mapped (`new`), and aligned; the message
        // words are its first field.
        unsafe { place.write_volatile(value) }
    }

    /// Sets the words of a message that do not travel in registers.
    #[inline]
    pub fn set_tail(&mut self, words: &[u64]) {
        for (index, word) in words.iter().enumerate().skip(REGISTER_WORDS) {
            self.set_word(index, *word);
        }
    }

    /// The register state that the kernel wrote with the last message or READ.
    pub fn received(&self) -> StateArea {
        let place = self.field::<StateArea>(offset_of!(Utcb, received));
        // SAFETY: `place` is a field of the page, which is mapped (`new`); any bytes are a value.
        unsafe { place.read_volatile() }
    }

    /// Sets the register state to install with a reply or WRITE.
    pub fn set_reply(&mut self, state: &StateArea) {
        let place = self.field::<StateArea>(offset_of!(Utcb, reply));
        // SAFETY: `place` is a field of the page, which is mapped (`new`).
        unsafe { place.write_volatile(*state) }
    }

    /// The floating-point group that the last kernel message or READ brought.
    pub fn received_floating(&self) -> [u64; FLOATING_POINT_WORDS] {
        let place = self.field::<[u64; FLOATING_POINT_WORDS]>(offset_of!(Utcb, received_floating));
        // SAFETY: `place` is a field of the page, which is mapped (`new`); any bytes are a value.
        unsafe { place.read_volatile() }
    }

    /// Sets the floating-point group to install with a reply or WRITE.
    pub fn set_reply_floating(&mut self, words: &[u64; FLOATING_POINT_WORDS]) {
        let place = self.field::<[u64; FLOATING_POINT_WORDS]>(offset_of!(Utcb, reply_floating));
        // SAFETY: `place` is a field of the page, which is mapped (`new`).
        unsafe { place.write_volatile(*words) }
    }

    /// Lists what a message brings.
    pub(crate) fn set_items(&mut self, items: &[Item]) {
        self.put_items(offset_of!(Utcb, send_items), items);
    }

    /// Opens these windows and no others. The caller closes them before anybody else uses the
    /// memory that they lead to.
    pub(crate) fn open_windows(&mut self, windows: &[Item]) {
        self.put_items(offset_of!(Utcb, windows), windows);
        if windows.len() < MAX_ITEMS {
            let first = offset_of!(Utcb, windows) + size_of_val(windows);
            self.put_items(first, &[Item::NONE]);
        }
    }

    /// Closes all windows.
    pub(crate) fn close_windows(&mut self) {
        self.put_items(offset_of!(Utcb, windows), &[Item::NONE]);
    }

    /// Window `index` as it is now; no item beyond the last.
    pub fn open_window(&self, index: usize) -> Item {
        if index >= MAX_ITEMS {
            return Item::NONE;
        }
        let place = self.field::<Item>(offset_of!(Utcb, windows) + index * size_of::<Item>());
        // SAFETY: `place` is in a list of items of the page, which is mapped (`new`); any bytes are a
        // value.
        unsafe { place.read_volatile() }
    }

    /// What the kernel reported of the items of the last message.
    pub fn received_items(&self) -> [Item; MAX_ITEMS] {
        let place = self.field::<[Item; MAX_ITEMS]>(offset_of!(Utcb, received_items));
        // SAFETY: `place` is a field of the page, which is mapped (`new`); any bytes are a value.
        unsafe { place.read_volatile() }
    }

    /// Writes items from `offset` on; all of them end inside the field that begins there.
    fn put_items(&mut self, offset: usize, items: &[Item]) {
        for (index, item) in items.iter().take(MAX_ITEMS).enumerate() {
            let place = self.field::<Item>(offset + index * size_of::<Item>());
            // SAFETY: `place` is in a list of items of the page, which is mapped (`new`).
            unsafe { place.write_volatile(*item) }
        }
    }

    fn field<T>(&self, offset: usize) -> *mut T {
        self.page.as_ptr().wrapping_byte_add(offset).cast()
    }
}

const _: () = assert!(offset_of!(Utcb, words) == 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_states_have_places_of_their_own() {
        let mut page = UtcbPage::for_tests();
        (0..MESSAGE_WORDS).for_each(|index| page.set_word(index, index as u64 + 1));
        let state = StateArea { mask: u64::MAX, ..StateArea::EMPTY };
        page.set_reply(&state);
        assert_eq!(page.received(), StateArea::EMPTY);
        assert!((0..MESSAGE_WORDS).all(|index| page.word(index) == index as u64 + 1));
        page.set_word(MESSAGE_WORDS, 5);
        assert_eq!(page.word(MESSAGE_WORDS), 0);
    }

    #[test]
    fn a_long_messages_tail_leaves_the_words_of_registers_alone() {
        let mut page = UtcbPage::for_tests();
        page.set_tail(&[7; MESSAGE_WORDS + 3]);
        assert_eq!(page.word(REGISTER_WORDS - 1), 0);
        assert!((REGISTER_WORDS..MESSAGE_WORDS).all(|index| page.word(index) == 7));
    }
}
