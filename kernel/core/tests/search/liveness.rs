//! From which states something can still be reached.

/// Steps between states.
pub struct Graph {
    /// By state: where its part of `sources` starts; and the end.
    first: Vec<u32>,
    /// The states that lead to each.
    sources: Vec<u32>,
}

impl Graph {
    /// `edges`: (from, to).
    pub fn new(states: usize, edges: &[(u32, u32)]) -> Graph {
        let mut first = vec![0u32; states + 1];
        edges.iter().for_each(|(_, to)| first[*to as usize + 1] += 1);
        (0..states).for_each(|at| first[at + 1] += first[at]);
        let mut place = first.clone();
        let mut sources = vec![0u32; edges.len()];
        for (from, to) in edges {
            sources[place[*to as usize] as usize] = *from;
            place[*to as usize] += 1;
        }
        Graph { first, sources }
    }

    /// The first state from which no state that is `good` can be reached.
    pub fn first_without_way_to(&self, mut good: Vec<bool>) -> Option<usize> {
        let mut work: Vec<usize> = (0..good.len()).filter(|at| good[*at]).collect();
        while let Some(at) = work.pop() {
            for source in &self.sources[self.first[at] as usize..self.first[at + 1] as usize] {
                if !good[*source as usize] {
                    good[*source as usize] = true;
                    work.push(*source as usize);
                }
            }
        }
        good.iter().position(|good| !good)
    }
}
