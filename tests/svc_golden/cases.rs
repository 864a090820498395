//! Golden files about SVC, and searches on their data.

use std::sync::Arc;

use ndarray::Array2;
use rankfit::data::Table;
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::svm::{Svc, SvcParams, SvcSearch};
use rankfit::metrics::Scorer;
use rankfit::model_selection::{FitOutcome, Split};
use serde_json::Value;

use crate::golden::{path, table};

/// The data set of the tutorial.
/// The golden file called `name`.
pub(crate) fn read(name: &str) -> Value {
    crate::golden::read(&format!("svc/{name}.json"))
}

pub(crate) fn tutorial() -> Table {
    let file = hdf5::File::open(path("classification.h5")).expect("the tutorial's data");
    let x: Array2<f64> = file.dataset("X").and_then(|d| d.read_2d()).expect("X");
    let y: Vec<i64> = file.dataset("y").and_then(|d| d.read_raw()).expect("y");
    table(x, y.into_iter().map(|v| v as f64).collect())
}

pub(crate) fn splits(folds: &[usize]) -> Vec<Split> {
    let n_folds = folds.iter().max().map_or(0, |f| f + 1);
    let rows = |keep: &dyn Fn(usize) -> bool| (0..folds.len()).filter(|&r| keep(folds[r])).collect();
    (0..n_folds).map(|i| Split { train: rows(&|f| f != i), test: rows(&|f| f == i) }).collect()
}

pub(crate) fn svc(params: &Value) -> Svc {
    serde_json::from_value::<SvcParams>(params.clone())
        .expect("parameters")
        .validate()
        .expect("valid parameters")
}

/// The share of rows, by their weights, that are predicted as what they are.
pub(crate) fn accuracy() -> RowScores {
    RowScores::new(vec![Scorer::Accuracy], None)
}

/// A search with accuracy as its score.
pub(crate) fn search(table: Table, grid: &Value, budget_bytes: usize) -> SvcSearch {
    let candidates = grid.as_array().expect("a grid").iter().map(|c| svc(&c["params"])).collect();
    SvcSearch::new(Arc::new(table), candidates, accuracy(), false, budget_bytes)
}

/// Checks every fold's score to be scikit-learn's.
pub(crate) fn assert_scores(outcomes: &[FitOutcome], grid: &Value, n_folds: usize) {
    assert_eq!(outcomes.len(), grid.as_array().expect("a grid").len() * n_folds);
    let mut wrong = Vec::new();
    for o in outcomes {
        let candidate = &grid[o.id.candidate];
        let expected = candidate["scores"][o.id.fold].as_f64().expect("a score");
        if o.test_scores != [expected] {
            wrong.push(format!(
                "{} fold {}: {} for {expected}",
                candidate["params"], o.id.fold, o.test_scores[0]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
}
