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
