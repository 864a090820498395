//! Kernel rows over the columns of one rank, as many as its memory allows; the row asked for longest ago goes first.

use crate::kernel::zeroed;

/// No slot, or no row.
const NONE: u32 = u32::MAX;

/// Rows of single-precision numbers.
pub(super) struct LatestRows {
    width: usize,
    capacity: usize,
    slot_of: Vec<u32>,
    owner: Vec<u32>,
    /// When each slot's row was last asked for.
    asked: Vec<u64>,
    now: u64,
    memory: Vec<f32>,
}

impl LatestRows {
    /// Room for rows of `width` numbers: all `n_rows` if `budget_bytes` suffice, at least `least`.
    pub(super) fn new(n_rows: usize, width: usize, least: usize, budget_bytes: usize) -> Self {
        let fits = budget_bytes / (width.max(1) * size_of::<f32>());
        let least = least.min(n_rows).max(1);
        let mut capacity = fits.clamp(least, n_rows.max(1));
        let memory = loop {
            match zeroed(capacity * width) {
                Some(memory) => break memory,
                None if capacity > least => capacity = (capacity / 2).max(least),
                None => break vec![0.0; capacity * width],
            }
        };
        let slot_of = vec![NONE; n_rows];
        Self { width, capacity, slot_of, owner: Vec::new(), asked: Vec::new(), now: 0, memory }
    }

    /// Places for `rows`, different ones and no more than fit at least: the slot of each, and those of them, by
    /// their position in `rows`, whose numbers are to be filled in first.
    pub(super) fn places(&mut self, rows: &[usize]) -> (Vec<usize>, Vec<usize>) {
        self.now += 1;
        let mut missing = Vec::new();
        for (i, &row) in rows.iter().enumerate() {
            match self.slot_of[row] {
                NONE => missing.push(i),
                slot => self.asked[slot as usize] = self.now,
            }
        }
        let mut free = self.free(missing.len());
        for &i in &missing {
            let slot = free.pop().unwrap_or(0);
            self.owner[slot] = rows[i] as u32;
            self.asked[slot] = self.now;
            self.slot_of[rows[i]] = slot as u32;
        }
        (rows.iter().map(|&row| self.slot_of[row] as usize).collect(), missing)
    }

    /// `n` slots without a row, taken from the rows asked for longest ago where there are no others.
    fn free(&mut self, n: usize) -> Vec<usize> {
        let fresh = n.min(self.capacity - self.owner.len());
        let mut free: Vec<usize> = (self.owner.len()..self.owner.len() + fresh).collect();
        self.owner.resize(self.owner.len() + fresh, NONE);
        self.asked.resize(self.owner.len(), self.now);
        let taken = n - fresh;
        if taken > 0 {
            let mut old: Vec<usize> = (0..self.owner.len()).filter(|&s| self.asked[s] < self.now).collect();
            old.select_nth_unstable_by_key(taken - 1, |&slot| (self.asked[slot], slot));
            for &slot in &old[..taken] {
                self.slot_of[self.owner[slot] as usize] = NONE;
            }
            free.extend_from_slice(&old[..taken]);
        }
        free
    }

    /// The numbers of a slot.
    pub(super) fn row(&self, slot: usize) -> &[f32] {
        &self.memory[slot * self.width..(slot + 1) * self.width]
    }

    /// The numbers of different slots, ascending, to be filled in.
    pub(super) fn rows_mut(&mut self, slots: &[usize]) -> Vec<&mut [f32]> {
        let (mut rest, mut start) = (&mut self.memory[..], 0);
        let mut rows = Vec::with_capacity(slots.len());
        for &slot in slots {
            let (row, after) = rest[(slot - start) * self.width..].split_at_mut(self.width);
            rows.push(row);
            (rest, start) = (after, slot + 1);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_until_others_need_their_place() {
        let mut rows = LatestRows::new(40, 3, 8, 10 * 3 * 4);
        let mut fill = |asked: &[usize]| {
            let (slots, mut missing) = rows.places(asked);
            missing.sort_unstable_by_key(|&i| slots[i]);
            let ascending: Vec<usize> = missing.iter().map(|&i| slots[i]).collect();
            for (i, row) in missing.iter().zip(rows.rows_mut(&ascending)) {
                row.fill(asked[*i] as f32);
            }
            for (slot, &row) in slots.iter().zip(asked) {
                assert_eq!(rows.row(*slot), [row as f32; 3]);
            }
            missing.len()
        };
        assert_eq!(fill(&[0, 1, 2, 3, 4, 5, 6, 7]), 8);
        assert_eq!(fill(&[3, 30, 1]), 1);
        assert_eq!(fill(&[7, 6, 5, 4]), 0);
        // One slot is free; 0 and 2 were asked for longest ago.
        assert_eq!(fill(&[20, 21, 22]), 3);
        assert_eq!(fill(&[1, 3, 30, 4, 5, 6, 7]), 0);
        assert_eq!(fill(&[2]), 1);
        for i in 0..60 {
            let asked: Vec<usize> = (0..8).map(|k| (i * 7 + k * 5) % 40).collect();
            fill(&asked);
        }
        assert_eq!(rows.memory.len(), 10 * 3);
    }
}
