//! Searches by several scores as a user meets them, against values of scikit-learn 1.9.1 on the same rows.

mod desk;

use desk::{Desk, words};

/// 60 rows of two features, a weight from 1 to 3 and what `target` says of a row.
fn with_rows(target: impl Fn(usize, usize, usize) -> f64) -> Desk {
    let desk = Desk::new();
    let row = |i: usize| {
        let (a, b) = (i * 37 % 60, i * i % 23);
        format!("{a},{b},{},{}\n", target(i, a, b), 1 + i % 3)
    };
    let rows: String = (0..60).map(row).collect();
    desk.write("rows.csv", &format!("a,b,y,w\n{rows}"));
    desk
}

/// Classes 1 and 2, of which scores of the class 1 are about the first.
fn two(i: usize, a: usize, _: usize) -> f64 {
    if a + 5 * (i % 7) > 45 { 2.0 } else { 1.0 }
}

fn three(i: usize, a: usize, _: usize) -> f64 {
    match (a + 5 * (i % 7) > 55, a > 20) {
        (true, _) => 5.0,
        (false, true) => 2.0,
        (false, false) => 1.0,
    }
}

fn job(desk: &Desk, weighted: bool, rest: &str) {
    let weights = if weighted { "weight_column = \"w\"" } else { "drop_columns = [\"w\"]" };
    let data = format!("[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n{weights}\n");
    desk.write("job.toml", &format!("{data}[estimator]\n{rest}"));
}

/// Runs the job and compares the means of its scores; what it says besides.
fn compare(desk: &Desk, expected: &[(&str, [f64; 2])]) -> String {
    let output = desk.run(&["run", "job.toml", "--output", "s.h5", "--on-existing", "replace"]);
    let said = words(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let file = hdf5::File::open(desk.path("s.h5")).expect("results");
    for (name, expected) in expected {
        let means = file.dataset(&format!("cv_results/mean_test_{name}")).unwrap().read_raw::<f64>().unwrap();
        for (mean, expected) in means.iter().zip(expected) {
            assert!((mean - expected).abs() < 1e-8, "{name}: {means:?} instead of {expected:?}");
        }
    }
    said
}

const BAYES: &str = "name = \"GaussianNB\"\n[search.grid]\nvar_smoothing = [1e-9, 0.5]\n[search]\ncv = 3\n";

/// `GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 0.5]}, cv=3, scoring=[…], refit="average_precision")
/// .fit(X, y, sample_weight=w)` and without weights, and the same of
/// `LogisticRegression(solver="newton-cholesky", tol=1e-10)` with C of 1e-3 and 10: `mean_test_…`.
///
/// The Brier scores of GaussianNB are from searches with that score alone: of several scores, 1.9.1 hands each the
/// probabilities that the first one asked for, those of the class 1, which are not what a Brier score takes.
#[test]
fn two_classes_are_searched_by_precision_and_brier_score() {
    let desk = with_rows(two);
    let scoring = "scoring = [\"average_precision\", \"neg_brier_score\"]\nrefit = \"average_precision\"\n";
    for (estimator, weighted, precision, brier) in [
        (
            BAYES,
            true,
            [0.919_219_860_278_922_2, 0.930_140_105_870_629],
            [-0.134_657_560_176_037_83, -0.124_635_308_886_373_57],
        ),
        (
            BAYES,
            false,
            [0.930_363_239_454_148_7, 0.935_413_744_504_653_6],
            [-0.125_134_207_557_655_72, -0.119_312_154_408_151_56],
        ),
        (
            LOGISTIC,
            true,
            [0.930_140_105_870_629, 0.922_249_354_970_132_8],
            [-0.124_632_445_111_669_45, -0.129_033_488_982_398_47],
        ),
    ] {
        job(&desk, weighted, &format!("{estimator}{scoring}"));
        compare(&desk, &[("average_precision", precision), ("neg_brier_score", brier)]);
    }
}

const LOGISTIC: &str = "name = \"LogisticRegression\"\nsolver = \"newton-cholesky\"\ntol = 1e-10\n\
                        [search.grid]\nC = [1e-3, 10.0]\n[search]\ncv = 3\n";

/// `GridSearchCV(…, cv=3, scoring=[…], error_score="raise").fit(X, y, sample_weight=w)` of these two, and of
/// `SVC()` with C of 0.1 and 10 without weights. Values of each class are decision values, but probabilities of GaussianNB.
#[test]
fn three_classes_are_searched_by_values_of_each_and_by_groups() {
    let desk = with_rows(three);
    let scoring = |names: &str| format!("scoring = [{names}]\nrefit = false\n");
    let names = "\"average_precision\", \"top_k_accuracy\", \"d2_log_loss_score\", \"d2_brier_score\", \
                 \"adjusted_rand_score\", \"v_measure_score\"";
    job(&desk, true, &format!("{BAYES}{}", scoring(names)));
    compare(
        &desk,
        &[
            ("average_precision", [0.944_633_844_549_349_1, 0.941_676_639_621_097_2]),
            ("top_k_accuracy", [1.0, 1.0]),
            ("d2_log_loss_score", [0.691_017_167_270_738, 0.543_207_472_611_839_3]),
            ("d2_brier_score", [0.722_610_483_086_013_7, 0.568_209_569_699_585_2]),
            ("adjusted_rand_score", [0.676_009_709_965_567_4, 0.705_564_459_405_662_8]),
            ("v_measure_score", [0.716_280_643_970_239, 0.729_542_959_136_704_1]),
        ],
    );
    job(&desk, true, &format!("{LOGISTIC}{}", scoring(names)));
    compare(
        &desk,
        &[
            ("average_precision", [0.785_005_632_532_989_5, 0.762_056_119_189_255_5]),
            ("d2_brier_score", [0.575_185_423_444_436, 0.697_835_879_049_766]),
            ("adjusted_rand_score", [0.655_327_907_592_664_2, 0.555_562_694_764_774_5]),
        ],
    );
    let svc = "name = \"SVC\"\n[search.grid]\nC = [0.1, 10.0]\n[search]\ncv = 3\n";
    job(&desk, false, &format!("{svc}{}", scoring("\"average_precision\", \"top_k_accuracy\"")));
    compare(
        &desk,
        &[
            ("average_precision", [0.915_067_626_377_150_1, 0.931_311_413_454_270_5]),
            ("top_k_accuracy", [0.95, 1.0]),
        ],
    );
}

/// The same search of GaussianNB over two classes; likelihood ratios and scores of groups know no weights.
#[test]
fn two_classes_are_searched_by_odds() {
    let desk = with_rows(two);
    let scoring = "scoring = [\"positive_likelihood_ratio\", \"neg_negative_likelihood_ratio\", \"d2_log_loss_score\", \
                   \"d2_brier_score\", \"adjusted_mutual_info_score\"]\nrefit = false\n";
    job(&desk, true, &format!("{BAYES}{scoring}"));
    compare(
        &desk,
        &[
            ("positive_likelihood_ratio", [2.234_567_901_234_568, 4.814_814_814_814_815]),
            ("neg_negative_likelihood_ratio", [-0.277_777_777_777_777_8, -0.213_580_246_913_580_2]),
            ("d2_log_loss_score", [0.370_580_643_455_601_3, 0.411_409_436_893_592_5]),
            ("d2_brier_score", [0.453_113_704_014_215_75, 0.493_568_456_055_384_2]),
            ("adjusted_mutual_info_score", [0.316_646_614_887_184_2, 0.469_318_510_953_000_5]),
        ],
    );
}

/// The same search with three classes; with weights and `error_score=-7.0` both areas of pairs are -7.
#[test]
fn areas_of_pairs_of_classes_know_no_weights() {
    let desk = with_rows(three);
    let scoring = "scoring = [\"roc_auc_ovo\", \"roc_auc_ovo_weighted\", \"neg_brier_score\"]\n\
                   refit = \"neg_brier_score\"\n";
    job(&desk, false, &format!("{BAYES}{scoring}"));
    compare(
        &desk,
        &[
            ("roc_auc_ovo", [0.958_994_708_994_708_8, 0.960_317_460_317_460_3]),
            ("roc_auc_ovo_weighted", [0.960_019_841_269_841_3, 0.961_309_523_809_523_7]),
            ("neg_brier_score", [-0.188_446_683_181_279_66, -0.295_071_940_823_244_34]),
        ],
    );
    job(&desk, true, &format!("{BAYES}{scoring}error_score = -7.0\n"));
    let seven = [-7.0; 2];
    let expected = [
        ("roc_auc_ovo", seven),
        ("roc_auc_ovo_weighted", seven),
        ("neg_brier_score", [-0.184_427_755_334_586_02, -0.286_876_089_944_177_2]),
    ];
    let said = compare(&desk, &expected);
    assert!(said.contains("found weights: every score roc_auc_ovo is -7"), "{said}");
    job(&desk, true, &format!("{BAYES}{scoring}error_score = \"raise\"\n"));
    let message = "search.scoring: expected rows without weights for roc_auc_ovo of three classes and more, found weights";
    desk.fails(&["run", "job.toml", "--output", "t.h5"], 78, message);
}

/// `GridSearchCV(Ridge(), {"alpha": [1e-2, 1e3]}, cv=3, scoring=[…]).fit(X, t, sample_weight=w)`.
#[test]
fn numbers_are_searched_by_medians_and_logarithms() {
    let number = |i: usize, a: usize, b: usize| 1.0 + a as f64 + b as f64 / 4.0 + (i % 5) as f64;
    let ridge = "name = \"Ridge\"\n[search.grid]\nalpha = [1e-2, 1e3]\n[search]\ncv = 3\n";
    let scoring = "scoring = [\"neg_median_absolute_error\", \"neg_mean_squared_log_error\", \"d2_absolute_error_score\"]\n\
                   refit = \"neg_median_absolute_error\"\n";
    let desk = with_rows(number);
    job(&desk, true, &format!("{ridge}{scoring}"));
    compare(
        &desk,
        &[
            ("neg_median_absolute_error", [-1.172_422_350_715_187_6, -1.429_844_045_092_859_1]),
            ("neg_mean_squared_log_error", [-0.011_222_408_599_136_556, -0.018_739_316_438_887_172]),
            ("d2_absolute_error_score", [0.913_001_276_453_027_6, 0.903_270_391_544_247_2]),
        ],
    );
    // Targets that a score is not defined for end the run before it fits anything.
    let desk = with_rows(|i, a, b| if i == 7 { 0.0 } else { number(i, a, b) });
    job(&desk, false, &format!("{ridge}scoring = \"neg_mean_gamma_deviance\"\nerror_score = \"raise\"\n"));
    let message = "expected targets and predictions above 0 for neg_mean_gamma_deviance, found a target of 0";
    desk.fails(&["run", "job.toml", "--dry-run"], 65, message);
}

#[test]
fn scores_of_the_class_1_are_refused_where_there_is_none() {
    let search = |scoring: &str| format!("{BAYES}scoring = \"{scoring}\"\nerror_score = \"raise\"\n");
    let desk = with_rows(|i, a, b| if two(i, a, b) == 1.0 { 5.0 } else { 2.0 });
    job(&desk, false, &search("average_precision"));
    let message =
        "expected rows of two classes, one of them 1, for average_precision, found classes [2.0, 5.0]";
    desk.fails(&["run", "job.toml", "--output", "t.h5"], 65, message);
    let rows: String =
        (0..30).map(|i| format!("{},{i},{},1\n", i * 7 % 30, if i > 14 { "b" } else { "a" })).collect();
    desk.write("rows.csv", &format!("a,b,y,w\n{rows}"));
    job(&desk, false, &search("average_precision"));
    desk.fails(
        &["run", "job.toml", "--output", "t.h5"],
        65,
        "expected classes that are numbers, found average_precision",
    );
    // scikit-learn 1.9.1 raises, too: it does not know which of two names is the one that happens.
    job(&desk, false, &search("neg_brier_score"));
    let message =
        "expected two classes that are numbers, or three and more, for neg_brier_score, found two names";
    desk.fails(&["run", "job.toml", "--output", "t.h5"], 65, message);
}

/// `GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=3, scoring="roc_auc").fit(X, y)` on thirty columns that are
/// equal: many probabilities come out as 0 or 1, and their rows are tied (the odds would give 0.929…).
#[test]
fn probabilities_of_1_are_tied() {
    let desk = Desk::new();
    let row = |i: usize| {
        let a = i * 37 % 60;
        let class = a % 5 + if a > 40 { 5 } else { 0 } + if i.is_multiple_of(11) { 3 } else { 0 } > 5;
        format!("{}{}\n", format!("{a},").repeat(30), u8::from(class))
    };
    desk.write("rows.csv", &(0..60).map(row).collect::<String>());
    let data = "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = -1\n[estimator]\nname = \"GaussianNB\"\n";
    let search = "[search]\ncv = 3\nscoring = [\"roc_auc\"]\nrefit = false\n[search.grid]\nvar_smoothing = [1e-9, 1e-9]\n";
    desk.write("job.toml", &format!("{data}{search}"));
    compare(&desk, &[("roc_auc", [0.922_161_172_161_172_1; 2])]);
}
