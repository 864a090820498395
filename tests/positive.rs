//! Linear models with `positive = true` are scikit-learn's, alone and in searches.

mod golden;

use std::sync::Arc;

use golden::{matrix, read, vector};
use rankfit::data::Table;
use rankfit::estimator::fold_search::{FoldFit, FoldRows, FoldSearch};
use rankfit::estimator::linear_model::LinearParams;
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{FitOutcome, Searchable, Split};
use rankfit::metrics::Scorer;
use serde_json::{Value, json};

fn linear(estimator: &str, params: &Value) -> LinearParams {
    let params = params.clone();
    let linear = match estimator {
        "LinearRegression" => {
            LinearParams::LinearRegression(serde_json::from_value(params).expect("parameters"))
        }
        "Ridge" => LinearParams::Ridge(serde_json::from_value(params).expect("parameters")),
        "Lasso" => LinearParams::Lasso(serde_json::from_value(params).expect("parameters")),
        _ => LinearParams::ElasticNet(serde_json::from_value(params).expect("parameters")),
    };
    linear.validate().expect("valid");
    linear
}

fn table(golden: &Value, name: &str, weighted: bool) -> Table {
    let data = &golden["data"][name];
    let table = golden::table(matrix(&data["X"]), vector(&data["y"]));
    Table { weights: if weighted { vector(&data["w"]) } else { Vec::new() }, ..table }
}

struct Found {
    coef: Vec<f64>,
    intercept: f64,
    n_iter: Option<usize>,
    dual_gap: f64,
}

fn fit(estimator: &str, params: &Value, table: Table) -> Found {
    let model = FoldFit::fit(&linear(estimator, params), &FoldRows::new(Arc::new(table))).expect("a fit");
    assert!(model.converged(), "{estimator} {params}");
    let (n_iter, model) = (model.n_iter(), model.export());
    let numbers = |name: &str| model.numbers(name).expect("numbers");
    let dual_gap = model.numbers("dual_gap_").map_or(f64::NAN, |gap| gap[0]);
    Found { coef: numbers("coef_"), intercept: numbers("intercept_")[0], n_iter, dual_gap }
}

#[test]
fn coefficients_are_scikit_learns() {
    let (golden, mut n_mixed) = (read("positive.json"), 0);
    for expected in golden["fits"].as_array().expect("fits") {
        let (name, weighted) = (expected["data"].as_str().expect("a name"), expected["weighted"] == true);
        let estimator = expected["estimator"].as_str().expect("a name");
        let what = format!("{estimator} {} {name} {weighted}", expected["params"]);
        let found = fit(estimator, &expected["params"], table(&golden, name, weighted));
        let theirs = vector(&expected["coef_"]);
        assert!(found.coef.iter().all(|coef| *coef >= 0.0), "{what}");
        for (a, b) in found.coef.iter().zip(&theirs) {
            assert!((a - b).abs() <= 1e-8 * b.abs().max(1.0), "{what}: {a} for {b}");
        }
        let intercept = expected["intercept_"].as_f64().expect("a number");
        assert!((found.intercept - intercept).abs() <= 1e-8 * intercept.abs().max(1.0), "{what}");
        n_mixed += usize::from(theirs.contains(&0.0) && theirs.iter().any(|b| *b > 0.0));
    }
    assert!(n_mixed >= 30, "{n_mixed} fits in which some coefficients are held at 0");
}

#[test]
fn of_several_minima_it_is_one() {
    let golden = read("positive.json");
    for (fit_intercept, weighted) in [(true, false), (false, false), (true, true), (false, true)] {
        let data = table(&golden, "wide", weighted);
        let found =
            fit("LinearRegression", &json!({"positive": true, "fit_intercept": fit_intercept}), data.clone());
        let rest: Vec<f64> = (data.x.outer_iter().zip(&data.y))
            .map(|(row, y)| {
                y - found.intercept - row.iter().zip(&found.coef).map(|(x, c)| x * c).sum::<f64>()
            })
            .collect();
        for (column, coef) in data.x.columns().into_iter().zip(&found.coef) {
            let weight = |i: usize| data.weights.get(i).copied().unwrap_or(1.0);
            let slope: f64 = column.iter().zip(&rest).enumerate().map(|(i, (x, r))| weight(i) * x * r).sum();
            let off = if *coef > 0.0 { slope.abs() } else { slope };
            assert!(*coef >= 0.0 && off < 1e-8, "{coef}: {slope}");
        }
    }
}

/// scikit-learn 1.9.1: `n_iter_`, `dual_gap_` and two coefficients of ElasticNet(positive=True) on "plain".
#[test]
fn coordinate_descent_stops_where_scikit_learn_does() {
    let golden = read("positive.json");
    for (alpha, l1_ratio, tol, n_iter, gap, coef) in [
        (0.1, 1.0, 1e-4, 2, 0.0, [0.55211874, 0.0]),
        (0.1, 0.5, 1e-8, 6, 1.3642420526593923e-13, [0.55785112, 0.00619321]),
        (0.01, 0.5, 1e-10, 7, 3.173757553061781e-14, [0.57497331, 0.01886258]),
        (0.5, 1.0, 1e-10, 2, 4.736951571734001e-16, [0.46506847, 0.0]),
        (100.0, 1.0, 1e-4, 0, 0.0, [0.0, 0.0]),
    ] {
        let params = json!({
            "alpha": alpha, "l1_ratio": l1_ratio, "tol": tol, "positive": true,
            "selection": "random", "precompute": true, "random_state": 5
        });
        let found = fit("ElasticNet", &params, table(&golden, "plain", false));
        assert_eq!(found.n_iter, Some(n_iter), "{params}");
        assert!((found.dual_gap - gap).abs() <= 1e-5 * gap + 1e-13, "{params}: {:e}", found.dual_gap);
        for (a, b) in [found.coef[1], found.coef[4]].into_iter().zip(coef) {
            assert!((a - b).abs() < 1e-7, "{params}: {a} for {b}");
        }
    }
}

/// Without an l1 term scikit-learn's descent ends at `max_iter`, for its gap counts what may not become negative.
#[test]
fn the_gap_closes_without_an_l1_term() {
    let golden = read("positive.json");
    let n = golden["data"]["plain"]["y"].as_array().expect("targets").len() as f64;
    let ridge = fit("Ridge", &json!({"alpha": 0.3 * n, "positive": true}), table(&golden, "plain", false));
    let squares = fit("LinearRegression", &json!({"positive": true}), table(&golden, "plain", false));
    for (alpha, expected) in [(0.3, &ridge), (0.0, &squares)] {
        let params = json!({"alpha": alpha, "l1_ratio": 0.0, "positive": true, "tol": 1e-15});
        let found = fit("ElasticNet", &params, table(&golden, "plain", false));
        assert!(found.coef.contains(&0.0));
        for (a, b) in found.coef.iter().zip(&expected.coef) {
            assert!((a - b).abs() < 1e-7, "{alpha}: {a} for {b}");
        }
    }
}

#[test]
fn searches_score_as_scikit_learns() {
    let golden = read("positive.json");
    for (estimator, expected) in golden["searches"].as_object().expect("searches") {
        let candidates = expected["params"].as_array().expect("a grid").iter();
        let candidates: Vec<Box<dyn FoldFit>> =
            candidates.map(|given| Box::new(linear(estimator, given)) as Box<dyn FoldFit>).collect();
        let data = table(&golden, "plain", false);
        let n = data.y.len();
        let splits: Vec<Split> = (0..5)
            .map(|i| (0..n).partition(|row| row / (n / 5) == i))
            .map(|(test, train)| Split { train, test })
            .collect();
        let mut sums = vec![0.0; candidates.len()];
        let search =
            FoldSearch::new(Arc::new(data), candidates, RowScores::new(vec![Scorer::R2], None), false);
        for chain in search.chains(&splits) {
            let mut emit = |outcome: FitOutcome| {
                sums[outcome.id.candidate] += outcome.test_scores[0];
                Ok(())
            };
            search.run(&chain, &splits, &mut emit).expect("a chain");
        }
        for (ours, theirs) in sums.iter().zip(vector(&expected["r2"])) {
            assert!((ours / 5.0 - theirs).abs() < 1e-8, "{estimator}: {sums:?}");
        }
    }
}
