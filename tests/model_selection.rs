//! Splitters, grids and `cv_results_` against values from scikit-learn (see the origin in each file).

use rankfit::estimator::{Array, Values};
use rankfit::model_selection::{CvResults, FitId, FitOutcome, Search, SearchSpec, Splitter, rank_scores};
use serde_json::{Value, json};

fn cases(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/model_selection/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

/// A number; those that JSON lacks are texts.
fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_f64().unwrap(),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn rows(value: &Value) -> Vec<Vec<usize>> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn splits_are_those_of_scikit_learn() {
    let mut refused = 0;
    for case in cases("splits").into_iter().chain(cases("group_splits")) {
        let n = case["n"].as_u64().unwrap() as usize;
        let y = if case["y"].is_null() { Vec::new() } else { numbers(&case["y"]) };
        let groups: Option<Vec<i64>> = serde_json::from_value(case["groups"].clone()).unwrap();
        let splitter: Splitter = serde_json::from_value(case["spec"].clone()).unwrap();
        let found = splitter.split(n, &y, groups.as_deref(), 0);
        if case["error"].is_string() {
            refused += 1;
            let error = found.expect_err(&format!("{case}"));
            assert!(error.to_string().starts_with("search.cv: "), "{error}");
            assert_eq!(error.exit_code().code(), 78);
            continue;
        }
        let found = found.unwrap_or_else(|error| panic!("{case}: {error}"));
        let tests: Vec<_> = found.splits.iter().map(|split| split.test.clone()).collect();
        let trains: Vec<_> = found.splits.iter().map(|split| split.train.clone()).collect();
        assert_eq!(tests, rows(&case["tests"]), "{case}");
        if case["trains"].is_null() {
            for (train, test) in trains.iter().zip(&tests) {
                let others: Vec<usize> = (0..n).filter(|row| !test.contains(row)).collect();
                assert_eq!(*train, others);
            }
        } else {
            assert_eq!(trains, rows(&case["trains"]), "{case}");
        }
        assert_eq!(json!(found.warnings), case["warnings"]);
    }
    assert!(refused > 30);
}

fn splitter(text: &str) -> Splitter {
    toml::from_str(text).unwrap()
}

/// Sizes of the test folds, and that they part the rows.
fn fold_sizes(tests: &[Vec<usize>], n: usize) -> Vec<usize> {
    let mut all: Vec<usize> = tests.concat();
    all.sort_unstable();
    assert_eq!(all, (0..n).collect::<Vec<_>>());
    tests.iter().map(Vec::len).collect()
}

#[test]
fn shuffled_folds_keep_sizes_and_shares_and_follow_the_seed() {
    let y: Vec<f64> = (0..103).map(|row| f64::from(u8::from(row % 7 < 2))).collect();
    let tests = |kind: &str, seed: &str| -> Vec<Vec<usize>> {
        let splitter = splitter(&format!("kind = \"{kind}\"\nn_splits = 4\nshuffle = true\n{seed}"));
        splitter.split(103, &y, None, 9).unwrap().splits.into_iter().map(|split| split.test).collect()
    };
    for kind in ["KFold", "StratifiedKFold"] {
        let shuffled = tests(kind, "random_state = 3");
        assert_eq!(fold_sizes(&shuffled, 103), [26, 26, 26, 25]);
        assert_eq!(shuffled, tests(kind, "random_state = 3"));
        assert_ne!(shuffled, tests(kind, "random_state = 4"));
        // Without one, the job's seed is taken.
        assert_eq!(tests(kind, ""), tests(kind, "random_state = 9"));
        assert!(shuffled.iter().all(|test| test.is_sorted()));
    }
    let plain = splitter("kind = \"StratifiedKFold\"\nn_splits = 4").split(103, &y, None, 0).unwrap();
    let ones = |test: &[usize]| test.iter().filter(|&&row| y[row] == 1.0).count();
    for (shuffled, plain) in tests("StratifiedKFold", "").iter().zip(&plain.splits) {
        assert_eq!(ones(shuffled), ones(&plain.test));
    }
}

#[test]
fn random_splits_have_the_asked_sizes_and_shares() {
    let y: Vec<f64> = (0..60).map(|row| if row < 40 { 0.0 } else { 1.0 }).collect();
    for (sizes, train, test) in [
        ("", 54, 6),
        ("test_size = 0.25", 45, 15),
        ("test_size = 0.31", 41, 19),
        ("train_size = 0.5\ntest_size = 6", 30, 6),
        ("train_size = 20", 20, 40),
    ] {
        for kind in ["ShuffleSplit", "StratifiedShuffleSplit"] {
            let splitter = splitter(&format!("kind = \"{kind}\"\nn_splits = 3\n{sizes}"));
            let splits = splitter.split(60, &y, None, 1).unwrap().splits;
            assert_eq!(splits.len(), 3);
            assert_ne!(splits[0], splits[1]);
            for split in &splits {
                assert_eq!((split.train.len(), split.test.len()), (train, test), "{kind} {sizes}");
                assert!(split.train.is_sorted() && split.test.is_sorted());
                assert!(split.test.iter().all(|row| !split.train.contains(row)));
                if kind.starts_with("Strat") {
                    let ones = split.train.iter().filter(|&&row| row >= 40).count() as f64;
                    assert!((ones - train as f64 / 3.0).abs() < 1.0, "{ones} of {train}");
                }
            }
        }
    }
}

#[test]
fn impossible_splits_are_refused() {
    let y = [0.0, 1.0, 0.0, 1.0, 2.0, 0.0];
    for text in [
        "kind = \"KFold\"\nn_splits = 1",
        "kind = \"KFold\"\nrandom_state = 1",
        "kind = \"StratifiedKFold\"\nn_splits = 4",
        "kind = \"GroupKFold\"\nn_splits = 2",
        "kind = \"PredefinedSplit\"",
        "kind = \"PredefinedSplit\"\ntest_fold = [-1, -1, -1, -1, -1, -1]",
        "kind = \"PredefinedSplit\"\ntest_fold = [0, 1]",
        "kind = \"ShuffleSplit\"\ntest_size = 1.5",
        "kind = \"ShuffleSplit\"\ntest_size = 6",
        "kind = \"ShuffleSplit\"\ntest_size = 4\ntrain_size = 3",
        "kind = \"ShuffleSplit\"\ntrain_size = 0.1",
        "kind = \"StratifiedShuffleSplit\"\ntest_size = 3",
        "kind = \"ShuffleSplit\"\nn_splits = 9223372036854775807",
        "kind = \"StratifiedShuffleSplit\"\nn_splits = 9223372036854775807\ntest_size = 0.5",
        "kind = \"TimeSeriesSplit\"\ntest_size = 0",
    ] {
        let error = splitter(text).split(6, &y, None, 0).unwrap_err();
        assert!(error.to_string().starts_with("search.cv: "), "{text}: {error}");
    }
    let error = splitter("kind = \"StratifiedKFold\"").split(2, &[0.5, 1.0], None, 0).unwrap_err();
    assert!(error.to_string().contains("0.5 in row 0"), "{error}");
}

/// A search from the value of `[search]`.
fn search(spec: Value) -> Result<Search, String> {
    let spec: SearchSpec = serde_json::from_value(spec).map_err(|error| error.to_string())?;
    spec.check(true, 0).map_err(|error| error.to_string())
}

#[test]
fn grids_run_in_the_order_of_scikit_learn() {
    for case in cases("grids") {
        let search = search(json!({"grid": case["grid"]})).unwrap();
        let points: Vec<Value> = search.candidates.iter().cloned().map(Value::Object).collect();
        // As texts, so that the order of the keys counts.
        let text = |points: &Value| points.to_string();
        assert_eq!(text(&json!(points)), text(&case["points"]));
    }
}

/// Behind steps scikit-learn's grid says `svc__C`, which comes after `pca__n_components` (and `C` alone before it): the last
/// name runs fastest.
#[test]
fn grids_behind_steps_are_sorted_by_whole_names() {
    let grid = json!({"grid": {"C": [1, 2], "pca__n_components": [3, 4], "svc__gamma": [5]}});
    let spec: SearchSpec = serde_json::from_value(grid).unwrap();
    let points = |prefix: &str| -> Vec<(i64, i64)> {
        let of = |point: &rankfit::model_selection::Candidate| {
            (point["pca__n_components"].as_i64().unwrap(), point["C"].as_i64().unwrap())
        };
        spec.check_behind(prefix, true, 0).unwrap().candidates.iter().map(of).collect()
    };
    assert_eq!(points("svc__"), [(3, 1), (3, 2), (4, 1), (4, 2)]);
    assert_eq!(points(""), [(3, 1), (4, 1), (3, 2), (4, 2)]);
}

/// The search and the outcomes of a case with given scores.
fn given(case: &Value) -> (Search, Vec<FitOutcome>) {
    let names: Vec<String> = serde_json::from_value(case["names"].clone()).unwrap();
    let scoring = if names == ["score"] { json!("accuracy") } else { json!(names) };
    let spec = json!({"grid": case["grid"], "cv": case["n_splits"], "scoring": scoring,
        "return_train_score": case["train"], "refit": case["refit"]});
    let search = search(spec).unwrap();
    let n_splits = case["n_splits"].as_u64().unwrap() as usize;
    let score = |table: &Value, id: FitId| -> Vec<f64> {
        if table.is_null() {
            return Vec::new();
        }
        names.iter().map(|name| number(&table[name][id.candidate][id.fold])).collect()
    };
    let ids = (0..search.candidates.len())
        .flat_map(|candidate| (0..n_splits).map(move |fold| FitId { candidate, fold }));
    let outcomes = ids
        .map(|id| {
            let scores = [score(&case["tests"], id), score(&case["trains"], id)];
            let converged = id != (FitId { candidate: 1, fold: 0 });
            FitOutcome { converged, ..FitOutcome::new(id, scores, [0.5, 0.25]) }
        })
        .collect();
    (search, outcomes)
}

fn same_entries(name: &str, array: &Array, expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(array.shape, [expected.len()], "{name}");
    match &array.values {
        Values::Text(texts) => {
            for (text, expected) in texts.iter().zip(expected) {
                // Texts stand as they are; what is more than a text stands as JSON.
                let plain = *expected == Value::String(text.clone());
                let found = || serde_json::from_str::<Value>(text).unwrap();
                assert!(plain || found() == *expected, "{name}: {text} instead of {expected}");
            }
        }
        Values::Bool(values) => assert_eq!(json!(values), json!(expected), "{name}"),
        _ => {
            // Where a sub-grid lacks a parameter a column of numbers has NaN.
            let number = |value: &Value| if value.is_null() { f64::NAN } else { number(value) };
            for (found, expected) in array.to_f64().unwrap().into_iter().zip(expected.iter().map(number)) {
                let same = found == expected || (found.is_nan() && expected.is_nan());
                assert!(same, "{name}: {found} instead of {expected}");
            }
        }
    }
}

/// Compares every column but the times, and the best candidate.
fn compare(case: &Value) -> CvResults {
    let (search, outcomes) = given(case);
    let n_splits = case["n_splits"].as_u64().unwrap() as usize;
    let results = CvResults::new(&search, n_splits, &outcomes).unwrap();
    let expected: Vec<(String, Value)> = serde_json::from_value(case["columns"].clone()).unwrap();
    let names: Vec<&str> = results.columns.iter().map(|column| column.name.as_str()).collect();
    let mut expected_names: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    expected_names.push("converged");
    assert_eq!(names, expected_names);
    for (column, (name, expected)) in results.columns.iter().zip(&expected) {
        assert_eq!(column.is_time, name.ends_with("_time"));
        if !column.is_time {
            same_entries(name, &column.array, expected);
        }
    }
    match &results.best {
        Some(best) => {
            assert_eq!(json!(best.index), case["best_index"]);
            let expected = number(&case["best_score"]);
            assert!(best.score == expected || (best.score.is_nan() && expected.is_nan()));
            assert_eq!(json!(best.params), case["best_params"]);
        }
        None => assert!(case["best_index"].is_null(), "{case}"),
    }
    results
}

#[test]
fn cv_results_are_those_of_scikit_learn_to_the_bit() {
    let cases = cases("searches");
    assert!(cases.len() > 20);
    cases.iter().for_each(|case| drop(compare(case)));
}

#[test]
fn times_and_convergence_have_their_columns() {
    let case = &cases("searches")[0];
    let (search, outcomes) = given(case);
    let results = CvResults::new(&search, 2, &outcomes).unwrap();
    let column = |name: &str| results.column(name).unwrap().to_f64().unwrap();
    assert_eq!(column("mean_fit_time"), [0.5; 6]);
    assert_eq!(column("std_score_time"), [0.0; 6]);
    let Values::Bool(converged) = &results.column("converged").unwrap().values else { panic!("not flags") };
    assert_eq!(*converged, [true, false, true, true, true, true]);
    assert!(CvResults::new(&search, 2, &outcomes[1..]).is_err());
}

/// From each fold's score, 2,000 rows a fold, to the digits that the tutorial shows.
#[test]
fn the_tutorials_best_score_has_its_last_digit() {
    let case = &cases("tutorial")[0];
    let scores: Vec<Vec<f64>> = serde_json::from_value(case["tests"]["score"].clone()).unwrap();
    // A score is a count of rows over 2,000, divided once.
    assert!(scores.iter().flatten().all(|score| (score * 2000.0).round() / 2000.0 == *score));
    let results = compare(case);
    let best = results.best.as_ref().unwrap();
    assert_eq!(best.score, 0.9119000000000002);
    assert_eq!(best.params_json(), "{\"C\": 10.0}");
    let means = results.column("mean_test_score").unwrap().to_f64().unwrap();
    let shown: Vec<String> = means.iter().map(|mean| format!("{mean:.4}")).collect();
    assert_eq!(shown, ["0.8324", "0.8876", "0.9054", "0.9088", "0.9115", "0.9119"]);
}

#[test]
fn ties_share_the_smallest_rank() {
    assert_eq!(rank_scores(&[0.5, 0.75, 0.5, f64::NAN, 0.75, 0.25]), [3, 1, 3, 6, 1, 5]);
    assert_eq!(rank_scores(&[f64::NAN; 3]), [1, 1, 1]);
}

#[test]
fn wrong_searches_are_refused_with_their_key() {
    let grid = json!({"C": [1.0]});
    for (spec, key) in [
        (json!({}), "search.grid: "),
        (json!({"grid": {}}), "search.grid: "),
        (json!({"grid": []}), "search.grid: "),
        (json!({"grid": [{"C": [1]}, {}]}), "search.grid.1: "),
        (json!({"grid": {"C": []}}), "search.grid.C: "),
        (json!({"grid": {"C": 1.0}}), "search.grid.C: "),
        (json!({"grid": {"kernel": "rbf"}}), "search.grid.kernel: "),
        (json!({"grid": [{"C": [1]}, {"gamma": 2}]}), "search.grid.1.gamma: "),
        (json!({"grid": grid, "cv": 1}), "search.cv: "),
        (json!({"grid": grid, "cv": {"kind": "KFolds"}}), "search.cv.kind: "),
        (json!({"grid": grid, "cv": {"kind": "KFold", "n_split": 3}}), "search.cv.n_split: "),
        (
            json!({"grid": grid, "cv": {"kind": "ShuffleSplit", "n_splits": i64::MAX}}),
            "search.cv: expected at most 10000000 fits, found 9223372036854775807 of each of 1 candidates",
        ),
        (
            json!({"grid": grid, "cv": {"kind": "TimeSeriesSplit", "gap": -1}}),
            "search.cv.gap: expected a non-negative integer, found -1",
        ),
        (
            json!({"grid": grid, "cv": {"kind": "ShuffleSplit", "test_size": 0.2, "n_splits": 2.5}}),
            "search.cv.n_splits: expected a positive integer, found 2.5",
        ),
        (json!({"grid": grid, "scoring": "acc"}), "search.scoring: "),
        (json!({"grid": grid, "scoring": []}), "search.scoring: "),
        (json!({"grid": grid, "scoring": ["f1", "f1"]}), "search.scoring: "),
        (json!({"grid": grid, "scoring": ["f1", "accuracy"]}), "search.refit: "),
        (json!({"grid": grid, "scoring": ["f1", "accuracy"], "refit": "r2"}), "search.refit: "),
        (json!({"grid": grid, "error_score": "ignore"}), "search.error_score: "),
        (json!({"grid": grid, "n_iter": 3}), "search.n_iter: "),
        (json!({"grid": grid, "kind": "random"}), "search.grid: "),
        (json!({"kind": "random"}), "search.distributions: "),
        (json!({"kind": "random", "distributions": {"C": [1]}, "n_iter": 0}), "search.n_iter: "),
        (
            json!({"kind": "random", "distributions": {"C": {"distribution": "normal"}}}),
            "search.distributions.C.distribution: ",
        ),
        (json!({"kind": "random", "distributions": {"C": 3}}), "search.distributions.C: "),
        (
            json!({"kind": "random", "n_iter": i64::MAX, "distributions": {"C": {"distribution": "uniform", "low": 0, "high": 1}}}),
            "search.n_iter: expected at most 10000000 candidates, found 9223372036854775807",
        ),
    ] {
        let message = search(spec.clone()).expect_err(&spec.to_string());
        assert!(message.starts_with(key), "{spec}: {message}");
    }
    for spec in [json!({"gird": grid}), json!({"kind": "halving"}), json!({"grid": grid, "refit": 3})] {
        assert!(search(spec.clone()).is_err(), "{spec}");
    }
    let infinite: SearchSpec = toml::from_str("grid = { C = [inf] }").unwrap();
    assert!(infinite.check(true, 0).unwrap_err().to_string().starts_with("search.grid.C: "));
    let regression: SearchSpec = toml::from_str("grid = { C = [1] }\nscoring = \"f1\"").unwrap();
    assert!(regression.check(false, 0).unwrap_err().to_string().starts_with("search.scoring: "));
}

#[test]
fn a_search_is_written_back_as_it_was_read() {
    let text = "kind = \"grid\"\nscoring = [\"f1\", \"accuracy\"]\nrefit = \"f1\"\nerror_score = \"raise\"\n\
                [cv]\nkind = \"StratifiedKFold\"\nn_splits = 3\n[[grid]]\nC = [1, 2]\n[[grid]]\nkernel = [\"rbf\"]\n";
    let spec: SearchSpec = toml::from_str(text).unwrap();
    let again: SearchSpec = toml::from_str(&toml::to_string(&spec).unwrap()).unwrap();
    assert_eq!(spec, again);
    let search = spec.check(true, 0).unwrap();
    assert_eq!(
        (search.candidates.len(), search.error_score, search.score_names()),
        (3, None, vec!["f1", "accuracy"])
    );
    assert_eq!(search.announcement(3), "Fitting 3 folds for each of 3 candidates, totalling 9 fits");
}

#[test]
fn random_candidates_follow_the_seed() {
    let draw = |seed: u64| {
        search(json!({"kind": "random", "n_iter": 5, "random_state": seed, "distributions":
            {"gamma": {"distribution": "loguniform", "low": 1e-3, "high": 1.0}, "C": [1, 10]}}))
        .unwrap()
        .candidates
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert!(draw(1).iter().all(|point| point.keys().eq(["C", "gamma"])));
}
