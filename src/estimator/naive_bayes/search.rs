//! Naive Bayes in a search.

use ndarray::ArrayView2;
use serde_json::Value;

use super::{GaussianNbModel, GaussianNbParams};
use crate::data::Block;
use crate::error::Result;
use crate::estimator::Model;
use crate::estimator::fold_search::{FoldFit, FoldModel, FoldRows, Size};

impl FoldFit for GaussianNbParams {
    fn fit(&self, rows: &FoldRows) -> Result<Box<dyn FoldModel>> {
        Ok(Box::new(rows.with_engine(|engine| self.fit(engine))?))
    }

    fn written(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }

    fn cost(&self, size: Size) -> f64 {
        (2 * size.n_train + 4 * size.n_test) as f64 * size.n_features as f64
    }
}

impl FoldModel for GaussianNbModel {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        Self::predict(self, &block(x))
    }

    fn probabilities(&self, x: ArrayView2<'_, f64>) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
        Ok(Some((self.classes().to_vec(), self.predict_proba(&block(x))?)))
    }

    fn export(&self) -> Model {
        Self::export(self)
    }
}

fn block(x: ArrayView2<'_, f64>) -> Block<f64> {
    Block { n_rows: x.nrows(), n_features: x.ncols(), x: x.iter().copied().collect(), ..Block::default() }
}
