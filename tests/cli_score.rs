//! `rankfit score` and `predict --method`, from CSV files to the answer, against scikit-learn's scores.

mod desk;
mod launcher;
mod unlock;

use desk::Desk;
use serde_json::Value;
use unlock::unlock;

const GOLDEN: &str = include_str!("data/scores.json");

impl Desk {
    /// Fits a case of the golden file on `train.csv` and lays `test.csv` beside it.
    fn fit(&self, golden: &Value, case: &Value) {
        let table = |key: &str| csv(&golden["tables"][case[key].as_u64().unwrap() as usize]);
        self.write("train.csv", &table("train"));
        self.write("test.csv", &table("test"));
        self.write("centers.csv", &csv(&golden["centers"]));
        self.job(case["job"].as_str().unwrap());
        self.ok(&["run", "job.toml", "--on-existing", "replace"]);
    }

    fn job(&self, estimator: &str) {
        let job = format!(
            "[data]\nsource = \"csv\"\npath = \"train.csv\"\nlabel_column = -1\n[estimator]\n{estimator}\n\
             [output]\npath = \"out.h5\"\n"
        );
        self.write("job.toml", &job);
    }

    fn score(&self, more: &[&str]) -> Value {
        let mut arguments = vec!["score", "--model", "out.h5", "--data", "test.csv", "--json"];
        arguments.extend(more);
        serde_json::from_str(&self.ok(&arguments)).unwrap()
    }
}

fn csv(table: &Value) -> String {
    let row = |row: &Value| {
        let cells: Vec<String> = row.as_array().unwrap().iter().map(Value::to_string).collect();
        cells.join(",") + "\n"
    };
    table.as_array().unwrap().iter().map(row).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let within = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(within, "{what}: {found} instead of {expected}");
    }
}

#[test]
fn scores_are_scikit_learns() {
    let (desk, golden) = (Desk::new(), serde_json::from_str::<Value>(GOLDEN).unwrap());
    for case in golden["cases"].as_array().unwrap() {
        desk.fit(&golden, case);
        let clusters = case["scores"].get("inertia").is_some();
        let found = desk.score(if clusters { &["--y", "-1"] } else { &[] });
        let tolerance = case["tolerance"].as_f64().unwrap();
        for (name, expected) in case["scores"].as_object().unwrap() {
            let what = format!("{}: {name}", case["name"]);
            assert!(found.get(name).is_some(), "{what} in {found}");
            assert_close(&numbers(&found[name]), &numbers(expected), tolerance, &what);
        }
        let rows = golden["tables"][case["test"].as_u64().unwrap() as usize].as_array().unwrap().len();
        assert_eq!(found["n_samples"], rows);
        for (name, rows) in case["methods"].as_object().unwrap() {
            let what = format!("{}: {name}", case["name"]);
            let text = desk.ok(&["predict", "--model", "out.h5", "--data", "test.csv", "--method", name]);
            let expected = rows.as_array().unwrap();
            let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>();
            assert_eq!(text.lines().count() as u64, found["n_samples"].as_u64().unwrap(), "{what}");
            for (line, expected) in text.lines().zip(expected) {
                assert_close(&row(line), &numbers(expected), tolerance * 10.0, &what);
            }
        }
    }
}

/// A table with a column of weights behind the targets, as `make_scores.py` weighs its rows.
fn weighed(table: &Value) -> String {
    let weight = |row: usize| (row * 7 % 5) as f64 / 2.0;
    csv(table).lines().enumerate().map(|(row, line)| format!("{line},{}\n", weight(row))).collect()
}

#[test]
fn weighted_scores_are_scikit_learns() {
    let (desk, golden) = (Desk::new(), serde_json::from_str::<Value>(GOLDEN).unwrap());
    for case in golden["cases"].as_array().unwrap() {
        desk.fit(&golden, case);
        desk.write("test.csv", &weighed(&golden["tables"][case["test"].as_u64().unwrap() as usize]));
        let arguments = ["--y", "-2", "--sample-weight", "-1"];
        let found = desk.score(&arguments);
        let tolerance = case["tolerance"].as_f64().unwrap();
        let differs = |(name, weighted): (&String, &Value)| case["scores"][name] != *weighted;
        let expected = case["weighted"].as_object().unwrap();
        assert!(expected.iter().any(differs), "{}: weights that change nothing", case["name"]);
        for (name, expected) in expected {
            let what = format!("{}: {name}", case["name"]);
            assert_close(&numbers(&found[name]), &numbers(expected), tolerance, &what);
        }
        let line =
            format!("mpi_run 3 rankfit score --model out.h5 --data test.csv --json {}", arguments.join(" "));
        if launcher::has_mpi() {
            let output = launcher::shell(&line, desk.folder());
            let ranks: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(ranks, found, "{}: {}", case["name"], launcher::words(&output));
        }
    }
}

#[test]
fn weights_of_a_score_are_asked_for() {
    let desk = Desk::new();
    let rows = |last: &str| format!("x,y,w\n0,0,1\n1,0,2\n2,1,3\n3,1,{last}\n");
    desk.write("train.csv", &rows("1"));
    let job = "[data]\nsource = 'csv'\npath = 'train.csv'\nlabel_column = 'y'\nweight_column = 'w'\n\
               [estimator]\nname = 'GaussianNB'\n[output]\npath = 'out.h5'\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml"]);
    desk.write("test.csv", &rows("10"));
    // As in scikit-learn each row counts once unless it is asked otherwise, and that is said.
    assert_eq!(desk.score(&[])["support"], serde_json::json!([2, 2]));
    assert!(desk.score(&[])["notes"][0].as_str().unwrap().contains("--sample-weight"));
    // Those of the job's column, or of another.
    assert_eq!(desk.score(&["--sample-weight"])["support"], serde_json::json!([3.0, 13.0]));
    assert_eq!(desk.score(&["--sample-weight", "w"])["support"], serde_json::json!([3.0, 13.0]));
    assert!(
        desk.ok(&["score", "--model", "out.h5", "--data", "test.csv", "--sample-weight"]).contains(" 13 ")
    );
    let score = ["score", "--model", "out.h5", "--data", "test.csv", "--sample-weight"];
    desk.write("test.csv", &rows("-1"));
    desk.fails(&score, 65, "test.csv, row 3, column w: expected a weight of 0 or more, found -1");
    desk.write("test.csv", "x,y,w\n0,0,0\n1,1,0\n");
    desk.fails(&score, 65, "expected a positive sum of weights, found only zeros");
    desk.write("job.toml", &job.replace("weight_column = 'w'\n", ""));
    desk.ok(&["run", "job.toml", "--on-existing", "replace"]);
    desk.fails(&score, 2, "--sample-weight NAME: the weights, which the model's job does not tell");
}

#[test]
fn ranks_and_text_do_not_change_a_score() {
    if !launcher::has_mpi() {
        return;
    }
    let (desk, golden) = (Desk::new(), serde_json::from_str::<Value>(GOLDEN).unwrap());
    for case in golden["cases"].as_array().unwrap() {
        desk.fit(&golden, case);
        // Several blocks, so that every rank has some.
        let long = csv(&golden["tables"][case["test"].as_u64().unwrap() as usize]).repeat(12);
        desk.write("test.csv", &long);
        let arguments = ["score", "--model", "out.h5", "--data", "test.csv", "--y", "-1", "--json"];
        let one = desk.ok(&arguments);
        for ranks in [2, 3] {
            let line = format!("mpi_run {ranks} rankfit {}", arguments.join(" "));
            let output = launcher::shell(&line, desk.folder());
            let words = launcher::words(&output);
            assert_eq!(String::from_utf8_lossy(&output.stdout), one, "{}: {words}", case["name"]);
        }
        let text = desk.ok(&arguments[..7]);
        let json: Value = serde_json::from_str(&one).unwrap();
        let first = json.as_object().unwrap().iter().find(|(_, value)| value.is_f64()).unwrap();
        assert!(text.contains(&format!("{:?}", first.1.as_f64().unwrap())), "{text}");
    }
}

#[test]
fn classes_with_names_are_matched_by_name() {
    let desk = Desk::new();
    desk.write("train.csv", "1,b\n2,b\n3,b\n7,c\n8,c\n9,c\n");
    desk.job("name = \"GaussianNB\"");
    desk.ok(&["run", "job.toml"]);
    // In another order, and with a class that the model does not know.
    desk.write("test.csv", "8,c\n2,c\n2,b\n");
    let scores = desk.score(&[]);
    assert_eq!(scores["accuracy"], 2.0 / 3.0);
    assert_eq!(scores["confusion_matrix"], serde_json::json!([[1, 0], [1, 1]]));
    assert_eq!(scores["classes"], serde_json::json!(["b", "c"]));
    // average_precision_score(y, proba[:, 1], pos_label="c"): 1/2 + 1/2 · 2/3.
    assert!((scores["average_precision"].as_f64().unwrap() - 5.0 / 6.0).abs() < 1e-15, "{scores}");
    assert_eq!(scores["notes"], serde_json::json!(["average_precision is of class c"]));
    desk.write("test.csv", "8,c\n2,b\n2,a\n");
    let scores = desk.score(&[]);
    assert_eq!(scores["accuracy"], 2.0 / 3.0);
    assert_eq!(scores["classes"], serde_json::json!(["b", "c", "a"]));
    assert!(scores.get("log_loss").is_none() && scores["notes"][0].as_str().unwrap().contains("row 2"));
    desk.write("test.csv", "8,1\n2,0\n");
    desk.fails(&["score", "--model", "out.h5", "--data", "test.csv"], 65, "expected targets that are text");
    let text = desk.ok(&["predict", "--model", "out.h5", "--data", "test.csv", "--method", "proba"]);
    let rows: Vec<Vec<f64>> =
        text.lines().map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 2 && (row[0] + row[1] - 1.0).abs() < 1e-12), "{text}");
}

#[test]
fn an_average_precision_is_of_the_class_1() {
    let desk = Desk::new();
    desk.write("train.csv", "1,1\n2,1\n3,1\n7,2\n8,2\n9,2\n");
    desk.job("name = \"GaussianNB\"");
    desk.ok(&["run", "job.toml"]);
    desk.write("test.csv", "8,1\n2,1\n2,1\n8,2\n");
    let scores = desk.score(&[]);
    // get_scorer("average_precision") of scikit-learn 1.9.1, of the probabilities of 1: 2/3 + 1/3 · 3/4; that of 2 is 1/2.
    assert!((scores["average_precision"].as_f64().unwrap() - 11.0 / 12.0).abs() < 1e-15, "{scores}");
    assert_eq!(scores.get("notes"), None);
    desk.write("test.csv", "8,1\n2,1\n");
    let scores = desk.score(&[]);
    assert!(scores.get("roc_auc").is_none() && scores.get("d2_brier_score").is_none(), "{scores}");
    assert_eq!(scores["notes"].as_array().unwrap().len(), 2);
}

#[test]
fn numbers_below_0_and_a_lone_cluster_leave_scores_out() {
    let desk = Desk::new();
    desk.write("train.csv", "1,1\n2,-3\n3,4\n4,9\n");
    desk.write("test.csv", "1,1\n2,-3\n3,4\n");
    desk.job("name = \"Ridge\"");
    desk.ok(&["run", "job.toml"]);
    let scores = desk.score(&[]);
    for name in ["mean_squared_log_error", "mean_poisson_deviance", "mean_gamma_deviance"] {
        assert!(scores.get(name).is_none() && scores["notes"].to_string().contains(name), "{scores}");
    }
    assert!(scores["median_absolute_error"].is_f64() && scores.get("median_absolute_error_bound").is_none());
    desk.job("name = \"KMeans\"\nn_clusters = 1");
    desk.ok(&["run", "job.toml", "--on-existing", "replace"]);
    let scores = desk.score(&[]);
    assert!(scores.get("davies_bouldin_score").is_none() && scores.get("rand_score").is_none(), "{scores}");
    assert!(scores["notes"][0].as_str().unwrap().starts_with("no calinski_harabasz_score"), "{scores}");
}

#[test]
fn mistakes_are_located() {
    let desk = Desk::new();
    desk.write("train.csv", "1,0\n2,0\n3,0\n7,1\n8,1\n9,1\n");
    desk.job("name = \"GaussianNB\"");
    desk.ok(&["run", "job.toml"]);
    let score = |data: &'static str| ["score", "--model", "out.h5", "--data", data];
    desk.fails(&score("absent.csv"), 66, "absent.csv");
    desk.fails(&score("."), 66, "a folder");
    desk.fails(&["predict", "--model", "out.h5", "--data", "."], 66, "a folder");
    desk.write("bad.csv", "1,0\n2,0.5\n");
    desk.fails(&score("bad.csv"), 65, "row 1, column 1: expected targets that are classes");
    desk.write("bad.csv", "1,0\nnan,1\n");
    desk.fails(&score("bad.csv"), 65, "expected a finite number");
    desk.write("bad.csv", "1,2,0\n1,3,1\n");
    desk.fails(&score("bad.csv"), 65, "expected 1 features");
    let method = ["predict", "--model", "out.h5", "--data", "train.csv", "--method", "transform"];
    desk.fails(&method, 2, "expected \"predict\" or \"predict_proba\" for GaussianNB, found \"transform\"");
    desk.job("name = \"StandardScaler\"");
    desk.ok(&["run", "job.toml", "--on-existing", "replace"]);
    desk.fails(&score("train.csv"), 2, "found StandardScaler, which transforms rows");
    desk.job("name = \"GaussianNB\"\nvar_smoothing = -1.0");
    desk.fails(&["run", "job.toml", "--output", "x.h5"], 78, "job.toml:7: estimator.var_smoothing");
    desk.job("name = \"GaussianNB\"\npriors = [0.2, 0.2, 0.6]");
    desk.fails(&["run", "job.toml", "--output", "x.h5"], 78, "estimator.priors: expected 2 numbers");
    desk.job("name = \"LogisticRegression\"");
    desk.write("train.csv", "1,0\n2,0\n");
    desk.fails(&["run", "job.toml", "--output", "x.h5"], 65, "expected at least 2 classes, found 1");
    desk.job("name = \"GaussianNB\"");
    desk.write("train.csv", "1,0\n2,0.25\n");
    desk.fails(&["run", "job.toml", "--output", "x.h5"], 65, "row 1, column 1");
    desk.write("train.csv", "1,0\n1,1\n");
    desk.fails(&["run", "job.toml", "--output", "x.h5"], 65, "column 0: expected values of class 0");
}

#[test]
fn a_fault_is_told_with_the_dataset_that_has_it() {
    let desk = Desk::new();
    let file = hdf5::File::create(desk.path("rows.h5")).unwrap();
    let write = |name: &str, values: &[f64]| {
        let dataset = file.new_dataset_builder().with_data(values).create(name).unwrap();
        assert_eq!(dataset.size(), 6);
    };
    let x = ndarray::Array2::from_shape_fn((6, 2), |(i, j)| (i * i + j) as f64);
    file.new_dataset_builder().with_data(&x).create("X").unwrap();
    write("y", &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    write("bad_y", &[0.0, 1.0, 0.0, f64::NAN, 0.0, 1.0]);
    write("bad_weight", &[1.0, 1.0, f64::INFINITY, 1.0, 0.0, 1.0]);
    write("negative", &[1.0, 1.0, 1.0, 1.0, -2.0, 1.0]);
    file.close().unwrap();
    unlock(&desk.path("rows.h5"));
    for estimator in ["LogisticRegression", "GaussianNB", "Ridge"] {
        let refused = |keys: &str, message: &str| {
            let job = format!(
                "[data]\nsource = \"hdf5\"\npath = \"rows.h5\"\n{keys}\n[estimator]\nname = \"{estimator}\"\n"
            );
            desk.write("job.toml", &job);
            desk.fails(&["run", "job.toml", "--output", "out.h5"], 65, message);
        };
        refused("y = \"bad_y\"", "dataset \"bad_y\", row 3: expected a finite number");
        refused("sample_weight = \"bad_weight\"", "dataset \"bad_weight\", row 2: expected a finite");
        refused("sample_weight = \"negative\"", "dataset \"negative\", row 4: expected a weight");
    }
}

#[test]
fn neighbours_and_linear_machines_are_scored_too() {
    let (desk, golden) = (Desk::new(), serde_json::from_str::<Value>(GOLDEN).unwrap());
    for table in [0, 2] {
        desk.write("train.csv", &csv(&golden["tables"][table]));
        desk.write("test.csv", &csv(&golden["tables"][table + 1]));
        for (estimator, probabilities) in [("KNeighborsClassifier", true), ("LinearSVC", false)] {
            desk.job(&format!("name = \"{estimator}\""));
            desk.ok(&["run", "job.toml", "--on-existing", "replace"]);
            let scores = desk.score(&[]);
            assert!(scores["accuracy"].as_f64().unwrap() > 0.5, "{scores}");
            assert_eq!(scores.get("log_loss").is_some(), probabilities, "{scores}");
            assert!(scores["average_precision"].is_f64(), "{scores}");
            assert_eq!(scores.get("top_k_accuracy").is_some(), table == 2, "{scores}");
            let method = if probabilities { "predict_proba" } else { "decision_function" };
            let text = desk.ok(&["predict", "--model", "out.h5", "--data", "test.csv", "--method", method]);
            assert_eq!(text.lines().count(), golden["tables"][table + 1].as_array().unwrap().len());
        }
    }
}

#[test]
fn missing_values_are_filled_in_before_anything_else_sees_them() {
    let desk = Desk::new();
    desk.write("train.csv", "a,b,y\n1,,0\n2,5,0\n,7,1\n7,NA,1\n8,6,1\n");
    let steps = "[[pipeline]]\nname = \"SimpleImputer\"\nstrategy = \"median\"\n[[pipeline]]\nname = \"RobustScaler\"\n";
    let job = |steps: &str| {
        let job = format!(
            "[data]\nsource = \"csv\"\npath = \"train.csv\"\nlabel_column = \"y\"\n{steps}[estimator]\n\
             name = \"GaussianNB\"\n[output]\npath = \"out.h5\"\n"
        );
        desk.write("job.toml", &job);
    };
    job(steps);
    desk.ok(&["run", "job.toml"]);
    let model: Value = serde_json::from_str(&desk.ok(&["inspect", "--json", "out.h5"])).unwrap();
    assert_eq!(model["model"]["pipeline"][0]["statistics_"], serde_json::json!([4.5, 6.0]));
    assert_eq!(model["model"]["pipeline"][1]["center_"], serde_json::json!([4.5, 6.0]));
    desk.write("test.csv", "a,b,y\n1,,0\n,6,1\n9,9,1\n");
    assert_eq!(desk.score(&[])["n_samples"], 3);
    assert_eq!(desk.ok(&["predict", "--model", "out.h5", "--data", "test.csv"]).lines().count(), 3);
    desk.write("test.csv", "a,b,y\n1,x,0\n");
    desk.fails(&["score", "--model", "out.h5", "--data", "test.csv"], 65, "expected a number");
    job("");
    desk.fails(
        &["run", "job.toml", "--output", "x.h5"],
        65,
        "expected a finite number, found an empty field",
    );
    job("[[pipeline]]\nname = \"RobustScaler\"\n[[pipeline]]\nname = \"SimpleImputer\"\n");
    desk.fails(
        &["run", "job.toml", "--output", "x.h5"],
        65,
        "expected a finite number, found an empty field",
    );
}
