//! Rows and centroids that tests of scores in fewer digits go through.

use crate::kernel::Real;
use crate::rng::{Purpose, stream, uniform};

/// Numbers of rows, centroids and features.
const SIZES: [(usize, usize, usize); 6] =
    [(1, 1, 1), (95, 3, 2), (97, 12, 20), (500, 37, 13), (300, 100, 20), (200, 9, 301)];

/// Units, and whether values are whole numbers of them.
const SCALES: [(f64, bool); 8] = [
    (1.0, false),
    (1.0, true),
    (1e-22, false),
    (1e-18, true),
    (1e18, false),
    (1e-160, false),
    (1e-310, false),
    (1e150, false),
];

/// Calls the one for each case that double, the other for each that single precision has room for: with the unit,
/// whether values are whole numbers of it, and the sizes.
pub(super) fn each(
    double: impl Fn(f64, bool, [usize; 3]) -> usize,
    single: impl Fn(f64, bool, [usize; 3]) -> usize,
) {
    for (n, k, d) in SIZES {
        for (scale, lattice) in SCALES {
            double(scale, lattice, [n, k, d]);
            if (1e-30..1e30).contains(&scale) {
                single(scale, lattice, [n, k, d]);
            }
        }
    }
}

/// Rows `(n, d)`, centroids `(k, d)` of which 1 and 5 are equal, and a shift; on a lattice many rows are as far from one
/// as from another.
pub(super) fn draw<T: Real>(scale: f64, lattice: bool, [n, k, d]: [usize; 3]) -> (Vec<T>, Vec<f64>, Vec<T>) {
    let mut rng = stream(n as u64, Purpose::Noise, (k * 1000 + d) as u64);
    let mut value = || {
        let value = 8.0 * (uniform(&mut rng) - 0.5);
        scale * if lattice { value.round() } else { value }
    };
    let x = (0..n * d).map(|_| T::from_f64(value())).collect();
    let mut centers: Vec<f64> = (0..k * d).map(|_| value()).collect();
    if k > 5 {
        centers.copy_within(d..2 * d, 5 * d);
    }
    let shift = (0..d).map(|_| T::from_f64(if lattice { 0.0 } else { 0.01 * value() })).collect();
    (x, centers, shift)
}
