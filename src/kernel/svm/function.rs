//! The kernel functions of support vector machines.

use super::exp::{exp, tanh};
use super::single_exp::single_exp;

/// A kernel k(x, z) of two rows, under scikit-learn's names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KernelFunction {
    /// x·z
    Linear,
    /// (gamma x·z + coef0)^degree
    Poly {
        /// Factor of the dot product.
        gamma: f64,
        /// What is added to it.
        coef0: f64,
        /// The power.
        degree: u32,
    },
    /// exp(−gamma |x − z|²)
    Rbf {
        /// Factor of the squared distance.
        gamma: f64,
    },
    /// tanh(gamma x·z + coef0)
    Sigmoid {
        /// Factor of the dot product.
        gamma: f64,
        /// What is added to it.
        coef0: f64,
    },
}

impl KernelFunction {
    /// Kernel values from dot products `dots` of one row, whose squared norm is `own`, with rows of squared norms `norms`.
    #[inline(always)]
    pub(super) fn of_dots<const W: usize>(self, dots: [f64; W], own: f64, norms: &[f64; W]) -> [f64; W] {
        match self {
            Self::Rbf { gamma } => {
                let mut exponent = [0.0; W];
                for l in 0..W {
                    exponent[l] = -gamma * ((own + norms[l]) - 2.0 * dots[l]);
                }
                exp(exponent)
            }
            _ => self.of_products(dots),
        }
    }

    /// The same rounded to single precision.
    #[inline(always)]
    pub(super) fn single_of_dots<const W: usize>(
        self,
        dots: [f64; W],
        own: f64,
        norms: &[f64; W],
    ) -> [f32; W] {
        if let Self::Rbf { gamma } = self {
            let mut squares = [0.0; W];
            for l in 0..W {
                squares[l] = (own + norms[l]) - 2.0 * dots[l];
            }
            return single_exp(gamma, squares);
        }
        let values = self.of_products(dots);
        let mut single = [0.0; W];
        for l in 0..W {
            single[l] = values[l] as f32;
        }
        single
    }

    /// Kernel values of the kernels that are functions of the dot product alone.
    #[inline(always)]
    pub(super) fn of_products<const W: usize>(self, dots: [f64; W]) -> [f64; W] {
        // Loops, not `map`: that may be compiled apart, without the caller's instruction set.
        let mut out = dots;
        match self {
            Self::Linear | Self::Rbf { .. } => {}
            Self::Poly { gamma, coef0, degree } => {
                for v in &mut out {
                    *v = gamma * *v + coef0;
                }
                out = power(out, degree);
            }
            Self::Sigmoid { gamma, coef0 } => {
                for v in &mut out {
                    *v = gamma * *v + coef0;
                }
                out = tanh(out);
            }
        }
        out
    }

    /// Whether every matrix of kernel values is positive semidefinite.
    pub fn is_positive(self) -> bool {
        match self {
            Self::Linear => true,
            Self::Poly { gamma, coef0, .. } => gamma >= 0.0 && coef0 >= 0.0,
            Self::Rbf { gamma } => gamma >= 0.0,
            Self::Sigmoid { .. } => false,
        }
    }

    /// c(x) of a row with squared norm `norm`, such that |k(x, z)| ≤ c(x) c(z) for any two rows; √k(x, x) for kernels
    /// that are [positive](Self::is_positive).
    pub fn size(self, norm: f64) -> f64 {
        match self {
            Self::Linear => norm.sqrt(),
            Self::Poly { gamma, coef0, degree } => {
                let [value] = power([gamma.abs() * norm + coef0.abs()], degree);
                value.sqrt()
            }
            Self::Rbf { .. } | Self::Sigmoid { .. } => 1.0,
        }
    }

    /// k(x, x) of a row with squared norm `norm`.
    ///
    /// Steps of the solver follow from it in double precision, where kernel values are rounded to single: sigmoid
    /// takes the library's tangent here, as libsvm does, whose last digit is closer than that of this crate.
    pub fn diagonal(self, norm: f64) -> f64 {
        if let Self::Sigmoid { gamma, coef0 } = self {
            return (gamma * norm + coef0).tanh();
        }
        let [value] = self.of_dots([norm], norm, &[norm]);
        value
    }
}

/// Each lane to a whole power by repeated squaring.
#[inline(always)]
fn power<const W: usize>(base: [f64; W], degree: u32) -> [f64; W] {
    let (mut square, mut result, mut left) = (base, [1.0; W], degree);
    loop {
        if left % 2 == 1 {
            for l in 0..W {
                result[l] *= square[l];
            }
        }
        left /= 2;
        if left == 0 {
            return result;
        }
        for v in &mut square {
            *v *= *v;
        }
    }
}
