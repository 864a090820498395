//! What a dry run tells.

mod desk;

use desk::Desk;
use serde_json::{Value, json};

const ROWS: &str = "[data]\nsource = \"classification\"\nn_samples = 300\nn_features = 6\nn_informative = 3\n\
                    n_redundant = 1\n";

fn dry(desk: &Desk, job: &str, set: &[&str]) -> String {
    desk.write("dry.toml", job);
    let mut arguments = vec!["run", "dry.toml", "--dry-run", "--output", "x.h5"];
    set.iter().for_each(|assignment| arguments.extend(["--set", assignment]));
    desk.ok(&arguments)
}

fn resolved(said: &str) -> toml::Table {
    toml::from_str(said).expect("a job")
}

#[test]
fn the_resolved_job_has_the_defaults() {
    let desk = Desk::new();
    let grid = format!("{ROWS}[estimator]\nname = 'SVC'\n[search]\n[search.grid]\nC = [0.1, 1.0]\n");
    let search = resolved(&dry(&desk, &grid, &[]))["search"].clone();
    assert_eq!(search["cv"].as_integer(), Some(5));
    assert_eq!(search["scoring"].as_str(), Some("accuracy"));
    assert_eq!(
        [&search["refit"], &search["return_train_score"]].map(|flag| flag.as_bool()),
        [Some(true), Some(false)]
    );
    assert!(search["error_score"].as_float().is_some_and(f64::is_nan));
    for (name, criterion, max_features, bootstrap) in [
        ("RandomForestClassifier", "gini", toml::Value::from("sqrt"), true),
        ("ExtraTreesRegressor", "squared_error", toml::Value::from(1.0), false),
    ] {
        let source = if name.ends_with("Regressor") { "[data]\nsource = 'regression'\n" } else { ROWS };
        let forest = resolved(&dry(&desk, &format!("{source}[estimator]\nname = '{name}'\n"), &[]));
        let forest = &forest["estimator"];
        assert_eq!((forest["criterion"].as_str(), &forest["max_features"]), (Some(criterion), &max_features));
        assert_eq!(forest["bootstrap"].as_bool(), Some(bootstrap));
        let all = dry(&desk, &format!("{source}[estimator]\nname = '{name}'\nmax_features = 'none'\n"), &[]);
        assert_eq!(resolved(&all)["estimator"]["max_features"].as_str(), Some("none"));
        desk.write("again.toml", &all);
        assert_eq!(desk.ok(&["run", "again.toml", "--dry-run"]), all);
    }
    let blobs = "[data]\nsource = 'blobs'\n[estimator]\nname = 'KMeans'\nn_clusters = 2\n";
    assert_eq!(resolved(&dry(&desk, blobs, &[]))["data"]["n_features"].as_integer(), Some(2));
}

/// `RandomForestClassifier(**json.loads(best_params_))` has to work in Python.
#[test]
fn none_is_none_in_what_comes_out() {
    let desk = Desk::new();
    let forest = "[estimator]\nname = 'RandomForestClassifier'\nn_estimators = 4\nmax_samples = 'none'\nrandom_state = 'none'\n";
    let grid = "[search]\ncv = 3\n[search.grid]\nmax_depth = ['none', 1]\nclass_weight = ['balanced', 'none']\nmax_features = ['none']\n";
    desk.write("forest.toml", &format!("{ROWS}{forest}{grid}"));
    desk.ok(&["run", "forest.toml", "--output", "forest.h5", "-q"]);
    let file = desk.json("forest.h5");
    let table = &file["cv_results"];
    let params: Vec<Value> = table["params"]
        .as_array()
        .expect("candidates")
        .iter()
        .map(|text| text.as_str().map_or_else(|| text.clone(), |text| serde_json::from_str(text).unwrap()))
        .collect();
    let weighted = |class_weight: Value, max_depth: Value| json!({"class_weight": class_weight, "max_depth": max_depth, "max_features": null});
    let balanced = json!("balanced");
    assert_eq!(
        params,
        [
            weighted(balanced.clone(), json!(null)),
            weighted(balanced, json!(1)),
            weighted(json!(null), json!(null)),
            weighted(json!(null), json!(1)),
        ]
    );
    assert_eq!(table["param_max_depth"], json!(["None", "1", "None", "1"]));
    assert_eq!(table["param_class_weight"], json!(["balanced", "balanced", "None", "None"]));
    let fitted = &file["model"]["params"];
    assert_eq!([&fitted["max_samples"], &fitted["max_features"], &fitted["random_state"]], [&json!(null); 3]);
    assert_eq!((&fitted["criterion"], &fitted["bootstrap"]), (&json!("gini"), &json!(true)));
    assert!(fitted.get("name").is_none(), "{fitted}");
    // Of other estimators and steps, alone and in a grid.
    for (estimator, search) in [
        ("name = 'GaussianNB'\npriors = 'none'", "[search.grid]\npriors = ['none', [0.3, 0.7]]"),
        (
            "name = 'SVC'\nclass_weight = 'none'\nrandom_state = 'none'",
            "[search.grid]\nclass_weight = ['none']",
        ),
        (
            "name = 'GaussianNB'",
            "[search.grid]\npca__n_components = ['none', 2]\npca__random_state = ['none']",
        ),
    ] {
        let step = "[[pipeline]]\nname = 'PCA'\nn_components = 'none'\nrandom_state = 'none'\n";
        let job = format!("{ROWS}{step}[estimator]\n{estimator}\n[search]\ncv = 3\n{search}\n");
        desk.write("job.toml", &job);
        desk.ok(&["run", "job.toml", "--output", "x.h5", "-q", "--on-existing", "replace"]);
    }
    for estimator in [
        "name = 'MiniBatchKMeans'\nn_clusters = 2\ninit_size = 'none'\nrandom_state = 'none'",
        "name = 'QuantileTransformer'\nn_quantiles = 10\nsubsample = 'none'\nrandom_state = 'none'",
        "name = 'SimpleImputer'\nfill_value = 'none'",
        "name = 'RandomForestClassifier'\nn_estimators = 2\nmax_leaf_nodes = 'none'",
    ] {
        desk.write("job.toml", &format!("{ROWS}[estimator]\n{estimator}\n"));
        desk.ok(&["run", "job.toml", "--output", "x.h5", "-q", "--on-existing", "replace"]);
    }
    desk.write(
        "job.toml",
        &format!("{ROWS}[estimator]\nname = 'RandomForestClassifier'\nmax_depth = 'deep'\n"),
    );
    let message = "estimator.max_depth: expected a whole number from 1, or \"none\" for no limit, found the text \"deep\"";
    desk.fails(&["run", "job.toml", "--output", "y.h5"], 78, message);
}
