//! The rows of a fit, packed for their metric.

use std::borrow::Cow;

use crate::kernel::neighbors::Metric;
use crate::kernel::svm::Panels;

/// Rows among which the nearest are looked for.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) metric: Metric,
    pub(super) n_features: usize,
    pub(super) panels: Panels,
}

impl Packed {
    /// Packs the rows `x` `(n_rows, n_features)`.
    pub(super) fn new(metric: Metric, x: &[f64], n_features: usize) -> Self {
        let panels = match metric {
            Metric::Cosine => {
                let x = directions(x, n_features, Side::Packed);
                Panels::new(x.chunks_exact(n_features + 2), n_features + 2)
            }
            _ => Panels::new(x.chunks_exact(n_features.max(1)), n_features),
        };
        Self { metric, n_features, panels }
    }

    /// Rows `x` `(n_rows, n_features)` as they meet the packed ones, `(n_rows, panels.n_features)`.
    pub(super) fn asked<'a>(&self, x: &'a [f64]) -> Cow<'a, [f64]> {
        match self.metric {
            Metric::Cosine => directions(x, self.n_features, Side::Asked).into(),
            _ => x.into(),
        }
    }
}

/// Which of two rows that meet.
#[derive(Clone, Copy)]
enum Side {
    Packed,
    Asked,
}

/// Rows of length 1, with two more features: one for each side's rows of zeros, which have no direction and so are as far
/// from each row as one at a right angle, as in scikit-learn.
fn directions(x: &[f64], n_features: usize, side: Side) -> Vec<f64> {
    let own = match side {
        Side::Packed => n_features,
        Side::Asked => n_features + 1,
    };
    let mut out = Vec::with_capacity(x.len() / n_features.max(1) * (n_features + 2));
    for row in x.chunks_exact(n_features.max(1)) {
        let begin = out.len();
        // The squares of what is divided by the greatest do not leave the range of a double.
        let greatest = row.iter().fold(0.0, |greatest: f64, v| greatest.max(v.abs()));
        if greatest > 0.0 {
            out.extend(row.iter().map(|v| v / greatest));
            let length = out[begin..].iter().fold(0.0, |sum: f64, v| v.mul_add(*v, sum)).sqrt();
            out[begin..].iter_mut().for_each(|v| *v /= length);
        }
        out.resize(begin + n_features + 2, 0.0);
        if greatest == 0.0 {
            out[begin + own] = 1.0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::neighbors::nearest::nearest;

    #[test]
    fn rows_without_a_direction_are_at_right_angles_to_all() {
        let packed = Packed::new(Metric::Cosine, &[3.0, 4.0, 0.0, 0.0, -6e200, -8e200], 2);
        let mut seen = Vec::new();
        let found = nearest(&packed, &[0.0, 0.0, 0.75, 1.0], 3, |_, found| seen.push(found.to_vec()));
        found.expect("nobody interrupts");
        assert_eq!(seen[0], [(1.0, 0), (1.0, 1), (1.0, 2)]);
        assert_eq!(seen[1], [(0.0, 0), (1.0, 1), (2.0, 2)]);
    }
}
