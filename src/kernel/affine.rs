//! Affine maps of rows, each row by the map of its component.

use super::Isa;

/// One affine map `z ↦ z · matrix + offset` a component.
pub struct AffineMixture<'a> {
    /// Numbers of a row that the maps take; a row may hold more.
    pub n_inputs: usize,
    /// Numbers of a row that they give.
    pub n_outputs: usize,
    /// The component of each row: `(n_rows,)`.
    pub assignment: &'a [u32],
    /// `(n_components, n_inputs, n_outputs)`.
    pub matrices: &'a [f64],
    /// `(n_components, n_outputs)`.
    pub offsets: &'a [f64],
}

impl AffineMixture<'_> {
    /// Maps the rows of `input`, `(n_rows, width)`, to those of `out`, `(n_rows, n_outputs)`.
    ///
    /// Outputs stand in the SIMD lanes; the terms of each are added in the order of inputs: the same bits on every
    /// instruction set. Costs 2 · `n_inputs` · `n_outputs` flops a row.
    ///
    /// # Panics
    /// When slices are shorter than the sizes say, or the machine does not have `isa`.
    pub fn apply(&self, isa: Isa, input: &[f64], width: usize, out: &mut [f64]) {
        assert!(isa.is_available(), "{isa:?} is not on this machine");
        match isa {
            // SAFETY: the machine has the instructions, as just checked.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512(self, input, width, out) },
            // SAFETY: the machine has the instructions, as just checked.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2(self, input, width, out) },
            _ => self.map_rows(input, width, out),
        }
    }

    #[inline(always)]
    fn map_rows(&self, input: &[f64], width: usize, out: &mut [f64]) {
        let (n, m) = (self.n_inputs, self.n_outputs);
        for ((row, out), &component) in
            input.chunks_exact(width).zip(out.chunks_exact_mut(m)).zip(self.assignment)
        {
            let component = component as usize;
            out.copy_from_slice(&self.offsets[component * m..][..m]);
            let matrix = &self.matrices[component * n * m..][..n * m];
            for (&z, line) in row[..n].iter().zip(matrix.chunks_exact(m)) {
                add_scaled(z, line, out);
            }
        }
    }
}

/// `out += z · line`, rounded once.
#[inline(always)]
fn add_scaled(z: f64, line: &[f64], out: &mut [f64]) {
    let (wide, tail) = out.as_chunks_mut::<4>();
    let (wide_line, tail_line) = line.as_chunks::<4>();
    for (out, line) in wide.iter_mut().zip(wide_line) {
        for k in 0..4 {
            out[k] = z.mul_add(line[k], out[k]);
        }
    }
    for (out, value) in tail.iter_mut().zip(tail_line) {
        *out = z.mul_add(*value, *out);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn avx512(mixture: &AffineMixture<'_>, input: &[f64], width: usize, out: &mut [f64]) {
    mixture.map_rows(input, width, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(mixture: &AffineMixture<'_>, input: &[f64], width: usize, out: &mut [f64]) {
    mixture.map_rows(input, width, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_plain_sum() {
        let numbers = |count: usize, by: f64| (0..count).map(|i| (i as f64 * by).sin()).collect::<Vec<_>>();
        for (n, m, width) in [(1, 1, 1), (2, 3, 2), (5, 4, 7), (3, 17, 4), (9, 33, 9)] {
            let assignment: Vec<u32> = (0..13).map(|i| i * 5 % 3).collect();
            let (input, matrices) = (numbers(13 * width, 0.7), numbers(3 * n * m, 1.3));
            let offsets = numbers(3 * m, 2.1);
            let mixture = AffineMixture {
                n_inputs: n,
                n_outputs: m,
                assignment: &assignment,
                matrices: &matrices,
                offsets: &offsets,
            };
            let mut expected = vec![0.0; 13 * m];
            for (i, out) in expected.iter_mut().enumerate() {
                let (row, j, c) = (i / m, i % m, assignment[i / m] as usize);
                *out = (0..n).fold(offsets[c * m + j], |sum, k| {
                    input[row * width + k].mul_add(matrices[(c * n + k) * m + j], sum)
                });
            }
            for isa in Isa::available() {
                let mut out = vec![0.0; 13 * m];
                mixture.apply(isa, &input, width, &mut out);
                assert_eq!(out, expected, "{isa:?} {n} to {m}");
            }
        }
    }
}
