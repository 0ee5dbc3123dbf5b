//! The smallest input that still fails: without parts, then with zeroes.

/// Tries.
const MOST_TRIES: usize = 4000;

/// A smaller `input` for which `fails` still holds.
pub fn shrink(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut tries = 0;
    let mut attempt = |candidate: &[u8]| {
        tries += 1;
        tries <= MOST_TRIES && fails(candidate)
    };
    let mut part = best.len().div_ceil(2);
    while part > 0 {
        let before = best.len();
        let mut start = 0;
        while start < best.len() {
            let mut candidate = best.clone();
            candidate.drain(start..(start + part).min(best.len()));
            if attempt(&candidate) {
                best = candidate;
            } else {
                start += part;
            }
        }
        // What could not go before may go now that something else has gone.
        if best.len() == before {
            part /= 2;
        }
    }
    for index in 0..best.len() {
        let mut candidate = best.clone();
        candidate[index] = 0;
        if best[index] != 0 && attempt(&candidate) {
            best = candidate;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::shrink;

    #[test]
    fn what_matters_stays() {
        let input: Vec<u8> = (0..=255).collect();
        let small = shrink(&input, |bytes| bytes.contains(&77) && bytes.contains(&200));
        assert_eq!(small, [77, 200]);
        let small = shrink(&input, |bytes| bytes.len() >= 10 && bytes[3] != 0);
        assert_eq!(small.len(), 10);
        assert_eq!(small.iter().filter(|byte| **byte != 0).count(), 1);
    }

    #[test]
    fn the_result_fails_whatever_happens() {
        assert_eq!(shrink(&[], |_| true), []);
        assert_eq!(shrink(&[1, 2, 3], |bytes| bytes == [1, 2, 3]), [1, 2, 3]);
    }
}
