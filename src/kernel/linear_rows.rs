//! Products of a matrix of rows with vectors, rows padded to whole lanes.

use super::dispatch::dispatched;

/// Rows are padded with zeros to a multiple of this.
pub const LANES: usize = 8;

dispatched! {
    /// The product of every row of `x` `(n_rows, w.len())` with `w`, into `out` `(n_rows,)`.
    ///
    /// Eight sums side by side, folded by one tree: the same bits on every instruction set. 2 flops a value.
    pub fn dots(x: &[f64], w: &[f64], out: &mut [f64]) = dots_body
}

#[inline(always)]
fn dots_body(x: &[f64], w: &[f64], out: &mut [f64]) {
    assert!(w.len().is_multiple_of(LANES) && x.len() == w.len() * out.len());
    for (row, out) in x.chunks_exact(w.len().max(1)).zip(out) {
        let mut sums = [0.0f64; LANES];
        for (x, w) in row.as_chunks::<LANES>().0.iter().zip(w.as_chunks::<LANES>().0) {
            for l in 0..LANES {
                sums[l] = x[l].mul_add(w[l], sums[l]);
            }
        }
        *out = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }
}

dispatched! {
    /// Adds `factors[i]` times row i of `x` `(n_rows, sums.len())` to `sums`, row by row. Rows of factor 0 are passed
    /// over. 2 flops a value.
    pub fn add_rows(x: &[f64], factors: &[f64], sums: &mut [f64]) = add_rows_body
}

#[inline(always)]
fn add_rows_body(x: &[f64], factors: &[f64], sums: &mut [f64]) {
    let width = sums.len();
    assert!(width.is_multiple_of(LANES) && x.len() == width * factors.len());
    for (row, &factor) in x.chunks_exact(width.max(1)).zip(factors).filter(|(_, factor)| **factor != 0.0) {
        for (sum, x) in sums.as_chunks_mut::<LANES>().0.iter_mut().zip(row.as_chunks::<LANES>().0) {
            for l in 0..LANES {
                sum[l] = factor.mul_add(x[l], sum[l]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    #[test]
    fn every_instruction_set_gives_the_plain_sums() {
        for (n, width) in [(0, 8), (1, 8), (5, 16), (9, 40)] {
            let x: Vec<f64> = (0..n * width).map(|i| (i as f64 * 0.37).sin()).collect();
            let w: Vec<f64> = (0..width).map(|i| (i as f64 * 0.71).cos()).collect();
            let factors: Vec<f64> = (0..n).map(|i| (i % 3) as f64).collect();
            let mut sums = w.clone();
            for (row, f) in x.chunks_exact(width).zip(&factors) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum = f.mul_add(*x, *sum));
            }
            let mut first: Option<Vec<f64>> = None;
            for isa in Isa::available() {
                let mut out = vec![f64::NAN; n];
                dots(isa, &x, &w, &mut out);
                for (row, out) in x.chunks_exact(width).zip(&out) {
                    let plain: f64 = row.iter().zip(&w).map(|(x, w)| x * w).sum();
                    assert!((plain - out).abs() < 1e-14 * width as f64);
                }
                assert_eq!(first.get_or_insert_with(|| out.clone()), &out, "{isa:?}");
                let mut got = w.clone();
                add_rows(isa, &x, &factors, &mut got);
                assert_eq!(got, sums, "{isa:?}");
            }
        }
    }
}
