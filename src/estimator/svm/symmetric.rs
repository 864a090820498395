//! All values of a kernel matrix at once: half of them computed, the others mirrored.

use std::ops::Range;

use crate::error::Result;
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, PANEL, Panels};
use crate::telemetry::check_interrupt;

/// Rows and columns of what is computed at once: small enough to stay in the nearest caches until it is mirrored.
const ROWS: usize = 32;
const COLUMNS: usize = 8 * PANEL;

/// Rows of a matrix in memory, `width` numbers each.
pub(super) struct Rows<'m> {
    pub(super) memory: &'m mut [f32],
    pub(super) width: usize,
    /// Which of the rows in memory each is.
    pub(super) slot_of: &'m [u32],
}

impl Rows<'_> {
    fn part(&mut self, row: usize, columns: Range<usize>) -> &mut [f32] {
        let start = self.slot_of[row] as usize * self.width;
        &mut self.memory[start..][columns]
    }
}

/// Fills `rows`, the matrix of `kernel` between the rows of all `classes`, which stand one after the other; `features` has
/// those of one row after the other. Returns how many values were computed.
///
/// # Errors
/// That of an [interruption](check_interrupt), which leaves the matrix filled in part.
///
/// k(x, z) and k(z, x) are the same to the bit: the terms of both sums are products of the same two numbers.
pub(super) fn fill(
    kernel: KernelFunction,
    classes: &[Panels],
    features: impl Fn(Range<usize>) -> Vec<f64>,
    rows: &mut Rows<'_>,
) -> Result<u64> {
    let (isa, mut tile, mut n_computed) = (Isa::best(), Vec::new(), 0);
    for first in (0..rows.slot_of.len()).step_by(ROWS) {
        check_interrupt()?;
        let own = first..(first + ROWS).min(rows.slot_of.len());
        let x = features(own.clone());
        let mut start = 0;
        for panels in classes {
            // From the panel on that holds the first of these rows.
            let mut panel = first.saturating_sub(start) / PANEL;
            while panel * PANEL < panels.n_rows {
                let columns = panel * PANEL..(panel * PANEL + COLUMNS).min(panels.n_rows);
                tile.resize(own.len() * columns.len(), 0.0);
                let mut parts: Vec<&mut [f32]> = tile.chunks_exact_mut(columns.len()).collect();
                svm::kernel_rows(isa, kernel, panels, panel, &x, &mut parts);
                n_computed += tile.len() as u64;
                place(&tile, own.clone(), start + columns.start..start + columns.end, rows);
                panel += COLUMNS / PANEL;
            }
            start += panels.n_rows;
        }
    }
    Ok(n_computed)
}

/// Puts a tile of `own` rows with `columns` where it belongs, and its mirror image.
fn place(tile: &[f32], own: Range<usize>, columns: Range<usize>, rows: &mut Rows<'_>) {
    let width = columns.len();
    for (row, values) in own.clone().zip(tile.chunks_exact(width)) {
        rows.part(row, columns.clone()).copy_from_slice(values);
    }
    for (at, row) in columns.enumerate().filter(|(_, row)| *row >= own.end) {
        let values = tile.iter().skip(at).step_by(width);
        rows.part(row, own.clone()).iter_mut().zip(values).for_each(|(to, &value)| *to = value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream, uniform};

    #[test]
    fn a_mirrored_matrix_is_that_of_its_rows() {
        let kernels = [
            KernelFunction::Rbf { gamma: 0.7 },
            KernelFunction::Poly { gamma: 0.3, coef0: 1.0, degree: 3 },
            KernelFunction::Sigmoid { gamma: 0.1, coef0: -0.5 },
            KernelFunction::Linear,
        ];
        for (sizes, d) in [(vec![1, 1], 1), (vec![31, 33, 5], 3), (vec![300, 65], 7), (vec![40, 700], 20)] {
            let mut rng = stream(5, Purpose::Noise, d as u64);
            let n: usize = sizes.iter().sum();
            let x: Vec<f64> = (0..n * d).map(|_| uniform(&mut rng) * 4.0 - 2.0).collect();
            let mut rest = &x[..];
            let classes: Vec<Panels> = sizes
                .iter()
                .map(|&size| {
                    let (own, after) = rest.split_at(size * d);
                    rest = after;
                    Panels::new(own.chunks_exact(d), d)
                })
                .collect();
            let slot_of: Vec<u32> = (0..n as u32).rev().collect();
            for kernel in kernels {
                let mut memory = vec![f32::NAN; n * n];
                let mut rows = Rows { memory: &mut memory, width: n, slot_of: &slot_of };
                let n_computed =
                    fill(kernel, &classes, |r| x[r.start * d..r.end * d].to_vec(), &mut rows).unwrap();
                assert!(n_computed >= (n * (n + 1) / 2) as u64 && n_computed <= (n * n) as u64);
                for (row, values) in x.chunks_exact(d).enumerate() {
                    let mut expected = vec![0.0; n];
                    let mut out = &mut expected[..];
                    for panels in &classes {
                        let part = out.split_off_mut(..panels.n_rows).expect("room");
                        svm::kernel_row(Isa::best(), kernel, panels, values, part);
                    }
                    let found = &memory[slot_of[row] as usize * n..][..n];
                    assert!(
                        found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()),
                        "row {row}"
                    );
                }
            }
        }
    }
}
