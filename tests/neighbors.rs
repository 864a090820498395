//! Nearest neighbours are scikit-learn's, alone and in searches.

mod golden;
mod run_chains;

use std::sync::Arc;

use golden::{matrix, read, table, vector};
use ndarray::Array2;
use rankfit::Error;
use rankfit::data::Table;
use rankfit::error::ExitCode;
use rankfit::estimator::neighbors::{KNeighborsModel, KNeighborsParams, KNeighborsSearch, NeighborsKind};
use rankfit::estimator::plain::PlainModel;
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{FitOutcome, Searchable, Split};
use rankfit::metrics::Scorer;
use run_chains::run_chains;
use serde_json::{Value, json};

fn params(kind: NeighborsKind, given: &Value) -> KNeighborsParams {
    let params: KNeighborsParams = serde_json::from_value(given.clone()).expect("parameters");
    KNeighborsParams { kind, ..params }
}

fn fit(kind: NeighborsKind, given: &Value, table: &Table) -> KNeighborsModel {
    let all: Vec<usize> = (0..table.y.len()).collect();
    let fitted = params(kind, given).validate().expect("valid").fit(table, &all).expect("a fit");
    let copy = KNeighborsModel::import(&fitted.export()).expect("a model read back");
    assert_eq!(copy.export(), fitted.export());
    copy
}

/// Sums of at most 150 terms in another order.
fn near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{what}: {a} for {b}");
    }
}

/// The rows of `neighbors.json` with the fits of `name`.
fn check_fits(name: &str) {
    let golden = read("neighbors.json");
    let unit = golden["unit"].as_f64().expect("a number");
    let (x, q) = (matrix(&golden["X"]) / unit, matrix(&golden["Q"]) / unit);
    let classes = table(x.clone(), vector(&golden["y"]));
    let numbers = table(x, vector(&golden["number"]));
    for expected in read(name)["fits"].as_array().expect("fits") {
        let what = expected["params"].to_string();
        let model = fit(NeighborsKind::KNeighborsClassifier, &expected["params"], &classes);
        let proba = model.predict_proba(q.view()).expect("predictions").expect("probabilities");
        near(proba.as_slice().expect("rows"), matrix(&expected["proba"]).as_slice().expect("rows"), &what);
        assert_eq!(model.predict(q.view()).expect("predictions"), vector(&expected["predict"]), "{what}");
        let (distances, places) = model.kneighbors(q.view()).expect("neighbours");
        let (d, p) = (matrix(&expected["distances"]), matrix(&expected["places"]));
        for i in 0..d.nrows() {
            for j in 0..d.ncols() {
                // scikit-learn's Euclidean distances are differences of squares.
                assert!((distances[[i, j]] - d[[i, j]]).abs() < 1e-7, "{what}");
                assert_eq!(f64::from(places[[i, j]]), p[[i, j]], "{what}");
            }
        }
        let model = fit(NeighborsKind::KNeighborsRegressor, &expected["params"], &numbers);
        assert!(model.predict_proba(q.view()).expect("predictions").is_none());
        near(&model.predict(q.view()).expect("predictions"), &vector(&expected["number"]), &what);
    }
}

#[test]
fn predictions_are_scikit_learns() {
    check_fits("neighbors.json");
}

#[test]
fn predictions_by_other_metrics_are_scikit_learns() {
    check_fits("neighbors_metrics.json");
}

#[test]
fn searches_over_metrics_score_as_scikit_learns() {
    let (golden, grid) = (read("neighbors.json"), &read("neighbors_metrics.json")["grid"]);
    let (x, unit) = (matrix(&golden["X"]), golden["unit"].as_f64().expect("a number"));
    for (kind, y, scorer, key) in [
        (NeighborsKind::KNeighborsClassifier, "y", Scorer::Accuracy, "accuracy"),
        (NeighborsKind::KNeighborsRegressor, "number", Scorer::R2, "r2"),
    ] {
        let data = table(x.clone() / unit, vector(&golden[y]));
        let search = search(kind, data, &grid["params"], scorer, false);
        let folds = &golden["grid"][if y == "y" { "folds" } else { "number_folds" }];
        let outcomes = run_chains(&search, &splits(&vector(folds)));
        near(&means(&outcomes, |o| o.test_scores[0]), &vector(&grid[key]), key);
    }
}

fn splits(folds: &[f64]) -> Vec<Split> {
    let keep = |of: &dyn Fn(f64) -> bool| (0..folds.len()).filter(|&row| of(folds[row])).collect();
    (0..5)
        .map(|i| Split { train: keep(&|f| f != f64::from(i)), test: keep(&|f| f == f64::from(i)) })
        .collect()
}

fn search(kind: NeighborsKind, table: Table, grid: &Value, scorer: Scorer, train: bool) -> KNeighborsSearch {
    let candidates = grid.as_array().expect("a grid").iter();
    let candidates = candidates.map(|given| params(kind, given).validate().expect("valid")).collect();
    let scores = RowScores::new(vec![scorer], None);
    KNeighborsSearch::new(Arc::new(table), candidates, scores, train).expect("a search")
}

fn means(outcomes: &[FitOutcome], of: fn(&FitOutcome) -> f64) -> Vec<f64> {
    outcomes.chunks(5).map(|folds| folds.iter().map(of).sum::<f64>() / 5.0).collect()
}

#[test]
fn searches_score_as_scikit_learns() {
    let golden = read("neighbors.json");
    let unit = golden["unit"].as_f64().expect("a number");
    let (x, y, grid) = (matrix(&golden["X"]) / unit, vector(&golden["y"]), &golden["grid"]);
    let (classifier, regressor) = (NeighborsKind::KNeighborsClassifier, NeighborsKind::KNeighborsRegressor);
    let classes = search(classifier, table(x.clone(), y.clone()), &grid["params"], Scorer::Accuracy, true);
    let outcomes = run_chains(&classes, &splits(&vector(&grid["folds"])));
    near(&means(&outcomes, |o| o.test_scores[0]), &vector(&grid["accuracy"]), "accuracy");
    near(&means(&outcomes, |o| o.train_scores[0]), &vector(&grid["train_accuracy"]), "training accuracy");
    let shared = &classes.shared()[0];
    assert_eq!(shared.asked, 10 * shared.done, "10 candidates of a metric share its distances");

    let two: Vec<f64> = y.iter().map(|&y| f64::from(u8::from(y > 0.0))).collect();
    let binary = search(classifier, table(x.clone(), two), &grid["params"], Scorer::RocAuc, false);
    let outcomes = run_chains(&binary, &splits(&vector(&grid["binary_folds"])));
    near(&means(&outcomes, |o| o.test_scores[0]), &vector(&grid["roc_auc"]), "area");

    let error = Scorer::NegMeanSquaredError;
    let numbers = search(regressor, table(x, vector(&golden["number"])), &grid["params"], error, false);
    let outcomes = run_chains(&numbers, &splits(&vector(&grid["number_folds"])));
    near(&means(&outcomes, |o| o.test_scores[0]), &vector(&grid["neg_mean_squared_error"]), "error");
}

#[test]
fn a_searched_fit_equals_the_one_alone() {
    let golden = read("neighbors.json");
    let (x, y) = (matrix(&golden["X"]), vector(&golden["y"]));
    let grid = json!([{"n_neighbors": 9}, {"n_neighbors": 2}, {"n_neighbors": 9, "weights": "distance"}]);
    let kind = NeighborsKind::KNeighborsClassifier;
    // Every probability leaves its trace in it.
    let scorer = Scorer::NegLogLoss;
    let search = search(kind, table(x.clone(), y.clone()), &grid, scorer, false);
    let splits = splits(&(0..y.len()).map(|i| (i % 5) as f64).collect::<Vec<_>>());
    for outcome in run_chains(&search, &splits) {
        let split = &splits[outcome.id.fold];
        let alone = params(kind, &grid[outcome.id.candidate]).validate().expect("valid");
        let model = alone.fit(&table(x.clone(), y.clone()), &split.train).expect("a fit");
        let test = x.select(ndarray::Axis(0), &split.test);
        let y_test: Vec<f64> = split.test.iter().map(|&row| y[row]).collect();
        let proba = model.predict_proba(test.view()).expect("predictions").expect("probabilities");
        let loss = scorer.of_probabilities(&y_test, model.classes(), proba.as_slice().expect("rows"));
        assert_eq!(outcome.test_scores[0], loss.expect("a score"));
    }
    let refit = search.refit(0).expect("a model");
    assert_eq!(refit.estimator, "KNeighborsClassifier");
}

#[test]
fn of_equally_near_rows_the_earlier_counts() {
    let x = Array2::from_shape_vec((4, 1), vec![1.0, -1.0, 1.0, -1.0]).expect("rows");
    let data = table(x, vec![10.0, 20.0, 30.0, 40.0]);
    let kind = NeighborsKind::KNeighborsRegressor;
    let zero = Array2::zeros((1, 1));
    for (k, expected) in [(1, 10.0), (2, 15.0), (3, 20.0)] {
        let model = fit(kind, &json!({ "n_neighbors": k }), &data);
        assert_eq!(model.predict(zero.view()).expect("a number"), [expected]);
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let kind = NeighborsKind::KNeighborsClassifier;
    for (given, key) in [
        (json!({"n_neighbors": 0}), "n_neighbors"),
        (json!({"n_neighbors": -3}), "n_neighbors"),
        (json!({"leaf_size": 0}), "leaf_size"),
        (json!({"weights": "squared"}), "weights"),
        (json!({"algorithm": "fast"}), "algorithm"),
        (json!({"p": 0.5}), "p"),
        (json!({"p": 0, "metric": "euclidean"}), "p"),
        (json!({"metric": "haversine"}), "metric"),
        (json!({"metric": "cosine", "algorithm": "ball_tree"}), "algorithm"),
    ] {
        let error = params(kind, &given).validate().expect_err("an error");
        let Error::Job { key: named, .. } = &error else { panic!("{error}") };
        assert_eq!(named, &format!("estimator.{key}"));
        assert_eq!(error.exit_code(), ExitCode::Config);
    }
    let x = Array2::from_shape_vec((3, 1), vec![1.0, 2.0, 3.0]).expect("rows");
    let refused = |table: Table, given: Value, words: &str| {
        let rows: Vec<usize> = (0..3).collect();
        let error = params(kind, &given).validate().expect("valid").fit(&table, &rows).expect_err("an error");
        assert_eq!(error.exit_code(), ExitCode::Data);
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(table(x.clone(), vec![0.0, 1.0, 1.0]), json!({}), "at least 5 rows");
    refused(table(x.clone(), vec![0.0, 1.0]), json!({}), "targets of 3 rows");
    refused(table(x.clone(), vec![0.0, 1.5, 1.0]), json!({}), "row 1, column y");
    let weighted = Table { weights: vec![1.0; 3], ..table(x.clone(), vec![0.0, 1.0, 1.0]) };
    refused(weighted, json!({"n_neighbors": 1}), "no weights");
    let one = json!({"n_neighbors": 1});
    let model = fit(kind, &one, &table(x, vec![0.0, 1.0, 1.0]));
    assert!(model.predict(Array2::zeros((1, 2)).view()).is_err());
}
