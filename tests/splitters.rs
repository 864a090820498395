//! Splitters that repeat, leave out or keep groups together: their properties, and searches by them from outside.

mod desk;
mod launcher;

use std::collections::BTreeSet;

use desk::Desk;
use rankfit::model_selection::{SearchSpec, Split, Splitter};
use serde_json::{Value, json};

fn splitter(text: &str) -> Splitter {
    toml::from_str(text).unwrap()
}

/// Classes and groups of 103 rows; classes are spread over the groups unevenly.
fn rows() -> (Vec<f64>, Vec<i64>) {
    (0..103).map(|row| (f64::from(u8::from(row % 7 < 2)), (row * row % 23) as i64 - 5)).unzip()
}

fn splits(text: &str, seed: u64) -> Vec<Split> {
    let (y, groups) = rows();
    splitter(text).split(103, &y, Some(&groups), seed).unwrap().splits
}

fn tests(splits: &[Split]) -> Vec<Vec<usize>> {
    splits.iter().map(|split| split.test.clone()).collect()
}

/// Checks that some test folds part the rows, and that all others are fitted on.
fn check_parted(splits: &[Split]) {
    let mut all = tests(splits).concat();
    all.sort_unstable();
    assert_eq!(all, (0..103).collect::<Vec<_>>());
    for split in splits {
        let others: Vec<usize> = (0..103).filter(|row| !split.test.contains(row)).collect();
        assert_eq!(split.train, others);
        assert!(split.test.is_sorted());
    }
}

#[test]
fn repeated_folds_are_shuffled_folds_that_differ() {
    let (y, _) = rows();
    let ones = |test: &[usize]| test.iter().filter(|&&row| y[row] == 1.0).count();
    for kind in ["KFold", "StratifiedKFold"] {
        let repeated = |more: &str, seed: u64| splits(&format!("kind = \"Repeated{kind}\"\n{more}"), seed);
        let once =
            |more: &str, seed: u64| splits(&format!("kind = \"{kind}\"\nshuffle = true\n{more}"), seed);
        assert_eq!(repeated("", 9).len(), 50);
        let found = repeated("n_splits = 4\nn_repeats = 6\nrandom_state = 3", 9);
        assert_eq!(found.len(), 24);
        let plain = tests(&splits(&format!("kind = \"{kind}\"\nn_splits = 4"), 0));
        for repeat in found.chunks(4) {
            check_parted(repeat);
            for (split, plain) in repeat.iter().zip(&plain) {
                assert_eq!(split.test.len(), plain.len());
                assert!(kind == "KFold" || ones(&split.test) == ones(plain));
            }
        }
        let distinct: BTreeSet<Vec<usize>> = tests(&found).into_iter().collect();
        assert_eq!(distinct.len(), 24, "{kind} repeats itself");
        assert_eq!(found, repeated("n_splits = 4\nn_repeats = 6\nrandom_state = 3", 1));
        assert_ne!(found, repeated("n_splits = 4\nn_repeats = 6\nrandom_state = 4", 9));
        // More repeats go on where fewer end, and the first is what the splitter without repeats gives.
        assert_eq!(found[..8], repeated("n_splits = 4\nn_repeats = 2\nrandom_state = 3", 9));
        assert_eq!(found[..4], once("n_splits = 4\nrandom_state = 3", 9));
        assert_eq!(repeated("n_repeats = 1", 9), once("", 9));
    }
}

#[test]
fn a_class_that_is_small_in_every_repeat_is_told_of_once() {
    let y = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
    let found = splitter("kind = \"RepeatedStratifiedKFold\"\nn_splits = 3").split(6, &y, None, 0).unwrap();
    assert_eq!(
        found.warnings,
        ["The least populated class in y has only 2 members, which is less than n_splits=3."]
    );
}

#[test]
fn random_splits_of_groups_keep_them_whole_and_have_the_asked_sizes() {
    let (_, groups) = rows();
    let all: BTreeSet<i64> = groups.iter().copied().collect();
    let n = all.len();
    // 12 groups; ⌈0.2·12⌉ = 3, ⌊0.5·12⌋ = 6, as scikit-learn rounds.
    assert_eq!(n, 12);
    for (sizes, train, test) in [
        ("", 9, 3),
        ("test_size = 5", 7, 5),
        ("train_size = 0.5", 6, 6),
        ("train_size = 2\ntest_size = 0.3", 2, 4),
    ] {
        let text = format!("kind = \"GroupShuffleSplit\"\n{sizes}");
        let found = splits(&text, 1);
        assert_eq!(found.len(), 5);
        for split in &found {
            let of = |rows: &[usize]| rows.iter().map(|&row| groups[row]).collect::<BTreeSet<_>>();
            let whole =
                |set: &BTreeSet<i64>| (0..103).filter(|&row| set.contains(&groups[row])).collect::<Vec<_>>();
            let (fitted, scored) = (of(&split.train), of(&split.test));
            assert_eq!((fitted.len(), scored.len()), (train, test), "{sizes}");
            assert!(fitted.is_disjoint(&scored));
            assert_eq!((whole(&fitted), whole(&scored)), (split.train.clone(), split.test.clone()));
        }
        let distinct: BTreeSet<Vec<usize>> = tests(&found).into_iter().collect();
        assert!(distinct.len() > 1);
        assert_eq!(found, splits(&text, 1));
        assert_ne!(found, splits(&text, 2));
        assert_eq!(splits(&format!("{text}\nrandom_state = 1"), 7), found);
    }
}

/// As many groups in each fold, or nearly, whatever their rows: scikit-learn 1.9.1's
/// `GroupKFold(3, shuffle=True, random_state=0)` has 3, 2 and 2 of these, of 5, 10 and 2 rows.
#[test]
fn shuffled_groups_are_dealt_by_groups() {
    let groups: Vec<i64> =
        [9, 1, 1, 1, 1, 1, 3].iter().zip(0..).flat_map(|(&n, group)| vec![group; n]).collect();
    let folds = |more: &str, seed: u64| {
        let text = format!("kind = \"GroupKFold\"\nn_splits = 3\n{more}");
        tests(&splitter(&text).split(17, &[], Some(&groups), seed).unwrap().splits)
    };
    let found = folds("shuffle = true", 4);
    let of = |rows: &Vec<usize>| rows.iter().map(|&row| groups[row]).collect::<BTreeSet<i64>>();
    assert_eq!(found.iter().map(|rows| of(rows).len()).collect::<Vec<_>>(), [3, 2, 2]);
    let mut all = found.concat();
    all.sort_unstable();
    assert_eq!(all, (0..17).collect::<Vec<_>>());
    assert!((5..20).any(|seed| folds("shuffle = true", seed) != found));
    assert_eq!(folds("shuffle = true\nrandom_state = 4", 7), found);
    let error =
        splitter("kind = \"GroupKFold\"\nrandom_state = 4").split(17, &[], Some(&groups), 0).unwrap_err();
    assert!(error.to_string().contains("expected shuffle = true where random_state is given"), "{error}");
}

#[test]
fn shuffled_stratified_groups_stay_whole_and_near_the_share_of_their_classes() {
    // Sixty groups of three rows, half with one row of the rarer class: no order of them can leave a fold uneven.
    let y: Vec<f64> = (0..180).map(|row| f64::from(u8::from(row % 6 == 0))).collect();
    let groups: Vec<i64> = (0..180).map(|row| row / 3).collect();
    let folds = |more: &str, seed: u64| {
        let text = format!("kind = \"StratifiedGroupKFold\"\nn_splits = 3\n{more}");
        splitter(&text).split(180, &y, Some(&groups), seed).unwrap().splits
    };
    let found = folds("shuffle = true", 4);
    let mut all = tests(&found).concat();
    all.sort_unstable();
    assert_eq!(all, (0..180).collect::<Vec<_>>());
    for split in &found {
        let of_class = |class: f64| split.test.iter().filter(|&&row| y[row] == class).count();
        assert_eq!((of_class(0.0), of_class(1.0)), (50, 10));
        assert!(
            split.test.chunks(3).all(|rows| groups[rows[0]] == groups[rows[2]] && rows[0] + 2 == rows[2])
        );
    }
    assert_eq!(found, folds("shuffle = true", 4));
    assert_eq!(found, folds("shuffle = true\nrandom_state = 4", 5));
    assert_ne!(found, folds("shuffle = true", 5));
    assert_ne!(found, folds("", 4));
}

#[test]
fn splits_that_cannot_be_made_are_refused() {
    let (y, groups) = rows();
    for (text, told) in [
        ("RepeatedKFold\"\nn_splits = 1", "expected n_splits of 2 or more, found 1"),
        ("RepeatedStratifiedKFold\"\nn_splits = 0", "expected n_splits of 2 or more, found 0"),
        ("RepeatedKFold\"\nn_repeats = 0", "expected n_repeats of 1 or more, found 0"),
        ("RepeatedStratifiedKFold\"\nn_repeats = 0", "expected n_repeats of 1 or more, found 0"),
        ("RepeatedKFold\"\nn_splits = 104", "expected at most 103 folds for 103 rows, found 104"),
        (
            "RepeatedKFold\"\nn_repeats = 9223372036854775807",
            "expected splits of at most 4294967296 rows in all",
        ),
        ("RepeatedStratifiedKFold\"\nn_splits = 99", "expected no more folds than the members of each class"),
        ("LeavePGroupsOut\"", "expected n_groups, the number of groups to score on, found nothing"),
        ("LeavePGroupsOut\"\nn_groups = 0", "expected n_groups of 1 or more, found 0"),
        ("LeavePGroupsOut\"\nn_groups = 12", "expected at least 13 groups, found 12"),
        ("GroupShuffleSplit\"\nn_splits = 0", "expected n_splits of 1 or more, found 0"),
        ("GroupShuffleSplit\"\ntest_size = 12", "expected sizes from 1 to 11, found 12"),
        ("GroupShuffleSplit\"\ntrain_size = 0.05", "found 0 groups to fit on and 12 to score on of 12"),
        ("GroupShuffleSplit\"\nn_splits = 9223372036854775807", "splits of at most 4294967296 rows in all"),
        ("StratifiedGroupKFold\"\nn_splits = 1", "expected n_splits of 2 or more, found 1"),
        (
            "StratifiedGroupKFold\"\nn_splits = 13",
            "expected no more folds than groups, found 13 folds of 12 groups",
        ),
        ("StratifiedGroupKFold\"\nrandom_state = 1", "expected shuffle = true where random_state is given"),
    ] {
        let splitter = splitter(&format!("kind = \"{text}"));
        let error = splitter.split(103, &y, Some(&groups), 0).unwrap_err();
        assert!(error.to_string().starts_with("search.cv: "), "{text}: {error}");
        assert!(error.to_string().contains(told), "{text}: {error}");
        assert_eq!(error.exit_code().code(), 78);
    }
    for kind in
        ["LeaveOneGroupOut", "LeavePGroupsOut\"\nn_groups = \"1", "GroupShuffleSplit", "StratifiedGroupKFold"]
    {
        let text = format!("kind = \"{kind}\"").replace("\"1\"", "1");
        let error = splitter(&text).split(103, &y, None, 0).unwrap_err();
        assert!(
            error.to_string().contains("expected a column of groups or folds in the data, found none"),
            "{error}"
        );
    }
    let one = splitter("kind = \"LeaveOneGroupOut\"").split(103, &y, Some(&[4; 103]), 0).unwrap_err();
    assert_eq!(one.to_string(), "search.cv: expected at least 2 groups, found 1");
    // 10^5 choose 3 splits are no list.
    let many: Vec<i64> = (0..100_000).collect();
    let found =
        splitter("kind = \"LeavePGroupsOut\"\nn_groups = 3").split(100_000, &[], Some(&many), 0).unwrap_err();
    assert!(
        found.to_string().ends_with("found every choice of 3 among 100000 groups of 100000 rows"),
        "{found}"
    );
    let found = splitter("kind = \"LeaveOneOut\"").split(100_000, &[], None, 0).unwrap_err();
    assert!(found.to_string().ends_with("found 100000 splits of 100000 rows"), "{found}");
}

#[test]
fn fits_are_counted_once_the_rows_are_known() {
    let spec = json!({"cv": {"kind": "LeaveOneOut"}, "grid": {"C": (1..=4000).collect::<Vec<u32>>()}});
    let spec: SearchSpec = serde_json::from_value(spec).unwrap();
    let search = spec.check(true, 0).unwrap();
    assert_eq!(search.splits(100, &[], None).unwrap().splits.len(), 100);
    let found = search.splits(3000, &[], None).unwrap_err();
    let told = "search.cv: expected at most 10000000 fits, found 3000 of each of 4000 candidates";
    assert_eq!(found.to_string(), told);
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The columns `split{i}_test_score` of a results file.
fn columns(desk: &Desk, file: &str) -> Vec<Vec<f64>> {
    let table = &desk.json(file)["cv_results"];
    let column = |split: usize| table.get(format!("split{split}_test_score")).map(floats);
    (0..).map_while(column).collect()
}

#[test]
fn a_search_over_repeated_folds_has_a_column_for_each_fold_of_each_repeat() {
    let desk = Desk::new();
    let job = |cv: &str| {
        format!(
            "seed = 11\n[data]\nsource = \"classification\"\nn_samples = 150\nn_features = 5\n\
             [estimator]\nname = \"SVC\"\n[search]\ncv = {{ {cv} }}\ngrid = {{ C = [0.1, 10.0] }}\n"
        )
    };
    desk.write("job.toml", &job("kind = \"RepeatedStratifiedKFold\", n_splits = 3"));
    let told = desk.ok(&["run", "job.toml", "--dry-run"]);
    assert!(told.contains("n_repeats = 10"), "{told}");
    let told = desk.ok(&["run", "job.toml", "--output", "repeated.h5"]);
    assert!(!told.is_empty());
    let found = columns(&desk, "repeated.h5");
    assert_eq!(found.len(), 30);
    let json = desk.json("repeated.h5");
    for (candidate, mean) in floats(&json["cv_results"]["mean_test_score"]).into_iter().enumerate() {
        let sum: f64 = found.iter().map(|scores| scores[candidate]).sum();
        assert!((mean - sum / 30.0).abs() < 1e-12);
    }
    assert!(found.iter().any(|scores| *scores != found[0]));
    // The job in the file says how often, and its first repeat is the shuffle of the same seed.
    let provenance = json["provenance"]["job"].as_str().unwrap();
    assert!(provenance.contains("n_repeats = 10"), "{provenance}");
    desk.write("job.toml", &job("kind = \"StratifiedKFold\", n_splits = 3, shuffle = true"));
    desk.ok(&["run", "job.toml", "--output", "once.h5"]);
    assert_eq!(columns(&desk, "once.h5"), found[..3]);
    if launcher::has_mpi() {
        desk.write("job.toml", provenance);
        let output = launcher::shell("mpi_run 3 rankfit run job.toml --output ranks.h5", desk.folder());
        assert!(output.status.success(), "{}", launcher::words(&output));
        assert_eq!(columns(&desk, "ranks.h5"), found);
    }
    desk.write("job.toml", &job("kind = \"RepeatedStratifiedKFold\", n_repeats = 0"));
    let told = "job.toml:9: search.cv: expected n_repeats of 1 or more, found 0";
    desk.fails(&["run", "job.toml", "--output", "refused.h5"], 78, told);
    desk.write("job.toml", &job("kind = \"RepeatedStratifiedKFold\", shuffle = true"));
    let told = "search.cv.shuffle: expected a known key";
    desk.fails(&["run", "job.toml", "--output", "refused.h5"], 78, told);
}

/// scikit-learn 1.9.1, `GridSearchCV(Ridge(), {"alpha": [0.5, 50.0]}, cv=LeaveOneGroupOut(),
/// scoring="neg_mean_absolute_error").fit(X, y, groups=stones)` on the rows of the test: of amber, jade, onyx, opal, ruby and
/// zinc.
const BY_STONE: [[f64; 2]; 6] = [
    [-7.744310516772748, -7.518573536672724],
    [-6.083824717975001, -6.060809013472889],
    [-6.79735080309516, -6.593597799390343],
    [-6.423186132171792, -6.234612308385733],
    [-5.540839044564367, -5.539894520427595],
    [-6.122453593729676, -6.119132160652562],
];

#[test]
fn a_search_leaves_one_group_out_as_scikit_learn_does() {
    let desk = Desk::new();
    let row = |i: usize| {
        let stone = ["ruby", "amber", "opal", "jade", "onyx"][i * i * i % 5];
        let stone = if i.is_multiple_of(3) { "zinc" } else { stone };
        format!("{stone},{},{},{}\n", i * 7 % 30, i * i % 11, (i * 11 % 17) as f64 + 0.5 * i as f64)
    };
    desk.write("stones.csv", &format!("by,a,b,y\n{}", (0..30).map(row).collect::<String>()));
    let job = |column: &str, cv: &str| {
        format!(
            "[data]\nsource = \"csv\"\npath = \"stones.csv\"\nlabel_column = \"y\"\n{column}\n\
             [estimator]\nname = \"Ridge\"\n[search]\nscoring = \"neg_mean_absolute_error\"\ncv = {{ {cv} }}\n\
             grid = {{ alpha = [0.5, 50.0] }}\n"
        )
    };
    desk.write("job.toml", &job("group_column = \"by\"", "kind = \"LeaveOneGroupOut\""));
    let told = desk.ok(&["run", "job.toml", "--dry-run"]);
    assert!(told.contains("LeaveOneGroupOut"), "{told}");
    desk.ok(&["run", "job.toml", "--output", "out.h5"]);
    let found = columns(&desk, "out.h5");
    assert_eq!(found.len(), 6);
    for (scores, expected) in found.iter().zip(BY_STONE) {
        assert!(
            scores.iter().zip(expected).all(|(score, expected)| (score - expected).abs() < 1e-9),
            "{scores:?}"
        );
    }
    // One group at a time is every choice of one.
    desk.write("job.toml", &job("group_column = \"by\"", "kind = \"LeavePGroupsOut\", n_groups = 1"));
    desk.ok(&["run", "job.toml", "--output", "choices.h5"]);
    assert_eq!(columns(&desk, "choices.h5"), found);
    let refused = |column: &str, cv: &str, told: &str| {
        desk.write("job.toml", &job(column, cv));
        desk.fails(&["run", "job.toml", "--output", "refused.h5"], 78, told);
    };
    for kind in [
        "LeaveOneGroupOut\"",
        "LeavePGroupsOut\", n_groups = 2",
        "GroupShuffleSplit\"",
        "StratifiedGroupKFold\"",
    ] {
        refused(
            "drop_columns = [\"by\"]",
            &format!("kind = \"{kind}"),
            "data.group_column: expected the column of groups",
        );
    }
    let by = "group_column = \"by\"";
    refused(by, "kind = \"LeavePGroupsOut\", n_groups = 6", "search.cv: expected at least 7 groups, found 6");
    refused(
        by,
        "kind = \"LeaveOneGroupOut\", n_groups = 2",
        "found an unknown one (there are none beside kind)",
    );
    refused(by, "kind = \"LeaveOneGroupsOut\"", "(did you mean \"LeaveOneGroupOut\"?)");
    refused(
        by,
        "kind = \"StratifiedGroupKFold\"",
        "expected KFold or another splitter that needs no classes",
    );
}

/// scikit-learn 1.9.1, `cross_val_score(Ridge(), X, y, cv=LeaveOneOut(), scoring="neg_mean_absolute_error")` begins with
/// these; with `r2` each score is NaN.
const ALONE: [f64; 3] = [-17.28324939, -3.7310157, -9.74684699];

#[test]
fn each_row_is_scored_on_alone() {
    let desk = Desk::new();
    let row = |i: usize| format!("{},{},{}\n", i * 7 % 30, i * i % 11, (i * 11 % 17) as f64 + 0.5 * i as f64);
    desk.write("rows.csv", &format!("a,b,y\n{}", (0..30).map(row).collect::<String>()));
    let job = "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n[estimator]\nname = \"Ridge\"\n\
               [search]\nkind = \"cross_validate\"\nscoring = [\"neg_mean_absolute_error\", \"r2\"]\n\
               cv = { kind = \"LeaveOneOut\" }\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml", "--output", "out.h5"]);
    let table = &desk.json("out.h5")["cv_results"];
    let found = floats(&table["test_neg_mean_absolute_error"]);
    assert_eq!(found.len(), 30);
    assert!(found.iter().zip(ALONE).all(|(score, expected)| (score - expected).abs() < 1e-7), "{found:?}");
    let undefined = table["test_r2"].as_array().unwrap();
    assert!(undefined.iter().all(|score| score.as_f64().is_none_or(f64::is_nan)), "{undefined:?}");
}
