//! First-in, first-out lists of children for policies: O(1), no allocation, no unsafe.
//!
//! Each child is on at most one of the `LISTS` lists. The links are two small arrays indexed by
//! child, so entering, leaving and taking the first cost the same however many children there are.

/// "No child" in a link.
const NONE: u8 = u8::MAX;

/// `LISTS` lists over children `0..CHILDREN`.
pub struct Lists<const CHILDREN: usize, const LISTS: usize> {
    first: [u8; LISTS],
    last: [u8; LISTS],
    links: [Link; CHILDREN],
}

#[derive(Clone, Copy)]
struct Link {
    list: u8,
    next: u8,
    previous: u8,
}

impl<const CHILDREN: usize, const LISTS: usize> Default for Lists<CHILDREN, LISTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const CHILDREN: usize, const LISTS: usize> Lists<CHILDREN, LISTS> {
    /// All lists empty.
    pub const fn new() -> Self {
        const { assert!(CHILDREN < NONE as usize && LISTS < NONE as usize) }
        let link = Link { list: NONE, next: NONE, previous: NONE };
        Lists { first: [NONE; LISTS], last: [NONE; LISTS], links: [link; CHILDREN] }
    }

    /// The child that has been on `list` the longest.
    #[inline]
    pub fn first(&self, list: usize) -> Option<usize> {
        self.first.get(list).filter(|child| **child != NONE).map(|child| usize::from(*child))
    }

    /// True if nobody is on `list`.
    #[inline]
    pub fn is_empty(&self, list: usize) -> bool {
        self.first(list).is_none()
    }

    /// The list that `child` is on.
    #[inline]
    pub fn list_of(&self, child: usize) -> Option<usize> {
        self.links.get(child).filter(|link| link.list != NONE).map(|link| usize::from(link.list))
    }

    /// Puts `child` at the end of `list`; it leaves the list it is on. Unknown numbers do nothing.
    pub fn push_last(&mut self, list: usize, child: usize) {
        self.remove(child);
        if list >= LISTS || child >= CHILDREN {
            return;
        }
        let previous = self.last[list];
        self.links[child] = Link { list: list as u8, next: NONE, previous };
        self.last[list] = child as u8;
        match self.links.get_mut(usize::from(previous)) {
            Some(link) => link.next = child as u8,
            None => self.first[list] = child as u8,
        }
    }

    /// Puts `child` at the head of `list`; it leaves the list it is on. Unknown numbers do nothing.
    pub fn push_first(&mut self, list: usize, child: usize) {
        self.remove(child);
        if list >= LISTS || child >= CHILDREN {
            return;
        }
        let next = self.first[list];
        self.links[child] = Link { list: list as u8, next, previous: NONE };
        self.first[list] = child as u8;
        match self.links.get_mut(usize::from(next)) {
            Some(link) => link.previous = child as u8,
            None => self.last[list] = child as u8,
        }
    }

    /// Takes `child` off the list it is on, if any.
    pub fn remove(&mut self, child: usize) {
        let Some(list) = self.list_of(child) else { return };
        let Link { next, previous, .. } = self.links[child];
        match self.links.get_mut(usize::from(previous)) {
            Some(link) => link.next = next,
            None => self.first[list] = next,
        }
        match self.links.get_mut(usize::from(next)) {
            Some(link) => link.previous = previous,
            None => self.last[list] = previous,
        }
        self.links[child].list = NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;
    use std::vec::Vec;

    /// Every list as a plain vector, by walking it from its first child.
    fn contents(lists: &Lists<8, 3>, list: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = lists.first[list];
        while at != super::NONE {
            found.push(usize::from(at));
            at = lists.links[usize::from(at)].next;
        }
        found
    }

    #[test]
    fn lists_behave_like_vectors_under_any_sequence_of_operations() {
        let mut lists = Lists::<8, 3>::new();
        let mut model: [Vec<usize>; 3] = Default::default();
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..20_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let (child, list) = ((seed >> 8) as usize % 8, (seed >> 16) as usize % 3);
            model.iter_mut().for_each(|members| members.retain(|member| *member != child));
            match seed % 3 {
                0 => {
                    lists.push_last(list, child);
                    model[list].push(child);
                }
                1 => {
                    lists.push_first(list, child);
                    model[list].insert(0, child);
                }
                _ => lists.remove(child),
            }
            for (list, members) in model.iter().enumerate() {
                assert_eq!(&contents(&lists, list), members);
                assert_eq!(lists.first(list), members.first().copied());
                assert_eq!(lists.is_empty(list), members.is_empty());
            }
        }
    }

    #[test]
    fn numbers_out_of_range_change_nothing() {
        let mut lists = Lists::<2, 1>::new();
        lists.push_last(1, 0);
        lists.push_first(0, 2);
        lists.remove(9);
        assert_eq!(lists.first(0), None);
        assert_eq!(lists.first(7), None);
    }
}
