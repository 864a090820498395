//! Linear support vector machines are scikit-learn's, alone and in searches.

mod golden;

use std::sync::Arc;

use golden::{matrix, read, vector};
use rankfit::Error;
use rankfit::data::Table;
use rankfit::error::ExitCode;
use rankfit::estimator::fold_search::{FoldFit, FoldSearch};
use rankfit::estimator::plain::{PlainEstimator, PlainModel};
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{Searchable, Split};
use rankfit::estimator::svm::linear::{LinearSvcParams, LinearSvm, LinearSvmModel, LinearSvrParams};
use rankfit::metrics::Scorer;
use serde_json::{Value, json};

fn table(data: &Value, targets: &str) -> Table {
    golden::table(matrix(&data["X"]) / 8.0, vector(&data[targets]))
}

fn classifier(given: &Value) -> rankfit::Result<LinearSvm> {
    serde_json::from_value::<LinearSvcParams>(given.clone()).expect("parameters").validate(0)
}

fn regressor(given: &Value) -> rankfit::Result<LinearSvm> {
    serde_json::from_value::<LinearSvrParams>(given.clone()).expect("parameters").validate(0)
}

fn fit(svm: &LinearSvm, table: &Table) -> LinearSvmModel {
    let all: Vec<usize> = (0..table.y.len()).collect();
    let fitted = svm.fit(table, &all).expect("a fit");
    assert!(fitted.converged());
    let copy = LinearSvmModel::import(&fitted.export()).expect("a model read back");
    assert_eq!(copy.export(), fitted.export());
    fitted
}

fn near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{what}: {a} for {b}");
    }
}

#[test]
fn classifiers_are_scikit_learns() {
    let golden = read("linear_svm.json");
    for expected in golden["classes"].as_array().expect("fits") {
        let what = format!("{} {} {}", expected["data"], expected["params"], expected["weighted"]);
        let mut table = table(&golden["data"][expected["data"].as_str().expect("a name")], "y");
        if expected["weighted"] == true {
            table.weights = vector(&golden["weight"])[..table.y.len()].to_vec();
        }
        let model = fit(&classifier(&expected["params"]).expect("valid"), &table);
        near(model.coef(), &vector(&expected["coef_"]), &what);
        // Without an intercept scikit-learn has the one number 0 for all classes.
        let mut intercept = vector(&expected["intercept_"]);
        intercept.resize(model.intercept().len(), 0.0);
        near(model.intercept(), &intercept, &what);
        let written = model.export();
        let written = written.attribute("intercept_").expect("an intercept");
        assert_eq!(written.shape.is_empty(), expected["params"]["fit_intercept"] == false, "{what}");
        let decisions = model.decision_function(table.x.view()).expect("rows").expect("decisions");
        let first: Vec<f64> = decisions.rows().into_iter().take(7).flatten().copied().collect();
        near(&first, &vector(&expected["decision"]), &what);
        // Under the hinge loss rows on two classes' margins have equal decision values, and rounding chooses.
        let predicted = model.predict(table.x.view()).expect("rows");
        let mut n_clear = 0;
        for ((values, ours), theirs) in
            decisions.outer_iter().zip(&predicted).zip(vector(&expected["predict"]))
        {
            let mut values = if values.len() == 1 { vec![values[0], 0.0] } else { values.to_vec() };
            values.sort_unstable_by(|a, b| b.total_cmp(a));
            if values[0] - values[1] > 1e-6 {
                assert_eq!(*ours, theirs, "{what}: {values:?}");
                n_clear += 1;
            }
        }
        assert!(10 * n_clear >= 9 * predicted.len(), "{what}: {n_clear} of {}", predicted.len());
    }
}

#[test]
fn regressors_are_scikit_learns() {
    let golden = read("linear_svm.json");
    for expected in golden["numbers"].as_array().expect("fits") {
        let what = format!("{} {}", expected["data"], expected["params"]);
        let table = table(&golden["data"][expected["data"].as_str().expect("a name")], "number");
        let model = fit(&regressor(&expected["params"]).expect("valid"), &table);
        near(model.coef(), &vector(&expected["coef_"]), &what);
        near(model.intercept(), &vector(&expected["intercept_"]), &what);
        near(&model.predict(table.x.view()).expect("rows"), &vector(&expected["predict"]), &what);
    }
}

#[test]
fn searches_score_as_scikit_learns() {
    let golden = read("linear_svm.json");
    let (grid, data) = (&golden["grid"], table(&golden["data"]["three"], "y"));
    let folds = vector(&grid["folds"]);
    let keep = |of: &dyn Fn(f64) -> bool| (0..folds.len()).filter(|&row| of(folds[row])).collect();
    let splits: Vec<Split> = (0..5)
        .map(|i| Split { train: keep(&|f| f != f64::from(i)), test: keep(&|f| f == f64::from(i)) })
        .collect();
    let candidates: Vec<Box<dyn FoldFit>> = grid["params"]
        .as_array()
        .expect("a grid")
        .iter()
        .map(|given| Box::new(classifier(given).expect("valid")) as Box<dyn FoldFit>)
        .collect();
    let n = candidates.len();
    let search =
        FoldSearch::new(Arc::new(data), candidates, RowScores::new(vec![Scorer::Accuracy], None), true);
    let mut sums = vec![0.0; n];
    for chain in search.chains(&splits) {
        let mut emit = |outcome: rankfit::estimator::searchable::FitOutcome| {
            assert!(outcome.converged && outcome.train_scores.len() == 1);
            sums[outcome.id.candidate] += outcome.test_scores[0];
            Ok(())
        };
        search.run(&chain, &splits, &mut emit).expect("a chain");
    }
    let means: Vec<f64> = sums.iter().map(|sum| sum / 5.0).collect();
    for (ours, theirs) in means.iter().zip(vector(&grid["accuracy"])) {
        assert!((ours - theirs).abs() < 1e-12, "{means:?}");
    }
    assert_eq!(search.refit(0).expect("a model").estimator, "LinearSVC");
}

#[test]
fn a_solver_that_is_stopped_says_so() {
    let data = table(&read("linear_svm.json")["data"]["two"], "y");
    let all: Vec<usize> = (0..data.y.len()).collect();
    for given in [json!({"max_iter": 1}), json!({"max_iter": 2, "loss": "hinge"})] {
        let model = classifier(&given).expect("valid").fit(&data, &all).expect("a fit");
        assert!(!model.converged(), "{given}");
        assert_eq!(model.n_iter(), given["max_iter"].as_u64().expect("a number") as usize);
    }
}

#[test]
fn a_class_may_have_no_weight() {
    let data = table(&read("linear_svm.json")["data"]["two"], "y");
    let weights: Vec<f64> = data.y.iter().map(|y| f64::from(u8::from(*y == 4.0))).collect();
    let weighted = Table { weights, ..data.clone() };
    // LinearSVC(loss="squared_hinge", dual=False, tol=1e-12) of scikit-learn 1.9.1.
    for (given, data, coef, intercept) in [
        (
            json!({"class_weight": "balanced", "tol": 1e-10}),
            &weighted,
            [
                0.025976632073898977,
                -0.017492186943530746,
                -0.00829604512321081,
                -0.001903125242115101,
                -0.005132460297575221,
            ],
            0.96053457,
        ),
        (
            json!({"class_weight": {"3": 0.0}, "tol": 1e-10}),
            &data,
            [
                0.014046720065891817,
                -0.009623442009112254,
                -0.00452012155410909,
                -0.0007251668004418872,
                -0.0027438840347485467,
            ],
            0.97957143,
        ),
    ] {
        let model = fit(&classifier(&given).expect("valid"), data);
        near(model.coef(), &coef, &given.to_string());
        near(model.intercept(), &[intercept], &given.to_string());
        // All rows that count are of one class, whose constant is enough.
        let hinge = json!({"class_weight": given["class_weight"], "loss": "hinge"});
        let model = fit(&classifier(&hinge).expect("valid"), data);
        near(model.intercept(), &[1.0], "hinge");
    }
}

#[test]
fn what_leaves_the_range_of_a_double_is_no_fit() {
    let data = table(&read("linear_svm.json")["data"]["two"], "y");
    let n = data.y.len();
    let large = Table { x: data.x.mapv(|x| x * 1e160), ..data.clone() };
    let heavy = Table { weights: vec![1e300; n], ..data.clone() };
    let all: Vec<usize> = (0..n).collect();
    for (data, part) in
        [(&large, "values whose squares are finite"), (&heavy, "times C and the rows' weights")]
    {
        let fits = [
            classifier(&json!({})).expect("valid").fit(data, &all),
            regressor(&json!({"loss": "squared_epsilon_insensitive"})).expect("valid").fit(data, &all),
        ];
        for fitted in fits {
            let error = fitted.expect_err("an overflow");
            assert_eq!(error.exit_code(), ExitCode::Data);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
    for fitted in [
        classifier(&json!({"loss": "hinge"})).expect("valid").fit(&large, &all),
        regressor(&json!({})).expect("valid").fit(&large, &all),
    ] {
        assert_eq!(fitted.expect_err("an overflow").exit_code(), ExitCode::Data);
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let named = |error: Error| {
        assert_eq!(error.exit_code(), ExitCode::Config);
        let Error::Job { key, .. } = error else { panic!("{error}") };
        key.strip_prefix("estimator.").expect("a key of the estimator").to_owned()
    };
    for (given, key) in [
        (json!({"C": 0.0}), "C"),
        (json!({"tol": -1.0}), "tol"),
        (json!({"penalty": "elasticnet"}), "penalty"),
        (json!({"penalty": "l1", "loss": "hinge"}), "penalty"),
        (json!({"penalty": "l1", "dual": true}), "dual"),
        (json!({"loss": "log"}), "loss"),
        (json!({"loss": "hinge", "dual": false}), "dual"),
        (json!({"dual": "always"}), "dual"),
        (json!({"multi_class": "crammer_singer"}), "multi_class"),
        (json!({"intercept_scaling": 0.0}), "intercept_scaling"),
        (json!({"max_iter": -1}), "max_iter"),
        (json!({"class_weight": "fair"}), "class_weight"),
        (json!({"class_weight": {"3": -0.5}}), "class_weight.3"),
    ] {
        assert_eq!(named(classifier(&given).expect_err("an error")), key);
    }
    for (given, key) in [
        (json!({"epsilon": -0.1}), "epsilon"),
        (json!({"loss": "huber"}), "loss"),
        (json!({"dual": false}), "dual"),
        (json!({"C": -2.0}), "C"),
    ] {
        assert_eq!(named(regressor(&given).expect_err("an error")), key);
    }
    let data = table(&read("linear_svm.json")["data"]["two"], "y");
    let weighted = classifier(&json!({"class_weight": {"9": 1.0}})).expect("valid");
    assert_eq!(named(weighted.check_table(&data).expect_err("an error")), "class_weight");
    let one = Table { y: vec![1.0; data.y.len()], ..data };
    let error = classifier(&json!({})).expect("valid").check_table(&one).expect_err("an error");
    assert!(error.to_string().contains("at least 2 classes"), "{error}");
    assert_eq!(error.exit_code(), ExitCode::Data);
}
