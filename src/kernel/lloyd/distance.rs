//! Squared distances between rows and their centroids, formed from differences.

use super::Rows;
use crate::kernel::simd::{LANES, Simd, dispatch};
use crate::kernel::{Isa, Real};

/// Writes ‖x − μ − c‖² of each row and the centroid of its label, in double precision and without cancellation.
///
/// `centered` is `(k, d)`, relative to the shift μ. Costs `2·n·d` additions and `n·d` multiplications.
///
/// # Panics
/// When sizes do not match, or a label is out of range.
pub fn squared_distances<T: Real>(
    isa: Isa,
    rows: &Rows<'_, T>,
    shift: &[T],
    centered: &[f64],
    labels: &[u32],
    distances: &mut [f64],
) {
    let d = rows.n_features;
    assert!(
        shift.len() == d && labels.len() == rows.len() && distances.len() == rows.len(),
        "rows of {d} features"
    );
    let k = centered.len() / d;
    assert!(labels.iter().all(|&label| (label as usize) < k), "labels of {k} centroids");
    each_row(isa, rows, shift, centered, labels, distances);
}

dispatch!(fn each_row<T: Real>(rows: &Rows<'_, T>, shift: &[T], centered: &[f64], labels: &[u32], distances: &mut [f64]) = body);

/// The loop of [`squared_distances`], which has checked the sizes.
///
/// # Safety
/// The machine has the lanes' features, `shift` has the features of a row, and there is a label and a distance for
/// each row, the label of one of the centroids.
#[inline(always)]
unsafe fn body<S: Simd, T: Real>(
    rows: &Rows<'_, T>,
    shift: &[T],
    centered: &[f64],
    labels: &[u32],
    distances: &mut [f64],
) {
    let d = rows.n_features;
    let (whole, rest) = (d / LANES * LANES, d % LANES);
    let mut x = rows.x.as_ptr();
    for (&label, distance) in labels.iter().zip(distances) {
        // SAFETY: features `f..f + 8`, or the last `rest`, are there in row, shift and centroid.
        unsafe {
            let c = centered.as_ptr().add(label as usize * d);
            let mut sums = S::splat(0.0);
            let mut f = 0;
            while f < whole {
                let shift = T::load_lanes::<S>(shift.as_ptr().add(f));
                sums = add_squares::<S>(sums, T::load_lanes::<S>(x.add(f)), shift, S::load(c.add(f)));
                f += LANES;
            }
            if rest > 0 {
                // A difference of zeros adds nothing.
                let shift = T::load_first::<S>(shift.as_ptr().add(f), rest);
                let c = S::load_first(c.add(f), rest);
                sums = add_squares::<S>(sums, T::load_first::<S>(x.add(f), rest), shift, c);
            }
            *distance = S::sum(sums);
            x = x.add(d);
        }
    }
}

/// `sums + (x − m − c)²`. Multiplication and addition stay unfused: any machine gives the same bits fast.
///
/// # Safety
/// The machine has the lanes' features.
#[inline(always)]
unsafe fn add_squares<S: Simd>(sums: S::V, x: S::V, m: S::V, c: S::V) -> S::V {
    // SAFETY: the caller's promise.
    unsafe {
        let difference = S::sub(S::sub(x, m), c);
        S::add(sums, S::mul(difference, difference))
    }
}

#[cfg(test)]
mod tests {
    use super::super::squared_distance_reference;
    use super::*;

    fn check<T: Real>(d: usize) {
        let x: Vec<T> = (0..5 * d).map(|i| T::from_f64((i as f64 * 0.7).sin() * 30.0)).collect();
        let shift: Vec<T> = (0..d).map(|i| T::from_f64((i as f64).cos())).collect();
        let centered: Vec<f64> = (0..2 * d).map(|i| (i as f64 * 0.3).cos()).collect();
        let labels = [1, 0, 1, 1, 0];
        let rows = Rows { x: &x, weights: &[], n_features: d };
        for isa in Isa::available() {
            let mut got = [0.0; 5];
            squared_distances(isa, &rows, &shift, &centered, &labels, &mut got);
            for (i, got) in got.into_iter().enumerate() {
                let c = &centered[labels[i] as usize * d..][..d];
                let expected = squared_distance_reference(&x[i * d..][..d], &shift, c);
                assert_eq!(got.to_bits(), expected.to_bits(), "{isa:?}, {d} features, row {i}");
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_references_bits() {
        for d in [1, 3, 4, 7, 8, 13, 16, 20, 301] {
            check::<f64>(d);
            check::<f32>(d);
        }
    }

    #[test]
    #[should_panic(expected = "labels of 2 centroids")]
    fn a_label_beyond_the_centroids_is_refused() {
        let rows = Rows { x: &[0.0, 1.0], weights: &[], n_features: 1 };
        squared_distances(Isa::best(), &rows, &[0.0], &[0.0, 1.0], &[0, 2], &mut [0.0; 2]);
    }
}
