//! Kernel rows kept in a bounded memory.

use crate::kernel::zeroed;

/// No slot, or no row.
const NONE: u32 = u32::MAX;

/// Rows of single-precision numbers, as many as the memory allows; the clock algorithm chooses which one goes.
#[derive(Default)]
pub(super) struct RowCache {
    width: usize,
    capacity: usize,
    /// Parts of a row that are filled one by one.
    n_parts: usize,
    slot_of: Vec<u32>,
    owner: Vec<u32>,
    recent: Vec<bool>,
    filled: Vec<bool>,
    /// The rows, slot by slot. Kept over [`reset`](Self::reset), since fresh memory costs as much as filling it.
    memory: Vec<f32>,
    hand: usize,
    /// Parts of rows that had to be filled, ever.
    pub(super) n_filled: u64,
}

impl RowCache {
    /// Forgets all rows; from now on there are `n_rows` of `width` numbers in `n_parts` parts, and at least 4 of them
    /// fit.
    pub(super) fn reset(&mut self, n_rows: usize, width: usize, n_parts: usize, budget_bytes: usize) {
        let fits = budget_bytes / (width.max(1) * size_of::<f32>());
        self.capacity = fits.clamp(4, n_rows.max(4));
        (self.width, self.n_parts, self.hand) = (width, n_parts, 0);
        self.slot_of.clear();
        self.slot_of.resize(n_rows, NONE);
        self.owner.clear();
        self.recent.clear();
        self.filled.clear();
        self.make_room();
    }

    /// Takes memory for all slots; for fewer of them when the system has not as much.
    fn make_room(&mut self) {
        while self.memory.len() < self.capacity * self.width {
            self.memory = Vec::new();
            // Rows that are a little longer next time find room as well.
            let len = self.capacity * self.width;
            match zeroed(len + len / 64) {
                Some(memory) => self.memory = memory,
                None if self.capacity > 4 => self.capacity = (self.capacity / 2).max(4),
                None => self.memory = vec![0.0; self.capacity * self.width],
            }
        }
    }

    /// The slot of `row`, taken from another row if need be, but never from the one in slot `keep`.
    pub(super) fn slot(&mut self, row: usize, keep: Option<usize>) -> usize {
        let known = self.slot_of[row];
        if known != NONE {
            self.recent[known as usize] = true;
            return known as usize;
        }
        let slot = if self.owner.len() < self.capacity { self.fresh() } else { self.evict(keep) };
        self.owner[slot] = row as u32;
        self.recent[slot] = true;
        self.slot_of[row] = slot as u32;
        slot
    }

    fn fresh(&mut self) -> usize {
        let slot = self.owner.len();
        self.owner.push(NONE);
        self.recent.push(true);
        self.filled.resize(self.filled.len() + self.n_parts, false);
        slot
    }

    fn evict(&mut self, keep: Option<usize>) -> usize {
        loop {
            let slot = self.hand;
            self.hand = (self.hand + 1) % self.capacity;
            if Some(slot) != keep && !std::mem::take(&mut self.recent[slot]) {
                self.slot_of[self.owner[slot] as usize] = NONE;
                self.filled[slot * self.n_parts..(slot + 1) * self.n_parts].fill(false);
                return slot;
            }
        }
    }

    /// Whether `part` of the row in `slot` has to be filled; from now on it counts as filled.
    pub(super) fn claim(&mut self, slot: usize, part: usize) -> bool {
        let is_new = !std::mem::replace(&mut self.filled[slot * self.n_parts + part], true);
        self.n_filled += u64::from(is_new);
        is_new
    }

    /// Where all rows find room: the numbers of all slots and the slot of each row, to be filled; from now on all count as
    /// filled.
    pub(super) fn claim_all(&mut self) -> Option<(&mut [f32], &[u32])> {
        if self.capacity < self.slot_of.len() {
            return None;
        }
        (0..self.slot_of.len()).for_each(|row| {
            self.slot(row, None);
        });
        self.n_filled += self.filled.iter().filter(|&&filled| !filled).count() as u64;
        self.filled.fill(true);
        Some((&mut self.memory, &self.slot_of))
    }

    /// How many rows have a slot.
    pub(super) fn n_rows(&self) -> usize {
        self.owner.len()
    }

    /// The numbers of a slot.
    pub(super) fn row(&self, slot: usize) -> &[f32] {
        &self.memory[slot * self.width..(slot + 1) * self.width]
    }

    /// The numbers of a slot, to be filled.
    pub(super) fn row_mut(&mut self, slot: usize) -> &mut [f32] {
        &mut self.memory[slot * self.width..(slot + 1) * self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_when_memory_is_full_but_never_the_kept_one() {
        let mut cache = RowCache::default();
        cache.reset(100, 3, 1, 4 * 3 * 4);
        for row in 0..100 {
            let kept = cache.slot(0, None);
            if cache.claim(kept, 0) {
                cache.row_mut(kept).fill(0.5);
            }
            let slot = cache.slot(row, Some(kept));
            assert!(row == 0 || slot != kept);
            if cache.claim(slot, 0) {
                cache.row_mut(slot).fill(row as f32);
            }
            assert_eq!(cache.row(kept), [0.5; 3]);
        }
        assert_eq!(cache.memory.len(), 4 * 3);
    }
}
