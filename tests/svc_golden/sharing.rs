//! What fits share, and what the data or parameters must not be.

use rankfit::data::Table;
use rankfit::error::{Error, ExitCode};
use rankfit::estimator::svm::SvcParams;
use rankfit::model_selection::Searchable;
use serde_json::json;

use crate::golden::{matrix, read, run, search, splits, svc, table, vector};

fn small() -> Table {
    let golden = read("grid");
    table(matrix(&golden["X"]), vector(&golden["y"]))
}

#[test]
fn equal_candidates_are_fitted_once() {
    let grid = json!([
        {"params": {"kernel": "linear", "gamma": "auto", "C": 2.0}},
        {"params": {"kernel": "linear", "gamma": "scale", "C": 2.0}},
        {"params": {"kernel": "linear", "gamma": 3.0, "C": 0.5}},
        {"params": {"gamma": 0.5, "C": 2.0}},
        {"params": {"gamma": 0.5, "C": 2.0, "degree": 7, "cache_size": 1.0}},
        {"params": {"gamma": "scale", "C": 2.0}},
    ]);
    let folds: Vec<usize> = (0..600).map(|i| i % 3).collect();
    let (splits, search) = (splits(&folds), search(small(), &grid, 1 << 30));
    let chains = search.chains(&splits);
    let of = |chain: usize| chains[chain].fits.iter().map(|f| (f.fold, f.candidate)).collect::<Vec<_>>();
    assert_eq!(chains.len(), 12, "a chain for each kernel, fold and C");
    assert_eq!([of(0), of(1), of(2)], [vec![(0, 2)], vec![(0, 0), (0, 1)], vec![(1, 2)]], "C ascending");
    let outcomes = run(&search, &splits);
    let fitted: Vec<bool> = outcomes.chunks(3).map(|c| c.iter().all(|o| o.fit_seconds > 0.0)).collect();
    assert_eq!(fitted, [true, false, true, true, false, true]);
    for (a, b) in [(0, 1), (3, 4)] {
        for fold in 0..3 {
            assert_eq!(outcomes[a * 3 + fold].test_scores, outcomes[b * 3 + fold].test_scores);
        }
    }
}

#[test]
fn a_refit_is_the_fit_on_all_rows() {
    let grid = json!([{"params": {"C": 3.0}}]);
    let model = search(small(), &grid, 1 << 20).refit(0).expect("a refit");
    assert_eq!(model, svc(&grid[0]["params"]).fit(&small()).expect("a fit").export());
}

#[test]
fn parameters_that_cannot_be_used_name_their_key() {
    for (key, params) in [
        ("C", json!({"C": 0.0})),
        ("C", json!({"C": -1})),
        ("gamma", json!({"gamma": -0.5})),
        ("gamma", json!({"gamma": "automatic"})),
        ("kernel", json!({"kernel": "rbff"})),
        ("degree", json!({"degree": -1})),
        ("tol", json!({"tol": 0.0})),
        ("cache_size", json!({"cache_size": 0.0})),
        ("max_iter", json!({"max_iter": -2})),
        ("probability", json!({"probability": true})),
        ("decision_function_shape", json!({"decision_function_shape": "ovx"})),
        ("break_ties", json!({"break_ties": true, "decision_function_shape": "ovo"})),
        ("class_weight", json!({"class_weight": "even"})),
        ("class_weight.1", json!({"class_weight": {"1": -2.0}})),
        ("max_seconds_per_fit", json!({"max_seconds_per_fit": 0.0})),
    ] {
        let checked =
            serde_json::from_value::<SvcParams>(params.clone()).expect("of the right types").validate();
        match checked {
            Err(Error::Job { key: found, .. }) => assert_eq!(found, format!("estimator.{key}"), "{params}"),
            other => panic!("{params}: {other:?}"),
        }
    }
    assert!(serde_json::from_value::<SvcParams>(json!({"c": 1.0})).is_err());
}

#[test]
fn data_that_cannot_be_used_are_refused() {
    let refused = |change: &dyn Fn(&mut Table), words: &str| {
        let mut data = small();
        change(&mut data);
        let error = svc(&json!({})).fit(&data).expect_err(words);
        assert_eq!(error.exit_code(), ExitCode::Data);
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(&|t| t.y.fill(1.0), "at least 2 classes, found 1 class");
    refused(&|t| t.y.clear(), "found none");
    refused(&|t| t.y[17] = 0.25, "row 17, column y");
    refused(&|t| t.weights = t.y.clone(), "a weight above 0 in class 0");
    let unknown = svc(&json!({"class_weight": {"0": 1.0, "9": 2.0}})).fit(&small()).expect_err("a class");
    assert_eq!(unknown.exit_code(), ExitCode::Config);
}

#[test]
fn rows_of_no_weight_do_not_count() {
    let mut weighted = small();
    weighted.weights = (0..600).map(|i| if i % 4 == 0 { 0.0 } else { 1.0 }).collect();
    let kept: Vec<usize> = (0..600).filter(|i| i % 4 != 0).collect();
    let rest =
        table(weighted.x.select(ndarray::Axis(0), &kept), kept.iter().map(|&i| weighted.y[i]).collect());
    let params = svc(&json!({"gamma": 0.5}));
    let (a, b) = (params.fit(&weighted).expect("a fit"), params.fit(&rest).expect("a fit"));
    assert_eq!(a.dual_coef(), b.dual_coef());
    let rows: Vec<i32> = b.support().iter().map(|&s| kept[s as usize] as i32).collect();
    assert_eq!(a.support(), rows);
}
