//! The nearest centroid of each row, by the fastest body that the machine has.

use super::packed::Centroids;
use super::tally::stride;
use super::tile::Tile;
use super::vector::Lanes;
use super::{Rows, Tally, tile};
use crate::kernel::Isa;
use crate::kernel::Real;

/// Buffers that calls of [`assign`] share, and the instruction set they run on.
pub struct Scratch<T> {
    isa: Isa,
    tile: Tile<T>,
    d: usize,
}

impl<T: Real> Scratch<T> {
    /// Buffers for rows of `d` features. All instruction sets give the same bits.
    pub fn new(d: usize, isa: Isa) -> Self {
        Self { isa: isa.checked(), tile: Tile::new(d, stride::<T>(d)), d }
    }
}

/// Writes each row's nearest centroid (ties to the lowest) to `labels`, adds the rows to `tally` if there is one,
/// and returns the weighted sum of the least scores.
///
/// Σ w·‖x−c‖² over the rows is Σ w·‖x−μ‖² plus twice that sum, up to cancellation. Costs `n·k·d` multiply-adds; reads
/// the rows once.
///
/// # Panics
/// When sizes do not match.
pub fn assign<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
    tally: Option<&mut Tally>,
) -> f64 {
    run(rows, centroids, scratch, labels, &mut [], tally)
}

/// As [`assign`] without sums; also writes each row's least score ½‖c−μ‖² − (x−μ)·(c−μ) to `scores`.
///
/// # Panics
/// When sizes do not match.
pub fn assign_scored<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
    scores: &mut [T],
) -> f64 {
    assert!(scores.len() == labels.len(), "a score for each row");
    run(rows, centroids, scratch, labels, scores, None)
}

/// `scores` has a place for each row, or is empty.
fn run<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
    scores: &mut [T],
    tally: Option<&mut Tally>,
) -> f64 {
    let (k, d) = (centroids.k, centroids.d);
    assert!(
        rows.n_features == d && scratch.d == d && rows.x.len() == labels.len() * d,
        "rows of {d} features"
    );
    assert!(rows.weights.is_empty() || rows.weights.len() == labels.len(), "a weight for each row");
    if let Some(tally) = &tally {
        assert!(
            tally.stride == stride::<T>(d) && tally.sums.len() == k * tally.stride,
            "sums of {k} centroids"
        );
    }
    let tile = &mut scratch.tile;
    match scratch.isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has been asked for AVX-512, and the sizes have just been checked.
        Isa::Avx512 => unsafe { avx512(rows, centroids, tile, labels, scores, tally) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has been asked for AVX2 and FMA, and the sizes have just been checked.
        Isa::Avx2 => unsafe { avx2(rows, centroids, tile, labels, scores, tally) },
        // SAFETY: arrays need no instruction set, and the sizes have just been checked.
        _ => unsafe {
            tile::assign::<<T as Lanes>::Portable, 4>(rows, centroids, tile, labels, scores, tally)
        },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl")]
unsafe fn avx512<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    tile: &mut Tile<T>,
    labels: &mut [u32],
    scores: &mut [T],
    tally: Option<&mut Tally>,
) -> f64 {
    // SAFETY: the caller checked the sizes, this function's features are those that the vectors need.
    unsafe { tile::assign::<<T as Lanes>::Avx, 8>(rows, centroids, tile, labels, scores, tally) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    tile: &mut Tile<T>,
    labels: &mut [u32],
    scores: &mut [T],
    tally: Option<&mut Tally>,
) -> f64 {
    // SAFETY: the caller checked the sizes, this function's features are those that the vectors need.
    unsafe { tile::assign::<<T as Lanes>::Avx, 3>(rows, centroids, tile, labels, scores, tally) }
}

#[cfg(test)]
mod tests {
    use super::super::assign_reference;
    use super::*;
    use crate::rng::{Purpose, stream, uniform};

    struct Case<T> {
        x: Vec<T>,
        weights: Vec<f64>,
        centered: Vec<f64>,
        shift: Vec<T>,
        d: usize,
    }

    fn case<T: Real>(n: usize, k: usize, d: usize, weighted: bool) -> Case<T> {
        let mut rng = stream((n * 1000 + k) as u64, Purpose::Noise, d as u64);
        let mut draw = |scale: f64| scale * (uniform(&mut rng) - 0.5);
        let x = (0..n * d).map(|_| T::from_f64(draw(4.0) + 100.0)).collect();
        let weights = (0..if weighted { n } else { 0 }).map(|_| draw(1.0).abs()).collect();
        let mut centered: Vec<f64> = (0..k * d).map(|_| draw(4.0)).collect();
        // Two equal centroids: the lower one must win every tie.
        if k > 5 {
            centered.copy_within(d..2 * d, 5 * d);
        }
        let shift = (0..d).map(|_| T::from_f64(100.0 + draw(0.1))).collect();
        Case { x, weights, centered, shift, d }
    }

    fn check<T: Real>(case: &Case<T>) {
        let n = case.x.len() / case.d;
        let rows = Rows { x: &case.x, weights: &case.weights, n_features: case.d };
        let centroids = Centroids::new(&case.centered, &case.shift);
        let mut expected_labels = vec![0; n];
        let mut expected_tally = Tally::new::<T>(centroids.k, case.d);
        let expected = assign_reference(&rows, &centroids, &mut expected_labels, Some(&mut expected_tally));
        for isa in Isa::available() {
            let mut labels = vec![u32::MAX; n];
            let mut tally = Tally::new::<T>(centroids.k, case.d);
            let mut scratch = Scratch::new(case.d, isa);
            let score = assign(&rows, &centroids, &mut scratch, &mut labels, Some(&mut tally));
            assert_eq!(labels, expected_labels, "{isa:?}");
            let mut scores = vec![T::ZERO; n];
            let total = assign_scored(&rows, &centroids, &mut scratch, &mut labels, &mut scores);
            assert_eq!(labels, expected_labels, "{isa:?}");
            let sum = scores.iter().enumerate().fold(0.0, |sum, (i, s)| sum + rows.weight(i) * s.to_f64());
            assert_eq!((sum.to_bits(), total.to_bits()), (expected.to_bits(), expected.to_bits()), "{isa:?}");
            assert_eq!(score.to_bits(), expected.to_bits(), "{isa:?}");
            assert_eq!(tally, expected_tally, "{isa:?}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_references_bits() {
        for (n, k, d) in
            [(1, 1, 1), (7, 3, 2), (63, 12, 20), (65, 13, 3), (200, 100, 20), (130, 37, 301), (64, 9, 8)]
        {
            for weighted in [false, true] {
                check(&case::<f64>(n, k, d, weighted));
                check(&case::<f32>(n, k, d, weighted));
            }
        }
    }

    #[test]
    fn scores_that_overflow_still_give_labels_in_range() {
        let rows = Rows { x: &[1e300, 1e300], weights: &[], n_features: 1 };
        let centroids = Centroids::new(&[1e300, -1e300], &[0.0]);
        for isa in Isa::available() {
            let mut labels = [9; 2];
            assign(&rows, &centroids, &mut Scratch::new(1, isa), &mut labels, None);
            assert!(labels.iter().all(|&label| label < 2), "{isa:?}");
        }
    }
}
