//! The two passes over the rows that an iteration of sequential minimal optimisation makes.
//!
//! With f = −y ∇ the rules of libsvm need no labels: the first row of a pair has the largest f among those whose
//! αy may grow ([`UP`]), the second is chosen among those whose αy may shrink ([`LOW`]) by the second-order rule.
//! Ties go to the last row, as in libsvm. Sums and products are rounded one by one where libsvm does so, not fused,
//! so that the iterations are the same; lanes are rows, and the lanes' winners are compared in a fixed order.
//!
//! # References
//! Fan, Chen, Lin: Working set selection using second order information for training SVM, JMLR 6 (2005), WSS 2.

use super::panels::lanes;
#[cfg(target_arch = "x86_64")]
use super::smo_avx512 as wide;
use crate::kernel::dispatch::dispatched;

/// Bit of a row whose α y may grow.
pub const UP: u8 = 1;
/// Bit of a row whose α y may shrink.
pub const LOW: u8 = 2;

/// What a curvature that is not positive is replaced by.
pub const TAU: f64 = 1e-12;
/// Lanes.
pub(super) const W: usize = 16;

/// A row chosen, and the extreme value it was chosen from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The row, or none when no row may be chosen.
    pub row: Option<usize>,
    /// The largest f among [`UP`] rows, or the smallest among [`LOW`] rows.
    pub extreme: f64,
    /// Whether another row may be as good: always when one is, now and then when none is.
    pub tied: bool,
}

dispatched! {
    /// The row of the largest f among those marked [`UP`].
    pub fn first_of_pair(f: &[f64], marks: &[u8]) -> Pair = first_body
}

dispatched! {
    /// Subtracts `a · row_a + b · row_b` from f and returns the row of the largest f among those marked [`UP`].
    pub fn step(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64, marks: &[u8]) -> Pair = step_body, wide::step
}

dispatched! {
    /// The row that promises the largest decrease of the objective beside a first row with f = `largest`, kernel
    /// row `row` and diagonal entry `own`; and the smallest f among rows marked [`LOW`]. An empty `diagonal` stands for one
    /// whose entries are all `own`.
    pub fn second_of_pair(
        f: &[f64], row: &[f32], diagonal: &[f64], own: f64, marks: &[u8], largest: f64,
    ) -> Pair = second_body, wide::second
}

/// Rows of a block: the winner is first sought by blocks, then in the winning block.
const BLOCK: usize = 16 * W;

/// The larger of each lane and f where a row is marked [`UP`].
#[inline(always)]
fn larger(best: [f64; W], f: &[f64; W], marks: &[u8; W]) -> [f64; W] {
    let mut out = best;
    for l in 0..W {
        let f = if marks[l] & UP != 0 { f[l] } else { f64::NEG_INFINITY };
        out[l] = if f > best[l] { f } else { best[l] };
    }
    out
}

/// The largest of all lanes.
#[inline(always)]
fn fold_largest(mut lanes: [f64; W]) -> f64 {
    let mut width = W;
    while width > 1 {
        width /= 2;
        for l in 0..width {
            lanes[l] = if lanes[l + width] > lanes[l] { lanes[l + width] } else { lanes[l] };
        }
    }
    lanes[0]
}

/// The largest f of the blocks so far, where the last block that has it starts, and whether several have it.
#[derive(Clone, Copy)]
struct Largest {
    extreme: f64,
    start: usize,
    tied: bool,
}

impl Largest {
    const NONE: Self = Self { extreme: f64::NEG_INFINITY, start: 0, tied: false };

    /// After the block that starts at `start`, whose largest f is `largest`.
    #[inline(always)]
    fn meet(self, largest: f64, start: usize) -> Self {
        match largest >= self.extreme {
            true => Self { extreme: largest, start, tied: largest == self.extreme },
            false => self,
        }
    }

    /// The last row that has it, among those marked [`UP`].
    #[inline(always)]
    fn last_row(self, f: &[f64], marks: &[u8]) -> Pair {
        let Self { extreme, start, tied } = self;
        let end = (start + BLOCK).min(f.len());
        let mut equal = (start..end).rev().filter(|&t| marks[t] & UP != 0 && f[t] == extreme);
        Pair { row: equal.next(), extreme, tied: tied || equal.next().is_some() }
    }
}

#[inline(always)]
fn first_body(f: &[f64], marks: &[u8]) -> Pair {
    assert!(f.len() == marks.len());
    let mut best_block = Largest::NONE;
    for (b, (f, marks)) in f.chunks(BLOCK).zip(marks.chunks(BLOCK)).enumerate() {
        let mut best = [f64::NEG_INFINITY; W];
        for (f, marks) in f.chunks_exact(W).zip(marks.chunks_exact(W)) {
            best = larger(best, lanes(f), lanes(marks));
        }
        best_block = best_block.meet(with_tail(fold_largest(best), f, marks), b * BLOCK);
    }
    best_block.last_row(f, marks)
}

/// The larger of `largest` and the rows of a block after its last whole chunk.
#[inline(always)]
fn with_tail(mut largest: f64, f: &[f64], marks: &[u8]) -> f64 {
    for t in f.len() / W * W..f.len() {
        if marks[t] & UP != 0 && f[t] > largest {
            largest = f[t];
        }
    }
    largest
}

#[inline(always)]
fn step_body(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64, marks: &[u8]) -> Pair {
    let n = f.len();
    assert!(row_a.len() == n && row_b.len() == n && marks.len() == n);
    let mut best_block = Largest::NONE;
    let rows = row_a.chunks(BLOCK).zip(row_b.chunks(BLOCK));
    for (i, ((f, marks), (ka, kb))) in f.chunks_mut(BLOCK).zip(marks.chunks(BLOCK)).zip(rows).enumerate() {
        let mut best = [f64::NEG_INFINITY; W];
        let chunks = ka.chunks_exact(W).zip(kb.chunks_exact(W));
        for ((f, marks), (ka, kb)) in f.chunks_exact_mut(W).zip(marks.chunks_exact(W)).zip(chunks) {
            let (ka, kb): (&[f32; W], &[f32; W]) = (lanes(ka), lanes(kb));
            let mut new: [f64; W] = *lanes(f);
            for l in 0..W {
                new[l] -= f64::from(ka[l]) * a + f64::from(kb[l]) * b;
            }
            f.copy_from_slice(&new);
            best = larger(best, &new, lanes(marks));
        }
        for t in f.len() / W * W..f.len() {
            f[t] -= f64::from(ka[t]) * a + f64::from(kb[t]) * b;
        }
        best_block = best_block.meet(with_tail(fold_largest(best), f, marks), i * BLOCK);
    }
    best_block.last_row(f, marks)
}

/// The best second row so far in each lane, by its gain: the square of its gap over the curvature, a quotient as in
/// libsvm, since products of quotients that are equal once rounded need not be. Chunks are counted in doubles, so that
/// all lanes are of one width.
#[derive(Clone, Copy)]
struct Best {
    gain: [f64; W],
    chunk: [f64; W],
    smallest: [f64; W],
    /// 1 where another row of the lane was as good as its best then, else 0.
    tied: [f64; W],
}

impl Best {
    /// By value in and out: arrays changed in place are kept in memory, and waiting for them takes most of the time.
    #[inline(always)]
    fn meet(self, gap: [f64; W], f: &[f64; W], curvature: [f64; W], marks: &[u8; W], chunk: f64) -> Self {
        let mut out = self;
        for l in 0..W {
            let low = marks[l] & LOW != 0;
            let gain = gap[l] * gap[l] / curvature[l];
            let take = low & (gap[l] > 0.0) & (gain >= self.gain[l]);
            out.tied[l] = if take & (gain == self.gain[l]) { 1.0 } else { self.tied[l] };
            out.gain[l] = if take { gain } else { self.gain[l] };
            out.chunk[l] = if take { chunk } else { self.chunk[l] };
            let smaller = low & (f[l] < self.smallest[l]);
            out.smallest[l] = if smaller { f[l] } else { self.smallest[l] };
        }
        out
    }
}

#[inline(always)]
fn second_body(f: &[f64], row: &[f32], diagonal: &[f64], own: f64, marks: &[u8], largest: f64) -> Pair {
    let n = f.len();
    assert!(row.len() == n && marks.len() == n && [0, n].contains(&diagonal.len()));
    let (zero, none) = ([0.0; W], [-1.0; W]);
    let smallest = [f64::INFINITY; W];
    let mut best = Best { gain: zero, chunk: none, smallest, tied: zero };
    let rows = f.chunks_exact(W).zip(row.chunks_exact(W));
    let mut diagonals = diagonal.chunks_exact(W);
    let mut chunk = 0.0;
    for ((f, k), marks) in rows.zip(marks.chunks_exact(W)) {
        let (f, k): (&[f64; W], &[f32; W]) = (lanes(f), lanes(k));
        let d = diagonals.next().map_or([own; W], |d| *lanes(d));
        let (mut gap, mut curve) = (zero, zero);
        for l in 0..W {
            gap[l] = largest - f[l];
            curve[l] = curvature(own, d[l], k[l]);
        }
        best = best.meet(gap, f, curve, lanes(marks), chunk);
        chunk += 1.0;
    }
    finish_second(&best, f, row, diagonal, own, marks, largest)
}

#[inline(always)]
fn curvature(own: f64, diagonal: f64, k: f32) -> f64 {
    let curvature = own + diagonal - 2.0 * f64::from(k);
    if curvature > 0.0 { curvature } else { TAU }
}

#[inline(always)]
fn finish_second(
    best: &Best,
    f: &[f64],
    row: &[f32],
    diagonal: &[f64],
    own: f64,
    marks: &[u8],
    largest: f64,
) -> Pair {
    let (mut most, mut chosen, mut extreme) = (0.0, -1, f64::INFINITY);
    let mut tied = best.tied != [0.0; W];
    for l in 0..W {
        let candidate = best.chunk[l] as i64 * W as i64 + l as i64;
        let gain = best.gain[l];
        tied |= best.chunk[l] >= 0.0 && gain == most;
        if best.chunk[l] >= 0.0 && (gain > most || (gain == most && candidate > chosen)) {
            (most, chosen) = (gain, candidate);
        }
        extreme = if best.smallest[l] < extreme { best.smallest[l] } else { extreme };
    }
    for t in f.len() / W * W..f.len() {
        if marks[t] & LOW == 0 {
            continue;
        }
        extreme = if f[t] < extreme { f[t] } else { extreme };
        let gap = largest - f[t];
        let gain = gap * gap / curvature(own, diagonal.get(t).copied().unwrap_or(own), row[t]);
        if gap > 0.0 && gain >= most {
            tied |= gain == most;
            (most, chosen) = (gain, t as i64);
        }
    }
    Pair { row: usize::try_from(chosen).ok(), extreme, tied }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;
    use crate::kernel::svm::{KernelFunction, Panels, dot_products, gathered_row, kernel_row, kernel_rows};
    use crate::rng::{Purpose, stream, uniform};

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = stream(seed, Purpose::Noise, n as u64);
        // Few distinct values, so that ties occur.
        (0..n).map(|_| (uniform(&mut rng) * 64.0).floor() / 16.0 - 2.0).collect()
    }

    fn marks(n: usize) -> Vec<u8> {
        numbers(n, 9).iter().map(|v| ((v * 16.0) as i64).rem_euclid(4) as u8).collect()
    }

    /// Both passes as libsvm writes them: one row after the other, quotients, the last of equals.
    fn plain(f: &[f64], row: &[f32], diagonal: &[f64], own: f64, marks: &[u8]) -> (Pair, Pair) {
        let mut first = Pair { row: None, extreme: f64::NEG_INFINITY, tied: false };
        for t in 0..f.len() {
            if marks[t] & UP != 0 && f[t] >= first.extreme {
                first = Pair { row: Some(t), extreme: f[t], tied: f[t] == first.extreme };
            }
        }
        let mut second = Pair { row: None, extreme: f64::INFINITY, tied: false };
        let mut least = f64::INFINITY;
        for t in (0..f.len()).filter(|&t| marks[t] & LOW != 0) {
            second.extreme = second.extreme.min(f[t]);
            let gap = first.extreme - f[t];
            let gain = -(gap * gap) / curvature(own, diagonal[t], row[t]);
            if gap > 0.0 && gain <= least {
                second.tied = gain == least;
                (least, second.row) = (gain, Some(t));
            }
        }
        (first, second)
    }

    #[test]
    fn every_instruction_set_chooses_as_libsvm() {
        for n in [0, 1, 7, 16, 31, 255, 256, 257, 1000, 4099, 40_003] {
            passes_choose_as_libsvm(n, &marks(n));
            passes_choose_as_libsvm(n, &vec![UP; n]);
            // Blocks of which no row may shrink, and some of which none may grow.
            let sorted: Vec<u8> = (0..n).map(|t| if t < n / 2 { UP } else { LOW }).collect();
            if n > 1 {
                passes_choose_as_libsvm(n, &sorted);
                passes_choose_as_libsvm(n, &sorted.iter().rev().copied().collect::<Vec<_>>());
            }
        }
    }

    fn passes_choose_as_libsvm(n: usize, marks: &[u8]) {
        // Gains that would be equal but for rounding: whether they are depends on how they are computed.
        for scale in [1.0, 0.1, 0.7] {
            passes_over(&numbers(n, 1).iter().map(|f| f * scale).collect::<Vec<_>>(), marks);
        }
    }

    fn passes_over(f: &[f64], marks: &[u8]) {
        let n = f.len();
        let row: Vec<f32> = numbers(n, 2).iter().map(|&v| v as f32 * 0.25).collect();
        let diagonal: Vec<f64> = numbers(n, 3).iter().map(|v| v.abs()).collect();
        let (a, b) = (0.3, -0.7);
        let moved: Vec<f64> =
            (0..n).map(|t| f[t] - (f64::from(row[t]) * a + f64::from(row[n - 1 - t]) * b)).collect();
        let reversed: Vec<f32> = row.iter().rev().copied().collect();
        for isa in Isa::available() {
            let (first, second) = plain(f, &row, &diagonal, 0.5, marks);
            assert_eq!(first_of_pair(isa, f, marks), first, "{isa:?} {n}");
            let found = second_of_pair(isa, f, &row, &diagonal, 0.5, marks, first.extreme);
            assert!(found.tied || !second.tied, "{isa:?} {n}");
            let even = vec![0.5; n];
            let written = second_of_pair(isa, f, &row, &even, 0.5, marks, first.extreme);
            assert_eq!(second_of_pair(isa, f, &row, &[], 0.5, marks, first.extreme), written);
            assert_eq!(Pair { tied: second.tied, ..found }, second, "{isa:?} {n}");
            let mut g = f.to_vec();
            let next = step(isa, &mut g, &row, a, &reversed, b, marks);
            assert_eq!(g, moved, "{isa:?} {n}");
            assert_eq!(next, plain(&moved, &row, &diagonal, 0.5, marks).0, "{isa:?} {n}");
        }
    }

    #[test]
    fn kernel_rows_have_the_same_bits_everywhere_and_from_products() {
        let kernels = [
            KernelFunction::Linear,
            KernelFunction::Rbf { gamma: 0.37 },
            KernelFunction::Poly { gamma: 0.2, coef0: 1.0, degree: 3 },
            KernelFunction::Sigmoid { gamma: 0.02, coef0: -0.5 },
        ];
        for (n, d) in [(1, 1), (33, 3), (100, 5), (131, 70)] {
            let x = numbers(n * d, 4);
            let panels = Panels::new(x.chunks_exact(d), d);
            let mut reference = vec![0.0; n * n];
            dot_products(Isa::Portable, &x, &panels, &mut reference);
            let rows: Vec<u32> = (0..n as u32).collect();
            for isa in Isa::available() {
                let mut dots = vec![0.0; n * n];
                dot_products(isa, &x, &panels, &mut dots);
                assert_eq!(dots, reference);
                for kernel in kernels {
                    let own = &x[(n / 2) * d..(n / 2 + 1) * d];
                    let (mut a, mut b, mut c) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
                    kernel_row(Isa::Portable, kernel, &panels, own, &mut a);
                    kernel_row(isa, kernel, &panels, own, &mut b);
                    let dots = &dots[(n / 2) * n..(n / 2 + 1) * n];
                    gathered_row(isa, kernel, dots, panels.norms(), panels.norms()[n / 2], &rows, &mut c);
                    assert_eq!(a, b, "{isa:?} {kernel:?}");
                    assert_eq!(a, c, "{isa:?} {kernel:?}");
                    let mut all = vec![f32::NAN; n * n];
                    let mut rows_of: Vec<&mut [f32]> = all.chunks_exact_mut(n).collect();
                    kernel_rows(isa, kernel, &panels, 0, &x, &mut rows_of);
                    for (x, row) in x.chunks_exact(d).zip(all.chunks_exact(n)) {
                        kernel_row(Isa::Portable, kernel, &panels, x, &mut a);
                        assert_eq!(row, a, "{isa:?} {kernel:?}");
                    }
                }
            }
        }
    }
}
