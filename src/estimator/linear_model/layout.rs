//! How parameters stand in a vector, with and without intercepts.

use super::solver::Evaluation;
use crate::kernel::glm::Order;

/// Output by output: `n_features` coefficients and, when fitted, the intercept behind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) n_features: usize,
    pub(super) fit_intercept: bool,
}

impl Layout {
    /// Parameters of one output.
    pub(super) fn stride(self) -> usize {
        self.n_features + usize::from(self.fit_intercept)
    }

    /// Whether parameter `p` is a coefficient.
    pub(super) fn is_coef(self, p: usize) -> bool {
        p % self.stride() < self.n_features
    }

    /// `value` for each of `n_params` that is a coefficient, 0 for intercepts.
    pub(super) fn on_coef(self, n_params: usize, value: f64) -> Vec<f64> {
        (0..n_params).map(|p| if self.is_coef(p) { value } else { 0.0 }).collect()
    }

    /// Parameters with an intercept for each output, 0 when it is not fitted.
    pub(super) fn expand(self, params: &[f64]) -> Vec<f64> {
        if self.fit_intercept {
            return params.to_vec();
        }
        params.chunks_exact(self.n_features).flat_map(|c| c.iter().copied().chain([0.0])).collect()
    }

    /// Sums over expanded parameters as an evaluation at the fitted ones, times `scale`.
    pub(super) fn reduce(
        self,
        loss: f64,
        gradient: &[f64],
        hessian: &[f64],
        scale: f64,
        order: Order,
    ) -> Evaluation {
        let n = gradient.len();
        let fitted: Vec<usize> =
            (0..n).filter(|p| self.fit_intercept || p % (self.n_features + 1) < self.n_features).collect();
        let mut reduced = Evaluation { value: scale * loss, ..Evaluation::default() };
        if order >= Order::Gradient {
            reduced.gradient = fitted.iter().map(|&p| scale * gradient[p]).collect();
        }
        if order >= Order::Sampled {
            let pairs = fitted.iter().flat_map(|&i| fitted.iter().map(move |&j| i * n + j));
            reduced.hessian = pairs.map(|p| scale * hessian[p]).collect();
        }
        reduced
    }
}
