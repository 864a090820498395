//! `rankfit report`: one page of one or several results files.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

const BLOBS: &str = "[data]\nsource = \"blobs\"\nn_samples = 600\nn_features = 3\nblock_rows = 100\ncenters = 4\ncluster_std = 3.0\n\
[estimator]\nname = \"KMeans\"\nn_clusters = 4\ninit = \"random\"\nn_init = 1\n[output]\npath = \"kmeans.h5\"\n";

const GRID: &str = "[data]\nsource = \"classification\"\nn_samples = 200\nn_features = 4\n[estimator]\nname = \"SVC\"\n\
[search]\ncv = 3\n[search.grid]\nC = [0.01, 1.0, 100.0]\n[output]\npath = \"<grid>.h5\"\n";

fn rankfit(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("rankfit").unwrap();
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, job) in [("kmeans.toml", BLOBS), ("grid.toml", GRID)] {
        std::fs::write(folder.path().join(name), job).unwrap();
        let run = rankfit(folder.path(), &["run", "-q", name]);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
    folder
}

#[test]
fn a_page_shows_answers_charts_and_origin() {
    let folder = desk();
    let made = rankfit(folder.path(), &["report", "kmeans.h5", "<grid>.h5", "--output", "report.html"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(String::from_utf8_lossy(&made.stdout), "report  report.html\n");
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for part in
        ["best_score_", "inertia_", "support_vectors_", "The resolved job", "&lt;grid&gt;.h5", "</html>"]
    {
        assert!(page.contains(part), "{part}");
    }
    // The score over C, the history of the iterations, the ranks' time of each file.
    assert!(page.matches("<svg").count() >= 4);
    assert!(!page.contains("<grid>") && !page.contains("NaN") && !page.contains("http-equiv"));
}

#[test]
fn wrong_files_and_taken_names_are_refused() {
    let folder = desk();
    std::fs::write(folder.path().join("taken.html"), "mine").unwrap();
    for (arguments, code, part) in [
        (vec!["report", "absent.h5", "--output", "a.html"], 66, "absent.h5"),
        (vec!["report", "kmeans.toml", "--output", "a.html"], 65, "kmeans.toml"),
        (vec!["report", "kmeans.h5", "--output", "taken.html"], 73, "taken.html"),
        (vec!["report", "kmeans.h5", "--output", "no/where.html"], 73, "no/where.html"),
        (vec!["report", "kmeans.h5"], 2, "--output"),
        (vec!["report", "--output", "a.html"], 2, "FILES"),
    ] {
        let output = rankfit(folder.path(), &arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("taken.html")).unwrap(), "mine");
    assert!(!folder.path().join("a.html").exists());
}

/// Runs `[search]` over an SVC; returns what the run, `inspect`, `inspect --json` and the page say.
fn told(search: &str) -> (String, String, serde_json::Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let (head, rest) = GRID.split_once("[search]").unwrap();
    let (_, output) = rest.split_once("[output]").unwrap();
    let job = format!("{head}[search]\ncv = 3\n{search}\n[output]{output}");
    std::fs::write(folder.path().join("job.toml"), job).unwrap();
    let text = |arguments: &[&str]| {
        let made = rankfit(folder.path(), arguments);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap()
    };
    let (run, inspect) = (text(&["run", "-q", "job.toml"]), text(&["inspect", "<grid>.h5"]));
    let json = serde_json::from_str(&text(&["inspect", "--json", "<grid>.h5"])).unwrap();
    text(&["report", "<grid>.h5", "--output", "report.html"]);
    (run, inspect, json, std::fs::read_to_string(folder.path().join("report.html")).unwrap())
}

/// The cells of the lines below that which has `heads`.
#[track_caller]
fn below(text: &str, heads: &[&str]) -> Vec<Vec<String>> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let heads: Vec<String> = heads.iter().flat_map(|head| words(head)).collect();
    let lines: Vec<Vec<String>> = text.lines().map(words).collect();
    let at = lines.iter().position(|line| *line == heads).unwrap_or_else(|| panic!("{heads:?} in {text}"));
    lines[at + 1..].iter().take_while(|line| !line.is_empty()).cloned().collect()
}

const SCORES: &str = "scoring = [\"accuracy\", \"f1\"]\ngrid = { C = [0.01, 1.0, 100.0] }\n";

#[test]
fn each_of_several_scores_is_shown_by_the_rank_of_the_refit() {
    let (run, inspect, json, page) = told(&format!("{SCORES}refit = \"f1\""));
    let heads = ["rank", "f1", "std", "accuracy", "std", "fit s", "params"];
    for text in [&run, &inspect] {
        let rows = below(text, &heads);
        assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "2", "3"], "{text}");
        assert!(text.contains("mean test scores, ranked by f1\n"), "{text}");
    }
    assert!(
        page.contains("<th class=\"n\">f1</th><th class=\"n\">std</th><th class=\"n\">accuracy</th>"),
        "{page}"
    );
    assert!(page.contains("Mean f1 over the folds"), "{page}");
    let table = &json["cv_results"];
    assert_eq!(table["multimetric_"], true);
    assert_eq!(table["scoring"], serde_json::json!(["accuracy", "f1"]));
    assert_eq!(table["refit"], "f1");
    assert!(table["refit_time_"].as_f64().unwrap() > 0.0);
    let (run, _, json, _) = told(&format!("{SCORES}refit = false"));
    below(&run, &["rank", "accuracy", "std", "f1", "std", "fit s", "params"]);
    // As in scikit-learn, where there is no refit there is no time of one.
    assert!(json["cv_results"]["refit_time_"].is_null() && json["cv_results"]["refit"].is_null());
    let (_, _, json, _) = told("grid = { C = [1.0] }");
    assert_eq!(json["cv_results"]["multimetric_"], false);
}

#[test]
fn the_folds_of_cross_validate_are_shown_with_their_mean() {
    let (run, inspect, json, page) = told("kind = \"cross_validate\"\nscoring = [\"accuracy\", \"f1\"]");
    let table = &json["cv_results"];
    for text in [&run, &inspect] {
        let rows = below(text, &["fold", "test_accuracy", "test_f1", "fit s", "score s"]);
        assert_eq!(
            rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
            ["0", "1", "2", "mean", "std"]
        );
        for (row, name) in [(3, "mean_test_f1"), (4, "std_test_f1")] {
            let shown: f64 = rows[row][2].parse().unwrap();
            assert!((shown - table[name].as_f64().unwrap()).abs() < 1e-5, "{text}");
        }
    }
    assert!(page.contains("<th class=\"n\">test_f1</th>") && page.contains(">std</td>"), "{page}");
}

#[test]
fn rungs_are_shown_from_the_last_and_drawn_one_by_one() {
    let (run, inspect, _, page) =
        told("kind = \"halving\"\nfactor = 2\ngrid = { C = [0.01, 1.0, 10.0, 100.0] }");
    for text in [&run, &inspect] {
        let rows = below(text, &["rank", "iter", "n_resources", "mean score", "std", "fit s", "params"]);
        let iters: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
        assert_eq!(iters, ["2", "1", "1", "0", "0", "0", "0"], "{text}");
    }
    // A line each for the rungs of 50, 100 and 200 rows.
    assert!(
        [(0, 50), (1, 100), (2, 200)]
            .iter()
            .all(|(iter, n)| page.contains(&format!("iter {iter}, n_resources {n}"))),
        "{page}"
    );
}

#[test]
fn a_grid_of_two_numbers_is_drawn_a_line_for_each_value_and_time_by_phase() {
    let (_, _, _, page) = told("grid = { C = [0.1, 1.0, 10.0], gamma = [0.01, 0.5] }");
    for text in ["gamma = 0.01", "gamma = 0.5", "compute", "communicate"] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("<svg").count(), 2);
}

#[test]
fn as_much_is_told_of_a_search_as_it_asks_for() {
    let folder = desk();
    let heard = |arguments: &[&str]| {
        let arguments = [&["run", "grid.toml", "--on-existing", "replace"], arguments].concat();
        let made = rankfit(folder.path(), &arguments);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stderr).unwrap()
    };
    let fits = |text: &str| text.lines().filter(|line| line.starts_with("[CV ")).count();
    assert_eq!(fits(&heard(&[])), 0);
    for all in [["-v"].as_slice(), &["--set", "search.verbose=2"]] {
        let text = heard(all);
        assert!(fits(&text) == 9 && text.contains("[CV 2/3] END C=0.01, score=0."), "{text}");
    }
    assert_eq!(heard(&["--set", "search.verbose=0"]), "");
    assert_eq!(heard(&["--set", "search.verbose=2", "-q"]), "");
    // How much is told changes no results.
    let again = ["run", "grid.toml", "--on-existing", "resume", "--set", "search.verbose=1"];
    let output = rankfit(folder.path(), &again);
    assert!(String::from_utf8_lossy(&output.stdout).contains("holds this job's results already"));
}

#[test]
fn predictions_are_told_from_results_and_cannot_be_resumed() {
    let folder = desk();
    let help = rankfit(folder.path(), &["predict", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("replace") && !help.contains("resume"), "{help}");
    std::fs::write(folder.path().join("rows.csv"), "a,b,c\n0.5,1.5,2.5\n").unwrap();
    let made = rankfit(
        folder.path(),
        &["predict", "--model", "kmeans.h5", "--data", "rows.csv", "--output", "p.h5"],
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for arguments in [vec!["inspect", "p.h5"], vec!["report", "p.h5", "--output", "p.html"]] {
        let output = rankfit(folder.path(), &arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(65));
        assert!(stderr.contains("found predictions; read their dataset \"predictions\""), "{stderr}");
    }
}
