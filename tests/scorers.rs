//! Scores of rows by what a model says of them, against values from scikit-learn (see the origin in the file).

use rankfit::estimator::row_scores::{RowScores, Scored};
use rankfit::metrics::{Needs, Scorer};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .map(|list| list.iter().map(|value| value.as_f64().unwrap()).collect())
        .unwrap_or_default()
}

#[test]
fn scores_of_a_search_are_those_of_scikit_learn() {
    let path = format!("{}/tests/data/model_selection/scorers.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut compared, mut refused, mut undefined) = (0, 0, 0);
    for case in file["cases"].as_array().unwrap() {
        let of = |key: &str| numbers(&case[key]);
        let (y_true, known, weights, predicted) = (of("y_true"), of("known"), of("weights"), of("y_pred"));
        let (decision, proba) = (of("decision"), of("proba"));
        let rows = Scored {
            y_true: &y_true,
            known: &known,
            weights: &weights,
            predicted: &predicted,
            decision: case["decision"].is_array().then_some(&decision),
            proba: case["proba"].is_array().then_some((&known, &proba)),
        };
        for (name, expected) in case["scores"].as_object().unwrap() {
            let scores = RowScores::new(vec![Scorer::parse(name).unwrap()], None);
            let found = scores.with_text(case["text"] == true).of(&rows);
            let Some(expected) = expected.as_f64() else {
                match expected {
                    Value::Null => assert!(found.is_err(), "{name}: {found:?}\n{case}"),
                    _ => {
                        assert_eq!(found.unwrap()[0].to_string().to_lowercase(), *expected, "{name}\n{case}")
                    }
                }
                *(if expected.is_null() { &mut refused } else { &mut undefined }) += 1;
                continue;
            };
            let found = found.unwrap_or_else(|error| panic!("{name}: {error}\n{case}"))[0];
            compared += 1;
            // The rows of all classes but one weigh nothing: scikit-learn divides by what rounding leaves.
            if name.starts_with("d2_") && expected < -1e12 {
                assert!(found < -1e12, "{name}: {found} instead of {expected}\n{case}");
                continue;
            }
            // The sums have scikit-learn's order; logarithms and areas may end in another last bit.
            let exact = ["average_precision", "neg_brier_score", "neg_median_absolute_error"]
                .contains(&name.as_str());
            let allowed = match name.as_str() {
                _ if exact => 0.0,
                // scikit-learn's chances come from logarithms of factorials, which have that many digits.
                "adjusted_mutual_info_score" => 1e-11,
                _ => 8.0 * f64::EPSILON * expected.abs().max(1.0),
            };
            assert!((found - expected).abs() <= allowed, "{name}: {found} instead of {expected}\n{case}");
        }
    }
    assert!(compared > 1900 && refused > 250 && undefined > 100, "{compared} {refused} {undefined}");
}

/// `get_scorer("average_precision")` of scikit-learn 1.9.1 on a model that says the same of every row: of each class
/// against the rest the fraction of its rows, whose mean is a third.
#[test]
fn an_average_precision_of_three_classes_is_made_of_values_of_each() {
    let (classes, y_true) = ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 1.0]);
    let proba = [0.5, 0.25, 0.25].repeat(4);
    let mut rows = Scored {
        y_true: &y_true,
        known: &classes,
        weights: &[],
        predicted: &[],
        decision: None,
        proba: Some((&classes, &proba)),
    };
    let scorer = Scorer::AveragePrecision;
    assert_eq!(scorer.needs(), Needs::Decision);
    let scores = RowScores::new(vec![scorer, Scorer::TopKAccuracy], None);
    assert!((scores.of(&rows).unwrap()[0] - 1.0 / 3.0).abs() < 1e-15);
    // Rows of two of the three, as scikit-learn raises for them.
    rows.y_true = &[0.0, 1.0, 1.0, 1.0];
    let error = scores.of(&rows).unwrap_err().to_string();
    assert!(error.contains("rows of each of 3 classes for average_precision, found classes"), "{error}");
    let error = scorer.score(&y_true, &y_true).unwrap_err().to_string();
    assert!(
        error.contains("rows of two classes, one of them 1, for average_precision, found classes"),
        "{error}"
    );
    assert!(scorer.score(&[0.0, 1.0], &[f64::NAN, 1.0]).is_err());
}
