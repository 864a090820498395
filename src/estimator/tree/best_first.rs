//! Growing a tree best first: of all nodes that may be split, the one whose split takes away most of the impurity is next.
//!
//! A tree of few leaves is so made of the splits that are worth most, and is the beginning of one of more leaves.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::criterion::Criterion;
use super::flat::Tree;
use super::grow::{Grower, Opened, Task};
use crate::error::Result;
use crate::telemetry::check_interrupt;

/// A node that waits for its split; the larger one is split first.
struct Waiting(Opened);

impl Ord for Waiting {
    /// By what the split takes away; of equal ones the node that was there first, so that no tree depends on a heap's ways.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_decrease = self.0.decrease.total_cmp(&other.0.decrease);
        by_decrease.then_with(|| Reverse(self.0.id).cmp(&Reverse(other.0.id)))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

impl<const K: usize> Grower<'_, K> {
    /// Grows a tree of at most `most_leaves` leaves.
    ///
    /// # Errors
    /// That of an [interruption](check_interrupt).
    pub(super) fn best_first<C: Criterion<K>>(&mut self, root: Task, most_leaves: usize) -> Result<Tree> {
        let mut tree = Tree::default();
        let mut waiting = BinaryHeap::new();
        let mut n_leaves = 1;
        waiting.extend(self.open::<C>(&mut tree, root, n_leaves < most_leaves).map(Waiting));
        while n_leaves < most_leaves
            && let Some(Waiting(next)) = waiting.pop()
        {
            check_interrupt()?;
            n_leaves += 1;
            for child in self.divide(&mut tree, next) {
                // The last two stay leaves whatever might be found.
                waiting.extend(self.open::<C>(&mut tree, child, n_leaves < most_leaves).map(Waiting));
            }
        }
        Ok(tree)
    }
}
