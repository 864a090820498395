//! Empty clusters move to the rows that are farthest from their centroids.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::frame::{CHUNK, Frame};
use super::iteration::Step;
use super::kept::Memory;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;

/// A row far from its centroid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Far {
    distance: f64,
    row: u64,
    label: u32,
    weight: f64,
    /// Relative to the shift.
    x: Vec<f64>,
}

impl Far {
    /// The farther first, equal distances in the order of the rows.
    fn order(&self, other: &Self) -> Ordering {
        other.distance.total_cmp(&self.distance).then(self.row.cmp(&other.row))
    }
}

/// The farthest rows, at most `most` of them, the farthest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Farthest {
    most: usize,
    rows: Vec<Far>,
}

impl Farthest {
    /// Whether a row at this distance would be kept; later rows lose ties.
    fn takes(&self, distance: f64) -> bool {
        self.rows.len() < self.most || self.rows.last().is_some_and(|last| distance > last.distance)
    }

    fn insert(&mut self, far: Far) {
        let at = self.rows.partition_point(|row| row.order(&far) == Ordering::Less);
        self.rows.insert(at, far);
        self.rows.truncate(self.most);
    }
}

impl Partial for Farthest {
    fn merge(&mut self, right: Self) {
        right.rows.into_iter().for_each(|far| self.insert(far));
    }
}

/// Finds the farthest rows of each listed run.
pub(super) struct FarthestPass<'a, T> {
    pub(super) frame: &'a Frame<T>,
    /// The run, the centroids that gave its labels, and how many rows are wanted.
    pub(super) runs: Vec<(usize, &'a [f64], usize)>,
}

impl<T: Real> Pass<T> for FarthestPass<'_, T> {
    type Partial = Vec<Farthest>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Farthest>> {
        let mut all: Vec<_> =
            self.runs.iter().map(|&(_, _, most)| Farthest { most, rows: Vec::new() }).collect();
        let (mut labels, mut distances) = ([0; CHUNK], [0.0; CHUNK]);
        for (first, rows) in self.frame.chunks(block) {
            let (labels, distances) = (&mut labels[..rows.len()], &mut distances[..rows.len()]);
            for (&(run, centered, _), farthest) in self.runs.iter().zip(&mut all) {
                memory.runs[run].labels.copy_to(first, labels);
                self.frame.distances(&rows, centered, labels, distances);
                for (i, &distance) in distances.iter().enumerate() {
                    if farthest.takes(distance) {
                        farthest.insert(Far {
                            distance,
                            row: block.first_row + (first + i) as u64,
                            label: labels[i],
                            weight: rows.weight(i),
                            x: self.frame.centered(block.row(first + i)),
                        });
                    }
                }
            }
        }
        Ok(all)
    }
}

/// Clusters without weight.
pub(super) fn n_empty(step: &Step) -> usize {
    step.weights.iter().filter(|&&w| w == 0.0).count()
}

/// Gives each empty cluster one of the farthest rows, which its former cluster loses.
///
/// The lowest empty cluster gets the farthest row. (scikit-learn takes them in the order that `numpy.argpartition`
/// leaves, which is the same for one or two empty clusters and arbitrary beyond.) Where every row lies on its
/// centroid there are fewer distinct rows than clusters, and nothing moves.
pub(super) fn relocate(step: &mut Step, farthest: &Farthest) {
    if farthest.rows.first().is_none_or(|far| far.distance == 0.0) {
        return;
    }
    let empty: Vec<usize> = (0..step.weights.len()).filter(|&j| step.weights[j] == 0.0).collect();
    for (new, far) in empty.into_iter().zip(&farthest.rows) {
        let (old, d) = (far.label as usize, far.x.len());
        for (f, x) in far.x.iter().enumerate() {
            step.sums[old * d + f] -= x * far.weight;
            step.sums[new * d + f] = x * far.weight;
        }
        step.weights[new] = far.weight;
        step.weights[old] -= far.weight;
    }
}

/// Divides the sums by the weights. A cluster that is empty still takes the numbers of the heaviest one, in
/// scikit-learn's order: its sums if those stand behind and are not divided yet, which keeps it out of every row's way.
pub(super) fn average(step: &mut Step) {
    let d = step.sums.len() / step.weights.len();
    let mut heaviest = 0;
    for (j, &weight) in step.weights.iter().enumerate() {
        if weight > step.weights[heaviest] {
            heaviest = j;
        }
    }
    for (j, &weight) in step.weights.iter().enumerate() {
        if weight > 0.0 {
            step.sums[j * d..][..d].iter_mut().for_each(|v| *v /= weight);
        } else {
            step.sums.copy_within(heaviest * d..(heaviest + 1) * d, j * d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(distance: f64, row: u64) -> Far {
        Far { distance, row, label: 0, weight: 1.0, x: vec![distance] }
    }

    #[test]
    fn the_farthest_rows_do_not_depend_on_how_they_are_merged() {
        let rows = [far(1.0, 0), far(7.0, 1), far(7.0, 2), far(3.0, 3), far(9.0, 4), far(7.0, 5)];
        let mut whole = Farthest { most: 3, rows: Vec::new() };
        rows.iter().for_each(|f| whole.insert(f.clone()));
        assert_eq!(whole.rows.iter().map(|f| f.row).collect::<Vec<_>>(), [4, 1, 2]);
        let mut left = Farthest { most: 3, rows: rows[..2].to_vec() };
        left.rows.sort_by(Far::order);
        let mut right = Farthest { most: 3, rows: Vec::new() };
        rows[2..].iter().filter(|f| f.row != 3).for_each(|f| right.insert(f.clone()));
        left.merge(right);
        assert_eq!(left.rows, whole.rows);
    }
}
