//! Attributes and decisions of single fits.

use ndarray::Array2;
use rankfit::estimator::svm::SvcModel;
use serde_json::Value;

use crate::cases::{read, svc};
use crate::golden::{matrix, table, vector};

fn close(a: &[f64], b: &[f64], absolute: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= absolute * (1.0 + b.abs()), "{what}: {a} for {b}");
    }
}

fn flat(value: &Array2<f64>) -> Vec<f64> {
    value.iter().copied().collect()
}

fn fit(golden: &Value, case: &Value) -> (SvcModel, Array2<f64>) {
    let data = &golden["data"][case["data"].as_str().expect("a name")];
    let x = matrix(&data["X"]);
    let mut probe = x.clone();
    let every_third = ndarray::s![..;3, ..];
    probe = probe.slice_mut(every_third).to_owned() + 0.25;
    let mut table = table(x, vector(&data["y"]));
    if !case["weights"].is_null() {
        table.weights = vector(&case["weights"]);
    }
    (svc(&case["params"]).fit(&table).expect("a fit"), probe)
}

/// Coefficients may differ as far as the tolerance lets them. libsvm's own solution is no closer to the optimum.
fn check(golden: &Value, case: &Value) {
    let what = format!("{} {}", case["data"], case["params"]);
    let (model, probe) = fit(golden, case);
    assert_eq!(model.classes(), vector(&case["classes_"]), "{what}");
    let support: Vec<f64> = model.support().iter().map(|&s| f64::from(s)).collect();
    assert_eq!(support, vector(&case["support_"]), "{what}");
    let n_support: Vec<f64> = model.n_support().iter().map(|&s| f64::from(s)).collect();
    assert_eq!(n_support, vector(&case["n_support_"]), "{what}");
    let n_iter: Vec<f64> = model.n_iter().iter().map(|&s| f64::from(s)).collect();
    let same_path = n_iter == vector(&case["n_iter_"]);
    let loose = case["params"]["tol"] == 1e-3 && !same_path;
    let tol = if loose { 1e-3 } else { 2e-7 };
    let dual = matrix(&case["dual_coef_"]);
    assert_eq!(model.dual_coef().dim(), dual.dim(), "{what}");
    close(&flat(&model.dual_coef()), &flat(&dual), tol, &format!("dual_coef_ of {what}"));
    close(&model.intercept(), &vector(&case["intercept_"]), tol, &format!("intercept_ of {what}"));
    close(model.class_weight(), &vector(&case["class_weight_"]), 1e-15, &what);
    close(&[model.gamma()], &[case["_gamma"].as_f64().expect("gamma")], 1e-14, &what);
    assert_eq!(i64::from(!model.converged()), case["fit_status_"].as_i64().expect("a status"), "{what}");
    if !case["coef_"].is_null() {
        let coef = model.coef().expect("a linear kernel");
        close(&flat(&coef), &flat(&matrix(&case["coef_"])), tol, &format!("coef_ of {what}"));
    }
    let decision = model.decision_function(probe.view()).expect("decisions");
    let expected = matrix(&case["decision"]);
    assert_eq!(decision.dim(), expected.dim(), "{what}");
    close(&flat(&decision), &flat(&expected), tol, &format!("decision of {what}"));
    assert_eq!(model.predict(probe.view()).expect("classes"), vector(&case["predict"]), "{what}");
    let again = SvcModel::import(&model.export()).expect("an exported model");
    assert_eq!(again.decision_function(probe.view()).expect("decisions"), decision, "{what}");
    assert_eq!(again.export(), model.export(), "{what}");
}

#[test]
fn attributes_and_decisions_are_scikit_learns() {
    let golden = read("fits");
    let cases = golden["cases"].as_array().expect("cases");
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let outcome = std::panic::catch_unwind(|| check(&golden, case));
            outcome.err().map(|e| e.downcast_ref::<String>().cloned().unwrap_or_default())
        })
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// Predictions of many rows take most votes from single precision; those of a few rows none.
#[test]
fn predictions_do_not_depend_on_how_many_rows_are_asked_about() {
    let mut unsure = 0;
    for (n_classes, c) in [(2, 1.0), (2, 1e4), (3, 10.0)] {
        let coordinate = |i: usize, f: usize| ((i * (37 + 11 * f) + f) % 101) as f64 / 20.0 - 2.5;
        let x = Array2::from_shape_fn((400, 4), |(i, f)| coordinate(i, f));
        let y = (0..400).map(|i| ((x[[i, 0]] * x[[i, 1]] + x[[i, 2]] + 9.0) as usize % n_classes) as f64);
        let data = table(x.clone(), y.collect());
        let model = svc(&serde_json::json!({"C": c, "gamma": 0.4})).fit(&data).expect("a fit");
        // Points between which the decision changes come closer to the border step by step.
        let (mut a, mut b) = (x.clone(), Array2::from_shape_fn((400, 4), |(i, f)| x[[(i + 1) % 400, f]]));
        for step in 0..52 {
            let middle = (&a + &b) / 2.0;
            let many = model.predict(middle.view()).expect("classes");
            let few: Vec<f64> = middle
                .axis_chunks_iter(ndarray::Axis(0), 40)
                .flat_map(|rows| model.predict(rows).expect("classes"))
                .collect();
            assert_eq!(many, few, "{n_classes} classes, C = {c}, step {step}");
            let ends = model.predict(a.view()).expect("classes");
            for i in 0..400 {
                let end = if many[i] == ends[i] { &mut a } else { &mut b };
                end.row_mut(i).assign(&middle.row(i));
            }
        }
        let near = model.decision_function(a.view()).expect("decisions");
        unsure += near.iter().filter(|v| v.abs() < 1e-12).count();
    }
    assert!(unsure > 300, "{unsure}");
}
