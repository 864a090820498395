//! Scores of searches equal scikit-learn's on every fold.

use std::sync::Arc;

use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::svm::SvcSearch;
use rankfit::metrics::Scorer;
use serde_json::json;

use crate::cases::{assert_scores, read, search, splits, svc, tutorial};
use crate::golden::{matrix, table, vector};
use crate::run_chains::run_chains;

const BUDGET: usize = 1 << 30;

fn folds(value: &serde_json::Value) -> Vec<usize> {
    vector(value).into_iter().map(|f| f as usize).collect()
}

fn stored(name: &str, budget: usize) {
    let golden = read(name);
    let splits = splits(&folds(&golden["folds"]));
    let search = search(table(matrix(&golden["X"]), vector(&golden["y"])), &golden["grid"], budget);
    assert_scores(&run_chains(&search, &splits), &golden["grid"], splits.len());
}

#[test]
fn tutorial_grid() {
    let golden = read("tutorial");
    let (starts, values) = (folds(&golden["fold_starts"]), folds(&golden["fold_values"]));
    let data = tutorial();
    let mut fold = vec![0; data.y.len()];
    for (&start, &value) in starts.iter().zip(&values) {
        fold[start..].fill(value);
    }
    let splits = splits(&fold);
    let search = search(data, &golden["grid"], BUDGET);
    let outcomes = run_chains(&search, &splits);
    assert_scores(&outcomes, &golden["grid"], splits.len());
    let means: Vec<f64> =
        outcomes.chunks(5).map(|c| c.iter().map(|o| o.test_scores[0]).sum::<f64>() / 5.0).collect();
    for (mean, expected) in means.iter().zip([0.8324, 0.8876, 0.9054, 0.9088, 0.9115, 0.9119]) {
        assert!((mean - expected).abs() < 1e-12, "{mean} for {expected}");
    }
    assert!(outcomes.iter().all(|o| o.converged));
}

#[test]
fn four_kernels_with_and_without_shrinking() {
    stored("grid", BUDGET);
}

#[test]
fn scores_do_not_depend_on_the_memory_for_kernel_rows() {
    stored("grid", 50_000);
}

#[test]
fn five_classes_and_shared_products() {
    stored("wide", BUDGET);
}

#[test]
fn five_classes_without_shared_products() {
    stored("wide", 100_000);
}

/// scikit-learn 1.9.1: `roc_auc_score(y[test], SVC(**params).fit(X[train], y[train]).decision_function(X[test]))`.
#[test]
fn areas_are_taken_from_decision_values() {
    let golden = read("grid");
    let params = [json!({"C": 1.0, "gamma": 0.5}), json!({"C": 10.0, "kernel": "poly", "gamma": "auto"})];
    let expected = [
        [0.8997507122507122, 0.8659188034188035, 0.9253917378917379, 0.8610567514677103],
        [0.853454415954416, 0.7683404558404557, 0.8552350427350427, 0.8201387653442448],
    ];
    let search = SvcSearch::new(
        Arc::new(table(matrix(&golden["X"]), vector(&golden["y"]))),
        params.iter().map(svc).collect(),
        RowScores::new(vec![Scorer::RocAuc], None),
        false,
        BUDGET,
    );
    for outcome in run_chains(&search, &splits(&folds(&golden["folds"]))) {
        let expected = expected[outcome.id.candidate][outcome.id.fold];
        assert!((outcome.test_scores[0] - expected).abs() < 1e-12, "{outcome:?} for {expected}");
    }
}
