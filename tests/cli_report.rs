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
