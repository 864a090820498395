//! Splits of a part of the rows.

use super::super::search::Split;
use crate::rng::{self, Purpose};

/// `splits` with the first `fraction` of each list of rows in a random order of `seed`, rounded down: the rows of a
/// smaller fraction are among those of a larger one.
pub(super) fn subsample(splits: &[Split], fraction: f64, seed: u64) -> Vec<Split> {
    let part = |rows: &[usize], stream: usize| {
        let mut order = rows.to_vec();
        rng::shuffle(&mut rng::stream(seed, Purpose::Subsample, stream as u64), &mut order);
        order.truncate((fraction * rows.len() as f64) as usize);
        order.sort_unstable();
        order
    };
    let split = |(fold, split): (usize, &Split)| Split {
        train: part(&split.train, 2 * fold),
        test: part(&split.test, 2 * fold + 1),
    };
    splits.iter().enumerate().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_parts_lie_in_larger_ones() {
        let split = Split { train: (0..90).collect(), test: (90..120).collect() };
        let splits = [split.clone(), split.clone()];
        let (small, large) = (subsample(&splits, 0.1, 5), subsample(&splits, 0.35, 5));
        assert_eq!((small[0].train.len(), small[0].test.len(), large[1].train.len()), (9, 3, 31));
        assert!(small[0].train.iter().all(|row| large[0].train.contains(row)));
        assert!(small[1].test.iter().all(|row| large[1].test.contains(row)));
        assert_ne!(large[0].train, large[1].train);
        assert_eq!(subsample(&splits, 1.0, 5), splits);
    }
}
