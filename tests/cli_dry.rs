//! What a dry run tells, and what it refuses as the run would.

mod desk;

use desk::{Desk, words};
use serde_json::{Value, json};

const ROWS: &str = "[data]\nsource = \"classification\"\nn_samples = 300\nn_features = 6\nn_informative = 3\n\
                    n_redundant = 1\n";

fn dry(desk: &Desk, job: &str, set: &[&str]) -> String {
    desk.write("dry.toml", job);
    let mut arguments = vec!["run", "dry.toml", "--dry-run", "--output", "x.h5"];
    set.iter().for_each(|assignment| arguments.extend(["--set", assignment]));
    desk.ok(&arguments)
}

/// The memory of rank 0 in MiB.
fn memory(said: &str) -> f64 {
    let line = said.lines().rfind(|line| line.starts_with("# 0 ")).expect("rank 0");
    let words: Vec<&str> = line.split_whitespace().collect();
    let number: f64 = words[words.len() - 2].parse().expect("a number");
    number
        * [("KiB", 1.0 / 1024.0), ("MiB", 1.0), ("GiB", 1024.0)]
            .iter()
            .find(|u| u.0 == words[words.len() - 1])
            .unwrap()
            .1
}

/// The most memory that the same job held, beyond what the program takes for next to nothing, on an idle machine; the
/// estimate has to be right within a factor of 1.5.
#[test]
fn memory_is_that_of_the_fits_too() {
    let rows = |source: &str, n: usize, d: usize| {
        format!("[data]\nsource = \"{source}\"\nn_samples = {n}\nn_features = {d}\n")
    };
    let desk = Desk::new();
    for (data, estimator, measured_mib) in [
        (rows("classification", 12_000, 20), "name = 'SVC'", 211.0),
        (rows("classification", 25_000, 20) + "memory_per_rank = '600MiB'\n", "name = 'SVC'", 615.0),
        (rows("regression", 5000, 20), "name = 'SVR'", 157.0),
        (rows("blobs", 1_000_000, 20) + "residency = 'memory'\n", "name = 'KMeans'\nn_clusters = 12", 207.0),
        (rows("classification", 30_000, 20), "name = 'RandomForestClassifier'\nn_estimators = 60", 31.0),
        (rows("regression", 50_000, 20), "name = 'ExtraTreesRegressor'\nn_estimators = 20", 305.0),
        (
            rows("regression", 200_000, 50),
            "name = 'Ridge'\n[search]\n[search.grid]\nalpha = [0.1, 1.0, 10.0]",
            281.0,
        ),
        (
            rows("classification", 8000, 20),
            "name = 'SVC'\n[search]\ncv = 3\n[search.grid]\nC = [0.1, 1.0]\ngamma = [0.01, 0.1]",
            276.0,
        ),
    ] {
        let told = memory(&dry(&desk, &format!("{data}[estimator]\n{estimator}\n"), &[]));
        let ratio = told / measured_mib;
        assert!((1.0 / 1.5..=1.5).contains(&ratio), "{estimator}: {told} MiB told, {measured_mib} measured");
    }
}

/// 2,000 folds of 2,000 row numbers of 8 bytes: 30.5 MiB on every rank, and no less than those may be had.
#[test]
fn the_row_numbers_of_folds_are_counted_and_bounded() {
    let desk = Desk::new();
    let job = "[data]\nsource = 'regression'\nn_samples = 2000\nn_features = 6\nn_informative = 3\n[estimator]\n\
               name = 'Ridge'\n[search]\nrefit = false\ncv = { kind = 'LeaveOneOut' }\n[search.grid]\nalpha = [1.0]\n";
    let told = memory(&dry(&desk, job, &[]));
    assert!((30.5..40.0).contains(&told), "{told} MiB");
    for flag in ["-q", "--dry-run"] {
        let memory = "data.memory_per_rank=32000000";
        let message = "search.cv: expected splits whose row numbers take at most 31888000 bytes, which every rank keeps, \
                       found 32000000 bytes";
        desk.fails(&["run", "dry.toml", "--output", "x.h5", flag, "--set", memory], 78, message);
    }
    dry(&desk, job, &["data.memory_per_rank=32112000"]);
}

#[test]
fn a_search_is_told_with_its_score_and_its_refit() {
    let desk = Desk::new();
    let grid = format!("{ROWS}[estimator]\nname = 'SVC'\n[search]\ncv = 3\n[search.grid]\nC = [0.1, 1.0]\n");
    let said = dry(&desk, &grid, &[]);
    assert!(said.contains("# search: grid, 2 candidates on 3 folds, scored by accuracy\n"), "{said}");
    assert!(said.contains("# the refit of the best candidate takes about "), "{said}");
    assert!(said.contains("# 2 blocks on 1 rank\n"), "{said}");
    assert!(dry(&desk, &grid, &["data.block_rows=300"]).contains("# 1 block on 1 rank\n"));
    assert!(!dry(&desk, &grid, &["search.refit=false"]).contains("refit of the best"));
}

/// The rungs are those of scikit-learn's HalvingGridSearchCV (1.9.1): `n_candidates_` and `n_resources_` for 9
/// candidates on 300 rows of 2 classes with cv = 5.
#[test]
fn rungs_are_told() {
    let desk = Desk::new();
    let halving = format!(
        "{ROWS}[estimator]\nname = 'GaussianNB'\n[search]\nkind = 'halving'\n[search.grid]\n\
         var_smoothing = [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]\n"
    );
    let said = dry(&desk, &halving, &[]);
    assert!(said.contains("# search: halving, 9 candidates on 5 folds, scored by accuracy\n"), "{said}");
    let table: Vec<Vec<&str>> = said
        .lines()
        .skip_while(|line| !line.starts_with("# bracket"))
        .take(4)
        .map(|line| line.trim_start_matches("# ").split_whitespace().collect())
        .collect();
    assert_eq!(table[0], ["bracket", "rung", "candidates", "n_samples"]);
    assert_eq!(table[1..], [["0", "0", "9", "33"], ["0", "1", "3", "99"], ["0", "2", "1", "297"]]);
}

#[test]
fn what_needs_no_fit_is_refused_as_the_run_refuses_it() {
    let desk = Desk::new();
    desk.write("centres.csv", "1,2,3,4,5\n");
    for (estimator, extra) in [
        ("name = 'KMeans'\nn_clusters = 301", &["--output", "x.h5"][..]),
        ("name = 'MiniBatchKMeans'\nn_clusters = 301", &["--output", "x.h5"]),
        ("name = 'KMeans'\nn_clusters = 2\ninit = { file = 'absent.csv' }", &["--output", "x.h5"]),
        ("name = 'KMeans'\nn_clusters = 2\ninit = { file = 'centres.csv' }", &["--output", "x.h5"]),
        ("name = 'KMeans'\nwarm_start = 'absent.h5'", &["--output", "x.h5"]),
        ("name = 'LogisticRegression'\nwarm_start = 'absent.h5'", &["--output", "x.h5"]),
        ("name = 'PCA'\nn_components = 7", &["--output", "x.h5"]),
        ("name = 'TruncatedSVD'\nn_components = 7", &["--output", "x.h5"]),
        ("name = 'KNeighborsClassifier'\nn_neighbors = 301", &["--output", "x.h5"]),
        (
            "name = 'GaussianNB'\n[search]\nkind = 'halving'\nmax_resources = 301\n[search.grid]\nvar_smoothing = [1e-9]",
            &["--output", "x.h5"],
        ),
    ] {
        desk.write("job.toml", &format!("{ROWS}[estimator]\n{estimator}\n"));
        let run = desk.run(&[&["run", "job.toml", "-q"], extra].concat());
        let dry = desk.run(&[&["run", "job.toml", "--dry-run"], extra].concat());
        assert_ne!(run.status.code(), Some(0), "{estimator}");
        assert_eq!((dry.status.code(), words(&dry)), (run.status.code(), words(&run)), "{estimator}");
    }
    // An output may still be named, made or removed: there the dry run tells what the run would say.
    desk.write("there.h5", "");
    desk.write("job.toml", &format!("{ROWS}[estimator]\nname = 'KMeans'\nn_clusters = 3\n"));
    for output in ["there.h5", "absent/x.h5"] {
        let run = desk.run(&["run", "job.toml", "--output", output]);
        assert_eq!(run.status.code(), Some(73));
        let said = words(&run).trim_start_matches("rankfit: ").trim_end().to_owned();
        let told = desk.ok(&["run", "job.toml", "--output", output, "--dry-run"]);
        assert!(
            told.contains(&format!("# a run as it is called here would be refused: {said}")),
            "{told}\n{said}"
        );
    }
    assert!(!desk.ok(&["run", "job.toml", "--dry-run"]).contains("refused"));
    let steps =
        "[[pipeline]]\nname = 'PCA'\nn_components = 4\n[[pipeline]]\nname = 'PCA'\nn_components = 5\n";
    desk.write("steps.toml", &format!("{ROWS}{steps}[estimator]\nname = 'GaussianNB'\n"));
    let message =
        "pipeline.1.n_components: expected at most 4, the smaller of n_samples and n_features, found 5";
    for flag in ["-q", "--dry-run"] {
        desk.fails(&["run", "steps.toml", "--output", "x.h5", flag], 78, message);
    }
    // Entries of lists are called by the names that errors give them.
    desk.ok(&["run", "steps.toml", "--output", "x.h5", "-q", "--set", "pipeline.1.n_components=3"]);
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
