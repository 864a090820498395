//! Pipelines and transformers as a user meets them: from the job file to the results and the predictions.

mod desk;

use desk::Desk;
use serde_json::Value;

const STEPS: &str = "\
seed = 3
[data]
source = \"csv\"
path = \"rows.csv\"
block_rows = 16
[[pipeline]]
name = \"StandardScaler\"
[[pipeline]]
name = \"PCA\"
n_components = 2
[estimator]
name = \"KMeans\"
n_clusters = 3
[output]
path = \"out.h5\"
labels = true
";

/// A desk with rows, and the job of all steps.
fn desk() -> Desk {
    let desk = Desk::new();
    let row = |i: usize| {
        let t = i as f64;
        let group = (i % 3) as f64 * 40.0;
        format!("{},{},{}\n", group + (t * 0.7).sin(), 5e3 * (t * 1.3).cos(), group - (t * 0.37).sin())
    };
    desk.write("rows.csv", &(0..90).map(row).collect::<String>());
    desk.write("job.toml", STEPS);
    desk
}

impl Desk {
    fn refused(&self, job: &str, code: i32, message: &str) {
        self.write("bad.toml", job);
        self.fails(&["run", "bad.toml", "--on-existing", "replace"], code, message);
    }
}

fn with(from: &str, to: &str) -> String {
    assert!(STEPS.contains(from), "{from}");
    STEPS.replacen(from, to, 1)
}

/// Trees know no missing values: only what a step makes of the rows is theirs.
#[test]
fn forests_are_searched_over_behind_steps_that_make_their_rows_fit() {
    let desk = Desk::new();
    let cell = |i: usize| if i % 7 == 3 { String::new() } else { (i % 30).to_string() };
    let rows: String = (0..90).map(|i| format!("{},{}e60,{}\n", cell(i), i * 11 % 90, i % 30 / 15)).collect();
    desk.write("rows.csv", &rows);
    for (name, scoring) in [("RandomForestClassifier", "accuracy"), ("ExtraTreesRegressor", "r2")] {
        let job = format!(
            "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = -1\n[[pipeline]]\n\
             name = \"SimpleImputer\"\n[[pipeline]]\nname = \"StandardScaler\"\n[estimator]\nname = \"{name}\"\n\
             n_estimators = 5\n[search]\ncv = 3\nscoring = \"{scoring}\"\n[search.grid]\nmax_depth = [1, 4]\n"
        );
        desk.write("job.toml", &job);
        desk.ok(&["run", "job.toml", "--output", "out.h5", "--on-existing", "replace"]);
        let best = desk.json("out.h5")["cv_results"]["best_score_"].as_f64().unwrap();
        assert!(best > 0.7, "{name}: {best}");
    }
}

fn numbers(text: &str) -> Vec<Vec<f64>> {
    text.lines().map(|line| line.split(',').map(|number| number.parse().unwrap()).collect()).collect()
}

#[test]
fn a_pipeline_is_fitted_kept_and_used_by_predict() {
    let desk = desk();
    desk.ok(&["run", "job.toml"]);
    let json = desk.json("out.h5");
    let steps = json["model"]["pipeline"].as_array().unwrap();
    assert_eq!([&steps[0]["estimator"], &steps[1]["estimator"]], ["StandardScaler", "PCA"]);
    assert_eq!(steps[0]["mean_"].as_array().unwrap().len(), 3);
    assert_eq!(steps[1]["components_"].as_array().unwrap().len(), 2);
    // Scaled columns have variance 1: the second step saw what the first made.
    let variance: f64 =
        steps[1]["explained_variance_ratio_"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).sum();
    assert!(variance > 0.66 && variance < 1.0 + 1e-12, "{variance}");
    let centers = json["model"]["cluster_centers_"].as_array().unwrap();
    assert_eq!(centers[0].as_array().unwrap().len(), 2);
    let labels: Vec<i64> =
        json["model"]["labels_"].as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect();
    let predicted = desk.ok(&["predict", "--model", "out.h5", "--data", "rows.csv"]);
    let predicted: Vec<i64> = predicted.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(predicted, labels);
    assert!(desk.ok(&["inspect", "out.h5"]).contains("model/pipeline/1_PCA"));
    // The resolved job is a job.
    desk.write("again.toml", json["provenance"]["job"].as_str().unwrap());
    desk.ok(&["run", "again.toml", "--output", "again.h5"]);
    assert_eq!(desk.json("again.h5")["model"], json["model"]);
}

#[test]
fn a_chain_of_jobs_does_what_a_pipeline_does() {
    let desk = desk();
    let alone = STEPS.replace("[[pipeline]]\nname = \"PCA\"\nn_components = 2\n", "");
    let alone = alone.replace("name = \"KMeans\"\nn_clusters = 3", "name = \"PCA\"\nn_components = 2");
    desk.write("pca.toml", &alone.replace("labels = true\n", ""));
    desk.ok(&["run", "pca.toml", "--output", "pca.h5"]);
    let rows = numbers(&desk.ok(&["predict", "--model", "pca.h5", "--data", "rows.csv"]));
    assert_eq!((rows.len(), rows[0].len()), (90, 2));
    // Coordinates along principal axes are centred, uncorrelated and have the variances that the model tells.
    let json = desk.json("pca.h5");
    for j in 0..2 {
        let mean = rows.iter().map(|row| row[j]).sum::<f64>() / 90.0;
        let variance = rows.iter().map(|row| row[j] * row[j]).sum::<f64>() / 89.0;
        let told = json["model"]["explained_variance_"][j].as_f64().unwrap();
        assert!(mean.abs() < 1e-12 && (variance - told).abs() < 1e-12, "{mean} {variance} {told}");
    }
    assert!(rows.iter().map(|row| row[0] * row[1]).sum::<f64>().abs() < 1e-10);
    let table: String = rows.iter().map(|row| format!("{:?},{:?}\n", row[0], row[1])).collect();
    desk.write("mapped.csv", &table);
    desk.write("second.toml", "seed = 3\n[data]\nsource = \"csv\"\npath = \"mapped.csv\"\nblock_rows = 16\n[estimator]\nname = \"KMeans\"\nn_clusters = 3\n");
    desk.ok(&["run", "second.toml", "--output", "second.h5"]);
    desk.ok(&["run", "job.toml"]);
    assert_eq!(
        desk.json("second.h5")["model"]["cluster_centers_"],
        desk.json("out.h5")["model"]["cluster_centers_"]
    );
    // The same rows into a file.
    desk.ok(&["predict", "--model", "pca.h5", "--data", "rows.csv", "--output", "rows.h5"]);
    let file = hdf5::File::open(desk.path("rows.h5")).unwrap();
    let dataset = file.dataset("predictions").unwrap();
    assert_eq!(dataset.shape(), [90, 2]);
    assert_eq!(dataset.read_raw::<f64>().unwrap(), rows.concat());
}

#[test]
fn a_classifier_follows_a_scaler() {
    let desk = desk();
    let job = "[data]\nsource = \"classification\"\nn_samples = 120\nn_features = 4\n\
               [[pipeline]]\nname = \"MinMaxScaler\"\n[estimator]\nname = \"SVC\"\n";
    desk.write("svc.toml", job);
    desk.ok(&["run", "svc.toml", "--output", "svc.h5"]);
    let json = desk.json("svc.h5");
    for row in json["model"]["support_vectors_"].as_array().unwrap() {
        let inside = |v: &Value| (-1e-12..=1.0 + 1e-12).contains(&v.as_f64().unwrap());
        assert!(row.as_array().unwrap().iter().all(inside), "{row}");
    }
}

#[test]
fn mistakes_in_a_search_of_a_pipeline_are_located() {
    let desk = desk();
    let job = "[data]\nsource = \"classification\"\nn_samples = 120\nn_features = 4\n\
               [[pipeline]]\nname = \"PCA\"\n[estimator]\nname = \"SVC\"\n[search]\ncv = 3\n\
               [output]\npath = \"x.h5\"\n";
    let refused = |grid: &str, message: &str| desk.refused(&format!("{job}{grid}"), 78, message);
    refused(
        "[search.grid]\npcs__n_components = [2]\n",
        "bad.toml:14: search.grid.pcs__n_components: expected a parameter of pca, svc before its two underscores, \
         found one of \"pcs\" (did you mean pca?)",
    );
    refused("[search.grid]\npca__n_component = [2]\n", "bad.toml:14: search.grid.pca__n_component: expected");
    refused(
        "[search.grid]\npca__n_components = [0]\n",
        "bad.toml:14: search.grid.pca__n_components: expected a positive integer",
    );
    refused(
        "[[search.grid]]\nC = [1.0]\n[[search.grid]]\nsvc__C = [0.0]\n",
        "bad.toml:16: search.grid.1.svc__C: expected a number above 0",
    );
    refused("[search.grid]\nC = [1.0]\nsvc__C = [1.0]\n", "expected C once, found it twice");
    // More components than features: every fit fails, and the reason is told.
    desk.refused(
        &format!("{job}[search.grid]\npca__n_components = [5]\n"),
        65,
        "search.grid.pca__n_components: expected at most 4, the smaller of n_samples and n_features, found 5",
    );
    desk.refused(
        &format!("{job}[search.grid]\nC = [1.0]\n")
            .replace("name = \"PCA\"\n", "name = \"PCA\"\nn_components = 5\n"),
        65,
        "pipeline.0.n_components (PCA): expected at most 4",
    );
}

#[test]
fn mistakes_are_located() {
    let desk = desk();
    let step = |name: &str| with("name = \"PCA\"\nn_components = 2", name);
    desk.refused(
        &step("name = \"PCA\"\nn_components = 4"),
        78,
        "bad.toml:10: pipeline.1.n_components: expected at most 3",
    );
    desk.refused(
        &step("name = \"PCA\"\nn_components = 1.5"),
        78,
        "pipeline.1.n_components: expected a positive integer",
    );
    desk.refused(&step("name = \"PCA\"\nn_components = \"most\""), 78, "found the text \"most\"");
    desk.refused(&step("name = \"PCA\"\nsvd_solver = \"arpack\""), 78, "expected \"auto\", \"full\",");
    desk.refused(&step("name = \"PCA\"\ncomponents = 2"), 78, "did you mean n_components?");
    desk.refused(&step("name = \"KMeans\""), 78, "the last step is the section [estimator]");
    desk.refused(&step("name = \"StandardScalar\""), 78, "did you mean \"StandardScaler\"?");
    desk.refused(
        &step("name = \"MinMaxScaler\"\nfeature_range = [1.0, 0.0]"),
        78,
        "bad.toml:10: pipeline.1.feature_range",
    );
    desk.refused(&step("n_components = 2"), 78, "pipeline.1.name: expected \"StandardScaler\"");
    let table = with("[[pipeline]]\nname = \"StandardScaler\"\n[[pipeline]]\n", "[pipeline]\n");
    desk.refused(&table, 78, "expected steps, each a section [[pipeline]]");
    let scaler = with("name = \"KMeans\"\nn_clusters = 3", "name = \"StandardScaler\"");
    desk.refused(&scaler, 78, "output.labels: expected false, for StandardScaler is no clusterer");
    desk.write("rows.csv", "1,2,3\n4,nan,6\n7,8,9\n");
    desk.refused(STEPS, 65, "row 1");
    desk.write("rows.csv", "1,2,3\n");
    desk.refused(&step("name = \"PCA\"\nn_components = 0.5"), 65, "expected at least 2 rows, found 1");
}

#[test]
fn parameters_of_a_step_are_named_with_what_they_take() {
    let desk = desk();
    for (line, message) in [
        (
            "n_components = -1",
            "n_components: expected a positive integer, a share of the variance between 0 and 1, or \"mle\", found -1\n",
        ),
        ("iterated_power = -1", "iterated_power: expected a number of 0 or more, or \"auto\", found -1\n"),
    ] {
        let message = format!("bad.toml:10: pipeline.1.{message}");
        desk.refused(&with("n_components = 2", line), 78, &message);
    }
}

#[test]
fn one_candidate_is_cross_validated_fold_by_fold() {
    let desk = desk();
    let job = "[data]\nsource = \"classification\"\nn_samples = 120\nn_features = 4\n[[pipeline]]\n\
               name = \"StandardScaler\"\n[estimator]\nname = \"SVC\"\nC = 2.0\n[search]\ncv = 3\n\
               scoring = [\"accuracy\", \"f1\"]\nreturn_train_score = true\n";
    desk.write("one.toml", &format!("{job}kind = \"cross_validate\"\n"));
    desk.write("grid.toml", &format!("{job}refit = \"f1\"\n[search.grid]\nC = [2.0]\n"));
    desk.ok(&["run", "one.toml", "--output", "one.h5"]);
    desk.ok(&["run", "grid.toml", "--output", "grid.h5"]);
    let (one, grid) = (desk.json("one.h5"), desk.json("grid.h5"));
    let (one_table, grid_table) = (&one["cv_results"], &grid["cv_results"]);
    for score in ["test_accuracy", "test_f1", "train_f1"] {
        for fold in 0..3 {
            assert_eq!(one_table[score][fold], grid_table[format!("split{fold}_{score}")][0], "{score}");
        }
    }
    assert_eq!(one_table["fit_time"].as_array().unwrap().len(), 3);
    assert!(one_table["params"].is_null() && one["model"].is_null(), "{one_table}");
    // Asked for, the model of all rows is kept.
    desk.ok(&["run", "one.toml", "--set", "search.refit=f1", "--output", "fit.h5"]);
    assert_eq!(desk.json("fit.h5")["model"]["dual_coef_"], grid["model"]["dual_coef_"]);
}

#[test]
fn a_dry_run_tells_who_would_do_what() {
    let desk = desk();
    let job = "[data]\nsource = \"classification\"\nn_samples = 120\nn_features = 4\n[estimator]\nname = \"SVC\"\n\
               [search]\ncv = 3\n[search.grid]\nC = [0.1, 1.0]\n[output]\npath = \"x.h5\"\n";
    desk.write("dry.toml", job);
    let text = desk.ok(&["run", "dry.toml", "--dry-run"]);
    assert!(text.contains("# rank  chains  fits  part %  estimated s\n"), "{text}");
    assert!(text.contains("\n# 0          6     6   100.0 "), "{text}");
    assert!(text.contains("100 % busy: an estimate"), "{text}");
    assert!(!desk.path("x.h5").exists());
}
