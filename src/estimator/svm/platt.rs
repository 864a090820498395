//! Class probabilities from decision values: Platt's sigmoid, and pairs of classes coupled.
//!
//! # References
//! Platt: Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers (2000).
//! Lin, Lin, Weng: A note on Platt's probabilistic outputs for support vector machines, Machine Learning 68 (2007).
//! Wu, Lin, Weng: Probability estimates for multi-class classification by pairwise coupling, JMLR 5 (2004), the second
//! approach.

/// The probability of the first of two classes is 1 / (1 + exp(a f + b)) for a decision value f.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sigmoid {
    pub(super) a: f64,
    pub(super) b: f64,
}

/// No probability of a pair is nearer to 0 or 1 than this.
const LEAST: f64 = 1e-7;

impl Sigmoid {
    /// Fits the sigmoid to decision values of rows that are of the first class or not.
    ///
    /// Minimises the cross-entropy against targets that allow for a mistake in each class, (n₊ + 1)/(n₊ + 2) and
    /// 1/(n₋ + 2), by Newton's method with backtracking, until both derivatives are below 1e-5.
    pub(super) fn fit(decisions: &[f64], first: &[bool]) -> Self {
        let n_first = first.iter().filter(|first| **first).count() as f64;
        let n_second = first.len() as f64 - n_first;
        let (high, low) = ((n_first + 1.0) / (n_first + 2.0), 1.0 / (n_second + 2.0));
        let rows: Vec<(f64, f64)> =
            decisions.iter().zip(first).map(|(&f, &first)| (f, if first { high } else { low })).collect();
        let mut at = Self { a: 0.0, b: ((n_second + 1.0) / (n_first + 1.0)).ln() };
        let mut value = at.entropy(&rows);
        for _ in 0..100 {
            let ([g_a, g_b], [h_aa, h_ab, h_bb]) = at.derivatives(&rows);
            if g_a.abs() < 1e-5 && g_b.abs() < 1e-5 {
                break;
            }
            let determinant = h_aa * h_bb - h_ab * h_ab;
            let d_a = -(h_bb * g_a - h_ab * g_b) / determinant;
            let d_b = -(h_aa * g_b - h_ab * g_a) / determinant;
            let slope = g_a * d_a + g_b * d_b;
            let mut step = 1.0;
            let next = loop {
                let next = Self { a: at.a + step * d_a, b: at.b + step * d_b };
                let reached = next.entropy(&rows);
                if reached < value + 1e-4 * step * slope {
                    break Some((next, reached));
                }
                step /= 2.0;
                if step < 1e-10 {
                    break None;
                }
            };
            let Some(next) = next else { break };
            (at, value) = next;
        }
        at
    }

    /// Σ −t log p − (1 − t) log(1 − p), without overflow.
    fn entropy(self, rows: &[(f64, f64)]) -> f64 {
        let of_row = |&(f, target): &(f64, f64)| {
            let z = f * self.a + self.b;
            if z >= 0.0 { target * z + (-z).exp().ln_1p() } else { (target - 1.0) * z + z.exp().ln_1p() }
        };
        rows.iter().map(of_row).sum()
    }

    /// First derivatives by a and b, and second ones by aa, ab and bb, the diagonal lifted a little.
    fn derivatives(self, rows: &[(f64, f64)]) -> ([f64; 2], [f64; 3]) {
        let (mut first, mut second) = ([0.0; 2], [1e-12, 0.0, 1e-12]);
        for &(f, target) in rows {
            let p = self.raw(f);
            let curvature = p * (1.0 - p);
            second[0] += f * f * curvature;
            second[1] += f * curvature;
            second[2] += curvature;
            first[0] += f * (target - p);
            first[1] += target - p;
        }
        (first, second)
    }

    fn raw(self, decision: f64) -> f64 {
        let z = decision * self.a + self.b;
        if z >= 0.0 { (-z).exp() / (1.0 + (-z).exp()) } else { 1.0 / (1.0 + z.exp()) }
    }

    /// The probability of the first class.
    pub(super) fn probability(self, decision: f64) -> f64 {
        self.raw(decision).clamp(LEAST, 1.0 - LEAST)
    }
}

/// Probabilities of the classes from those of the pairs' first classes, `(0, 1), (0, 2), …, (1, 2), …`, into `out`
/// `(n_classes,)`.
///
/// They minimise Σ_i Σ_{j≠i} (r_ji p_i − r_ij p_j)² among numbers that sum to 1, where r_ij is the probability of
/// class i in the pair, to 0.005 / n_classes. `room` is `(n_classes + 1) · n_classes` numbers of working memory.
pub(super) fn couple(pairs: &[f64], out: &mut [f64], room: &mut [f64]) {
    let k = out.len();
    let (q, product) = room.split_at_mut(k * k);
    q.fill(0.0);
    let mut pairs = pairs.iter();
    for i in 0..k {
        for j in i + 1..k {
            let r = pairs.next().copied().unwrap_or(0.5);
            q[i * k + i] += (1.0 - r) * (1.0 - r);
            q[j * k + j] += r * r;
            q[i * k + j] = -r * (1.0 - r);
            q[j * k + i] = q[i * k + j];
        }
    }
    out.fill(1.0 / k as f64);
    for _ in 0..k.max(100) {
        for (product, row) in product.iter_mut().zip(q.chunks_exact(k)) {
            *product = row.iter().zip(&*out).map(|(q, p)| q * p).sum();
        }
        let mut square: f64 = out.iter().zip(&*product).map(|(p, v)| p * v).sum();
        let error = product.iter().map(|v| (v - square).abs()).fold(0.0, f64::max);
        if error < 0.005 / k as f64 {
            return;
        }
        for t in 0..k {
            let row = &q[t * k..(t + 1) * k];
            let change = (square - product[t]) / row[t];
            out[t] += change;
            let shrink = 1.0 + change;
            square = (square + change * (change * row[t] + 2.0 * product[t])) / shrink / shrink;
            for j in 0..k {
                product[j] = (product[j] + change * row[j]) / shrink;
                out[j] /= shrink;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The optimum of 60 rows, by its derivatives taken from the definition.
    #[test]
    fn the_sigmoid_is_where_the_entropys_derivatives_vanish() {
        let decisions: Vec<f64> = (0..60).map(|i| ((i * 37 % 60) as f64 - 30.0) / 9.0).collect();
        let first: Vec<bool> =
            decisions.iter().enumerate().map(|(i, f)| f + (i % 7) as f64 / 3.0 > 1.0).collect();
        let Sigmoid { a, b } = Sigmoid::fit(&decisions, &first);
        let n = first.iter().filter(|f| **f).count() as f64;
        let (mut g_a, mut g_b) = (0.0, 0.0);
        for (f, first) in decisions.iter().zip(&first) {
            let target = if *first { (n + 1.0) / (n + 2.0) } else { 1.0 / (62.0 - n) };
            let p = 1.0 / (1.0 + (a * f + b).exp());
            (g_a, g_b) = (g_a + f * (target - p), g_b + target - p);
        }
        assert!(g_a.abs() < 1e-5 && g_b.abs() < 1e-5, "{g_a} {g_b}");
        assert!(a < 0.0, "larger values speak for the first class");
    }

    #[test]
    fn rows_that_are_apart_have_a_finite_sigmoid() {
        let decisions = [-1000.0, -900.0, 800.0, 1000.0];
        let sigmoid = Sigmoid::fit(&decisions, &[false, false, true, true]);
        assert!(sigmoid.a.is_finite() && sigmoid.b.is_finite());
        assert!(sigmoid.probability(1000.0) > 0.7 && sigmoid.probability(-1000.0) < 0.3);
        assert_eq!(sigmoid.probability(-1e300), LEAST);
    }

    /// Pairs that agree with one another are coupled to what they agree on.
    #[test]
    fn consistent_pairs_are_coupled_exactly() {
        let p = [0.5, 0.3, 0.15, 0.05];
        let mut pairs = Vec::new();
        for i in 0..4 {
            pairs.extend((i + 1..4).map(|j| p[i] / (p[i] + p[j])));
        }
        let (mut out, mut room) = ([0.0; 4], [0.0; 20]);
        couple(&pairs, &mut out, &mut room);
        assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (ours, expected) in out.iter().zip(p) {
            assert!((ours - expected).abs() < 0.02, "{out:?}");
        }
    }
}
