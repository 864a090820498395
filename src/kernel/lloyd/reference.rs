//! The kernels written plainly, one row and one centroid after the other.

use super::packed::Centroids;
use super::{Rows, Tally};
use crate::kernel::Real;

/// What [`assign`](super::assign) and [`assign_scored`](super::assign_scored) do, bit for bit.
pub fn assign_reference<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    labels: &mut [u32],
    scores: &mut [T],
    mut tally: Option<&mut Tally>,
) {
    let d = centroids.d;
    for (i, row) in rows.x.chunks_exact(d).enumerate() {
        let shifted: Vec<T> = row.iter().zip(centroids.shift()).map(|(&x, &m)| x - m).collect();
        let (mut label, mut least) = (0, T::INFINITY);
        for (j, c) in centroids.negated.chunks_exact(d).enumerate() {
            let score = shifted.iter().zip(c).fold(centroids.offsets[j], |s, (&x, &c)| x.mul_add(c, s));
            if score < least {
                (label, least) = (j, score);
            }
        }
        (labels[i], scores[i]) = (label as u32, least);
        if let Some(tally) = tally.as_deref_mut() {
            let numbers = shifted.iter().map(|x| x.to_f64()).chain([1.0]);
            for (sum, x) in tally.of_centroid(label).zip(numbers) {
                *sum = rows.weight(i).mul_add(x, *sum);
            }
        }
    }
}

/// Σ (x − μ − c)² over the features of one row, in double precision: eight partial sums, feature f in sum f mod 8,
/// folded in halves.
pub fn squared_distance_reference<T: Real>(x: &[T], shift: &[T], centered: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (f, ((x, m), c)) in x.iter().zip(shift).zip(centered).enumerate() {
        let difference = x.to_f64() - m.to_f64() - c;
        sums[f % 8] += difference * difference;
    }
    let quarters: [f64; 4] = std::array::from_fn(|l| sums[l] + sums[l + 4]);
    (quarters[0] + quarters[2]) + (quarters[1] + quarters[3])
}
