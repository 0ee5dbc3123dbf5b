//! Where the pages of the confined Space's program are in the memory "image", and where in the Space.

use crate::enemy;
use crate::places::{self, STACK_PAGES, STACKS};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::image::{self, Image};
use cedo_lib::stack::{FIRST_WORDS, first_words};
use cedo_lib::{Rights, View};

const READ_WRITE: Rights = Rights::READ.or(Rights::WRITE);
const READ_EXECUTE: Rights = Rights::READ.or(Rights::EXECUTE);
const WORDS: usize = (PAGE_SIZE / 8) as usize;

/// Pages that lie side by side in the memory and in the Space.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// In the Space.
    pub address: u64,
    /// In the memory.
    pub first: u64,
    /// How many.
    pub pages: u64,
    /// What may be done there.
    pub access: Rights,
}

/// The layout.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    image: Image,
    code_pages: u64,
    data_pages: u64,
}

impl Layout {
    /// That of this program.
    pub fn new() -> Layout {
        let image = image::image();
        Layout {
            image,
            code_pages: (image.writable - image.start) / PAGE_SIZE,
            data_pages: (image.end - image.writable) / PAGE_SIZE,
        }
    }

    /// First and last address of the program.
    pub fn program(&self) -> (u64, u64) {
        (self.image.start, self.image.end)
    }

    /// First instruction of every thread.
    pub fn entry(&self) -> u64 {
        first_words(enemy::run, 0, 0).0
    }

    /// True for an address in the pages that hold code.
    pub fn is_code(&self, address: u64) -> bool {
        address >= self.image.start && address < self.image.writable
    }

    /// Pages that the memory must have.
    pub fn pages(&self) -> u64 {
        self.counts() + 3
    }

    fn stacks(&self) -> u64 {
        // The data are there twice: as they were at first, and as they are.
        self.code_pages + 2 * self.data_pages
    }

    /// Page of the memory where counts are; order and report follow.
    pub fn counts(&self) -> u64 {
        self.stacks() + STACKS * STACK_PAGES
    }

    /// All pieces.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> + use<> {
        let Layout { image, code_pages, data_pages } = *self;
        let (stacks, counts) = (self.stacks(), self.counts());
        let piece = |address, first, pages, access| Piece { address, first, pages, access };
        let fixed = [
            piece(image.start, 0, code_pages, READ_EXECUTE),
            piece(image.writable, code_pages + data_pages, data_pages, READ_WRITE),
            piece(places::COUNTS, counts, 1, READ_WRITE),
            piece(places::ORDER, counts + 1, 1, Rights::READ),
            piece(places::REPORT, counts + 2, 1, READ_WRITE),
        ];
        let stack = move |thread| {
            let first = stacks + thread * STACK_PAGES;
            piece(places::stack(thread), first, STACK_PAGES, READ_WRITE)
        };
        fixed.into_iter().chain((0..STACKS).map(stack))
    }

    /// Page of the memory that belongs at this address, and what may be done there.
    pub fn page(&self, address: u64) -> Option<(u64, Rights)> {
        self.pieces().find_map(|piece| {
            let offset = address.checked_sub(piece.address)? / PAGE_SIZE;
            (offset < piece.pages).then_some((piece.first + offset, piece.access))
        })
    }

    /// Copies the program as it is into the memory; once.
    pub fn copy(&self, memory: View) {
        let words = (self.image.end - self.image.start) / 8;
        for index in 0..words {
            let word = image::word(&self.image, self.image.start + index * 8);
            memory.set_word(index as usize, word);
        }
    }

    /// Writes data and stacks as they are at the start.
    pub fn restore(&self, memory: View) {
        let data = self.code_pages as usize * WORDS;
        let count = self.data_pages as usize * WORDS;
        for index in data..data + count {
            memory.set_word(index + count, memory.word(index));
        }
        for thread in 0..STACKS {
            let end = (self.stacks() + (thread + 1) * STACK_PAGES) as usize * WORDS;
            let (_, words) = first_words(enemy::run, places::utcb(thread), thread);
            (end - FIRST_WORDS..).zip(words).for_each(|(place, word)| memory.set_word(place, word));
        }
        let counts = self.counts() as usize * WORDS;
        (counts..counts + 3 * WORDS).for_each(|place| memory.set_word(place, 0));
    }

    /// The first code word that is not what it was.
    pub fn changed_code(&self, memory: View) -> Option<u64> {
        let words = self.code_pages * WORDS as u64;
        (0..words).map(|index| self.image.start + index * 8).find(|address| {
            let index = (address - self.image.start) / 8;
            memory.word(index as usize) != image::word(&self.image, *address)
        })
    }
}
