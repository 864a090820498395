//! Amounts at values, or in bins of near values where there are too many: a histogram that merges.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;

/// The most bits that are dropped: two bins are left then.
const MOST_BITS: u32 = 63;

/// Where an amount stands: an [ordered number](crate::kernel::ordered_bits::to_ordered), or that and a class.
pub(super) trait Key: Copy + Ord {
    /// The key of a bin that leaves out `bits` more last bits of the number.
    fn without(self, bits: u32) -> Self;
}

impl Key for u64 {
    fn without(self, bits: u32) -> Self {
        self >> bits
    }
}

impl Key for (u64, u32) {
    fn without(self, bits: u32) -> Self {
        (self.0 >> bits, self.1)
    }
}

/// What stands there.
pub(super) trait Amount: Copy {
    /// Adds what follows.
    fn add(&mut self, right: Self);
}

impl Amount for f64 {
    fn add(&mut self, right: Self) {
        *self += right;
    }
}

impl Amount for [f64; 2] {
    fn add(&mut self, right: Self) {
        self.iter_mut().zip(right).for_each(|(left, right)| *left += right);
    }
}

/// Amounts by their keys, or, where there are more than `most` distinct ones, by bins of them.
///
/// A bin is all keys whose numbers agree in all but some last bits; one bit more is dropped from every bin whenever
/// there are too many. How many bits that takes follows from the set of all keys alone, so merging is associative: the
/// same bins for any cut of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bins<K, A> {
    most: usize,
    dropped: u32,
    /// Whether some number was none, so that nothing can be told of all.
    undefined: bool,
    bins: Vec<(K, A)>,
}

impl<K: Key, A: Amount> Bins<K, A> {
    /// Those of `amounts` in any order, some of whose numbers may be `undefined`. At most `most` bins, and 2 (for each class)
    /// at the least.
    pub(super) fn new(mut amounts: Vec<(K, A)>, undefined: bool, most: usize) -> Self {
        // Stable, so that amounts of one key are added in the order of the rows.
        amounts.sort_by_key(|amount| amount.0);
        let mut bins = Self { most: most.max(2), dropped: 0, undefined, bins: amounts };
        bins.join();
        bins.limit();
        bins
    }

    /// Whether some number was none.
    pub(super) fn is_undefined(&self) -> bool {
        self.undefined
    }

    /// Whether each key has a bin of its own.
    pub(super) fn is_exact(&self) -> bool {
        self.dropped == 0
    }

    /// Ascending; the keys without their [dropped](Self::dropped) bits.
    pub(super) fn bins(&self) -> &[(K, A)] {
        &self.bins
    }

    /// Last bits of the numbers that do not count.
    pub(super) fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Joins neighbours with the same key.
    fn join(&mut self) {
        self.bins.dedup_by(|next, bin| {
            let same = next.0 == bin.0;
            if same {
                bin.1.add(next.1);
            }
            same
        });
    }

    fn drop_to(&mut self, bits: u32) {
        if bits > self.dropped {
            let more = bits - self.dropped;
            self.bins.iter_mut().for_each(|bin| bin.0 = bin.0.without(more));
            // Several classes of numbers that are one now.
            self.bins.sort_by_key(|bin| bin.0);
            self.dropped = bits;
            self.join();
        }
    }

    fn limit(&mut self) {
        while self.bins.len() > self.most && self.dropped < MOST_BITS {
            self.drop_to(self.dropped + 1);
        }
    }
}

impl<K, A> Partial for Bins<K, A>
where
    K: Key + Send + Serialize + for<'a> Deserialize<'a>,
    A: Amount + Send + Serialize + for<'a> Deserialize<'a>,
{
    fn merge(&mut self, mut right: Self) {
        self.undefined |= right.undefined;
        let bits = self.dropped.max(right.dropped);
        self.drop_to(bits);
        right.drop_to(bits);
        let mut left = std::mem::take(&mut self.bins).into_iter().peekable();
        let mut right = right.bins.into_iter().peekable();
        while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
            let next = if l.0 <= r.0 { left.next() } else { right.next() };
            self.bins.extend(next);
        }
        self.bins.extend(left);
        self.bins.extend(right);
        self.join();
        self.limit();
    }
}
