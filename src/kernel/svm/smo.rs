//! The two passes over the rows that an iteration of sequential minimal optimisation makes.
//!
//! With f = −y ∇ the rules of libsvm need no labels: the first row of a pair has the largest f among those whose
//! αy may grow ([`UP`]), the second is chosen among those whose αy may shrink ([`LOW`]) by the second-order rule.
//! Ties go to the last row, as in libsvm. Sums and products are rounded one by one where libsvm does so, not fused,
//! so that the iterations are the same; lanes are rows, and the lanes' winners are compared in a fixed order.
//!
//! # References
//! Fan, Chen, Lin: Working set selection using second order information for training SVM, JMLR 6 (2005), WSS 2.

use super::isa::dispatched;
use super::panels::lanes;

/// Bit of a row whose α y may grow.
pub const UP: u8 = 1;
/// Bit of a row whose α y may shrink.
pub const LOW: u8 = 2;

/// What a curvature that is not positive is replaced by.
const TAU: f64 = 1e-12;
const W: usize = 16;

/// A row chosen, and the extreme value it was chosen from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The row, or none when no row may be chosen.
    pub row: Option<usize>,
    /// The largest f among [`UP`] rows, or the smallest among [`LOW`] rows.
    pub extreme: f64,
}

dispatched! {
    /// The row of the largest f among those marked [`UP`].
    pub fn first_of_pair(f: &[f64], marks: &[u8]) -> Pair = first_body
}

dispatched! {
    /// Subtracts `a · row_a + b · row_b` from f and returns the row of the largest f among those marked [`UP`].
    pub fn step(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64, marks: &[u8]) -> Pair = step_body
}

dispatched! {
    /// The row that promises the largest decrease of the objective beside a first row with f = `largest`, kernel
    /// row `row` and diagonal entry `own`; and the smallest f among rows marked [`LOW`].
    pub fn second_of_pair(
        f: &[f64], row: &[f32], diagonal: &[f64], own: f64, marks: &[u8], largest: f64,
    ) -> Pair = second_body
}

dispatched! {
    /// Adds `a · row` to `sum`.
    pub fn add_row(sum: &mut [f64], row: &[f32], a: f64) = add_row_body
}

#[inline(always)]
fn add_row_body(sum: &mut [f64], row: &[f32], a: f64) {
    for (sum, &k) in sum.iter_mut().zip(row) {
        *sum += f64::from(k) * a;
    }
}

/// The largest value so far in each lane and the chunk it came from.
struct Largest {
    value: [f64; W],
    chunk: [i64; W],
}

impl Largest {
    #[inline(always)]
    fn new() -> Self {
        Self { value: [f64::NEG_INFINITY; W], chunk: [-1; W] }
    }

    #[inline(always)]
    fn meet(&mut self, chunk: i64, f: &[f64; W], marks: &[u8; W]) {
        for l in 0..W {
            let take = (marks[l] & UP != 0) & (f[l] >= self.value[l]);
            self.value[l] = if take { f[l] } else { self.value[l] };
            self.chunk[l] = if take { chunk } else { self.chunk[l] };
        }
    }

    /// The lanes' winner; of equal values the last row.
    #[inline(always)]
    fn winner(&self) -> (f64, i64) {
        let (mut value, mut row) = (f64::NEG_INFINITY, -1);
        for l in 0..W {
            let candidate = self.chunk[l] * W as i64 + l as i64;
            let better = self.value[l] > value || (self.value[l] == value && candidate > row);
            if self.chunk[l] >= 0 && better {
                (value, row) = (self.value[l], candidate);
            }
        }
        (value, row)
    }
}

/// The winner of the whole chunks against the rows of the tail, which come after them.
#[inline(always)]
fn finish_first(largest: &Largest, f: &[f64], marks: &[u8], tail: usize) -> Pair {
    let (mut extreme, mut row) = largest.winner();
    for t in tail..f.len() {
        if marks[t] & UP != 0 && f[t] >= extreme {
            (extreme, row) = (f[t], t as i64);
        }
    }
    Pair { row: usize::try_from(row).ok(), extreme }
}

#[inline(always)]
fn first_body(f: &[f64], marks: &[u8]) -> Pair {
    assert!(f.len() == marks.len());
    let mut largest = Largest::new();
    for (c, (f, marks)) in f.chunks_exact(W).zip(marks.chunks_exact(W)).enumerate() {
        largest.meet(c as i64, lanes(f), lanes(marks));
    }
    finish_first(&largest, f, marks, f.len() / W * W)
}

#[inline(always)]
fn step_body(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64, marks: &[u8]) -> Pair {
    let n = f.len();
    assert!(row_a.len() == n && row_b.len() == n && marks.len() == n);
    let mut largest = Largest::new();
    for c in 0..n / W {
        let range = c * W..(c + 1) * W;
        let (ka, kb): (&[f32; W], &[f32; W]) = (lanes(&row_a[range.clone()]), lanes(&row_b[range.clone()]));
        let mut new: [f64; W] = *lanes(&f[range.clone()]);
        for l in 0..W {
            new[l] -= f64::from(ka[l]) * a + f64::from(kb[l]) * b;
        }
        f[range.clone()].copy_from_slice(&new);
        largest.meet(c as i64, &new, lanes(&marks[range]));
    }
    let tail = n / W * W;
    for t in tail..n {
        f[t] -= f64::from(row_a[t]) * a + f64::from(row_b[t]) * b;
    }
    finish_first(&largest, f, marks, tail)
}

/// The best second row so far in each lane: its gain is `square / curvature`.
struct Best {
    square: [f64; W],
    curvature: [f64; W],
    chunk: [i64; W],
    smallest: [f64; W],
}

#[inline(always)]
fn second_body(f: &[f64], row: &[f32], diagonal: &[f64], own: f64, marks: &[u8], largest: f64) -> Pair {
    let n = f.len();
    assert!(row.len() == n && diagonal.len() == n && marks.len() == n);
    let mut best =
        Best { square: [0.0; W], curvature: [1.0; W], chunk: [-1; W], smallest: [f64::INFINITY; W] };
    for c in 0..n / W {
        let range = c * W..(c + 1) * W;
        let (f, k): (&[f64; W], &[f32; W]) = (lanes(&f[range.clone()]), lanes(&row[range.clone()]));
        let (d, marks): (&[f64; W], &[u8; W]) = (lanes(&diagonal[range.clone()]), lanes(&marks[range]));
        for l in 0..W {
            let low = marks[l] & LOW != 0;
            let gap = largest - f[l];
            let (square, curvature) = (gap * gap, curvature(own, d[l], k[l]));
            // Products instead of quotients: a division costs more than all the rest.
            let take = low & (gap > 0.0) & (square * best.curvature[l] >= best.square[l] * curvature);
            best.square[l] = if take { square } else { best.square[l] };
            best.curvature[l] = if take { curvature } else { best.curvature[l] };
            best.chunk[l] = if take { c as i64 } else { best.chunk[l] };
            let smaller = low & (f[l] < best.smallest[l]);
            best.smallest[l] = if smaller { f[l] } else { best.smallest[l] };
        }
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
    let (mut square, mut curve, mut chosen, mut extreme) = (0.0, 1.0, -1, f64::INFINITY);
    for l in 0..W {
        let candidate = best.chunk[l] * W as i64 + l as i64;
        let (new, old) = (best.square[l] * curve, square * best.curvature[l]);
        if best.chunk[l] >= 0 && (new > old || (new == old && candidate > chosen)) {
            (square, curve, chosen) = (best.square[l], best.curvature[l], candidate);
        }
        extreme = if best.smallest[l] < extreme { best.smallest[l] } else { extreme };
    }
    for t in f.len() / W * W..f.len() {
        if marks[t] & LOW == 0 {
            continue;
        }
        extreme = if f[t] < extreme { f[t] } else { extreme };
        let gap = largest - f[t];
        let (s, q) = (gap * gap, curvature(own, diagonal[t], row[t]));
        if gap > 0.0 && s * curve >= square * q {
            (square, curve, chosen) = (s, q, t as i64);
        }
    }
    Pair { row: usize::try_from(chosen).ok(), extreme }
}
