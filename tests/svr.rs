//! SVR is scikit-learn's, alone and in searches, and optimal by itself.

mod golden;
mod run_chains;

use std::sync::Arc;

use golden::{matrix, read, vector};
use ndarray::s;
use rankfit::Error;
use rankfit::data::Table;
use rankfit::error::ExitCode;
use rankfit::estimator::plain::PlainModel;
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{FitOutcome, Searchable, Split};
use rankfit::estimator::svm::svr::{Svr, SvrModel, SvrParams, SvrSearch};
use rankfit::metrics::Scorer;
use run_chains::run_chains;
use serde_json::{Value, json};

fn table(golden: &Value, weighted: bool) -> Table {
    let weights = if weighted { vector(&golden["weight"]) } else { Vec::new() };
    Table { weights, ..golden::table(matrix(&golden["X"]) / 1024.0, vector(&golden["y"])) }
}

fn svr(params: &Value) -> rankfit::Result<Svr> {
    serde_json::from_value::<SvrParams>(params.clone()).expect("parameters").validate()
}

fn fit(params: &Value, table: &Table) -> SvrModel {
    let all: Vec<usize> = (0..table.y.len()).collect();
    let model = svr(params).expect("valid").fit(table, &all).expect("a fit");
    let again = SvrModel::import(&model.export()).expect("an exported model");
    assert_eq!(again.export(), model.export());
    assert_eq!(again.predict(table.x.view()).expect("rows"), model.predict(table.x.view()).expect("rows"));
    model
}

fn r2() -> RowScores {
    RowScores::new(vec![Scorer::R2], None)
}

fn close(ours: &[f64], theirs: &[f64], tol: f64, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= tol * (1.0 + b.abs()), "{what}: {a} for {b}");
    }
}

/// Where our solver took as many steps as libsvm it went the same way; otherwise both end within the tolerance.
fn check(golden: &Value, case: &Value) {
    let what = format!("{} {}", case["params"], case["weighted"]);
    let table = table(golden, case["weighted"] == true);
    let model = fit(&case["params"], &table);
    let tol = if model.n_iter() as f64 == case["n_iter_"].as_f64().expect("a number") { 2e-7 } else { 1e-3 };
    close(&[model.gamma()], &[case["gamma"].as_f64().expect("gamma")], 1e-14, &what);
    let mut coefficients = vec![0.0; table.y.len()];
    for (&row, &coefficient) in model.support().iter().zip(model.dual_coef()) {
        coefficients[row as usize] = coefficient;
    }
    let mut expected = vec![0.0; table.y.len()];
    for (row, coefficient) in vector(&case["support_"]).into_iter().zip(vector(&case["dual_coef_"])) {
        expected[row as usize] = coefficient;
    }
    if tol < 1e-6 {
        let support: Vec<f64> = model.support().iter().map(|&row| f64::from(row)).collect();
        assert_eq!(support, vector(&case["support_"]), "{what}");
        close(&coefficients, &expected, tol, &what);
    }
    close(&[model.intercept()], &vector(&case["intercept_"]), tol, &what);
    let predicted = model.predict(table.x.slice(s![..30, ..])).expect("rows");
    close(&predicted, &vector(&case["predict"]), tol, &what);
    if !case["coef_"].is_null() {
        close(&model.coef().expect("a linear kernel"), &vector(&case["coef_"]), tol, &what);
    }
    assert_eq!(i64::from(!model.converged()), case["fit_status_"].as_i64().expect("a status"), "{what}");
}

#[test]
fn attributes_and_predictions_are_scikit_learns() {
    let golden = read("svr.json");
    let mut same_path = 0;
    let cases = golden["fits"].as_array().expect("fits");
    for case in cases {
        check(&golden, case);
        let table = table(&golden, case["weighted"] == true);
        same_path +=
            usize::from(fit(&case["params"], &table).n_iter() == case["n_iter_"].as_u64().expect("a number"));
    }
    assert!(same_path == cases.len(), "{same_path} of {} fits took libsvm's steps", cases.len());
}

#[test]
fn fits_of_a_search_that_were_stopped_say_so() {
    let data = Arc::new(table(&read("svr.json"), false));
    let n = data.y.len();
    let limits = [
        json!({"max_iter": 3}),
        json!({}),
        json!({"max_seconds_per_fit": 1e-9, "C": 1e4, "kernel": "poly", "degree": 5, "tol": 1e-12}),
    ];
    let candidates = limits.iter().map(|params| svr(params).expect("valid")).collect();
    let search = SvrSearch::new(data, candidates, r2(), false, 1 << 26).expect("a search");
    let splits = [Split { train: (0..n - 20).collect(), test: (n - 20..n).collect() }];
    let outcomes = run_chains(&search, &splits);
    assert!(outcomes.iter().all(|outcome| outcome.test_scores[0].is_finite()));
    let converged: Vec<bool> = outcomes.iter().map(|outcome| outcome.converged).collect();
    assert_eq!(converged, [false, true, false]);
}

#[test]
fn fits_that_meet_no_bound_are_done_once_for_all_larger_c() {
    let data = Arc::new(table(&read("svr.json"), false));
    let n = data.y.len();
    let splits = [Split { train: (0..n - 20).collect(), test: (n - 20..n).collect() }];
    let points: Vec<Value> = [0.01, 1e3, 1e5, 1e6]
        .iter()
        .flat_map(|c| [0.1, 0.3].map(|epsilon| json!({"C": c, "epsilon": epsilon, "gamma": 1.0})))
        .collect();
    let scores = |points: &[Value]| {
        let candidates = points.iter().map(|params| svr(params).expect("valid")).collect();
        let search = SvrSearch::new(data.clone(), candidates, r2(), true, 1 << 26).expect("a search");
        let outcomes = run_chains(&search, &splits);
        let fits = search.shared().remove(0);
        (outcomes.into_iter().map(|o| (o.test_scores, o.train_scores)).collect::<Vec<_>>(), fits.done)
    };
    let (together, n_done) = scores(&points);
    let alone: Vec<_> = points.iter().flat_map(|point| scores(std::slice::from_ref(point)).0).collect();
    assert_eq!(together, alone);
    assert!(together[0] != together[2] && together[2] != together[3], "C = 0.01 binds, ε matters");
    assert_eq!(n_done, 4, "of each ε the smallest C and the one that does not bind");
}

#[test]
fn warm_starts_depend_on_the_grid_alone_and_end_where_others_do() {
    let data = Arc::new(table(&read("svr.json"), false));
    let n = data.y.len();
    let rows = |of: &dyn Fn(usize) -> bool| (0..n).filter(|&row| of(row)).collect::<Vec<_>>();
    let splits: Vec<Split> = (0..2)
        .map(|fold| Split { train: rows(&|row| row % 2 != fold), test: rows(&|row| row % 2 == fold) })
        .collect();
    let cs = [0.01, 0.05, 0.2, 1.0, 4.0, 15.0, 40.0, 1e3];
    let kernels = [json!({"gamma": 0.3}), json!({"gamma": 3.0}), json!({"kernel": "linear"})];
    let make = |warm: bool| {
        let mut candidates = Vec::new();
        for (kernel, (i, c)) in kernels.iter().flat_map(|k| cs.iter().enumerate().map(move |of_c| (k, of_c)))
        {
            // In an order that differs from one track to the other.
            for (shrinking, epsilon) in [(i < 4, 0.1), (i >= 4, 0.1), (true, 0.3)] {
                let mut params = kernel.clone();
                let own = json!({"C": c, "shrinking": shrinking, "epsilon": epsilon});
                own.as_object().expect("a map").iter().for_each(|(key, v)| params[key] = v.clone());
                params["warm_start_along_c"] = json!(warm);
                candidates.push(svr(&params).expect("valid"));
            }
        }
        SvrSearch::new(data.clone(), candidates, r2(), true, 1 << 26).expect("a search")
    };
    let warm = make(true);
    let chains = warm.chains(&splits);
    // Those of a bounded kernel are cut.
    assert_eq!(chains.len(), 2 * (2 * 2 * 2 + 2));
    let together = run_chains(&warm, &splits);
    let fits = warm.shared().remove(0);
    assert!(fits.done * 3 <= fits.asked * 2, "{} of {} fits", fits.done, fits.asked);
    // Each chain by a rank of its own, and the last first by one.
    let last_first = make(true);
    for alone in [true, false] {
        let mut apart = Vec::new();
        for chain in chains.iter().rev() {
            let own = make(true);
            let search = if alone { &own } else { &last_first };
            let mut emit = |outcome| {
                apart.push(outcome);
                Ok(())
            };
            search.run(chain, &splits, &mut emit).expect("a chain");
        }
        apart.sort_by_key(|outcome: &FitOutcome| outcome.id);
        for (a, b) in apart.iter().zip(&together) {
            assert_eq!((a.id, &a.test_scores, &a.train_scores), (b.id, &b.test_scores, &b.train_scores));
        }
    }
    for (warm, cold) in together.iter().zip(run_chains(&make(false), &splits)) {
        let what = format!("{:?}", warm.id);
        close(&warm.test_scores, &cold.test_scores, 5e-3, &what);
        close(&warm.train_scores, &cold.train_scores, 5e-3, &what);
        assert!(warm.converged);
    }
}

/// m(α) − M(α) from the model's attributes, with kernel values computed term by term.
fn gap(model: &SvrModel, table: &Table, c: f64, epsilon: f64) -> f64 {
    let n = table.y.len();
    let mut beta = vec![0.0; n];
    for (&row, &coefficient) in model.support().iter().zip(model.dual_coef()) {
        beta[row as usize] = coefficient;
    }
    assert!(beta.iter().sum::<f64>().abs() < 1e-9 * c * n as f64, "the constraint");
    let (mut most, mut least) = (f64::NEG_INFINITY, f64::INFINITY);
    for i in 0..n {
        assert!(beta[i].abs() <= c, "a bound");
        let kernel = |j: usize| {
            let apart = &table.x.row(i) - &table.x.row(j);
            (-model.gamma() * apart.dot(&apart)).exp()
        };
        let value: f64 = (0..n).map(|j| beta[j] * kernel(j)).sum();
        // The variable that raises has sign 1 and linear term ε − y, the one that lowers −1 and ε + y.
        for (sign, alpha) in [(1.0, beta[i].max(0.0)), (-1.0, (-beta[i]).max(0.0))] {
            let f = table.y[i] - value - sign * epsilon;
            if (sign > 0.0 && alpha < c) || (sign < 0.0 && alpha > 0.0) {
                most = f64::max(most, f);
            }
            if (sign > 0.0 && alpha > 0.0) || (sign < 0.0 && alpha < c) {
                least = f64::min(least, f);
            }
        }
    }
    most - least
}

#[test]
fn the_gap_is_within_the_tolerance() {
    let table = table(&read("svr.json"), false);
    for c in [0.05, 1.0, 20.0] {
        for epsilon in [0.0, 0.1] {
            for (tol, shrinking) in [(1e-3, true), (1e-3, false), (1e-5, true)] {
                let params =
                    json!({"C": c, "epsilon": epsilon, "tol": tol, "shrinking": shrinking, "gamma": 0.4});
                let model = fit(&params, &table);
                // Kernel values in single precision move f by at most 2^-25 Σ |β| k.
                let rounding = model.dual_coef().iter().map(|b| b.abs()).sum::<f64>() * 2f64.powi(-24);
                let found = gap(&model, &table, c, epsilon);
                assert!(found <= tol + rounding, "{params}: {found}");
                assert!(model.converged());
            }
        }
    }
}

#[test]
fn searches_score_as_scikit_learns() {
    let golden = read("svr.json");
    let (data, grid) = (Arc::new(table(&golden, false)), &golden["grid"]);
    let folds = vector(&grid["folds"]);
    let keep = |of: &dyn Fn(f64) -> bool| (0..folds.len()).filter(|&row| of(folds[row])).collect();
    let splits: Vec<Split> = (0..5)
        .map(|i| Split { train: keep(&|f| f != f64::from(i)), test: keep(&|f| f == f64::from(i)) })
        .collect();
    let run_within = |budget_bytes: usize| {
        let candidates = grid["params"].as_array().expect("a grid").iter();
        let candidates: Vec<Svr> = candidates.map(|params| svr(params).expect("valid")).collect();
        let search = SvrSearch::new(data.clone(), candidates, r2(), true, budget_bytes).expect("a search");
        let outcomes = run_chains(&search, &splits);
        (outcomes, search)
    };
    let (outcomes, search) = run_within(1 << 28);
    for outcome in &outcomes {
        let expected = grid["r2"][outcome.id.candidate][outcome.id.fold].as_f64().expect("a score");
        let what = format!("{} fold {}", grid["params"][outcome.id.candidate], outcome.id.fold);
        // Where both stop within the tolerance the scores differ by about as much.
        close(&outcome.test_scores, &[expected], 1e-4, &what);
        assert!(outcome.converged && outcome.train_scores.len() == 1);
    }
    let fits = &search.shared()[0];
    // gamma means nothing to the linear kernel; what shrinking means depends on the fit.
    assert_eq!((fits.asked, fits.done), (80, 70));
    // Rows that do not fit into memory are computed again, to the same numbers.
    let (few, _) = run_within(20_000);
    for (a, b) in outcomes.iter().zip(&few) {
        assert_eq!((a.id, &a.test_scores, &a.train_scores), (b.id, &b.test_scores, &b.train_scores));
    }
    assert_eq!(search.refit(0).expect("a model").estimator, "SVR");
}

#[test]
fn rows_of_no_weight_do_not_count() {
    let mut data = table(&read("svr.json"), false);
    let kept: Vec<usize> = (0..data.y.len()).filter(|row| row % 3 != 0).collect();
    let params = json!({"C": 3.0, "gamma": 0.4});
    let alone = svr(&params).expect("valid").fit(&data, &kept).expect("a fit");
    data.weights = (0..data.y.len()).map(|row| f64::from(u8::from(row % 3 != 0))).collect();
    let among = fit(&params, &data);
    assert_eq!(among.dual_coef(), alone.dual_coef());
    let places: Vec<i32> = alone.support().iter().map(|&place| kept[place as usize] as i32).collect();
    assert_eq!(among.support(), places);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    for (params, key) in [
        (json!({"epsilon": -0.1}), "epsilon"),
        (json!({"C": 0.0}), "C"),
        (json!({"kernel": "cubic"}), "kernel"),
        (json!({"gamma": "small"}), "gamma"),
        (json!({"tol": 0.0}), "tol"),
        (json!({"degree": -1}), "degree"),
        (json!({"max_iter": -2}), "max_iter"),
        (json!({"cache_size": 0.0}), "cache_size"),
    ] {
        let error = svr(&params).expect_err("an error");
        assert_eq!(error.exit_code(), ExitCode::Config);
        let Error::Job { key: named, .. } = error else { panic!("{error}") };
        assert_eq!(named, format!("estimator.{key}"));
    }
    let data = table(&read("svr.json"), false);
    let mut y = data.y.clone();
    y[7] = f64::NAN;
    let error = svr(&json!({})).expect("valid").check_table(&Table { y, ..data }).expect_err("an error");
    assert_eq!(error.exit_code(), ExitCode::Data);
    assert!(error.to_string().contains("row 7, column y"), "{error}");
    let data = table(&read("svr.json"), false);
    let none = Table { weights: vec![0.0; data.y.len()], ..data };
    let all: Vec<usize> = (0..none.y.len()).collect();
    let error = svr(&json!({})).expect("valid").fit(&none, &all).expect_err("an error");
    assert!(error.to_string().contains("a weight above 0"), "{error}");
}
