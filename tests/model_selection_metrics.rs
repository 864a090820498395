//! Scores against values from scikit-learn (see the origin in the file).

use rankfit::metrics::{Needs, Scorer};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let path = format!("{}/tests/data/model_selection/metrics.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    for case in file["cases"].as_array().unwrap() {
        let (y_true, second) = (numbers(&case["y_true"]), numbers(&case["y_pred"]));
        for (name, expected) in case["scores"].as_object().unwrap() {
            let scorer = Scorer::parse(name).unwrap();
            assert_eq!(scorer.needs() == Needs::Decision, case["kind"] == "decision");
            let found = scorer.score(&y_true, &second).unwrap();
            compared += 1;
            if expected.as_str() == Some("nan") {
                assert!(found.is_nan(), "{name}: {found}");
                continue;
            }
            let expected = expected.as_f64().unwrap();
            // The last bits may differ only where scikit-learn's order of operations is not ours.
            let exact = matches!(name.as_str(), "accuracy" | "neg_max_error") || name.ends_with("_micro");
            let allowed = if exact { 0.0 } else { 4.0 * f64::EPSILON * expected.abs().max(1.0) };
            assert!((found - expected).abs() <= allowed, "{name}: {found} instead of {expected}\n{case}");
        }
    }
    assert!(compared > 400);
}
