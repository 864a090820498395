//! Searches whose folds lack classes, rows that weigh differently, fits that fail, rungs and shared work, from the job file to the results file;
//! tables are scikit-learn's (see the origin in the data).

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/searches").join(name)
}

/// A folder with the rows and a job that searches over them.
fn folder(rows: &str, job: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data(&format!("{rows}.csv")), folder.path().join("rows.csv")).unwrap();
    let weights = if rows.starts_with("weighted") { "weight_column = \"w\"\n" } else { "" };
    let head = format!("[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n{weights}");
    std::fs::write(folder.path().join("job.toml"), format!("{head}{job}")).unwrap();
    folder
}

fn run(folder: &Path) -> Output {
    let mut command = Command::cargo_bin("rankfit").unwrap();
    command.current_dir(folder).args(["run", "job.toml", "--output", "out.h5"]).output().unwrap()
}

/// The results of a job, and what the program said.
fn results(rows: &str, job: &str) -> (TempDir, hdf5::File, String) {
    let folder = folder(rows, job);
    let output = run(folder.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{job}\n{said}");
    let file = hdf5::File::open(folder.path().join("out.h5")).unwrap();
    (folder, file, said)
}

fn read(file: &hdf5::File, name: &str) -> Vec<f64> {
    let dataset = file.dataset(name).unwrap_or_else(|_| panic!("{name} is missing"));
    dataset.read_raw::<f64>().unwrap()
}

fn check(case: &Value) {
    let job = case["job"].as_str().unwrap();
    let (_folder, file, _) = results(case["data"].as_str().unwrap(), job);
    for (column, expected) in case["table"].as_object().unwrap() {
        let found = read(&file, &format!("cv_results/{column}"));
        let expected = expected.as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{job}{column}");
        for (&found, expected) in found.iter().zip(expected) {
            let same = match expected.as_f64() {
                None => found.is_nan(),
                Some(expected) if column.starts_with("rank") => found == expected,
                Some(expected) => (found - expected).abs() <= 1e-8 * expected.abs().max(1.0),
            };
            assert!(same, "{job}{column}: {found} for {expected}");
        }
    }
    let table = file.group("cv_results").unwrap();
    let integers = |name: &str| table.attr(name).unwrap().read_raw::<i64>().unwrap();
    assert_eq!(integers("best_index_"), [case["best_index"].as_i64().unwrap()], "{job}");
    for (name, expected) in case["attributes"].as_object().unwrap() {
        let all = |value: &Value| value.as_array().unwrap_or(&vec![value.clone()]).clone();
        let expected: Vec<i64> = all(expected).iter().map(|value| value.as_i64().unwrap()).collect();
        assert_eq!(integers(name), expected, "{job}{name}");
    }
}

#[test]
fn searches_over_uneven_rows_are_those_of_scikit_learn() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(data("uneven.json")).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let (weighted, alike): (Vec<&Value>, Vec<&Value>) =
        cases.iter().partition(|case| case["data"].as_str().unwrap().starts_with("weighted"));
    assert_eq!((weighted.len(), alike.len()), (15, 31));
    alike.into_iter().chain(weighted).for_each(check);
}

/// How much was asked for and how much was done, of what the fits of a search shared.
fn shared(file: &hdf5::File, what: &str) -> [i64; 2] {
    let counts = file.dataset(&format!("timing/shared_{what}")).unwrap_or_else(|_| panic!("{what}"));
    counts.read_raw::<i64>().unwrap().try_into().unwrap()
}

#[test]
fn equal_candidates_are_fitted_once_and_told() {
    for (name, key, twice) in [
        ("LogisticRegression", "C", "[0.5, 2.0, 0.5]"),
        ("LinearSVC", "C", "[0.5, 2, 0.5]"),
        ("GaussianNB", "var_smoothing", "[0.5, 2, 0.5]"),
        ("Ridge", "alpha", "[0.5, 2, 0.5]"),
        ("SVC", "C", "[0.5, 2, 0.5]"),
        ("SVR", "C", "[0.5, 2, 0.5]"),
    ] {
        let job =
            format!("[estimator]\nname = \"{name}\"\n[search]\ncv = 4\n[search.grid]\n{key} = {twice}\n",);
        let (_folder, file, said) = results("uneven", &job);
        assert_eq!(shared(&file, "fits"), [12, 8], "{name}");
        assert!(said.contains("computed 8 of 12 fits"), "{name}: {said}");
        for column in ["mean_test_score", "split3_test_score"] {
            let scores = read(&file, &format!("cv_results/{column}"));
            assert_eq!(scores[0].to_bits(), scores[2].to_bits(), "{name}");
        }
        let seconds = read(&file, "cv_results/mean_fit_time");
        assert!(seconds[0] > 0.0 && seconds[2] == 0.0, "{name}: {seconds:?}");
    }
}

#[test]
fn fits_behind_steps_that_meet_no_bound_are_those_of_every_larger_c() {
    let with = |c: &str| {
        let job = format!(
            "[[pipeline]]\nname = \"StandardScaler\"\n[estimator]\nname = \"SVC\"\ngamma = 3.0\n[search]\ncv = 4\n\
             return_train_score = true\n[search.grid]\nsvc__C = {c}\n",
        );
        results("uneven", &job)
    };
    let (_folder, file, _) = with("[1e4, 1e6, 0.1, 1e5]");
    // Of the three large ones, one is done a fold.
    assert_eq!(shared(&file, "fits"), [16, 8]);
    let (_other, alone, _) = with("[1e5]");
    for column in
        (0..4).flat_map(|k| ["test", "train"].map(|kind| format!("cv_results/split{k}_{kind}_score")))
    {
        let (scores, own) = (read(&file, &column), read(&alone, &column));
        assert!([0, 1, 3].iter().all(|&i| scores[i].to_bits() == own[0].to_bits()), "{column}");
    }
}

#[test]
fn trees_and_kernel_values_that_fits_share_are_told() {
    let (_folder, file, said) = results(
        "uneven",
        "[estimator]\nname = \"RandomForestClassifier\"\n[search]\ncv = 2\n[search.grid]\nn_estimators = [2, 5]\n\
         max_depth = [1, 3]\n",
    );
    // Each fold asks for twice 2 + 5 trees, and 5 are grown.
    assert_eq!(shared(&file, "trees"), [28, 10]);
    assert!(said.contains("computed 10 of 28 trees"), "{said}");
    let (_folder, file, _) = results(
        "uneven",
        "[estimator]\nname = \"SVR\"\n[search]\ncv = 2\n[search.grid]\nC = [0.1, 1.0, 10.0]\nepsilon = [0.1, 0.2]\n",
    );
    let [asked, done] = shared(&file, "kernel_values");
    // Two folds, each in two pieces along C: a piece computes a value once.
    assert!(0 < done && done <= 2 * 2 * 48 * 48 && 3 * done < asked, "{done} of {asked}");
}

#[test]
fn a_cross_validation_by_several_scores_keeps_its_model() {
    let (_folder, file, _) = results(
        "uneven",
        "[estimator]\nname = \"GaussianNB\"\n[search]\nkind = \"cross_validate\"\nrefit = true\n\
         scoring = [\"accuracy\", \"f1_macro\"]\n",
    );
    assert_eq!(read(&file, "cv_results/test_f1_macro").len(), 5);
    assert!(file.dataset("model/theta_").is_ok());
}

/// scikit-learn 1.9.1 on these rows: `cross_validate(Ridge(), X, y, cv=3, params={"sample_weight": w})` weighs the fits
/// and counts each row once in the scores, as its `GridSearchCV` does not.
#[test]
fn a_cross_validation_weighs_fits_alone() {
    let job = "[estimator]\nname = \"Ridge\"\n[search]\nkind = \"cross_validate\"\ncv = 3\n";
    let (_folder, file, _) = results("weighted", job);
    let expected = [0.7906923700629938, 0.7341546496299756, 0.7280002506788108];
    for (found, expected) in read(&file, "cv_results/test_score").iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
    }
}

/// What estimators say of no rows at all is about anything but the fold.
#[test]
fn a_fold_without_training_rows_is_named() {
    for name in
        ["SVC", "LogisticRegression", "RandomForestClassifier", "KNeighborsClassifier", "SVR", "Ridge"]
    {
        let folds = "0, ".repeat(96);
        let job = format!(
            "[estimator]\nname = \"{name}\"\n[search]\nkind = \"cross_validate\"\n\
             cv = {{ kind = \"PredefinedSplit\", test_fold = [{folds}] }}\n"
        );
        let folder = folder("uneven", &job);
        let output = run(folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(65), "{name}: {said}");
        assert!(said.contains("expected training rows in fold 0, found none"), "{name}: {said}");
    }
}

/// A table of class weights that is wrong for all rows is a fault of the job; one that is wrong for a fold is a fit that
/// fails.
#[test]
fn class_weights_of_no_class_are_refused_before_the_work() {
    for name in ["SVC", "LinearSVC", "LogisticRegression", "RandomForestClassifier"] {
        for (given, key) in [
            (
                "class_weight = { 7 = 2.0 }\n[search]\nkind = \"cross_validate\"\n",
                "job.toml:7: estimator.class_weight",
            ),
            (
                "[search]\n[search.grid]\nclass_weight = [{ 7 = 2.0 }]\n",
                "job.toml:9: search.grid.class_weight",
            ),
        ] {
            let folder = folder("uneven", &format!("[estimator]\nname = \"{name}\"\n{given}"));
            let output = run(folder.path());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(78), "{name}: {said}");
            assert!(said.contains(key), "{name}: {said}");
        }
    }
}

#[test]
fn fits_that_failed_are_not_called_unconverged() {
    let (_folder, _, said) = results(
        "uneven2",
        "[estimator]\nname = \"SVC\"\n[search]\ncv = { kind = \"KFold\", n_splits = 2 }\n[search.grid]\nC = [1, 2]\n",
    );
    assert!(said.contains("2 fits failed out of a total of 4"), "{said}");
    assert!(!said.contains("did not converge"), "{said}");
}

#[test]
fn neighbours_of_too_few_rows_are_told_or_raised() {
    let job = |n_neighbors: &str, rules: &str| {
        format!(
            "[estimator]\nname = \"KNeighborsClassifier\"\n[search]\n{rules}[search.grid]\nn_neighbors = {n_neighbors}\n"
        )
    };
    let (folder, _, said) = results("uneven", &job("[97, 3, 65]", "cv = 3\n"));
    assert!(said.contains("Scoring failed for 6 of 9 fits"), "{said}");
    assert!(
        said.contains("will be set to NaN.") && said.contains("rows.csv: expected at least 97 rows"),
        "{said}"
    );
    assert!(!said.contains("did not converge") && !said.contains("fits failed"), "{said}");
    let predict = |folder: &TempDir| {
        let mut command = Command::cargo_bin("rankfit").unwrap();
        let arguments = ["predict", "--model", "out.h5", "--data", "rows.csv"];
        command.current_dir(folder.path()).args(arguments).output().unwrap()
    };
    assert!(predict(&folder).status.success());
    // None of these scores, and the first, which is fitted on all rows then, predicts nothing.
    let (folder, _, said) = results("uneven", &job("[97, 65]", "cv = 3\n"));
    assert!(said.contains("Scoring failed for 6 of 6 fits"), "{said}");
    let output = predict(&folder);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains("expected at least 97 rows, as many as n_neighbors, found 96"), "{said}");
    let folder = self::folder("uneven", &job("[3, 65]", "cv = 3\nerror_score = \"raise\"\n"));
    let output = run(folder.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains("expected at least 65 rows"), "{said}");
    // Rungs of few rows.
    let rungs = "kind = \"halving\"\ncv = 3\nmin_resources = 24\nfactor = 2\n";
    let (_folder, _, said) = results("uneven", &job("[3, 40, 17, 5]", rungs));
    assert!(said.contains("Scoring failed for 6 of"), "{said}");
}

#[test]
fn numbers_are_no_classes_in_a_search() {
    for name in ["SVC", "KNeighborsClassifier", "RandomForestClassifier", "LogisticRegression", "GaussianNB"]
    {
        let folder = folder(
            "uneven",
            &format!("[estimator]\nname = \"{name}\"\n[search]\nkind = \"cross_validate\"\n"),
        );
        std::fs::write(folder.path().join("rows.csv"), "a,y\n1,0\n2,1\n3,0.5\n4,1\n5,0\n").unwrap();
        let output = run(folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(65), "{name}: {said}");
        assert!(
            said.contains(
                "row 2, column y: expected targets that are classes (whole numbers or text), found 0.5"
            ),
            "{said}"
        );
    }
}

#[test]
fn scores_that_are_not_defined_are_told_or_raised() {
    let job = |estimator: &str, rules: &str| {
        format!("[estimator]\nname = {estimator}\n[search]\nkind = \"cross_validate\"\n{rules}")
    };
    let (_folder, file, said) = results("uneven_text", &job("'SVC'", "scoring = \"f1\"\n"));
    assert!(read(&file, "cv_results/test_score").iter().all(|score| score.is_nan()));
    let expected = "expected f1_macro, _micro or _weighted for targets that are text, \
                    found f1, which is about the class called 1: every score f1 is NaN";
    assert!(said.contains(expected), "{said}");
    let raised = |rows: &str, estimator: &str, rules: &str, expected: &str| {
        let folder = folder(rows, &job(estimator, &format!("error_score = \"raise\"\n{rules}")));
        let output = run(folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(65), "{estimator}: {said}");
        assert!(said.contains(expected), "{estimator}: {said}");
        assert!(!folder.path().join("out.h5").exists());
    };
    raised("uneven_text", "'SVC'", "scoring = \"f1\"\n", "targets that are text");
    // Each fold lacks a class, which only its scores find out.
    let lacking = "cv = { kind = \"KFold\", n_splits = 3 }\nscoring = \"neg_log_loss\"\n";
    for estimator in
        ["'GaussianNB'", "'KNeighborsClassifier'", "'RandomForestClassifier'", "'SVC'\nprobability = true"]
    {
        raised("uneven", estimator, lacking, "for neg_log_loss, found classes [");
    }
}

/// `cross_validate(SVC(), X, y, cv=TimeSeriesSplit(8, max_train_size=9), scoring="f1", error_score=-7.0)` of scikit-learn
/// 1.9.1 on these rows is -7 in every fold: the class 1 is not among those that the model knows, also where all rows of
/// the fold, and their predictions, are of one class.
#[test]
fn a_score_of_the_class_1_needs_a_model_that_knows_it() {
    let y = [3, 40, 3, 3, 3, 40, 40, 3, 40, 3, 3, 40, 3, 40, 40, 3, 40, 40, 3, 40, 40, 40, 3, 3];
    let rows: String = y.iter().enumerate().map(|(i, y)| format!("{i},{y}\n")).collect();
    for name in ["SVC", "GaussianNB", "KNeighborsClassifier", "RandomForestClassifier"] {
        let folder = folder(
            "uneven",
            &format!(
                "[estimator]\nname = \"{name}\"\n[search]\nkind = \"cross_validate\"\nscoring = [\"f1\", \"accuracy\"]\n\
                 error_score = -7.0\ncv = {{ kind = \"TimeSeriesSplit\", n_splits = 8, max_train_size = 9 }}\n"
            ),
        );
        std::fs::write(folder.path().join("rows.csv"), format!("a,y\n{rows}")).unwrap();
        let output = run(folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        assert!(said.contains("every score f1 is -7"), "{name}: {said}");
        let file = hdf5::File::open(folder.path().join("out.h5")).unwrap();
        assert_eq!(read(&file, "cv_results/test_f1"), [-7.0; 8], "{name}");
        assert!(read(&file, "cv_results/test_accuracy").iter().any(|score| *score > 0.0), "{name}");
    }
}

/// `cross_validate(KNeighborsClassifier(1), X, y, cv=LeaveOneOut(), scoring=["precision", "recall", "f1", "jaccard"])` of
/// scikit-learn 1.9.1 on these rows is 0 for a row that is predicted as what it is, unless that is the class 1: 1; of a
/// row of which two classes are left, one of them 1, 0; of two others NaN. Names are never the class 1.
#[test]
fn a_lone_class_that_is_not_1_scores_0() {
    let rules = "[estimator]\nname = \"KNeighborsClassifier\"\nn_neighbors = 1\n[search]\nkind = \"cross_validate\"\n\
                 scoring = [\"precision\", \"recall\", \"f1\", \"jaccard\"]\ncv = { kind = \"LeaveOneOut\" }\n";
    let nan = f64::NAN;
    let cases = [
        (["a", "a", "b", "b", "c", "a", "c"], [0.0, 0.0, 0.0, 0.0, nan, nan, nan]),
        (["0", "0", "1", "1", "2", "0", "2"], [0.0, 0.0, 1.0, 1.0, nan, nan, nan]),
        (["3", "3", "4", "4", "1", "3", "1"], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        (["3", "3", "4", "4", "7", "3", "7"], [0.0, 0.0, 0.0, 0.0, nan, nan, nan]),
    ];
    for (y, expected) in cases {
        let folder = folder("uneven", rules);
        let rows: String = y
            .iter()
            .zip([0.0, 1.0, 10.0, 11.0, 20.0, 21.0, 22.5])
            .map(|(y, x)| format!("{x},{y}\n"))
            .collect();
        std::fs::write(folder.path().join("rows.csv"), format!("a,y\n{rows}")).unwrap();
        let output = run(folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("every score"), "{y:?}: {said}");
        let file = hdf5::File::open(folder.path().join("out.h5")).unwrap();
        for name in ["precision", "recall", "f1", "jaccard"] {
            let found = read(&file, &format!("cv_results/test_{name}"));
            let same =
                |(found, expected): (&f64, &f64)| found == expected || (found.is_nan() && expected.is_nan());
            assert!(found.iter().zip(&expected).all(same) && found.len() == 7, "{y:?}, {name}: {found:?}");
        }
    }
}
