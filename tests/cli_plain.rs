//! Estimators on plain arrays as a user meets them: fitted, searched over, applied from the file, and refused.

mod desk;

use desk::Desk;

/// 90 rows of two features; the class is whether the first is above 44, the number twice the first.
fn with_rows(estimator: &str, number: bool) -> Desk {
    let desk = Desk::new();
    let class = |i: usize| if i > 44 { "late" } else { "early" }.to_owned();
    let target = |i: usize| if number { (2 * i).to_string() } else { class(i) };
    let rows: String = (0..90).map(|i| format!("{i},{},{}\n", i * 7 % 90, target(i))).collect();
    desk.write("rows.csv", &format!("a,b,y\n{rows}"));
    let job = format!(
        "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n[estimator]\n{estimator}\n"
    );
    desk.write("job.toml", &job);
    desk
}

fn predict(desk: &Desk, model: &str) -> hdf5::Dataset {
    desk.ok(&["predict", "--model", model, "--data", "rows.csv", "--output", "p.h5"]);
    let file = hdf5::File::open(desk.path("p.h5")).expect("predictions");
    file.dataset("predictions").expect("the predictions")
}

fn classes(desk: &Desk, model: &str) -> Vec<String> {
    let names = predict(desk, model).read_raw::<hdf5::types::FixedUnicode<8>>().expect("names");
    names.iter().map(|name| name.as_str().to_owned()).collect()
}

/// How many of the rows are predicted as what they are.
fn right(classes: &[String]) -> usize {
    classes.iter().enumerate().filter(|(i, class)| *class == if *i > 44 { "late" } else { "early" }).count()
}

#[test]
fn classes_are_fitted_searched_over_and_predicted() {
    for (estimator, grid) in [
        (
            "name = \"KNeighborsClassifier\"",
            "n_neighbors = [1, 3, 200]\nweights = [\"uniform\", \"distance\"]",
        ),
        ("name = \"KNeighborsClassifier\"\np = 1.5", "metric = [\"chebyshev\", \"minkowski\"]\np = [3, 1.5]"),
        ("name = \"LinearSVC\"\nC = 10", "C = [0.01, 100.0]\nloss = [\"hinge\", \"squared_hinge\"]"),
        ("name = \"LinearSVC\"\npenalty = \"l1\"", "C = [0.01, 100.0]\npenalty = [\"l1\", \"l2\"]"),
    ] {
        let desk = with_rows(estimator, false);
        desk.ok(&["run", "job.toml", "--output", "m.h5"]);
        assert!(right(&classes(&desk, "m.h5")) >= 85, "{estimator}");
        std::fs::remove_file(desk.path("p.h5")).expect("a file to remove");
        let job = std::fs::read_to_string(desk.path("job.toml")).expect("the job");
        let job = format!("{job}max_iter = 100000\n[search]\ncv = 3\n[search.grid]\n{grid}\n");
        let job = if estimator.contains("Neighbors") { job.replace("max_iter = 100000\n", "") } else { job };
        desk.write("search.toml", &job);
        desk.ok(&["run", "search.toml", "--output", "s.h5"]);
        let file = hdf5::File::open(desk.path("s.h5")).expect("results");
        let best: f64 =
            file.group("cv_results").and_then(|g| g.attr("best_score_")?.read_scalar()).expect("a score");
        assert!(best > 0.8, "{best}");
        assert!(right(&classes(&desk, "s.h5")) >= 85, "{estimator}");
    }
}

#[test]
fn numbers_are_fitted_and_predicted() {
    for estimator in [
        "name = \"KNeighborsRegressor\"\nn_neighbors = 1",
        "name = \"KNeighborsRegressor\"\nweights = \"distance\"\nmetric = \"chebyshev\"",
        "name = \"LinearSVR\"\nloss = \"squared_epsilon_insensitive\"\nC = 1000.0",
    ] {
        let desk = with_rows(estimator, true);
        desk.ok(&["run", "job.toml", "--output", "m.h5"]);
        let numbers: Vec<f64> = predict(&desk, "m.h5").read_raw().expect("numbers");
        for (i, number) in numbers.iter().enumerate() {
            assert!((number - 2.0 * i as f64).abs() < 1e-3, "{estimator}: {number} for {}", 2 * i);
        }
    }
}

#[test]
fn svr_is_searched_over_and_predicts() {
    let estimator = "name = \"SVR\"\nkernel = \"linear\"\nC = 10.0";
    let desk = with_rows(estimator, true);
    let job = std::fs::read_to_string(desk.path("job.toml")).expect("the job");
    let job = format!("{job}[search]\ncv = 3\n[search.grid]\nepsilon = [0.01, 100.0]\n");
    desk.write("search.toml", &job);
    desk.ok(&["run", "search.toml", "--output", "s.h5"]);
    let numbers: Vec<f64> = predict(&desk, "s.h5").read_raw().expect("numbers");
    for (i, number) in numbers.iter().enumerate() {
        assert!((number - 2.0 * i as f64).abs() < 0.1, "{number} for {}", 2 * i);
    }
    // A margin that no number leaves: a model without support vectors, which predicts a constant.
    std::fs::remove_file(desk.path("p.h5")).expect("a file to remove");
    desk.ok(&["run", "job.toml", "--set", "estimator.epsilon=1000.0", "--output", "none.h5"]);
    let numbers: Vec<f64> = predict(&desk, "none.h5").read_raw().expect("numbers");
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
}

#[test]
fn probabilities_are_calibrated_for_the_final_model() {
    let desk = with_rows("name = \"SVC\"\nprobability = true\nrandom_state = 4", false);
    let job = std::fs::read_to_string(desk.path("job.toml")).expect("the job");
    let search = "[search]\ncv = 3\n[search.grid]\nC = [0.1, 1.0]\nprobability = [false, true]\n";
    desk.write("search.toml", &format!("{job}{search}"));
    desk.ok(&["run", "job.toml", "--set", "estimator.C=1.0", "--output", "m.h5"]);
    desk.ok(&["run", "search.toml", "--output", "s.h5"]);
    let file = hdf5::File::open(desk.path("m.h5")).expect("results");
    for name in ["model/probA_", "model/probB_"] {
        assert_eq!(
            file.dataset(name).and_then(|d| d.read_raw::<f64>()).expect("a number").len(),
            1,
            "{name}"
        );
    }
    let file = hdf5::File::open(desk.path("s.h5")).expect("results");
    let scores: Vec<f64> =
        file.dataset("cv_results/mean_test_score").and_then(|d| d.read_raw()).expect("scores");
    assert_eq!((scores[0], scores[2]), (scores[1], scores[3]), "accuracy does not use probabilities");
}

#[test]
fn faults_name_the_line() {
    for (estimator, words) in [
        (
            "name = \"KNeighborsClassifier\"\np = 0.5",
            "job.toml:7: estimator.p: expected a number from 1, or metric",
        ),
        (
            "name = \"KNeighborsClassifier\"\nmetric = \"cosine\"\nalgorithm = \"kd_tree\"",
            "job.toml:8: estimator.algorithm: expected \"auto\" or \"brute\" with metric = \"cosine\"",
        ),
        ("name = \"KNeighborsClassifier\"\nneighbors = 3", "did you mean n_neighbors?"),
        (
            "name = \"LinearSVC\"\npenalty = \"l1\"\nloss = \"hinge\"",
            "job.toml:7: estimator.penalty: expected \"l2\" with loss = \"hinge\", found \"l1\"",
        ),
        (
            "name = \"LinearSVC\"\ndual = true\npenalty = \"l1\"",
            "job.toml:7: estimator.dual: expected false or \"auto\" with penalty = \"l1\", found true",
        ),
        ("name = \"LinearSVC\"\nC = -1.0", "job.toml:7: estimator.C: expected a number above 0, found -1"),
        ("name = \"LinearSVC\"\nclass_weight = { soon = 2.0 }", "job.toml:7: estimator.class_weight"),
    ] {
        let desk = with_rows(estimator, false);
        desk.fails(&["run", "job.toml", "--output", "m.h5"], 78, words);
    }
    let few = with_rows("name = \"KNeighborsClassifier\"\nn_neighbors = 91", false);
    few.fails(&["run", "job.toml", "--output", "m.h5"], 65, "at least 91 rows");
}

/// The job of `estimator` on four rows with weights, and what it is refused with.
fn refused(rows: &str, estimator: &str, code: i32, expected: &str) {
    let desk = Desk::new();
    desk.write("rows.csv", &format!("a,b,w,y\n{rows}"));
    let job = format!(
        "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\nweight_column = \"w\"\n\
         [estimator]\n{estimator}\n"
    );
    desk.write("job.toml", &job);
    desk.fails(&["run", "job.toml", "--output", "m.h5"], code, expected);
    assert!(!desk.path("m.h5").exists());
}

#[test]
fn targets_and_weights_of_the_wrong_kind_are_refused() {
    let text = "1,2,1,x\n2,1,1,z\n3,5,1,x\n4,4,1,z\n";
    for name in ["SVR", "LinearSVR", "RandomForestRegressor", "ExtraTreesRegressor", "KNeighborsRegressor"] {
        let expected = "rows.csv: expected targets that are numbers, found text, such as \"x\"";
        refused(text, &format!("name = \"{name}\""), 65, expected);
    }
    let (below, nothing) = ("1,2,1,0\n2,1,-1,1\n3,5,1,0\n4,4,1,1\n", "1,2,0,0\n2,1,0,1\n3,5,0,0\n4,4,0,1\n");
    for name in
        ["SVC", "LinearSVC", "SVR", "RandomForestClassifier", "KMeans", "MiniBatchKMeans", "StandardScaler"]
    {
        let estimator = match name {
            "KMeans" | "MiniBatchKMeans" => format!("name = \"{name}\"\nn_clusters = 2"),
            _ => format!("name = \"{name}\""),
        };
        let expected = "rows.csv, row 1, column w: expected a weight of 0 or more, found -1";
        refused(below, &estimator, 65, expected);
        refused(nothing, &estimator, 65, "rows.csv: expected a positive sum of weights, found ");
    }
    let one = "1,2,1,x\n2,1,1,x\n3,5,1,x\n4,4,1,x\n";
    for name in ["SVC", "LinearSVC", "LogisticRegression"] {
        refused(one, &format!("name = \"{name}\""), 65, "rows.csv: expected at least 2 classes, found 1");
    }
}

#[test]
fn scores_of_probabilities_need_probabilities() {
    let search = "\n[search]\nscoring = \"neg_log_loss\"\nkind = \"cross_validate\"\ncv = 2";
    let rows = "1,2,1,0\n2,1,1,1\n3,5,1,0\n4,4,1,1\n";
    for (name, text) in [("SVC", "SVC without probability, found"), ("LinearSVC", "LinearSVC, found")] {
        let expected =
            format!("expected a score of predictions or decision values, such as roc_auc, for {text}");
        refused(rows, &format!("name = \"{name}\"{search}"), 78, &expected);
    }
    // A forest has them; of two classes both areas are of the probability of the second.
    let desk = with_rows("name = \"RandomForestClassifier\"\nn_estimators = 7\nmax_depth = 2", false);
    let job = std::fs::read_to_string(desk.path("job.toml")).expect("the job");
    let scoring = "[search]\nkind = \"cross_validate\"\nscoring = [\"neg_log_loss\", \"roc_auc\", \"roc_auc_ovr\"]\n\
                   return_train_score = true\ncv = { kind = \"ShuffleSplit\", n_splits = 1, train_size = 60 }\n";
    desk.write("search.toml", &format!("{job}{scoring}"));
    desk.ok(&["run", "search.toml", "--output", "s.h5"]);
    let file = hdf5::File::open(desk.path("s.h5")).expect("results");
    let of = |name: &str| file.dataset(&format!("cv_results/{name}")).unwrap().read_raw::<f64>().unwrap()[0];
    for kind in ["test", "train"] {
        assert!((-1.0..0.0).contains(&of(&format!("{kind}_neg_log_loss"))));
        let areas = ["roc_auc", "roc_auc_ovr"].map(|name| of(&format!("{kind}_{name}")));
        assert!(areas[0] > 0.8 && areas[0] == areas[1], "{areas:?}");
    }
}

/// With `probability` each fold's fit is calibrated, behind the fold's steps; so is the refit.
#[test]
fn probabilities_of_an_svc_are_scored_behind_steps() {
    let desk = with_rows("name = \"SVC\"\nprobability = true", false);
    let job = std::fs::read_to_string(desk.path("job.toml")).expect("the job");
    let rest = "[[pipeline]]\nname = \"StandardScaler\"\n[search]\nscoring = [\"neg_log_loss\", \"roc_auc_ovr\"]\n\
                refit = \"neg_log_loss\"\ncv = 3\n[search.grid]\nC = [0.1, 10.0]\n";
    desk.write("search.toml", &format!("{job}{rest}"));
    desk.ok(&["run", "search.toml", "--output", "svc.h5"]);
    let file = hdf5::File::open(desk.path("svc.h5")).expect("results");
    for (name, least) in [("neg_log_loss", -0.6), ("roc_auc_ovr", 0.8)] {
        let means = file.dataset(&format!("cv_results/mean_test_{name}")).unwrap().read_raw::<f64>().unwrap();
        assert!(means.iter().all(|mean| (least..=1.0).contains(mean)), "{name}: {means:?}");
    }
    assert_eq!(file.dataset("model/probA_").unwrap().size(), 1);
}

#[test]
fn rows_of_one_class_are_learnt_where_scikit_learn_learns_them() {
    // scikit-learn 1.9.1: `fit` of these on rows of the class 7 gives classes_ [7], predict_proba of ones in one column,
    // a search's score of 1; log_loss with labels=[7] raises, and forests have n_classes_ 1 and importances of 0.
    for name in ["GaussianNB", "KNeighborsClassifier", "RandomForestClassifier", "ExtraTreesClassifier"] {
        let desk = Desk::new();
        let rows: String = (0..12).map(|i| format!("{},{},7\n", i * 5 % 12, i * i % 7)).collect();
        desk.write("rows.csv", &format!("a,b,y\n{rows}"));
        let job = format!(
            "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n[estimator]\nname = \"{name}\"\n"
        );
        desk.write("job.toml", &job);
        desk.ok(&["run", "job.toml", "--output", "m.h5"]);
        let model = &desk.json("m.h5")["model"];
        assert_eq!(model["classes_"], serde_json::json!([7]), "{name}");
        if name.contains("Trees") || name.contains("Forest") {
            assert_eq!(model["feature_importances_"], serde_json::json!([0.0, 0.0]), "{name}");
        }
        assert_eq!(
            desk.ok(&["predict", "--model", "m.h5", "--data", "rows.csv"]),
            "7\n".repeat(12),
            "{name}"
        );
        let method = ["predict", "--model", "m.h5", "--data", "rows.csv", "--output", "p.h5", "--method"];
        desk.ok(&[&method[..], &["predict_proba"]].concat());
        let file = hdf5::File::open(desk.path("p.h5")).expect("predictions");
        let proba = file.dataset("predictions").expect("the predictions");
        assert_eq!(proba.shape(), [12, 1], "{name}");
        assert_eq!(proba.read_raw::<f64>().expect("numbers"), [1.0; 12], "{name}");
        let scores = desk.ok(&["score", "--model", "m.h5", "--data", "rows.csv", "--json"]);
        let scores: serde_json::Value = serde_json::from_str(&scores).expect("JSON");
        assert_eq!(scores["accuracy"], 1.0, "{name}: {scores}");
        assert!(scores["log_loss"].is_null(), "{name}: {scores}");
        desk.write("search.toml", &format!("{job}[search]\nkind = \"cross_validate\"\ncv = 3\n"));
        desk.ok(&["run", "search.toml", "--output", "s.h5"]);
        let found = &desk.json("s.h5")["cv_results"]["test_score"];
        assert_eq!(*found, serde_json::json!([1.0, 1.0, 1.0]), "{name}");
    }
}
