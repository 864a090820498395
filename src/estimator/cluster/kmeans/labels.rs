//! The labels of a block's rows, in as few bytes as they fit.

use super::kept::Memory;

/// Labels below k: one byte a row up to 256 clusters, two up to 65,536.
#[derive(Clone, Debug, Default)]
pub(in super::super) enum Labels {
    /// No row has one yet.
    #[default]
    None,
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Labels {
    /// Room for `n` labels below `k`.
    pub(super) fn with_capacity(k: usize, n: usize) -> Self {
        match k {
            0..=256 => Self::U8(Vec::with_capacity(n)),
            257..=65_536 => Self::U16(Vec::with_capacity(n)),
            _ => Self::U32(Vec::with_capacity(n)),
        }
    }

    /// The labels `all`, below `k`.
    pub(in super::super) fn of(k: usize, all: Vec<usize>) -> Self {
        let mut labels = Self::with_capacity(k, all.len());
        labels.update(0, &all.into_iter().map(|label| label as u32).collect::<Vec<_>>());
        labels
    }

    /// Makes these the labels, below `k`, of `n` rows, which may have had labels below a smaller number; rows that had
    /// none get 0.
    pub(super) fn make_room(&mut self, k: usize, n: usize) {
        let roomy = Self::with_capacity(k, n);
        if std::mem::discriminant(self) != std::mem::discriminant(&roomy) {
            let mut all = vec![0; n];
            self.copy_to(0, &mut all);
            *self = roomy;
            self.update(0, &all);
        }
    }

    /// Makes `new` the labels of the rows from `first` on and returns how many changed. A row that had none counts.
    pub(super) fn update(&mut self, first: usize, new: &[u32]) -> u64 {
        match self {
            Self::None => new.len() as u64,
            Self::U8(old) => update(old, first, new, |v| v as u8),
            Self::U16(old) => update(old, first, new, |v| v as u16),
            Self::U32(old) => update(old, first, new, |v| v),
        }
    }

    /// Takes over the labels of the listed rows, counted from row `first`, and returns how many there are.
    pub(super) fn change(&mut self, first: usize, new: &[u32], moved: &[(u32, u32)]) -> u64 {
        let each = moved.iter().map(|&(row, _)| (first + row as usize, new[row as usize]));
        match self {
            Self::None => {}
            Self::U8(old) => each.for_each(|(row, label)| old[row] = label as u8),
            Self::U16(old) => each.for_each(|(row, label)| old[row] = label as u16),
            Self::U32(old) => each.for_each(|(row, label)| old[row] = label),
        }
        moved.len() as u64
    }

    /// How many rows have one.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::U8(labels) => labels.len(),
            Self::U16(labels) => labels.len(),
            Self::U32(labels) => labels.len(),
        }
    }

    /// Copies the labels of the rows from `first` on.
    pub(super) fn copy_to(&self, first: usize, to: &mut [u32]) {
        let n = to.len();
        match self {
            Self::None => {}
            Self::U8(old) => to.iter_mut().zip(&old[first..first + n]).for_each(|(t, &v)| *t = v.into()),
            Self::U16(old) => to.iter_mut().zip(&old[first..first + n]).for_each(|(t, &v)| *t = v.into()),
            Self::U32(old) => to.copy_from_slice(&old[first..first + n]),
        }
    }
}

/// The labels that a fit gave to one rank's rows, block by block.
#[derive(Clone, Debug)]
pub struct FitLabels {
    blocks: Vec<Labels>,
}

impl FitLabels {
    /// Those of each block.
    pub(in super::super) fn of_blocks(blocks: Vec<Labels>) -> Self {
        Self { blocks }
    }

    /// Takes the labels of one run out of what was kept for all.
    pub(super) fn of_run(memory: Vec<Memory>, run: usize) -> Self {
        Self { blocks: memory.into_iter().map(|mut kept| kept.runs.swap_remove(run).labels).collect() }
    }

    /// How many blocks there are: those of the rank's slice.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The labels of the rows of the block at `position` of the rank's slice.
    pub fn block(&self, position: usize) -> Vec<i32> {
        match &self.blocks[position] {
            Labels::None => Vec::new(),
            Labels::U8(labels) => labels.iter().map(|&v| v.into()).collect(),
            Labels::U16(labels) => labels.iter().map(|&v| v.into()).collect(),
            Labels::U32(labels) => labels.iter().map(|&v| v as i32).collect(),
        }
    }

    /// [`block`](Self::block) as the little-endian bytes that `engine::rows` carries to rank 0.
    pub fn bytes(&self, position: usize) -> Vec<u8> {
        self.block(position).into_iter().flat_map(i32::to_le_bytes).collect()
    }
}

fn update<L: Copy + PartialEq>(
    old: &mut Vec<L>,
    first: usize,
    new: &[u32],
    narrow: impl Fn(u32) -> L,
) -> u64 {
    if old.len() <= first {
        old.extend(new.iter().map(|&label| narrow(label)));
        return new.len() as u64;
    }
    let mut changed = 0;
    for (old, &label) in old[first..].iter_mut().zip(new) {
        let label = narrow(label);
        changed += u64::from(*old != label);
        *old = label;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_outgrow_their_bytes() {
        let (mut labels, mut all) = (Labels::default(), [9; 3]);
        for (k, before, then) in
            [(256, [0; 3], [255, 0, 7]), (300, [255, 0, 7], [299, 1, 7]), (70_000, [299, 1, 7], [0; 3])]
        {
            labels.make_room(k, 3);
            labels.copy_to(0, &mut all);
            assert_eq!(all, before);
            labels.update(0, &then);
        }
    }

    #[test]
    fn changes_are_counted_and_labels_come_back() {
        for k in [256, 65_536, 65_537] {
            let mut labels = Labels::with_capacity(k, 4);
            let top = k as u32 - 1;
            assert_eq!(labels.update(0, &[0, top]), 2);
            assert_eq!(labels.update(2, &[5, 5]), 2);
            assert_eq!(labels.update(0, &[0, top]), 0);
            assert_eq!(labels.update(2, &[top, 5]), 1);
            let mut all = [0; 3];
            labels.copy_to(1, &mut all);
            assert_eq!(all, [top, top, 5]);
        }
    }
}
