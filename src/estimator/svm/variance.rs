//! The variance that gamma = "scale" is made of.

use super::rows::table_row;
use crate::data::Table;

/// Most numbers that are added one after the other.
const BLOCK: usize = 128;
/// Sums side by side in a block.
const LANES: usize = 8;

/// The variance of all values of the given rows taken together, with NumPy's order of sums.
///
/// gamma decides every kernel value, and the last digit of it now and then the path of the solver: so sums are made
/// in halves down to blocks, and in a block in 8 lanes, which gives the bits of `X.var()`.
pub(super) fn variance(table: &Table, rows: &[usize]) -> f64 {
    let mut values: Vec<f64> = rows.iter().flat_map(|&row| table_row(table, row)).copied().collect();
    let count = values.len() as f64;
    let mean = pairwise(&values) / count;
    for v in &mut values {
        *v = (*v - mean) * (*v - mean);
    }
    pairwise(&values) / count
}

fn pairwise(values: &[f64]) -> f64 {
    let n = values.len();
    if n < LANES {
        return values.iter().fold(0.0, |sum, v| sum + v);
    }
    if n > BLOCK {
        let (first, second) = values.split_at(n / 2 / LANES * LANES);
        return pairwise(first) + pairwise(second);
    }
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut r = chunks[0];
    for chunk in &chunks[1..] {
        for (r, v) in r.iter_mut().zip(chunk) {
            *r += v;
        }
    }
    let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    rest.iter().fold(sum, |sum, v| sum + v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream, uniform};

    #[test]
    fn sums_are_numpys() {
        // numpy.add.reduce of the same numbers, NumPy 2.4.6.
        let sums = [
            (5, 0x4011249249249249),
            (8, 0x4034000000000000),
            (77, 0x40b1f56db6db6db7),
            (1000, 0x40f1b9f492492492),
            (3333, 0x410d3265b6db6db6),
        ];
        for (n, bits) in sums {
            let values: Vec<f64> = (0..n).map(|i| ((i * i) % 1009) as f64 / 7.0).collect();
            assert_eq!(pairwise(&values).to_bits(), bits, "{n}");
        }
        let mut rng = stream(3, Purpose::Noise, 0);
        let x = ndarray::Array2::from_shape_fn((300, 7), |_| uniform(&mut rng) * 3.0 + 1.0);
        let (n, mean) = (x.len() as f64, x.mean().unwrap_or(0.0));
        let plain = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let table =
            Table { x, y: vec![0.0; 300], weights: Vec::new(), class_names: None, origin: "test".into() };
        let rows: Vec<usize> = (0..300).collect();
        assert!((variance(&table, &rows) - plain).abs() < 1e-13 * plain);
    }
}
