//! Squared distances between rows and their centroids, formed from differences.

use super::Rows;
use crate::kernel::Isa;
use crate::kernel::Real;

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
    #[cfg(target_arch = "x86_64")]
    if isa.checked() != Isa::Portable {
        // SAFETY: the machine has been asked for AVX2.
        return unsafe { avx2(rows, shift, centered, labels, distances) };
    }
    body(rows, shift, centered, labels, distances);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Real>(
    rows: &Rows<'_, T>,
    shift: &[T],
    centered: &[f64],
    labels: &[u32],
    distances: &mut [f64],
) {
    body(rows, shift, centered, labels, distances);
}

#[inline(always)]
fn body<T: Real>(rows: &Rows<'_, T>, shift: &[T], centered: &[f64], labels: &[u32], distances: &mut [f64]) {
    let d = rows.n_features;
    for ((x, &label), distance) in rows.x.chunks_exact(d).zip(labels).zip(distances) {
        *distance = one(x, shift, &centered[label as usize * d..][..d]);
    }
}

/// Eight sums side by side; multiplication and addition stay unfused, so that any machine gives the same bits fast.
#[inline(always)]
fn one<T: Real>(x: &[T], shift: &[T], c: &[f64]) -> f64 {
    let (x, x_rest) = x.as_chunks::<8>();
    let (m, m_rest) = shift.as_chunks::<8>();
    let (c, c_rest) = c.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for ((x, m), c) in x.iter().zip(m).zip(c) {
        for l in 0..8 {
            let difference = x[l].to_f64() - m[l].to_f64() - c[l];
            sums[l] += difference * difference;
        }
    }
    for (((sum, x), m), c) in sums.iter_mut().zip(x_rest).zip(m_rest).zip(c_rest) {
        let difference = x.to_f64() - m.to_f64() - c;
        *sum += difference * difference;
    }
    let quarters: [f64; 4] = std::array::from_fn(|l| sums[l] + sums[l + 4]);
    (quarters[0] + quarters[2]) + (quarters[1] + quarters[3])
}

#[cfg(test)]
mod tests {
    use super::super::squared_distance_reference;
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_references_bits() {
        for d in [1, 3, 8, 13, 20, 301] {
            let x: Vec<f32> = (0..5 * d).map(|i| (i as f32 * 0.7).sin() * 30.0).collect();
            let shift: Vec<f32> = (0..d).map(|i| (i as f32).cos()).collect();
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
    }
}
