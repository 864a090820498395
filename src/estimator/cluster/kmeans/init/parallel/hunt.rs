//! The nearest candidate of each row, round after round.

use super::super::super::frame::{CHUNK, Frame};
use super::super::super::labels::Labels;
use super::Candidates;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Rows, Scratch, assign};

/// One start's candidates.
///
/// Which of a round's candidates is nearest is decided by their scores, which of the rounds' by exact distances. A row's
/// nearest so far is kept as its number, a byte or two a row wherever the rows are, and its distance computed again.
pub(super) struct Hunt<'a, T> {
    frame: &'a Frame<T>,
    /// Candidates of all rounds `(c, d)`, relative to the shift.
    all: Vec<f64>,
    /// Those that rows have not been compared with yet, which are the last of them.
    newest: Option<Centroids<T>>,
}

impl<'a, T: Real> Hunt<'a, T> {
    /// The hunt for the candidates that the last round found; rows know of those before.
    pub(super) fn new(frame: &'a Frame<T>, candidates: &Candidates) -> Self {
        let newest = match candidates.rounds.as_slice() {
            [_, .., last] if !last.is_empty() => Some(frame.pack(last)),
            // The first row is everyone's nearest, without a look.
            _ => None,
        };
        Self { frame, all: candidates.all(), newest }
    }

    /// How many candidates there are.
    pub(super) fn n_candidates(&self) -> usize {
        self.all.len() / self.frame.d()
    }

    /// Brings `nearest` up to date for the rows from `first` on and leaves numbers and squared distances in `found`.
    pub(super) fn update(
        &self,
        rows: &Rows<'_, T>,
        first: usize,
        nearest: &mut Labels,
        scratch: &mut Scratch<T>,
        found: &mut Found,
    ) {
        let n = rows.len();
        let (index, distances) = (&mut found.index[..n], &mut found.distances[..n]);
        nearest.copy_to(first, index);
        self.frame.distances(rows, &self.all, index, distances);
        let Some(newest) = &self.newest else { return };
        let (new_index, new_distances) = (&mut found.new_index[..n], &mut found.new_distances[..n]);
        assign(rows, newest, scratch, new_index, None);
        let n_before = self.n_candidates() - newest.n_clusters();
        self.frame.distances(rows, &self.all[n_before * self.frame.d()..], new_index, new_distances);
        for i in 0..n {
            let nearer = new_distances[i] < distances[i];
            distances[i] = if nearer { new_distances[i] } else { distances[i] };
            index[i] = if nearer { n_before as u32 + new_index[i] } else { index[i] };
        }
        nearest.update(first, index);
    }
}

/// The nearest candidates of a chunk of rows.
pub(super) struct Found {
    /// Their numbers.
    pub(super) index: [u32; CHUNK],
    /// Squared distances to them.
    pub(super) distances: [f64; CHUNK],
    new_index: [u32; CHUNK],
    new_distances: [f64; CHUNK],
}

impl Found {
    /// Room for a chunk.
    pub(super) fn new() -> Self {
        Self {
            index: [0; CHUNK],
            distances: [0.0; CHUNK],
            new_index: [0; CHUNK],
            new_distances: [0.0; CHUNK],
        }
    }
}
