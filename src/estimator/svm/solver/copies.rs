//! Copies of kernel rows over the variables that are awake.
//!
//! Rows of the whole matrix come from memory, values of the variables awake from a line each. A copy is therefore kept
//! as long as it serves: who is awake may change, and copies are only lengthened then. Variables that need not be awake
//! any more stay, until they are too many.

use crate::estimator::svm::row_cache::RowCache;
use crate::kernel::Isa;
use crate::kernel::simd::prefetch;
use crate::kernel::svm::{self, Picks};

/// No place.
const NONE: u32 = u32::MAX;
/// Variables covered, at most, in parts of those wanted: 5 : 4.
const ROOM: (usize, usize) = (5, 4);
/// Rows begin at whole cache lines of numbers.
const LINE: usize = 16;

/// Rows over some variables, in the order in which these came.
pub(super) struct Copies<'r> {
    rows: &'r mut RowCache,
    /// The variables covered, and their columns of the matrix.
    pub(super) variables: Vec<u32>,
    columns: Vec<u32>,
    /// The first of these columns, where they ascend.
    picks: Picks,
    /// The place of each variable of the problem among them.
    places: Vec<u32>,
    /// How much of the row in each slot is filled.
    filled: Vec<u32>,
    /// How many variables fit into a row.
    width: usize,
    /// Whether the variables stand in the order in which they were wanted.
    pub(super) ordered: bool,
}

impl<'r> Copies<'r> {
    /// No copies, for a problem of `n` variables.
    pub(super) fn new(rows: &'r mut RowCache, n: usize) -> Self {
        Self {
            rows,
            variables: Vec::new(),
            columns: Vec::new(),
            picks: Picks::default(),
            places: vec![NONE; n],
            filled: Vec::new(),
            width: 0,
            ordered: true,
        }
    }

    /// The place of a variable, if it is covered.
    pub(super) fn place(&self, v: usize) -> Option<usize> {
        Some(self.places[v]).filter(|&place| place != NONE).map(|place| place as usize)
    }

    /// From now on the variables `wanted` are covered, and in their order if that matters. `of_matrix` has the column
    /// of each variable.
    pub(super) fn cover(&mut self, wanted: &[u32], of_matrix: &[u32], in_order: bool, budget_bytes: usize) {
        let missing: Vec<u32> = wanted.iter().copied().filter(|&v| self.places[v as usize] == NONE).collect();
        let n = self.variables.len() + missing.len();
        if in_order || Picks::room(n) > self.width || n > room(wanted.len()) {
            self.clear();
            self.width = Picks::room(room(wanted.len())).next_multiple_of(LINE);
            self.rows.reset(self.places.len(), self.width, 1, budget_bytes);
            let mut chosen = wanted.to_vec();
            if !in_order {
                chosen.sort_unstable();
                self.ordered = chosen == wanted;
            }
            self.append(&chosen, of_matrix);
            self.picks = Picks::new(&self.columns).unwrap_or_default();
        } else {
            self.ordered = false;
            self.append(&missing, of_matrix);
        }
    }

    fn clear(&mut self) {
        self.variables.iter().for_each(|&v| self.places[v as usize] = NONE);
        self.variables.clear();
        self.columns.clear();
        self.filled.clear();
        self.ordered = true;
    }

    fn append(&mut self, variables: &[u32], of_matrix: &[u32]) {
        for &v in variables {
            self.places[v as usize] = self.variables.len() as u32;
            self.variables.push(v);
            self.columns.push(of_matrix[v as usize]);
        }
    }

    /// The slot of a variable's row and how many of its numbers are there; never the slot `keep`, unless it is that
    /// row's.
    pub(super) fn slot(&mut self, v: usize, keep: Option<usize>) -> (usize, usize) {
        let slot = self.rows.slot(v, keep);
        if slot >= self.filled.len() {
            self.filled.resize(slot + 1, 0);
        }
        if self.rows.claim(slot, 0) {
            self.filled[slot] = 0;
        }
        (slot, self.filled[slot] as usize)
    }

    /// How many variables are covered.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The numbers that a slot lacks after the first `filled`, from `row`, the whole matrix's.
    pub(super) fn fill(&mut self, isa: Isa, slot: usize, filled: usize, row: &[f32]) {
        let n = self.columns.len();
        self.filled[slot] = n as u32;
        let to = self.rows.row_mut(slot);
        // Both mostly come from memory, and stores that wait for it wait for each other. Of a row from which few are taken
        // most lines are not wanted.
        prefetch(to[filled..].as_ptr(), n - filled);
        if (n - filled) * LINE >= row.len() {
            prefetch(row.as_ptr(), row.len());
        }
        let mut at = filled;
        if filled == 0 {
            svm::pick(isa, row, &self.picks, to);
            at = self.picks.len();
        }
        for (to, &column) in to[at..n].iter_mut().zip(&self.columns[at..]) {
            *to = row[column as usize];
        }
    }

    /// The row in a slot.
    pub(super) fn row(&self, slot: usize) -> &[f32] {
        &self.rows.row(slot)[..self.columns.len()]
    }
}

/// How many variables may be covered for `n` wanted.
fn room(n: usize) -> usize {
    n * ROOM.0 / ROOM.1 + LINE
}
