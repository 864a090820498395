//! Rows of a node in the order of a feature, without sorting where there are many.
//!
//! Each rank has a slot that sums its rows. A set of bits tells which slots are used, a second set which words of
//! the first are: walking them visits the used slots in order, in time that follows the rows and not the slots.

use super::columns::Code;
use super::criterion::Criterion;

/// Up to this many rows are sorted instead.
const FEW: usize = 24;

/// Slots for every rank of the column with the most.
pub(super) struct Tally<const K: usize> {
    sums: Vec<[f64; K]>,
    counts: Vec<u32>,
    words: Vec<u64>,
    summary: Vec<u64>,
}

impl<const K: usize> Tally<K> {
    /// Slots for `n_values` ranks.
    pub(super) fn new(n_values: usize) -> Self {
        let n_words = n_values.div_ceil(64);
        Self {
            sums: vec![[0.0; K]; n_values],
            counts: vec![0; n_values],
            words: vec![0; n_words],
            summary: vec![0; n_words.div_ceil(64)],
        }
    }

    /// Visits the ranks of `rows` in ascending order, each once.
    #[inline(always)]
    pub(super) fn walk<C: Criterion<K>, T: Code>(
        &mut self,
        codes: &[T],
        rows: &[u32],
        targets: &[(f64, f64)],
        visit: impl FnMut(usize, &[f64; K], u32),
    ) {
        if rows.len() <= FEW {
            sorted::<K, C, T>(codes, rows, targets, visit);
        } else {
            self.fill::<C, T>(codes, rows, targets);
            self.drain(visit);
        }
    }

    #[inline(always)]
    fn fill<C: Criterion<K>, T: Code>(&mut self, codes: &[T], rows: &[u32], targets: &[(f64, f64)]) {
        for (&row, &(target, weight)) in rows.iter().zip(targets) {
            let code = codes[row as usize].rank();
            C::add(&mut self.sums[code], target, weight);
            self.counts[code] += 1;
            self.words[code / 64] |= 1 << (code % 64);
            self.summary[code / 4096] |= 1 << (code / 64 % 64);
        }
    }

    /// Visits the used slots and empties them.
    #[inline(always)]
    fn drain(&mut self, mut visit: impl FnMut(usize, &[f64; K], u32)) {
        for (block, summary) in self.summary.iter_mut().enumerate() {
            let mut used = std::mem::take(summary);
            while used != 0 {
                let word = block * 64 + used.trailing_zeros() as usize;
                used &= used - 1;
                let mut bits = std::mem::take(&mut self.words[word]);
                while bits != 0 {
                    let code = word * 64 + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    visit(code, &self.sums[code], self.counts[code]);
                    self.sums[code] = [0.0; K];
                    self.counts[code] = 0;
                }
            }
        }
    }
}

/// The same by sorting. Rows of one value are summed in the same order, so that the sums have the same bits.
#[inline(always)]
fn sorted<const K: usize, C: Criterion<K>, T: Code>(
    codes: &[T],
    rows: &[u32],
    targets: &[(f64, f64)],
    mut visit: impl FnMut(usize, &[f64; K], u32),
) {
    let mut keys = [0u64; FEW];
    let keys = &mut keys[..rows.len()];
    for (place, (key, &row)) in keys.iter_mut().zip(rows).enumerate() {
        *key = (codes[row as usize].rank() as u64) << 8 | place as u64;
    }
    keys.sort_unstable();
    let mut at = 0;
    while at < keys.len() {
        let code = keys[at] >> 8;
        let (mut sums, start) = ([0.0; K], at);
        while at < keys.len() && keys[at] >> 8 == code {
            let (target, weight) = targets[(keys[at] & 0xff) as usize];
            C::add(&mut sums, target, weight);
            at += 1;
        }
        visit(code as usize, &sums, (at - start) as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::super::criterion::SquaredError;
    use super::*;
    use crate::rng::{self, Purpose};

    #[test]
    fn both_ways_visit_the_same_sums_in_the_same_order() {
        let mut rng = rng::stream(5, Purpose::Noise, 0);
        let codes: Vec<u16> = (0..FEW).map(|_| rng::below(&mut rng, 9000) as u16 / 700 * 700).collect();
        let targets: Vec<(f64, f64)> =
            (0..FEW).map(|_| (rng::uniform(&mut rng), rng::uniform(&mut rng))).collect();
        let rows: Vec<u32> = (0..FEW as u32).collect();
        let mut tally = Tally::<2>::new(9000);
        // Twice, to see that the slots are left empty.
        for _ in 0..2 {
            let (mut few, mut many) = (Vec::new(), Vec::new());
            tally.fill::<SquaredError, u16>(&codes, &rows, &targets);
            tally.drain(|code, sums, n| many.push((code, *sums, n)));
            sorted::<2, SquaredError, u16>(&codes, &rows, &targets, |c, sums, n| few.push((c, *sums, n)));
            assert_eq!(few, many);
            assert!(few.len() < FEW && few.is_sorted_by_key(|&(code, ..)| code));
        }
    }
}
