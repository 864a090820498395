//! Searches in rungs: scikit-learn's counts, and what the program makes of them.

use rankfit::model_selection::{MinResources, Rules, SearchSpec};
use serde_json::{Value, json};

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

#[test]
fn counts_are_those_of_scikit_learn() {
    let path = format!("{}/tests/data/model_selection/halving.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let mut refused = 0;
    for case in cases {
        let given = &case["rules"];
        let rules = Rules {
            factor: given["factor"].as_f64().unwrap_or(3.0),
            resource: given["resource"].as_str().unwrap_or("n_samples").into(),
            min_resources: match &given["min_resources"] {
                Value::Number(number) => MinResources::Given(number.as_u64().unwrap() as usize),
                Value::String(word) if word == "smallest" => MinResources::Smallest,
                _ => MinResources::Exhaust,
            },
            max_resources: given["max_resources"].as_u64().map(|number| number as usize),
            aggressive_elimination: given["aggressive_elimination"].as_bool().unwrap_or(false),
        };
        let n_samples = count(&case["n_samples"]);
        let found = rules.halving(count(&case["n_candidates"]), n_samples, count(&case["smallest"]));
        if case["error"].is_string() {
            assert!(found.is_err(), "{case}");
            refused += 1;
            continue;
        }
        let found = found.unwrap();
        let [bracket] = &found.brackets[..] else { panic!("{found:?}") };
        let of_rungs = |of: fn(&rankfit::model_selection::Rung) -> usize| -> Vec<usize> {
            bracket.rungs.iter().map(of).collect()
        };
        let told = json!({
            "n_candidates_": of_rungs(|rung| rung.n_candidates),
            "n_resources_": of_rungs(|rung| rung.n_resources),
            "min_resources_": found.min_resources,
            "max_resources_": found.max_resources,
            "n_iterations_": bracket.rungs.len(),
            "n_required_iterations_": found.n_required,
            "n_possible_iterations_": found.n_possible,
            "n_remaining_candidates_": bracket.n_remaining,
        });
        for (name, value) in told.as_object().unwrap() {
            assert_eq!(case[name], *value, "{name} of {case}");
        }
    }
    assert!(refused == 2 && cases.len() > 150, "{refused} of {}", cases.len());
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let refused = |text: &str, message: &str| {
        let spec: SearchSpec = toml::from_str(text).unwrap();
        let found = spec.check(true, 0).unwrap_err().to_string();
        assert!(found.starts_with(message), "{found}");
    };
    refused(
        "factor = 2\ngrid = { C = [1] }",
        "search.factor: expected it only where search.kind is \"halving\" or",
    );
    refused("kind = \"cross_validate\"\ngrid = { C = [1] }", "search.grid: expected it only where");
    let halving = "kind = \"halving\"\ngrid = { C = [1, 2] }\n";
    refused(&format!("{halving}factor = 1"), "search.factor: expected a number above 1");
    refused(
        &format!("{halving}min_resources = \"most\""),
        "search.min_resources: expected a positive number or",
    );
    refused(&format!("{halving}max_resources = 0"), "search.max_resources: expected a positive number");
    refused(&format!("{halving}n_candidates = 4"), "search.n_candidates: expected either a grid, or");
    refused(&format!("{halving}resource = \"C\""), "search.resource: expected another resource");
    refused(
        &format!("{halving}scoring = [\"accuracy\", \"f1\"]\nrefit = false"),
        "search.refit: expected false, or the score that says which is best",
    );
    let drawn = "kind = \"halving\"\ndistributions = { C = [1, 2] }\nmin_resources = \"exhaust\"";
    refused(drawn, "search.min_resources: expected \"smallest\" or a number");
}
