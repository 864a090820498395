//! Warm starts, mini-batches and runs that diverge, as a user meets them.

mod desk;
mod launcher;
mod unlock;

use desk::Desk;
use serde_json::Value;
use unlock::unlock;

impl Desk {
    fn refused(&self, code: i32, message: &str) {
        self.fails(&["run", "job.toml", "--output", "refused.h5"], code, message);
    }

    fn job(&self, data: &str, estimator: &str) {
        self.write("job.toml", &format!("seed = 5\n[data]\n{data}\n[estimator]\n{estimator}\n"));
    }
}

const CLASSES: &str = "source = \"classification\"\nn_samples = 3000\nn_features = 6\nblock_rows = 256";
const NUMBERS: &str = "source = \"regression\"\nn_samples = 2000\nn_features = 6\nblock_rows = 256";
const BLOBS: &str =
    "source = \"blobs\"\nn_samples = 20000\nn_features = 4\nblock_rows = 512\ncenters = 5\ncluster_std = 0.6";

fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(floats).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

#[test]
fn a_warm_start_goes_on_where_the_model_stands() {
    let desk = Desk::new();
    let cases = [
        (CLASSES, "name = \"LogisticRegression\"\ntol = 1e-9\nmax_iter = 1000"),
        (
            CLASSES,
            "name = \"LogisticRegression\"\nsolver = \"newton-cholesky\"\nfit_intercept = false\ntol = 1e-9",
        ),
        (NUMBERS, "name = \"ElasticNet\"\nalpha = 0.01\ntol = 1e-12"),
        (NUMBERS, "name = \"Lasso\"\nalpha = 0.01\ntol = 1e-12"),
        (BLOBS, "name = \"KMeans\"\nn_clusters = 5\ninit = \"random\"\nn_init = 1"),
    ];
    for (data, estimator) in cases {
        desk.job(data, estimator);
        desk.ok(&["run", "job.toml", "--output", "cold.h5", "--on-existing", "replace"]);
        desk.job(data, &format!("{estimator}\nwarm_start = \"cold.h5\""));
        desk.ok(&["run", "job.toml", "--output", "warm.h5", "--on-existing", "replace"]);
        let (cold, warm) = (desk.json("cold.h5"), desk.json("warm.h5"));
        let steps = |json: &Value| floats(&json["model"]["n_iter_"])[0];
        assert!(
            steps(&warm) <= 2.0 && steps(&cold) > steps(&warm),
            "{estimator}: {} {}",
            steps(&cold),
            steps(&warm)
        );
        let what = if data == BLOBS { "cluster_centers_" } else { "coef_" };
        for (warm, cold) in floats(&warm["model"][what]).iter().zip(floats(&cold["model"][what])) {
            assert!((warm - cold).abs() <= 1e-6 * cold.abs().max(1.0), "{estimator}: {warm} {cold}");
        }
        // The resolved job says where it started.
        assert!(warm["provenance"]["job"].as_str().unwrap().contains("cold.h5"));
    }
}

#[test]
fn a_warm_start_that_does_not_fit_is_refused() {
    let desk = Desk::new();
    desk.job(CLASSES, "name = \"LogisticRegression\"");
    desk.ok(&["run", "job.toml", "--output", "old.h5"]);
    let warm = "warm_start = \"old.h5\"";
    desk.job(CLASSES, &format!("name = \"Ridge\"\n{warm}"));
    desk.refused(78, "estimator.warm_start: expected no such key, for Ridge starts from nothing");
    desk.job(CLASSES, &format!("name = \"PoissonRegressor\"\n{warm}"));
    desk.refused(
        65,
        "expected the model of a PoissonRegressor to start from, found that of a LogisticRegression",
    );
    desk.job(
        &CLASSES.replace("n_features = 6", "n_features = 7"),
        &format!("name = \"LogisticRegression\"\n{warm}"),
    );
    desk.refused(65, "expected a model of 7 features to start from, found 6");
    desk.write("rows.csv", "1,1,1,1,1,1,4\n2,1,3,1,2,0,5\n3,0,1,0,1,1,4\n");
    desk.job(
        "source = \"csv\"\npath = \"rows.csv\"\nlabel_column = -1",
        &format!("name = \"LogisticRegression\"\n{warm}"),
    );
    desk.refused(65, "expected a model of the classes [4.0, 5.0] to start from, found [0.0, 1.0]");
    desk.job(CLASSES, "name = \"LogisticRegression\"\nwarm_start = \"absent.h5\"");
    desk.refused(66, "absent.h5");
    desk.job(CLASSES, "name = \"LogisticRegression\"\nwarm_start = true");
    desk.refused(78, "estimator.warm_start: expected the results file to start from");
}

/// `labels_` are what the model says of its own rows, whatever the ranks.
fn mini_batch_labels(desk: &Desk) {
    let rows: String = (0..900).map(|i| format!("{},{}\n", i % 7 * 10 + i % 3, i % 5)).collect();
    desk.write("own.csv", &rows);
    let job = "name = \"MiniBatchKMeans\"\nn_clusters = 4\nbatch_size = 100";
    desk.job("source = \"csv\"\npath = \"own.csv\"\nblock_rows = 128", job);
    desk.ok(&["run", "job.toml", "--output", "own.h5", "--set", "output.labels=true"]);
    let found = desk.json("own.h5")["model"].clone();
    let labels: Vec<i64> = serde_json::from_value(found["labels_"].clone()).unwrap();
    let said = desk.ok(&["predict", "--model", "own.h5", "--data", "own.csv"]);
    assert_eq!(labels, said.lines().map(|line| line.parse().unwrap()).collect::<Vec<i64>>());
    assert!((0..4).all(|label| labels.contains(&label)) && labels.len() == 900);
    if launcher::has_mpi() {
        let line = "mpi_run 3 rankfit run job.toml --output own3.h5 --set output.labels=true --set data.residency=stream";
        let output = launcher::shell(line, desk.folder());
        assert!(output.status.success(), "{}", launcher::words(&output));
        assert_eq!(desk.json("own3.h5")["model"], found);
    }
}

#[test]
fn mini_batches_come_near_k_means_on_any_number_of_ranks() {
    let desk = Desk::new();
    desk.job(BLOBS, "name = \"KMeans\"\nn_clusters = 5\nn_init = 3");
    desk.ok(&["run", "job.toml", "--output", "all.h5"]);
    let all = desk.json("all.h5")["model"]["inertia_"].as_f64().unwrap();
    for more in [
        "",
        "init = \"random\"\nn_init = \"auto\"\n",
        "batch_size = 256\ntol = 1e-4\n",
        "max_no_improvement = 0\nmax_iter = 3\n",
    ] {
        desk.job(BLOBS, &format!("name = \"MiniBatchKMeans\"\nn_clusters = 5\n{more}"));
        desk.ok(&["run", "job.toml", "--output", "some.h5", "--on-existing", "replace"]);
        let found = desk.json("some.h5");
        let inertia = found["model"]["inertia_"].as_f64().unwrap();
        assert!(inertia >= all * (1.0 - 1e-9) && inertia < all * 1.05, "{more}: {inertia} {all}");
        let steps = found["model"]["n_steps_"].as_u64().unwrap();
        assert_eq!(found["history"]["batch_inertia"].as_array().unwrap().len() as u64, steps);
        if more.contains("max_iter = 3") {
            assert_eq!((steps, found["model"]["n_iter_"].as_u64()), (3 * 20_000 / 1024, Some(3)));
        }
        if !launcher::has_mpi() {
            continue;
        }
        for (ranks, residency) in [(2, "stream"), (3, "memory")] {
            let line = format!(
                "mpi_run {ranks} rankfit run job.toml --output ranks.h5 --on-existing replace --set data.residency={residency}"
            );
            let output = launcher::shell(&line, desk.folder());
            assert!(output.status.success(), "{}", launcher::words(&output));
            assert_eq!(desk.json("ranks.h5")["model"], found["model"]);
        }
    }
    desk.ok(&["run", "job.toml", "--output", "m.h5", "--set", "data.n_samples=2000"]);
    desk.write("rows.csv", "1,2,3,4\n-5,3,2,1\n");
    mini_batch_labels(&desk);
    assert_eq!(desk.ok(&["predict", "--model", "m.h5", "--data", "rows.csv"]).lines().count(), 2);
    desk.job(BLOBS, "name = \"MiniBatchKMeans\"\nbatch_size = 0");
    desk.refused(78, "job.toml:11: estimator.batch_size: expected a positive integer");
    desk.job(BLOBS, "name = \"MiniBatchKMeans\"\nmax_no_improvement = \"none\"");
    desk.refused(
        78,
        "max_no_improvement: expected an integer of 0 or more, where 0 never stops for that, found",
    );
    desk.job("source = \"csv\"\npath = \"rows.csv\"", "name = \"MiniBatchKMeans\"\nn_clusters = 3");
    desk.refused(65, "expected at least n_clusters = 3 rows, found 2");
    desk.write("rows.csv", "1,2,3,nan\n-5,3,2,1\n");
    desk.job("source = \"csv\"\npath = \"rows.csv\"", "name = \"MiniBatchKMeans\"\nn_clusters = 1");
    desk.refused(65, "expected a finite number");
}

/// Mean test scores of scikit-learn 1.9.1:
/// `GridSearchCV(make_pipeline(SimpleImputer(), GaussianNB()), {"simpleimputer__strategy": ["mean", "median"],
/// "gaussiannb__var_smoothing": [1e-9, 0.2]})` on these rows.
const IMPUTED: [f64; 4] =
    [0.816_666_666_666_666_7, 0.783_333_333_333_333_3, 0.816_666_666_666_666_7, 0.783_333_333_333_333_3];

#[test]
fn a_search_imputes_by_the_training_rows_of_each_fold() {
    let desk = Desk::new();
    let row = |i: usize| {
        let value = |j: usize| match (i * 5 + j).is_multiple_of(9) {
            true => String::new(),
            false => ((i * 7 + j * 3) % 11).pow(3).to_string(),
        };
        let y = usize::from((i * 7) % 11 + (i * i) % 5 > 6);
        format!("{},{},{},{y}\n", value(0), value(1), value(2))
    };
    desk.write("rows.csv", &(0..60).map(row).collect::<String>());
    desk.write(
        "job.toml",
        "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = 3\n[[pipeline]]\nname = \"SimpleImputer\"\n\
         [estimator]\nname = \"GaussianNB\"\n[search.grid]\nsimpleimputer__strategy = [\"mean\", \"median\"]\n\
         var_smoothing = [1e-9, 0.2]\n",
    );
    desk.ok(&["run", "job.toml", "--output", "out.h5"]);
    let table = &desk.json("out.h5")["cv_results"];
    let params = table["params"].as_array().unwrap();
    let scores = floats(&table["mean_test_score"]);
    for (params, score) in params.iter().zip(scores) {
        let median = params["simpleimputer__strategy"] == "median";
        let smooth = params["var_smoothing"] == 0.2;
        let expected = IMPUTED[2 * usize::from(smooth) + usize::from(median)];
        assert!((score - expected).abs() < 1e-12, "{params}: {score}, not {expected}");
    }
}

/// Mean test scores of scikit-learn 1.9.1:
/// `GridSearchCV(make_pipeline(SimpleImputer(missing_values=-1), GaussianNB()), {"simpleimputer__add_indicator":
/// [False, True], "simpleimputer__strategy": ["mean", "median"]})` on these rows.
const TOLD: [f64; 4] =
    [0.816_666_666_666_666_7, 0.783_333_333_333_333_4, 0.733_333_333_333_333_4, 0.733_333_333_333_333_3];

#[test]
fn a_number_may_stand_for_what_is_missing_and_be_told() {
    let desk = Desk::new();
    let row = |i: usize| {
        let value = |j: usize| match (i * 5 + j).is_multiple_of(9) {
            true => "-1".into(),
            false => ((i * 7 + j * 3) % 11).pow(3).to_string(),
        };
        let y = usize::from((i * 7) % 11 + (i * i) % 5 > 6);
        format!("{},{},{},{y}\n", value(0), value(1), value(2))
    };
    let rows: String = (0..60).map(row).collect();
    desk.write("rows.csv", &rows);
    let head = "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = 3\n[[pipeline]]\nname = \"SimpleImputer\"\n\
                missing_values = -1\n";
    let grid = "[search.grid]\nsimpleimputer__add_indicator = [false, true]\n\
                simpleimputer__strategy = [\"mean\", \"median\"]\n";
    desk.write("job.toml", &format!("{head}[estimator]\nname = \"GaussianNB\"\n{grid}"));
    desk.ok(&["run", "job.toml", "--output", "out.h5"]);
    let table = &desk.json("out.h5")["cv_results"];
    for (params, score) in table["params"].as_array().unwrap().iter().zip(floats(&table["mean_test_score"])) {
        let median = params["simpleimputer__strategy"] == "median";
        let told = params["simpleimputer__add_indicator"] == true;
        let expected = TOLD[2 * usize::from(told) + usize::from(median)];
        assert!((score - expected).abs() < 1e-12, "{params}: {score}, not {expected}");
    }
    // The steps after it, and predict, see six features: scikit-learn's pipeline has 34 rows of the class 1.
    let steps = "add_indicator = true\n[[pipeline]]\nname = \"StandardScaler\"\n";
    desk.write(
        "job.toml",
        &format!("{head}{steps}[estimator]\nname = \"GaussianNB\"\nvar_smoothing = 1e-9\n"),
    );
    desk.ok(&["run", "job.toml", "--output", "told.h5"]);
    assert_eq!(floats(&desk.json("told.h5")["model"]["theta_"]).len(), 12);
    let predicted = desk.ok(&["predict", "--model", "told.h5", "--data", "rows.csv"]);
    assert_eq!(predicted.lines().filter(|class| *class == "1").count(), 34);
    // NaN stands for nothing then.
    desk.write("rows.csv", &rows.replacen(",0,", ",,", 1));
    desk.refused(65, "expected a finite number");
}

/// scikit-learn 1.9.1, `cross_val_score(Ridge(), X, y, cv=GroupKFold(3), groups=stones)` and with `PredefinedSplit(folds)`
/// on these rows.
const BY_STONE: [f64; 3] = [-0.3676267067796022, -0.028549772690658948, -0.9274233033440622];
const BY_FOLD: [f64; 2] = [-0.8693046302762517, -1.0273920081086465];

#[test]
fn folds_follow_a_column_of_the_data() {
    let desk = Desk::new();
    let row = |i: usize| {
        let stone = ["ruby", "amber", "opal", "jade", "onyx"][i * i * i % 5];
        let stone = if i.is_multiple_of(3) { "zinc" } else { stone };
        let y = (i * 11 % 17) as f64 + 0.5 * i as f64;
        (
            format!("{stone},{},{},{y}\n", i * 7 % 30, i * i % 11),
            format!("{},{},{},{y}\n", (i / 3 % 3) as i64 - 1, i * 7 % 30, i * i % 11),
        )
    };
    let (stones, folds): (String, String) = (0..30).map(row).unzip();
    desk.write("stones.csv", &format!("by,a,b,y\n{stones}"));
    desk.write("folds.csv", &format!("by,a,b,y\n{folds}"));
    let job = |file: &str, column: &str, cv: &str| {
        let data = format!("source = \"csv\"\npath = \"{file}\"\nlabel_column = \"y\"\n{column}");
        desk.job(
            &data,
            &format!("name = \"Ridge\"\n[search]\nkind = \"cross_validate\"\nrefit = true\ncv = {{ {cv} }}"),
        );
    };
    let by = "group_column = \"by\"";
    for (file, cv, expected) in [
        ("stones.csv", "kind = \"GroupKFold\", n_splits = 3", &BY_STONE[..]),
        ("folds.csv", "kind = \"PredefinedSplit\"", &BY_FOLD[..]),
    ] {
        job(file, by, cv);
        desk.ok(&["run", "job.toml", "--output", "out.h5", "--on-existing", "replace"]);
        let scores = floats(&desk.json("out.h5")["cv_results"]["test_score"]);
        assert_eq!(scores.len(), expected.len());
        for (score, expected) in scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-9, "{file}: {score}, not {expected}");
        }
        // The column is no feature of the model's rows either.
        desk.ok(&["predict", "--model", "out.h5", "--data", file, "--output", "p.h5"]);
        std::fs::remove_file(desk.path("p.h5")).unwrap();
    }
    job("folds.csv", "", "kind = \"GroupKFold\"");
    desk.refused(78, "group_column");
    job("stones.csv", by, "kind = \"PredefinedSplit\"");
    desk.refused(
        65,
        "stones.csv, row 0, column by: expected the number of a fold, or -1, found the text \"zinc\"",
    );
    desk.write("odd.csv", "by,a,b,y\n0,1,2,3\n1,2,3,4\n0.6,3,4,5\n1,5,6,7\n");
    job("odd.csv", by, "kind = \"PredefinedSplit\"");
    desk.refused(65, "odd.csv, row 2, column by: expected the number of a fold, or -1, found 0.6");
    // A dataset beside the rows is named itself.
    let file = hdf5::File::create(desk.path("odd.h5")).unwrap();
    for (name, values) in [("y", [3.0, 4.0, 5.0, 7.0]), ("fold", [0.0, 1.0, -2.0, 1.0])] {
        file.new_dataset::<f64>().shape([4]).create(name).unwrap().write_raw(&values).unwrap();
    }
    file.new_dataset::<f64>().shape([4, 1]).create("X").unwrap().write_raw(&[1.0, 2.0, 3.0, 5.0]).unwrap();
    drop(file);
    unlock(&desk.path("odd.h5"));
    let rest = "name = \"Ridge\"\n[search]\nkind = \"cross_validate\"\ncv = { kind = \"PredefinedSplit\" }";
    desk.job("source = \"hdf5\"\npath = \"odd.h5\"\ngroups = \"fold\"", rest);
    desk.refused(65, "dataset \"fold\", row 2: expected the number of a fold, or -1, found -2");
}

/// The scores of a search over groups of rows, read as `keys` say.
fn scores_of_groups(desk: &Desk, keys: &str) -> Vec<f64> {
    let search = "name = \"GaussianNB\"\n[search]\nkind = \"cross_validate\"\ncv = { kind = \"GroupKFold\", n_splits = 5 }";
    desk.job(keys, search);
    desk.ok(&["run", "job.toml", "--output", "out.h5", "--on-existing", "replace"]);
    floats(&desk.json("out.h5")["cv_results"]["test_score"])
}

#[test]
fn groups_and_labels_are_of_the_same_rows() {
    let desk = Desk::new();
    let rows = |label: [&str; 2], group: &str| -> String {
        let row = |i: usize| format!("{},{},{},{group}{}\n", i * 7 % 11, i * i % 13, label[i % 3 / 2], i % 5);
        (0..30).map(row).collect()
    };
    let keys = "source = \"csv\"\npath = \"rows.csv\"\nlabel_column = 2\ngroup_column = 3";
    let mut all = Vec::new();
    for (label, group) in [(["no", "yes"], ""), (["0", "1"], "g"), (["no", "yes"], "g"), (["0", "1"], "")] {
        desk.write("rows.csv", &rows(label, group));
        all.push(scores_of_groups(&desk, keys));
        all.push(scores_of_groups(&desk, &format!("{keys}\nheader = false")));
        desk.write("rows.csv", &format!("0,1,kind,batch\n{}", rows(label, group)));
        all.push(scores_of_groups(&desk, &keys.replace("= 2", "= \"kind\"").replace("= 3", "= \"batch\"")));
    }
    assert!(all.iter().all(|scores| scores.len() == 5 && *scores == all[0]), "{all:?}");
}

#[test]
fn groups_that_a_double_does_not_tell_apart_are_refused() {
    let desk = Desk::new();
    let group = |i: u64| (1 << 60) + i / 6;
    let row = |i: u64| format!("{},{},{}\n", i * 7 % 11, i % 2, group(i));
    desk.write("rows.csv", &format!("a,y,g\n{}", (0..24).map(row).collect::<String>()));
    let search = "name = \"GaussianNB\"\n[search]\nkind = \"cross_validate\"\ncv = { kind = \"GroupKFold\", n_splits = 2 }";
    desk.job("source = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\ngroup_column = \"g\"", search);
    let told =
        "row 0, column g: expected groups that are numbers within ±2^53, or text, found 1152921504606847";
    desk.refused(65, told);
    let file = hdf5::File::create(desk.path("rows.h5")).unwrap();
    let x = ndarray::Array2::from_shape_fn((24, 1), |(i, _)| (i * 7 % 11) as f64);
    file.new_dataset_builder().with_data(&x).create("X").unwrap();
    for (name, of) in [("y", (|i| i % 2) as fn(u64) -> u64), ("g", |i| (1 << 60) + i / 6)] {
        let values: Vec<i64> = (0..24).map(|i| of(i) as i64).collect();
        file.new_dataset_builder().with_data(&values).create(name).unwrap();
    }
    drop(file);
    unlock(&desk.path("rows.h5"));
    desk.job("source = \"hdf5\"\npath = \"rows.h5\"\ngroups = \"g\"", search);
    desk.refused(65, "dataset \"g\", row 0: expected groups that are numbers within ±2^53");
}
