//! Whether a model has every row on its class's side: without a penalty the loss then has no minimum.

use serde::{Deserialize, Serialize};

use super::model::LinearModel;
use super::objective::{Coded, Coding};
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::Real;

/// Whether `model` gives every row that weighs something to its own class, none of them on a border.
///
/// # Collective
/// One pass; a partial is one byte.
///
/// # Errors
/// What the pass meets.
pub(super) fn separates<T: Real>(
    engine: &mut PassEngine<'_, T>,
    model: &LinearModel,
    coding: &Coding,
) -> Result<bool> {
    let OnTheirSides(all) = engine.run_once(&Sides { model, coding })?;
    Ok(all)
}

struct Sides<'a> {
    model: &'a LinearModel,
    coding: &'a Coding,
}

#[derive(Serialize, Deserialize)]
struct OnTheirSides(bool);

impl Partial for OnTheirSides {
    fn merge(&mut self, right: Self) {
        self.0 &= right.0;
    }
}

impl<T: Real> Pass<T> for Sides<'_> {
    type Partial = OnTheirSides;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<OnTheirSides> {
        let Coded { y, weights, .. } = self.coding.apply(block);
        let eta = self.model.decision_function(block)?;
        let of_rows = eta.chunks_exact(self.model.intercept.len()).zip(&y).zip(&weights);
        let on =
            |((eta, y), weight): ((&[f64], &f64), &f64)| *weight == 0.0 || margin(eta, *y as usize) > 0.0;
        Ok(OnTheirSides(of_rows.into_iter().all(on)))
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        (2 * n_features * self.model.intercept.len()) as f64
    }
}

/// How far the predictor of a row's class is above the others'.
fn margin(eta: &[f64], class: usize) -> f64 {
    match eta {
        [eta] if class == 1 => *eta,
        [eta] => -eta,
        _ => {
            let others = eta.iter().enumerate().filter(|(k, _)| *k != class).map(|(_, eta)| *eta);
            eta[class] - others.fold(f64::NEG_INFINITY, f64::max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_of_the_rows_own_class() {
        assert_eq!((margin(&[2.0], 1), margin(&[2.0], 0)), (2.0, -2.0));
        assert_eq!((margin(&[1.0, 4.0, 2.0], 1), margin(&[1.0, 4.0, 2.0], 2)), (2.0, -2.0));
    }
}
