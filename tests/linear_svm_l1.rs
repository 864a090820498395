//! `LinearSVC` with `penalty = "l1"` finds liblinear's optimum: scikit-learn's, and by the conditions of optimality.

mod golden;

use std::sync::Arc;

use golden::{matrix, read, vector};
use ndarray::Array2;
use rankfit::data::Table;
use rankfit::error::ExitCode;
use rankfit::estimator::fold_search::{FoldFit, FoldSearch};
use rankfit::estimator::plain::PlainModel;
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{FitOutcome, Searchable, Split};
use rankfit::estimator::svm::linear::{LinearSvcParams, LinearSvm, LinearSvmModel};
use rankfit::metrics::Scorer;
use serde_json::{Value, json};

fn table(name: &str) -> Table {
    let data = &read("linear_svm.json")["data"][name];
    golden::table(matrix(&data["X"]) / 8.0, vector(&data["y"]))
}

fn classifier(given: &Value) -> rankfit::Result<LinearSvm> {
    serde_json::from_value::<LinearSvcParams>(given.clone()).expect("parameters").validate(0)
}

fn fit(given: &Value, table: &Table) -> LinearSvmModel {
    let all: Vec<usize> = (0..table.y.len()).collect();
    let model = classifier(given).expect("valid").fit(table, &all).expect("a fit");
    assert!(model.converged(), "{given}");
    let copy = LinearSvmModel::import(&model.export()).expect("a model read back");
    assert_eq!(copy.export(), model.export());
    model
}

fn near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{what}: {a} for {b}");
    }
}

#[test]
fn coefficients_are_scikit_learns() {
    let weight = vector(&read("linear_svm.json")["weight"]);
    for expected in read("linear_svm_l1.json")["fits"].as_array().expect("fits") {
        let what = format!("{} {} {}", expected["data"], expected["params"], expected["weighted"]);
        let mut table = table(expected["data"].as_str().expect("a name"));
        if expected["weighted"] == true {
            table.weights = weight[..table.y.len()].to_vec();
        }
        let model = fit(&expected["params"], &table);
        near(model.coef(), &vector(&expected["coef_"]), &what);
        let mut intercept = vector(&expected["intercept_"]);
        intercept.resize(model.intercept().len(), 0.0);
        near(model.intercept(), &intercept, &what);
        // Where all weights are 0 both predict the first class.
        assert_eq!(model.predict(table.x.view()).expect("rows"), vector(&expected["predict"]), "{what}");
    }
}

/// How far the weights of two classes are from optimal: the losses' derivative by each weight must be −sign(w), or at
/// most 1 where the weight is 0.
fn farthest(table: &Table, c: f64, scaling: f64, model: &LinearSvmModel) -> f64 {
    let (coef, d) = (model.coef(), table.x.ncols());
    let mut gradient = vec![0.0; d + 1];
    for (row, y) in table.x.outer_iter().zip(&table.y) {
        let y = if *y > 0.0 { 1.0 } else { -1.0 };
        let f = row.iter().zip(coef).map(|(x, w)| x * w).sum::<f64>() + model.intercept()[0];
        let pull = -2.0 * c * y * (1.0 - y * f).max(0.0);
        gradient.iter_mut().zip(row).for_each(|(g, x)| *g += pull * x);
        gradient[d] += pull * scaling;
    }
    let weights = coef.iter().copied().chain([model.intercept()[0] / scaling]);
    let off = |(w, g): (f64, f64)| if w == 0.0 { (g.abs() - 1.0).max(0.0) } else { (g + w.signum()).abs() };
    weights.zip(gradient).map(off).fold(0.0, f64::max)
}

/// Rows of two classes; of each four features one is nearly another's double.
fn made(n: usize, d: usize) -> Table {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut x = Array2::zeros((n, d));
    let mut y = Vec::new();
    for mut row in x.outer_iter_mut() {
        row.iter_mut().for_each(|x| *x = 3.0 * next());
        for j in (3..d).step_by(4) {
            row[j] = 2.0 * row[j - 1] + 0.01 * row[j];
        }
        y.push(f64::from(u8::from(row[0] - row[1] * row[1] + 0.4 * row[2] + next() > -0.5)));
    }
    golden::table(x, y)
}

#[test]
fn the_conditions_of_optimality_hold() {
    for (n, d, cs) in [
        (400, 6, &[0.01, 0.3, 30.0][..]),
        (300, 40, &[0.01, 0.3, 30.0]),
        (60, 500, &[0.3, 30.0]),
        (250, 700, &[0.3]),
    ] {
        let table = made(n, d);
        for (&c, scaling) in cs.iter().zip([1.0, 5.0, 1.0]) {
            let given = json!({
                "penalty": "l1", "C": c, "intercept_scaling": scaling, "tol": 1e-10, "max_iter": 200
            });
            let model = fit(&given, &table);
            let off = farthest(&table, c, scaling, &model);
            let none = model.coef().iter().filter(|w| **w == 0.0).count();
            assert!(off < 1e-6 * c.max(1.0), "{n} x {d}, {given}: {off} after {}", model.n_iter());
            assert!(d < 100 || none > d / 2, "{none} of {d}");
        }
    }
}

#[test]
fn a_solver_that_is_stopped_says_so() {
    let (table, all) = (made(300, 40), (0..300).collect::<Vec<usize>>());
    let given = json!({"penalty": "l1", "C": 5.0, "max_iter": 1});
    let model = classifier(&given).expect("valid").fit(&table, &all).expect("a fit");
    assert!(!model.converged() && model.n_iter() == 1);
}

#[test]
fn searches_score_as_scikit_learns() {
    let golden = read("linear_svm_l1.json");
    let (grid, folds) = (&golden["grid"], vector(&golden["grid"]["folds"]));
    let keep = |of: &dyn Fn(f64) -> bool| (0..folds.len()).filter(|&row| of(folds[row])).collect();
    let splits: Vec<Split> = (0..5)
        .map(|i| Split { train: keep(&|f| f != f64::from(i)), test: keep(&|f| f == f64::from(i)) })
        .collect();
    let candidates = grid["params"].as_array().expect("a grid").iter();
    let candidates: Vec<Box<dyn FoldFit>> =
        candidates.map(|given| Box::new(classifier(given).expect("valid")) as Box<dyn FoldFit>).collect();
    let mut sums = vec![0.0; candidates.len()];
    let scores = RowScores::new(vec![Scorer::Accuracy], None);
    let search = FoldSearch::new(Arc::new(table("three")), candidates, scores, false);
    for chain in search.chains(&splits) {
        let mut emit = |outcome: FitOutcome| {
            assert!(outcome.converged);
            sums[outcome.id.candidate] += outcome.test_scores[0];
            Ok(())
        };
        search.run(&chain, &splits, &mut emit).expect("a chain");
    }
    for (ours, theirs) in sums.iter().zip(vector(&grid["accuracy"])) {
        assert!((ours / 5.0 - theirs).abs() < 1e-12, "{sums:?}");
    }
}

#[test]
fn what_leaves_the_range_of_a_double_is_no_fit() {
    let table = made(50, 3);
    let large = Table { x: table.x.mapv(|x| x * 1e200), ..table };
    let all: Vec<usize> = (0..50).collect();
    let error = classifier(&json!({"penalty": "l1", "C": 1e150})).expect("valid").fit(&large, &all);
    assert_eq!(error.expect_err("an overflow").exit_code(), ExitCode::Data);
}
