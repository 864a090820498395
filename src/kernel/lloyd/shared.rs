//! Open rows of neighbouring clusters that are scored together: few rows of each cluster would leave lanes empty.

use std::ops::Range;

use super::neighbours::Neighbours;

/// What beginning another group costs, in scores of a row.
const GROUP_COST: usize = 64;

/// Sorted rows that share their candidates.
#[derive(Default)]
pub(super) struct Shared {
    /// Where they are among the sorted.
    pub(super) rows: Range<usize>,
    /// A 1 for each candidate.
    marks: Vec<u8>,
    n_candidates: usize,
    /// Whatever is no candidate is at least so far from every row.
    rest: f32,
}

impl Shared {
    /// Rows of cluster `a` whose squared distances to it came out as at most `square`.
    #[inline(always)]
    pub(super) fn set(&mut self, neighbours: &Neighbours, a: u32, square: f64, rows: Range<usize>) {
        self.rows = rows;
        self.marks.resize(neighbours.n_clusters(), 0);
        let reach = neighbours.mark(a, square, &mut self.marks);
        self.n_candidates = count(&self.marks);
        // A row is no nearer to those left out than they are to its centroid, less its own distance.
        let rest = (reach - neighbours.radius(square)) as f32 * (1.0 - f32::EPSILON);
        self.rest = if self.n_candidates == self.marks.len() { f32::INFINITY } else { rest };
    }

    /// Takes the rows of `next`, which follow, in, if scoring all against the candidates of both is no more work than
    /// scoring each with its own. Returns whether it was so.
    #[inline(always)]
    pub(super) fn join(&mut self, next: &Self, lanes: usize) -> bool {
        if self.rows.is_empty() {
            return false;
        }
        let both = self.marks.iter().zip(&next.marks).map(|(a, b)| usize::from(a | b)).sum::<usize>();
        let scores = |rows: usize, candidates: usize| rows.next_multiple_of(lanes) * candidates;
        let apart = scores(self.rows.len(), self.n_candidates) + scores(next.rows.len(), next.n_candidates);
        if scores(self.rows.len() + next.rows.len(), both) > apart + GROUP_COST {
            return false;
        }
        self.rows.end = next.rows.end;
        self.marks.iter_mut().zip(&next.marks).for_each(|(a, b)| *a |= b);
        self.n_candidates = both;
        self.rest = self.rest.min(next.rest);
        true
    }

    /// The candidates in ascending order, and how far the others are at least.
    #[inline(always)]
    pub(super) fn candidates<'a>(&self, to: &'a mut Vec<u32>) -> (&'a [u32], f32) {
        to.resize(self.marks.len(), 0);
        let mut n = 0;
        for (j, &mark) in self.marks.iter().enumerate() {
            to[n] = j as u32;
            n += usize::from(mark);
        }
        (&to[..n], self.rest)
    }
}

#[inline(always)]
fn count(marks: &[u8]) -> usize {
    marks.iter().map(|&mark| usize::from(mark)).sum()
}
