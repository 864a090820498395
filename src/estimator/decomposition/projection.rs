//! Rows as coordinates along some axes.

use crate::kernel::{AffineMixture, Isa, Real};

/// Rows mapped at a time: as many as stay in the cache.
const TILE: usize = 128;

/// `(x − origin) · axes`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Projection {
    /// `(n_features,)`
    origin: Vec<f64>,
    /// `(n_features, n_components)`
    axes: Vec<f64>,
    n_components: usize,
}

impl Projection {
    /// Onto `components` `(n_components, n_features)`, coordinate `j` divided by `divisors[j]`.
    pub(super) fn new(origin: &[f64], components: &[f64], divisors: &[f64]) -> Self {
        let (d, k) = (origin.len(), divisors.len());
        let axes = (0..d * k).map(|p| components[p % k * d + p / k] / divisors[p % k]).collect();
        Self { origin: origin.to_vec(), axes, n_components: k }
    }

    /// Maps the rows `x` `(n_rows, n_features)` to `out` `(n_rows, n_components)`: 2 · d · k flops a row.
    pub(super) fn map<T: Real>(&self, x: &[T], out: &mut [T]) {
        let (d, k) = (self.origin.len(), self.n_components);
        let (mut centred, mut mapped) = (vec![0.0; TILE * d], vec![0.0; TILE * k]);
        let affine = AffineMixture {
            n_inputs: d,
            n_outputs: k,
            assignment: &[0; TILE],
            matrices: &self.axes,
            offsets: &vec![0.0; k],
        };
        let isa = Isa::best();
        for (x, out) in x.chunks(TILE * d).zip(out.chunks_mut(TILE * k)) {
            let centred = &mut centred[..x.len()];
            for (row, x) in centred.chunks_exact_mut(d).zip(x.chunks_exact(d)) {
                row.iter_mut().zip(x).zip(&self.origin).for_each(|((c, x), o)| *c = x.to_f64() - o);
            }
            let mapped = &mut mapped[..out.len()];
            affine.apply(isa, centred, d, mapped);
            out.iter_mut().zip(&*mapped).for_each(|(out, &v)| *out = T::from_f64(v));
        }
    }
}
