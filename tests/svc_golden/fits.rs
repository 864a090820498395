//! Attributes and decisions of single fits.

use ndarray::Array2;
use rankfit::estimator::svm::SvcModel;
use serde_json::Value;

use crate::golden::{matrix, read, svc, table, vector};

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
