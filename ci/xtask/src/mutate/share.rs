//! Work shared among several copies of the checkout, each busy with one piece at a time.

use anyhow::{Result, bail};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does `work` with each of `pieces` (and its number) on whichever of `copies` is free; what came of them, in
/// their order. After an error nobody begins another piece.
pub fn among<C: Sync, P: Sync, R: Send>(
    copies: &[C],
    pieces: &[P],
    work: impl Fn(&C, usize, &P) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let one = |copy: &C| {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = pieces.get(number) else { return Ok(done) };
            let result = work(copy, number, piece);
            if result.is_err() {
                next.store(pieces.len(), Ordering::Relaxed);
            }
            done.push((number, result?));
        }
    };
    let done: Result<Vec<_>> = thread::scope(|scope| {
        let workers: Vec<_> = copies.iter().map(|copy| scope.spawn(|| one(copy))).collect();
        let joined = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| bail!("a worker died; see above")));
        joined.collect()
    });
    let mut done: Vec<_> = done?.into_iter().flatten().collect();
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::among;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn each_piece_is_done_once_and_the_results_keep_their_order() {
        let pieces: Vec<usize> = (0..100).collect();
        let done = among(&[(), (), ()], &pieces, |(), number, piece| Ok((number, *piece)));
        assert!(done.unwrap().into_iter().enumerate().all(|(at, pair)| pair == (at, at)));
    }

    #[test]
    fn an_error_ends_the_work_and_is_told() {
        let begun = AtomicUsize::new(0);
        let result = among(&[()], &[1, 2, 3], |(), _, piece| {
            begun.fetch_add(1, Ordering::Relaxed);
            anyhow::ensure!(*piece != 2, "two");
            Ok(())
        });
        assert_eq!(result.unwrap_err().to_string(), "two");
        assert_eq!(begun.into_inner(), 2);
    }
}
