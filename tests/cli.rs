//! The program as a user meets it: both main jobs end to end, and what it says to a mistake.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

mod unlock;

use unlock::unlock;

const BLOBS: &str = "\
seed = 1
[data]
source = \"blobs\"
n_samples = 600
n_features = 3
block_rows = 100
centers = 4
[estimator]
name = \"KMeans\"
n_clusters = 4
[output]
path = \"out.h5\"
labels = true
";

const GRID: &str = "\
[data]
source = \"classification\"
n_samples = 200
n_features = 4
[estimator]
name = \"SVC\"
gamma = \"auto\"
[search]
cv = 3
[search.grid]
C = [0.1, 1.0, 10.0]
[output]
path = \"out.h5\"
";

/// A folder with job files, in which the program runs.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::cargo_bin("rankfit").unwrap();
        command.current_dir(self.folder.path()).args(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{out}\n{err}");
        (out, err)
    }

    /// Runs, and checks the exit code, a piece of the message, and that nothing but the message comes.
    fn refused(&self, arguments: &[&str], code: i32, piece: &str) {
        let output = self.run(arguments);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{err}");
        assert!(err.contains(piece), "{arguments:?}: no {piece:?} in\n{err}");
        assert!(out.is_empty(), "{arguments:?}: {out}");
        for jargon in
            ["invalid type", "u64", "usize", "variant", "panicked", "internal error", "RUST_BACKTRACE"]
        {
            assert!(!err.contains(jargon), "{arguments:?}: {err}");
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn json(&self, file: &str) -> serde_json::Value {
        serde_json::from_str(&self.ok(&["inspect", "--json", file]).0).unwrap()
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A job with one line replaced.
fn with(job: &str, from: &str, to: &str) -> String {
    assert!(job.contains(from), "{from}");
    job.replacen(from, to, 1)
}

fn write_hdf5(path: &Path, x: &[[f64; 2]], y: &[i64]) {
    let file = hdf5::File::create(path).unwrap();
    let x = ndarray::Array2::from_shape_fn((x.len(), 2), |(i, j)| x[i][j]);
    file.new_dataset_builder().with_data(&x).create("X").unwrap();
    file.new_dataset_builder().with_data(y).create("y").unwrap();
    file.close().unwrap();
    unlock(path);
}

#[test]
fn k_means_runs_from_its_job_file() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    let (out, err) = desk.ok(&["run", "job.toml"]);
    assert!(out.contains("inertia_") && out.contains("cluster sizes  ") && out.contains("out.h5"), "{out}");
    assert!(err.contains("iteration 1"), "{err}");
    assert_eq!(desk.names(), ["job.toml", "out.h5"]);
    let json = desk.json("out.h5");
    assert_eq!(json["format"], "rankfit-results");
    assert_eq!(json["status"], "complete");
    let model = &json["model"];
    assert_eq!(model["estimator"], "KMeans");
    assert_eq!(model["cluster_centers_"].as_array().unwrap().len(), 4);
    let labels = model["labels_"].as_array().unwrap();
    assert_eq!(labels.len(), 600);
    let sizes: Vec<usize> = (0..4).map(|k| labels.iter().filter(|label| **label == k).count()).collect();
    let said = out.lines().find(|line| line.starts_with("cluster sizes")).unwrap();
    let said: Vec<usize> =
        said["cluster sizes".len()..].split_whitespace().map(|n| n.parse().unwrap()).collect();
    assert_eq!(said, sizes);
    let n_iter = model["n_iter_"].as_u64().unwrap() as usize;
    assert_eq!(json["history"]["inertia"].as_array().unwrap().len(), n_iter);
    assert_eq!(json["timing"]["compute"].as_array().unwrap().len(), 1);
    assert_eq!(json["provenance"]["seed"], 1);
    let (text, _) = desk.ok(&["inspect", "out.h5"]);
    assert!(text.contains("cluster_centers_  float64 (4, 3)"), "{text}");
}

#[test]
fn a_grid_search_runs_from_its_job_file() {
    let desk = Desk::new();
    desk.write("job.toml", GRID);
    let (out, err) = desk.ok(&["run", "job.toml"]);
    assert!(
        out.contains("best_params_") && out.contains("best_score_") && out.contains("mean score"),
        "{out}"
    );
    assert!(err.contains("Fitting 3 folds for each of 3 candidates, totalling 9 fits"), "{err}");
    let json = desk.json("out.h5");
    let table = &json["cv_results"];
    assert_eq!(table["param_C"], serde_json::json!([0.1, 1.0, 10.0]));
    let mean = |i: usize| table["mean_test_score"][i].as_f64().unwrap();
    let best = table["best_index_"].as_u64().unwrap() as usize;
    assert_eq!(table["best_score_"].as_f64().unwrap(), mean(best));
    assert!((0..3).all(|i| mean(i) <= mean(best)));
    assert_eq!(table["best_params_"]["C"], table["param_C"][best]);
    assert_eq!(json["model"]["params"]["C"], table["param_C"][best]);
    assert!(json["model"]["support_vectors_"].as_array().unwrap().len() > 2);
    let (text, _) = desk.ok(&["inspect", "out.h5"]);
    assert!(text.contains("best_score_") && text.contains("{\"C\": 10.0}"), "{text}");
}

#[test]
fn svc_alone_is_fitted_and_predicts() {
    let desk = Desk::new();
    let x: Vec<[f64; 2]> = (0..40).map(|i| [f64::from(i % 2) * 4.0, f64::from(i) * 0.01]).collect();
    let y: Vec<i64> = (0..40).map(|i| if i % 2 == 0 { -1 } else { 3 }).collect();
    write_hdf5(&desk.path("d.h5"), &x, &y);
    desk.write("job.toml", "[data]\nsource='hdf5'\npath='d.h5'\nblock_rows=7\n[estimator]\nname='SVC'\n");
    desk.ok(&["run", "job.toml", "--output", "m.h5", "--quiet"]);
    let (out, _) = desk.ok(&["predict", "--model", "m.h5", "--data", "d.h5"]);
    let predicted: Vec<f64> = out.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(predicted, y.iter().map(|&y| y as f64).collect::<Vec<_>>());
    desk.ok(&["predict", "--model", "m.h5", "--data", "d.h5", "--output", "p.h5"]);
    let written = hdf5::File::open(desk.path("p.h5")).unwrap().dataset("predictions").unwrap();
    assert!(written.dtype().unwrap().is::<i64>(), "as classes_ are");
    assert_eq!(written.read_raw::<i64>().unwrap(), y);
    desk.refused(&["predict", "--model", "m.h5", "--data", "d.h5", "--output", "p.h5"], 73, "exists already");
}

#[test]
fn class_names_come_back_from_csv() {
    let desk = Desk::new();
    let rows: String = (0..30).map(|i| format!("{},{},{}\n", i % 2 * 5, i, ["ham", "spam"][i % 2])).collect();
    desk.write("d.csv", format!("a,b,kind\n{rows}"));
    let job =
        "[data]\nsource='csv'\npath='d.csv'\nlabel_column='kind'\n[estimator]\nname='SVC'\nkernel='linear'\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml", "--output", "m.h5"]);
    assert_eq!(desk.json("m.h5")["model"]["classes_"], serde_json::json!(["ham", "spam"]));
    let expected: String = (0..30).map(|i| ["ham\n", "spam\n"][i % 2]).collect();
    assert_eq!(desk.ok(&["predict", "--model", "m.h5", "--data", "d.csv"]).0, expected);
    desk.write("x.csv", "1,2\n5,3\n");
    assert_eq!(desk.ok(&["predict", "--model", "m.h5", "--data", "x.csv"]).0, "ham\nspam\n");
    desk.ok(&["predict", "--model", "m.h5", "--data", "x.csv", "--output", "p.h5"]);
    desk.write("y.csv", "1,2,3\n5,3,1\n");
    desk.refused(
        &["predict", "--model", "m.h5", "--data", "y.csv"],
        65,
        "2 features, as the model was fitted with",
    );
}

#[test]
fn k_means_predicts_its_own_labels() {
    let desk = Desk::new();
    let x: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i % 5) * 10.0, f64::from(i) * 0.01]).collect();
    write_hdf5(&desk.path("d.h5"), &x, &[0; 50]);
    let job = "[data]\nsource='hdf5'\npath='d.h5'\n[estimator]\nname='KMeans'\nn_clusters=5\n[output]\nlabels=true\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml", "--output", "m.h5"]);
    let labels = desk.json("m.h5")["model"]["labels_"].clone();
    let (out, _) = desk.ok(&["predict", "--model", "m.h5", "--data", "d.h5"]);
    let predicted: Vec<i64> = out.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(labels, serde_json::json!(predicted));
}

/// What a dry run says, without the table of seconds that it timed.
fn untimed(said: &str) -> String {
    let Some((before, table)) = said.split_once("# rank  chains") else { return said.to_owned() };
    let (_, after) = table.split_once("timed on a small fit\n").expect("the table's last line");
    format!("{before}{after}")
}

#[test]
fn the_resolved_job_is_read_back_equal() {
    for job in [BLOBS, GRID] {
        let desk = Desk::new();
        desk.write("job.toml", job);
        let (first, err) = desk.ok(&["run", "job.toml", "--dry-run"]);
        assert!(err.is_empty(), "{err}");
        desk.write("again.toml", &first);
        assert_eq!(untimed(&desk.ok(&["run", "again.toml", "--dry-run"]).0), untimed(&first));
        assert!(first.contains("block_rows = ") && first.contains("# rank"), "{first}");
        assert_eq!(desk.names(), ["again.toml", "job.toml"], "a dry run writes nothing");
    }
}

#[test]
fn flags_win_over_the_job_file() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    let set = ["run", "job.toml", "--set", "estimator.n_clusters=3", "--output", "other.h5", "-q"];
    let (_, err) = desk.ok(&[&set[..], &["--set", "estimator.init=k-means||"]].concat());
    assert!(err.is_empty(), "{err}");
    let json = desk.json("other.h5");
    assert_eq!(json["model"]["cluster_centers_"].as_array().unwrap().len(), 3);
    assert_eq!(json["model"]["params"]["init"], "k-means||");
    assert_eq!(desk.names(), ["job.toml", "other.h5"]);
}

#[test]
fn paths_are_relative_to_the_job_file() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("jobs")).unwrap();
    desk.write("jobs/centers.csv", "0,0,0\n10,10,10\n");
    let job = with(BLOBS, "centers = 4", "centers = \"centers.csv\"");
    desk.write("jobs/job.toml", with(&job, "n_clusters = 4", "n_clusters = 2"));
    desk.ok(&["run", "jobs/job.toml", "-q"]);
    assert!(desk.path("jobs/out.h5").exists());
}

#[test]
fn an_existing_output_is_kept_unless_told() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    desk.ok(&["run", "job.toml", "-q"]);
    let first = std::fs::read(desk.path("out.h5")).unwrap();
    desk.refused(&["run", "job.toml"], 73, "exists already");
    let (out, _) = desk.ok(&["run", "job.toml", "--on-existing", "resume"]);
    assert!(out.contains("holds this job's results already"), "{out}");
    assert_eq!(std::fs::read(desk.path("out.h5")).unwrap(), first);
    let other = ["run", "job.toml", "--on-existing", "resume", "--set", "seed=2"];
    desk.refused(&other, 73, "results of another job");
    assert_eq!(std::fs::read(desk.path("out.h5")).unwrap(), first);
    desk.ok(&["run", "job.toml", "--on-existing", "replace", "--set", "seed=2", "-q"]);
    assert_eq!(desk.json("out.h5")["provenance"]["seed"], 2);
}

#[test]
fn a_checkpoint_is_not_lost_unasked() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    desk.write("out.h5.checkpoint", "rankfit-checkpoint1\ncut off");
    desk.refused(&["run", "job.toml"], 73, "--on-existing resume");
    desk.refused(&["run", "job.toml", "--on-existing", "resume"], 65, "a whole checkpoint");
    desk.ok(&["run", "job.toml", "--on-existing", "replace", "-q"]);
    assert_eq!(desk.names(), ["job.toml", "out.h5"]);
    // Another file that happens to have this name is not touched, even by an estimator that keeps none.
    for name in ["KMeans", "StandardScaler"] {
        let job =
            with(BLOBS, "\"KMeans\"\nn_clusters = 4", &format!("\"{name}\"")).replace("labels = true\n", "");
        desk.write("job.toml", job);
        for mode in ["fail", "resume", "replace"] {
            let arguments = ["run", "job.toml", "--output", "o2.h5", "--on-existing", mode];
            desk.write("o2.h5.checkpoint", "the user's");
            desk.refused(&arguments, 73, "o2.h5.checkpoint: is no checkpoint of this program");
            assert_eq!(std::fs::read(desk.path("o2.h5.checkpoint")).unwrap(), b"the user's");
        }
    }
}

#[test]
fn results_of_other_files_are_not_taken_for_the_jobs() {
    let desk = Desk::new();
    let rows = |last: u32| {
        (0..40).map(|i| format!("{},{}\n", i % 5, i % 7)).collect::<String>() + &format!("9,{last}\n")
    };
    desk.write("d.csv", rows(1));
    desk.write("c.csv", "0,0\n3,3\n");
    let job = "[data]\nsource = 'csv'\npath = 'd.csv'\n[estimator]\nname = 'KMeans'\nn_clusters = 2\n\
               init = { file = 'c.csv' }\nmax_iter = 1\n[output]\npath = 'out.h5'\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml", "-q"]);
    let again = ["run", "job.toml", "--on-existing", "resume"];
    assert!(desk.ok(&again).0.contains("holds this job's results already"));
    // As many bytes as before.
    desk.write("c.csv", "0,9\n3,3\n");
    desk.refused(&again, 73, "results of another job");
    desk.write("c.csv", "0,0\n3,3\n");
    assert!(desk.ok(&again).0.contains("holds this job's results already"));
    // Within the second.
    let modified = std::fs::metadata(desk.path("d.csv")).unwrap().modified().unwrap();
    desk.write("d.csv", rows(2));
    let file = std::fs::File::options().write(true).open(desk.path("d.csv")).unwrap();
    file.set_modified(modified).unwrap();
    assert!(desk.ok(&again).0.contains("holds this job's results already"), "the time is what tells");
    file.set_modified(modified + std::time::Duration::from_nanos(1000)).unwrap();
    desk.refused(&again, 73, "results of another job");
    // The model that a fit starts from.
    let start =
        ["run", "job.toml", "--set", "estimator.init=k-means++", "--set", "estimator.warm_start=start.h5"];
    let start = |mode| [&start[..], &["--output", "warm.h5", "--on-existing", mode]].concat();
    std::fs::copy(desk.path("out.h5"), desk.path("start.h5")).unwrap();
    desk.ok(&start("fail"));
    assert!(desk.ok(&start("resume")).0.contains("holds this job's results already"));
    desk.ok(&["run", "job.toml", "--on-existing", "replace", "--set", "seed=3"]);
    std::fs::copy(desk.path("out.h5"), desk.path("start.h5")).unwrap();
    desk.refused(&start("resume"), 73, "results of another job");
    // Centres that generated data lie around.
    desk.write(
        "blobs.toml",
        "[data]\nsource = 'blobs'\nn_samples = 50\ncenters = 'c.csv'\n[estimator]\nname = 'PCA'\n",
    );
    let blobs = |mode| ["run", "blobs.toml", "--output", "pca.h5", "--on-existing", mode];
    desk.ok(&blobs("fail"));
    desk.ok(&blobs("resume"));
    desk.write("c.csv", "0,0\n3,5\n");
    desk.refused(&blobs("resume"), 73, "results of another job");
}

#[test]
fn an_output_whose_name_is_no_text_is_refused() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"o\xff.h5");
    let mut command = Command::cargo_bin("rankfit").unwrap();
    let output =
        command.current_dir(desk.folder.path()).args(["run", "job.toml", "--output"]).arg(name).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(73), "{}", texts(&output).1);
    assert!(texts(&output).1.contains("that is no UTF-8"), "{}", texts(&output).1);
}

#[test]
fn an_input_is_never_replaced() {
    let desk = Desk::new();
    let rows: String = (0..40).map(|i| format!("{},{}\n", i % 5, i % 7)).collect();
    desk.write("d.csv", &rows);
    desk.write("c.csv", "0,0\n3,3\n");
    let job = "[data]\nsource = 'csv'\npath = 'd.csv'\n[estimator]\nname = 'KMeans'\nn_clusters = 2\n\
               init = { file = 'c.csv' }\n[output]\npath = 'out.h5'\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml", "-q"]);
    std::fs::copy(desk.path("out.h5"), desk.path("start.h5")).unwrap();
    std::os::unix::fs::symlink("d.csv", desk.path("link.csv")).unwrap();
    let before = |name: &str| std::fs::read(desk.path(name)).unwrap();
    for (output, what) in [
        ("d.csv", "the file of data.path"),
        ("link.csv", "the file of data.path"),
        ("c.csv", "the file of estimator.init.file"),
        ("job.toml", "the job file"),
        ("start.h5", "the file of estimator.warm_start"),
    ] {
        let kept = before(output);
        let mut arguments = vec!["run", "job.toml", "--output", output, "--on-existing", "replace"];
        if output == "start.h5" {
            arguments.extend(["--set", "estimator.init=k-means++", "--set", "estimator.warm_start=start.h5"]);
        }
        desk.refused(&arguments, 73, &format!("{output}: is {what}, which is read and not replaced"));
        assert_eq!(before(output), kept);
    }
    let kept = [before("d.csv"), before("out.h5")];
    for (output, what) in [("./d.csv", "--data"), ("link.csv", "--data"), ("out.h5", "--model")] {
        let arguments = ["predict", "--model", "out.h5", "--data", "d.csv", "--on-existing", "replace"];
        let arguments = [&arguments[..], &["--output", output]].concat();
        desk.refused(&arguments, 73, &format!("{output}: is the file of {what}"));
    }
    assert_eq!([before("d.csv"), before("out.h5")], kept);
    let arguments = ["predict", "--model", "out.h5", "--data", "d.csv", "--output", "start.h5"];
    desk.refused(&arguments, 73, "run and predict also take --on-existing replace");
}

#[test]
fn single_precision_and_residencies_agree() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    let model = |name: &str, sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", *set]).collect();
        desk.ok(&[&["run", "job.toml", "-q", "--output", name][..], &sets].concat());
        desk.json(name)["model"].clone()
    };
    let memory = model("a.h5", &["data.residency=memory"]);
    assert_eq!(memory, model("b.h5", &["data.residency=stream"]));
    assert_eq!(memory, model("c.h5", &["data.residency=auto", "data.memory_per_rank=10000"]));
    let single = model("d.h5", &["data.dtype=f32"]);
    assert_eq!(single["labels_"].as_array().unwrap().len(), 600);
    let (text, _) = desk.ok(&["inspect", "d.h5"]);
    assert!(text.contains("cluster_centers_  float32 (4, 3)"), "{text}");
}

#[test]
fn a_reader_may_stop_reading() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    desk.ok(&["run", "job.toml", "-q"]);
    let program = assert_cmd::cargo::cargo_bin("rankfit");
    let rows: String = (0..100_000).map(|i| format!("{i},2,1\n")).collect();
    desk.write("rows.csv", rows);
    let script =
        format!("set -o pipefail; {} predict --model out.h5 --data rows.csv | head -1", program.display());
    let output =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(desk.folder.path()).output();
    let output = output.unwrap();
    let (out, err) = texts(&output);
    assert_eq!((output.status.code(), out.lines().count(), err.as_str()), (Some(0), 1, ""));
}

#[test]
fn info_and_help_answer() {
    let desk = Desk::new();
    let (out, _) = desk.ok(&["info"]);
    for piece in ["version", "commit", "MPI", "HDF5", "1 rank"] {
        assert!(out.contains(piece), "{out}");
    }
    assert!(desk.ok(&["--help"]).0.contains("predict"));
    assert!(desk.ok(&["--version"]).0.starts_with("rankfit "));
}

/// A job, what it is replaced by, the exit code, and a piece of the message.
type BadJob = (&'static str, &'static str, &'static str, i32, &'static str);

#[test]
fn bad_jobs_are_refused_with_their_place() {
    let cases: &[BadJob] = &[
        (BLOBS, "seed = 1", "seed = -1", 78, "job.toml:1: seed: expected a non-negative integer, found -1"),
        (
            BLOBS,
            "seed = 1",
            "seed = \"x\"",
            78,
            "job.toml:1: seed: expected a non-negative integer, found the text \"x\"",
        ),
        (
            BLOBS,
            "seed = 1",
            "sead = 1",
            78,
            "job.toml:1: sead: expected a known key, found an unknown one (did you mean seed?)",
        ),
        (BLOBS, "seed = 1", "seed = = 1", 78, "job.toml:1:8: "),
        (BLOBS, "[data]", "[data", 78, "job.toml:2:6: "),
        (BLOBS, "[data]", "[date]", 78, "did you mean data?"),
        (
            BLOBS,
            "\"blobs\"",
            "\"blob\"",
            78,
            "job.toml:3: data.source: expected \"blobs\", \"classification\"",
        ),
        (BLOBS, "\"blobs\"", "7", 78, "job.toml:3: data.source: expected"),
        (BLOBS, "source = \"blobs\"\n", "", 78, "data.source: expected \"blobs\""),
        (
            BLOBS,
            "block_rows = 100",
            "block_rows = 0",
            78,
            "job.toml:6: data.block_rows: expected a positive integer, found 0",
        ),
        (
            BLOBS,
            "block_rows = 100",
            "block_rows = -5",
            78,
            "job.toml:6: data.block_rows: expected a positive integer, found -5",
        ),
        (
            BLOBS,
            "block_rows = 100",
            "block_row = 100",
            78,
            "job.toml:6: data.block_row: expected a known key, found an unknown one (did you mean block_rows?)",
        ),
        (
            BLOBS,
            "block_rows = 100",
            "block_rows = \"many\"",
            78,
            "expected a positive integer, found the text \"many\"",
        ),
        (
            BLOBS,
            "block_rows = 100",
            "dtype = \"f16\"",
            78,
            "job.toml:6: data.dtype: expected \"f64\" or \"f32\", found the text \"f16\"",
        ),
        (
            BLOBS,
            "block_rows = 100",
            "residency = \"disk\"",
            78,
            "job.toml:6: data.residency: expected \"memory\", \"stream\" or \"auto\"",
        ),
        (
            BLOBS,
            "block_rows = 100",
            "memory_per_rank = \"8 gigs\"",
            78,
            "data.memory_per_rank: expected a number of bytes, or a text such as \"8GiB\"",
        ),
        (BLOBS, "n_samples = 600", "n_samples = 0", 78, "job.toml:4: data.n_samples"),
        (
            BLOBS,
            "n_samples = 600",
            "n_samples = 2.5",
            78,
            "job.toml:4: data.n_samples: expected a positive integer, found 2.5",
        ),
        (
            BLOBS,
            "n_samples = 600",
            "n_samples = 1_000_000_000_000_000_000",
            78,
            "job.toml:6: data.block_rows",
        ),
        (
            BLOBS,
            "n_samples = 600",
            "n_samples = 1_000_000_000_000\nresidency = \"memory\"",
            78,
            "data.block_rows",
        ),
        (
            BLOBS,
            "n_samples = 600\nn_features = 3\nblock_rows = 100",
            "n_samples = 10_000_000_000_000\nblock_rows = 10_000_000\nresidency = \"memory\"",
            78,
            "job.toml:6: data.residency: expected \"stream\" or \"auto\"",
        ),
        (BLOBS, "n_features = 3", "n_features = 0", 78, "job.toml:5: data.n_features"),
        (BLOBS, "centers = 4", "centers = 0", 78, "job.toml:7: data.centers"),
        (BLOBS, "centers = 4", "centers = \"none.csv\"", 66, "none.csv"),
        (BLOBS, "centers = 4", "centers = [1]", 78, "job.toml:7: data.centers: expected"),
        (BLOBS, "centers = 4", "cluster_std = -1.0", 78, "job.toml:7: data.cluster_std"),
        (BLOBS, "name = \"KMeans\"\n", "", 78, "estimator.name: expected \"KMeans\", \"SVC\", "),
        (BLOBS, "\"KMeans\"", "\"kmeans\"", 78, "found the text \"kmeans\" (did you mean \"KMeans\"?)"),
        (
            BLOBS,
            "n_clusters = 4",
            "n_clusters = 0",
            78,
            "job.toml:10: estimator.n_clusters: expected an integer of at least 1, found 0",
        ),
        (BLOBS, "n_clusters = 4", "n_cluster = 4", 78, "(did you mean n_clusters?)"),
        (
            BLOBS,
            "n_clusters = 4",
            "n_clusters = true",
            78,
            "job.toml:10: estimator.n_clusters: expected a positive integer, or a list of them, found true",
        ),
        (
            BLOBS,
            "n_clusters = 4",
            "n_clusters = []",
            78,
            "job.toml:10: estimator.n_clusters: expected a positive integer, or a list of them, found a list of 0",
        ),
        (BLOBS, "n_clusters = 4", "n_clusters = 601", 65, "at least n_clusters = 601 rows"),
        (
            BLOBS,
            "n_clusters = 4",
            "init = \"kmeans\"",
            78,
            "job.toml:10: estimator.init: expected \"k-means||\", \"k-means++\", \"random\" or { file",
        ),
        (BLOBS, "n_clusters = 4", "init = { file = \"none.csv\" }", 66, "none.csv"),
        (
            BLOBS,
            "n_clusters = 4",
            "init = { file = \"none.csv\", x = 1 }",
            78,
            "job.toml:10: estimator.init.x: expected a known key, found an unknown one (known keys: file)",
        ),
        (BLOBS, "n_clusters = 4", "init = {}", 78, "job.toml:10: estimator.init.file: expected a value"),
        (
            BLOBS,
            "n_clusters = 4",
            "init = { file = 3 }",
            78,
            "job.toml:10: estimator.init: expected the path of a file of centres in { file = ",
        ),
        (BLOBS, "n_clusters = 4", "tol = -1", 78, "job.toml:10: estimator.tol"),
        (BLOBS, "n_clusters = 4", "tol = nan", 78, "job.toml:10: estimator.tol"),
        (BLOBS, "n_clusters = 4", "max_iter = 0", 78, "job.toml:10: estimator.max_iter"),
        (
            BLOBS,
            "labels = true",
            "labels = \"yes\"",
            78,
            "job.toml:13: output.labels: expected true or false, found the text \"yes\"",
        ),
        (BLOBS, "labels = true", "label = true", 78, "(did you mean labels?)"),
        (
            BLOBS,
            "labels = true",
            "checkpoint_every_s = 0",
            78,
            "output.checkpoint_every_s: expected a positive number of seconds",
        ),
        (
            BLOBS,
            "path = \"out.h5\"\n",
            "",
            78,
            "output.path: expected the results file's name, here or by --output",
        ),
        (BLOBS, "path = \"out.h5\"", "path = \"no/out.h5\"", 73, "there is no folder"),
        (BLOBS, "path = \"out.h5\"", "path = \".\"", 73, "is a folder"),
        (
            BLOBS,
            "[output]",
            "[search.grid]\nn_clusters = [2]\n[output]",
            78,
            "an estimator that learns from targets",
        ),
        (
            GRID,
            "[output]",
            "[output]\nlabels = true",
            78,
            "output.labels: expected false, for SVC is no clusterer",
        ),
        (GRID, "\"classification\"", "\"regression\"", 78, "a source of classes, which SVC learns"),
        (GRID, "gamma = \"auto\"", "gamma = \"big\"", 78, "estimator.gamma"),
        (GRID, "gamma = \"auto\"", "gamma = [1]", 78, "estimator.gamma: expected \"scale\", \"auto\" or a"),
        (GRID, "gamma = \"auto\"", "C = -1", 78, "estimator.C: expected a number above 0"),
        (GRID, "gamma = \"auto\"", "kernel = \"rfb\"", 78, "estimator.kernel"),
        (GRID, "gamma = \"auto\"", "gama = \"auto\"", 78, "(did you mean gamma?)"),
        (GRID, "cv = 3", "cv = 1", 78, "search.cv"),
        (GRID, "cv = 3", "cv = 300", 78, "search.cv"),
        (GRID, "cv = 3", "kind = \"halved\"", 78, "search.kind: expected \"grid\", \"random\", \"halving\""),
        (GRID, "cv = 3", "scoring = \"acuracy\"", 78, "search.scoring"),
        (GRID, "cv = 3", "scoring = \"r2\"", 0, ""),
        (GRID, "C = [0.1, 1.0, 10.0]", "C = 1.0", 78, "search.grid.C: expected a list of values"),
        (GRID, "C = [0.1, 1.0, 10.0]", "C = []", 78, "search.grid.C"),
        (GRID, "C = [0.1, 1.0, 10.0]", "c = [1.0]", 78, "search.grid.c: expected a parameter of SVC"),
        (
            GRID,
            "C = [0.1, 1.0, 10.0]",
            "C = [0.0]",
            78,
            "job.toml:11: search.grid.C: expected a number above 0, found 0",
        ),
        (
            GRID,
            "C = [0.1, 1.0, 10.0]",
            "C = [\"x\"]",
            78,
            "search.grid.C: expected a number, found the text \"x\"",
        ),
    ];
    for &(job, from, to, code, piece) in cases {
        let desk = Desk::new();
        desk.write("job.toml", with(job, from, to));
        if code == 0 {
            desk.ok(&["run", "job.toml", "-q"]);
            continue;
        }
        desk.refused(&["run", "job.toml"], code, piece);
        assert_eq!(desk.names(), ["job.toml"], "something was left behind by {to}");
    }
}

#[test]
fn bad_data_are_refused_with_their_place() {
    let cases: &[(&str, &str, i32, &str)] = &[
        ("a,b,y\n1,2,0\n3,nan,1\n", "", 65, "d.csv"),
        ("a,b,y\n1,2,0\n3,inf,1\n", "", 65, "row 1"),
        ("a,b,y\n1,2,0\n3,x,1\n", "", 65, "line 3"),
        ("a,b,y\n1,2,0\n3,1\n", "", 65, "line 3"),
        ("a,b,y\n1,2,0\n3,1,1,1\n", "", 65, "line 3"),
        ("", "", 65, "d.csv"),
        ("a,b,y\n", "", 65, "d.csv"),
        ("a,b,y\n1,2,0\n3,4,0\n", "", 65, "class"),
        ("a,b,z\n1,2,0\n3,4,1\n", "", 78, "data.label_column"),
        ("a,b,y\n1,2,0\n3,4,1\n", "delimiter = \"ab\"", 78, "data.delimiter"),
        ("a,b,y\n1,2,0.5\n3,4,1\n", "", 65, "d.csv"),
        ("\u{89}HDF", "", 65, "d.csv"),
    ];
    for &(data, extra, code, piece) in cases {
        let desk = Desk::new();
        desk.write("d.csv", data);
        let job = format!(
            "[data]\nsource='csv'\npath='d.csv'\nlabel_column='y'\n{extra}\n[estimator]\nname='SVC'\n[output]\npath='o.h5'\n"
        );
        desk.write("job.toml", job);
        desk.refused(&["run", "job.toml"], code, piece);
        assert_eq!(desk.names(), ["d.csv", "job.toml"], "something was left behind");
    }
    let desk = Desk::new();
    desk.write(
        "job.toml",
        "[data]\nsource='hdf5'\npath='d.h5'\n[estimator]\nname='SVC'\n[output]\npath='o.h5'\n",
    );
    desk.refused(&["run", "job.toml"], 66, "d.h5");
    desk.write("d.h5", "no HDF5 at all");
    desk.refused(&["run", "job.toml"], 65, "d.h5");
    write_hdf5(&desk.path("d.h5"), &[[1.0, 2.0], [3.0, f64::NAN]], &[0, 1]);
    desk.refused(&["run", "job.toml"], 65, "row 1, column 1");
    write_hdf5(&desk.path("d.h5"), &[[1.0, 2.0], [3.0, 4.0]], &[0, 1, 1]);
    desk.refused(&["run", "job.toml"], 65, "d.h5");
    write_hdf5(&desk.path("d.h5"), &[[1.0, 2.0], [3.0, 4.0]], &[0, 1]);
    desk.refused(&["run", "job.toml", "--set", "data.x=features"], 66, "features");
    desk.refused(&["run", "job.toml", "--set", "data.path=."], 66, "a folder");
}

#[test]
fn bad_arguments_are_refused() {
    let desk = Desk::new();
    desk.write("job.toml", BLOBS);
    desk.write("plain.txt", "text");
    let cases: &[(&[&str], i32, &str)] = &[
        (&[], 2, "Usage: rankfit"),
        (&["frob"], 2, "unrecognized subcommand 'frob'"),
        (&["run"], 2, "JOB"),
        (&["run", "job.toml", "--frob"], 2, "--frob"),
        (&["run", "job.toml", "--on-existing", "maybe"], 2, "maybe"),
        (&["run", "job.toml", "-q", "-v"], 2, "cannot be used with"),
        (&["run", "none.toml"], 66, "none.toml: there is no such job file"),
        (&["run", "."], 74, "reading the job file"),
        (&["run", "job.toml", "--set", "seed"], 2, "expected key.path=value"),
        (&["run", "job.toml", "--set", "data..x=1"], 2, "expected key.path=value"),
        (&["run", "job.toml", "--set", "seed.x=1"], 78, "--set seed.x: expected a section at seed, found 1"),
        (
            &["run", "job.toml", "--set", "data.block_rows=0"],
            78,
            "--set data.block_rows: expected a positive integer, found 0",
        ),
        (&["run", "job.toml", "--set", "data.frob=0"], 78, "--set data.frob: expected a known key"),
        (&["run", "job.toml", "--output", "no/x.h5"], 73, "there is no folder"),
        (&["run", "job.toml", "--output", "."], 73, "is a folder"),
        (&["inspect"], 2, "FILE"),
        (&["inspect", "none.h5"], 66, "none.h5: there is no such file"),
        (&["inspect", "plain.txt"], 65, "expected a results file of rankfit"),
        (&["inspect", "."], 65, "a folder"),
        (&["predict"], 2, "--model"),
        (&["predict", "--model", "none.h5", "--data", "x.csv"], 66, "none.h5"),
        (&["predict", "--model", "plain.txt", "--data", "x.csv"], 65, "plain.txt"),
    ];
    for &(arguments, code, piece) in cases {
        desk.refused(arguments, code, piece);
    }
}
