//! Class probabilities: scikit-learn's for given sigmoids, and sigmoids of scikit-learn's distribution.

use std::sync::Arc;

use ndarray::Axis;
use rankfit::data::Table;
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::svm::{SvcModel, SvcSearch};
use rankfit::estimator::{Array, Model, Values};
use rankfit::metrics::Scorer;
use serde_json::{Value, json};

use crate::cases::{read, splits, svc};
use crate::golden::{matrix, table, vector};
use crate::run_chains::run_chains;

/// scikit-learn's fitted model as one of ours.
fn imported(case: &Value) -> SvcModel {
    let array = |name: &str| {
        let value = &case[name];
        if value[0].is_array() {
            let values = matrix(value);
            return Array::new(
                [values.nrows(), values.ncols()],
                Values::F64(values.iter().copied().collect()),
            );
        }
        match value.as_f64() {
            Some(number) => Array::scalar(number),
            None => Array::vector(Values::F64(vector(value))),
        }
    };
    let names = [
        "classes_",
        "support_",
        "support_vectors_",
        "n_support_",
        "dual_coef_",
        "intercept_",
        "class_weight_",
        "n_iter_",
        "shape_fit_",
        "_gamma",
        "probA_",
        "probB_",
    ];
    let mut attributes: Vec<(String, Array)> = names.iter().map(|&name| (name.into(), array(name))).collect();
    attributes.push(("fit_status_".into(), Array::integer(0)));
    let mut params = case["params"].clone();
    params["probability"] = true.into();
    SvcModel::import(&Model { estimator: "SVC".into(), params, attributes }).expect("a model")
}

#[test]
fn probabilities_of_given_sigmoids_are_scikit_learns() {
    let golden = read("probabilities");
    let q = matrix(&golden["Q"]) / 1024.0;
    for case in golden["cases"].as_array().expect("cases") {
        let ours = imported(case).predict_proba(q.view()).expect("rows").expect("probabilities");
        let theirs = matrix(&case["proba"]);
        assert_eq!(ours.dim(), theirs.dim());
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() < 1e-9, "{}: {a} for {b}", case["params"]);
        }
    }
}

/// Five standard errors of the difference of the two means, σ·√(1/n + 1/m), are exceeded once in a million comparisons.
/// libsvm and we differ in the folds only, whose spread is the reference's.
#[test]
fn sigmoids_have_scikit_learns_distribution() {
    const N_SEEDS: u64 = 20;
    let golden = read("probabilities");
    let (x, n) = (matrix(&golden["X"]) / 1024.0, golden["n_seeds"].as_f64().expect("a number"));
    for case in golden["cases"].as_array().expect("cases") {
        let data = table(x.clone(), vector(&case["y"]));
        let mut sums: Vec<f64> = Vec::new();
        for seed in 0..N_SEEDS {
            let mut params = case["params"].clone();
            params["probability"] = true.into();
            params["random_state"] = seed.into();
            let (a, b) = svc(&params).fit(&data).expect("a fit").probabilities();
            sums.resize(2 * a.len(), 0.0);
            sums.iter_mut().zip(a.iter().chain(&b)).for_each(|(sum, v)| *sum += v);
        }
        let (mean, std) = (matrix(&case["mean"]), matrix(&case["std"]));
        let error = (1.0 / n + 1.0 / N_SEEDS as f64).sqrt();
        for ((sum, mean), std) in sums.iter().zip(&mean).zip(&std) {
            let ours = sum / N_SEEDS as f64;
            // The solvers' tolerance moves decision values by about 1e-3.
            assert!(
                (ours - mean).abs() < 5.0 * std * error + 2e-3,
                "{}: {ours} for {mean} ± {std}",
                case["params"]
            );
        }
    }
}

#[test]
fn probabilities_do_not_depend_on_the_memory_and_come_back_from_the_file() {
    let golden = read("probabilities");
    let case = &golden["cases"][2];
    let data = table(matrix(&golden["X"]) / 1024.0, vector(&case["y"]));
    let machine = svc(&json!({"probability": true, "C": 2.0, "gamma": 0.3}));
    let model = machine.fit(&data).expect("a fit");
    let (a, b) = model.probabilities();
    assert_eq!((a.len(), b.len()), (6, 6));
    assert_eq!(machine.fit_within(&data, 60_000).expect("a fit").probabilities(), (a, b));
    let again = SvcModel::import(&model.export()).expect("an exported model");
    let proba = again.predict_proba(data.x.view()).expect("rows").expect("probabilities");
    assert_eq!(Some(&proba), model.predict_proba(data.x.view()).expect("rows").as_ref());
    for row in proba.outer_iter() {
        assert!((row.sum() - 1.0).abs() < 1e-12 && row.iter().all(|p| (0.0..=1.0).contains(p)));
    }
    let without = svc(&json!({"C": 2.0, "gamma": 0.3})).fit(&data).expect("a fit");
    assert_eq!(without.dual_coef(), model.dual_coef());
    assert!(without.predict_proba(data.x.view()).expect("rows").is_none());
}

const SCORES: [Scorer; 3] = [Scorer::NegLogLoss, Scorer::RocAucOvr, Scorer::RocAucOvrWeighted];

/// The scores of probabilities of each of `params` on three folds, `[fold][score]` one candidate after the other.
fn searched(data: &Table, params: &[Value], budget_bytes: usize) -> Vec<Vec<f64>> {
    let folds: Vec<usize> = (0..data.y.len()).map(|row| row % 3).collect();
    let candidates = params.iter().map(svc).collect();
    let scores = RowScores::new(SCORES.to_vec(), None);
    let search = SvcSearch::new(Arc::new(data.clone()), candidates, scores, false, budget_bytes);
    run_chains(&search, &splits(&folds)).into_iter().map(|outcome| outcome.test_scores).collect()
}

fn with_seed(params: &Value, seed: u64) -> Value {
    let mut params = params.clone();
    params["probability"] = true.into();
    params["random_state"] = seed.into();
    params
}

/// Each fold fitted and calibrated by itself on a table of its own scores to the same bits, whatever is shared.
#[test]
fn a_search_calibrates_each_fold_as_a_fit_of_its_rows_does() {
    let golden = read("probabilities");
    let x = matrix(&golden["X"]) / 1024.0;
    for case in golden["cases"].as_array().expect("cases") {
        let data = table(x.clone(), vector(&case["y"]));
        let mut params: Vec<Value> = [3, 4].iter().map(|&seed| with_seed(&case["params"], seed)).collect();
        params.push(params[0].clone());
        params[2]["shrinking"] = false.into();
        let expected: Vec<Vec<f64>> = params
            .iter()
            .flat_map(|params| (0..3).map(move |fold| (params, fold)))
            .map(|(params, fold)| {
                let of = |test: bool| {
                    let rows: Vec<usize> =
                        (0..data.y.len()).filter(|row| (row % 3 == fold) == test).collect();
                    table(data.x.select(Axis(0), &rows), rows.iter().map(|&row| data.y[row]).collect())
                };
                let (train, test) = (of(false), of(true));
                let model = svc(params).fit(&train).expect("a fit");
                let proba = model.predict_proba(test.x.view()).expect("rows").expect("probabilities");
                let proba: Vec<f64> = proba.into_iter().collect();
                let score = |scorer: Scorer| {
                    scorer.of_probabilities(&test.y, model.classes(), &proba).expect("a score")
                };
                SCORES.map(score).to_vec()
            })
            .collect();
        assert_ne!(expected[..3], expected[3..6], "seeds do not matter");
        for budget_bytes in [1 << 30, 60_000] {
            assert_eq!(searched(&data, &params, budget_bytes), expected, "{}", case["params"]);
        }
    }
}

/// As [`sigmoids_have_scikit_learns_distribution`], for the scores of scikit-learn's `cross_validate`.
#[test]
fn scores_of_probabilities_have_scikit_learns_distribution() {
    const N_SEEDS: u64 = 20;
    let golden = read("probabilities");
    let (x, n) = (matrix(&golden["X"]) / 1024.0, golden["n_seeds"].as_f64().expect("a number"));
    for case in golden["cases"].as_array().expect("cases") {
        let data = table(x.clone(), vector(&case["y"]));
        let params: Vec<Value> = (0..N_SEEDS).map(|seed| with_seed(&case["params"], seed)).collect();
        let ours = searched(&data, &params, 1 << 30);
        for (s, scorer) in SCORES.iter().enumerate() {
            let theirs = &case["scores"][scorer.name()];
            let (mean, std) = (vector(&theirs["mean"]), vector(&theirs["std"]));
            for fold in 0..3 {
                let sum: f64 = ours.iter().skip(fold).step_by(3).map(|scores| scores[s]).sum();
                let ours = sum / N_SEEDS as f64;
                let error = std[fold] * (1.0 / n + 1.0 / N_SEEDS as f64).sqrt();
                assert!(
                    (ours - mean[fold]).abs() < 5.0 * error + 1e-3,
                    "{} {} fold {fold}: {ours} for {} ± {}",
                    case["params"],
                    scorer.name(),
                    mean[fold],
                    std[fold]
                );
            }
        }
    }
}
