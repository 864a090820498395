//! Searches over SVC from the command line: which path their fits take.

mod desk;

use desk::Desk;
use serde_json::Value;

/// A search over two blobs far from each other, so that its scores are the same by any path.
fn search(n_samples: usize, n_c: usize, search: &str) -> String {
    let c: Vec<String> = (1..=n_c).map(|i| format!("{:?}", i as f64 * 1e-3)).collect();
    format!(
        "[data]\nsource = \"blobs\"\nn_samples = {n_samples}\nn_features = 2\ncenters = 2\ncenter_box = [-9.0, 9.0]\n\
         cluster_std = 0.5\nblock_rows = 500\n[estimator]\nname = \"SVC\"\ngamma = 0.5\n\
         [search]\ncv = 2\nrefit = false\n{search}[search.grid]\nC = [{}]\n",
        c.join(", ")
    )
}

/// Fits that were to be done, and how many of these started from nothing; none where all do.
fn starts(desk: &Desk, job: &str, settings: &[&str]) -> Option<(u64, u64)> {
    desk.write("job.toml", job);
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    let run = ["run", "job.toml", "-o", "out.h5", "--on-existing", "replace", "-q"];
    desk.ok(&run.into_iter().chain(settings).collect::<Vec<_>>());
    let counts = desk.json("out.h5")["timing"]["shared_starts_from_nothing"].clone();
    let count = |i: usize| counts.get(i).and_then(Value::as_u64);
    Some((count(0)?, count(1)?))
}

#[test]
fn long_searches_by_predictions_start_warm_unless_told_not_to() {
    let desk = Desk::new();
    // 2 folds of 125 values of C on 6,400 rows are 1.02e10.
    let (asked, from_nothing) = starts(&desk, &search(6400, 125, ""), &[]).expect("warm starts");
    assert!(asked <= 250 && from_nothing > 0 && from_nothing * 2 < asked, "{from_nothing} of {asked}");
    let warm = desk.json("out.h5")["cv_results"]["mean_test_score"].clone();
    assert_eq!(starts(&desk, &search(6400, 125, ""), &["estimator.warm_start_along_c=false"]), None);
    assert_eq!(desk.json("out.h5")["cv_results"]["mean_test_score"], warm);
    assert_eq!(starts(&desk, &search(6400, 120, ""), &[]), None, "a shorter one");
    assert_eq!(starts(&desk, &search(6400, 125, "scoring = \"roc_auc\"\n"), &[]), None, "decision values");
    let asked_for = ["estimator.warm_start_along_c=true"];
    assert!(starts(&desk, &search(400, 4, ""), &asked_for).is_some());
}

#[test]
fn what_is_no_way_to_start_is_told() {
    let desk = Desk::new();
    desk.write("job.toml", &search(400, 4, ""));
    for wrong in ["estimator.warm_start_along_c=\"always\"", "estimator.warm_start_along_c=2"] {
        let run = ["run", "job.toml", "-o", "out.h5", "--set", wrong];
        desk.fails(&run, 78, "estimator.warm_start_along_c");
        desk.fails(&run, 78, "true, false or \"auto\"");
    }
}

/// scikit-learn 1.9.1, `SVC(C=inf, kernel="linear")`, `SVR(C=inf)` of the first feature, and `GridSearchCV(SVC(C=inf),
/// {"gamma": [0.5, 2.0]}, cv=3)` on these rows, which a line parts.
#[test]
fn an_infinite_c_bounds_nothing() {
    let desk = Desk::new();
    let row = |i: usize| {
        let (a, b) = ((i * 7 % 13) as f64 / 4.0, (i * 5 % 11) as f64 / 3.0);
        (format!("{a:?},{b:?},{}\n", u8::from(a + b > 3.0)), format!("{a:?},{b:?},{a:?}\n"))
    };
    let (classes, numbers): (String, String) = (0..24).map(row).unzip();
    desk.write("classes.csv", &classes);
    desk.write("numbers.csv", &numbers);
    let job = |data: &str, rules: &str| {
        let head =
            format!("[data]\nsource = \"csv\"\npath = \"{data}.csv\"\nlabel_column = 2\nheader = false\n");
        desk.write("job.toml", &format!("{head}[estimator]\nC = inf\n{rules}"));
        desk.ok(&["run", "job.toml", "-o", "out.h5", "--on-existing", "replace", "-q"]);
        desk.json("out.h5")
    };
    let numbers_of = |value: &Value| -> Vec<f64> {
        let all = value.as_array().unwrap();
        all.iter()
            .flat_map(|v| v.as_array().unwrap_or(&vec![v.clone()]).clone())
            .filter_map(|v| v.as_f64())
            .collect()
    };
    let close = |found: &Value, expected: &[f64]| {
        let found = numbers_of(found);
        assert_eq!(found.len(), expected.len());
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs();
        assert!(found.iter().zip(expected).all(near), "{found:?} for {expected:?}");
    };
    let linear = &job("classes", "name = \"SVC\"\nkernel = \"linear\"\n")["model"];
    close(&linear["support_"], &[11.0, 21.0, 9.0, 14.0]);
    close(
        &linear["dual_coef_"],
        &[-407.9389584818862, -167.97507340281388, 407.9389584818862, 167.97507340281388],
    );
    close(&linear["intercept_"], &[-72.98931912195953]);
    let numbers = &job("numbers", "name = \"SVR\"\n")["model"];
    close(&numbers["support_"], &[0.0, 3.0, 4.0, 11.0, 13.0, 20.0, 21.0]);
    close(&numbers["intercept_"], &[1.1480046572575573]);
    let table = &job("classes", "name = \"SVC\"\n[search]\ncv = 3\n[search.grid]\ngamma = [0.5, 2.0]\n")["cv_results"];
    close(&table["mean_test_score"], &[0.7083333333333334, 0.75]);
}
