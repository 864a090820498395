//! What ends a job from outside, and what would end it later: signals, a killed rank, folders and disks that take no
//! file, work that does not fit.

#[allow(dead_code, reason = "not every test program starts shells")]
mod launcher;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use launcher::{has_mpi, root};
use tempfile::TempDir;

const KMEANS: &str = "\
seed = 3
[data]
source = \"blobs\"
n_samples = 2500000
n_features = 8
block_rows = 5000
centers = 30
cluster_std = 6.0
residency = \"stream\"
[estimator]
name = \"KMeans\"
n_clusters = 25
init = \"random\"
n_init = 1
tol = 0
max_iter = 40
[output]
path = \"o.h5\"
labels = true
";

const GRID: &str = "\
[data]
source = \"classification\"
n_samples = 2500
n_features = 6
n_informative = 4
flip_y = 0.2
[estimator]
name = \"SVC\"
[search]
cv = 5
[search.grid]
C = [0.1, 1.0, 10.0, 100.0, 300.0]
gamma = [0.05, 0.2, 0.7, 2.0]
[output]
path = \"o.h5\"
";

const MINI_BATCH: &str = "\
seed = 3
[data]
source = \"blobs\"
n_samples = 400000
n_features = 8
block_rows = 5000
centers = 30
cluster_std = 6.0
residency = \"stream\"
[estimator]
name = \"MiniBatchKMeans\"
n_clusters = 25
batch_size = 10000
init = \"random\"
n_init = 1
max_iter = 4
max_no_improvement = 0
[output]
path = \"o.h5\"
labels = true
";

/// A job, and what its log says once it is under way.
const JOBS: [(&str, &str); 3] = [(KMEANS, "iteration 1"), (GRID, "Done"), (MINI_BATCH, "iteration 30")];

fn desk(job: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("job.toml"), job).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_rankfit")
}

/// The program, on `ranks` ranks under a launcher, or alone for 0; the process is the launcher itself.
fn command(folder: &Path, ranks: usize, arguments: &[&str]) -> Command {
    let mut command = Command::new("bash");
    let line = match ranks {
        0 => "exec \"$@\"".to_owned(),
        _ => format!(
            "export OMPI_MCA_mpi_yield_when_idle=1; . \"$0\" && exec \"$(mpi_launcher)\" -n {ranks} \"$@\""
        ),
    };
    command.args(["-c", &line]).arg(root().join("scripts/mpi_env.sh")).arg(program()).args(arguments);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A job that is under way.
struct Running {
    child: Child,
    err: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Running {
    fn start(folder: &Path, ranks: usize, sign: &str) -> Self {
        Self::start_with(folder, ranks, sign, &[])
    }

    fn start_with(folder: &Path, ranks: usize, sign: &str, arguments: &[&str]) -> Self {
        let arguments = [&["run", "job.toml", "-v"], arguments].concat();
        let mut child = command(folder, ranks, &arguments).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(sign) {
            assert!(err.read_line(&mut said).unwrap() > 0, "ended before {sign:?}: {said}");
        }
        Self { child, err, said }
    }

    fn signal(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    /// The processes of the ranks: the one that was started, or its children where that is a launcher.
    fn ranks(&self) -> Vec<String> {
        let launcher = self.child.id().to_string();
        let found = Command::new("pgrep").args(["-P", &launcher, "-x", "rankfit"]).output();
        let found = String::from_utf8(found.unwrap().stdout).unwrap();
        let ranks: Vec<String> = found.split_whitespace().map(str::to_owned).collect();
        if ranks.is_empty() { vec![launcher] } else { ranks }
    }

    /// The process of the last rank.
    fn last_rank(&self) -> String {
        self.ranks().pop().expect("a job has ranks")
    }

    /// Exit code (128 + the signal as a shell has it), what was said, and how long that took.
    fn end(mut self) -> (i32, String, Duration) {
        let start = Instant::now();
        self.err.read_to_string(&mut self.said).unwrap();
        let status = self.child.wait().unwrap();
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
        (code, self.said, start.elapsed())
    }
}

fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().unwrap().success());
}

/// A results file without its times and hosts.
fn bits(file: &Path) -> serde_json::Value {
    let shown = Command::new(program()).args(["inspect", "--json"]).arg(file).output().unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let groups = json.as_object_mut().unwrap();
    groups.retain(|name, _| ["model", "history", "cv_results"].contains(&name.as_str()));
    for group in groups.values_mut() {
        group.as_object_mut().unwrap().retain(|name, _| !name.contains("_time") && name != "seconds");
    }
    json
}

/// Runs the job to its end on `ranks` ranks.
fn finish(folder: &Path, ranks: usize, arguments: &[&str]) -> String {
    let ended = command(folder, ranks, &[&["run", "job.toml"], arguments].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    said
}

/// Stops every job by `signal` on `before` ranks, goes on with it on `after`, and compares with an undisturbed run.
fn stop_and_resume(signal: &str, before: usize, after: usize) {
    for (job, sign) in JOBS {
        let folder = desk(job);
        let running = Running::start(folder.path(), before, sign);
        running.signal(signal);
        let (code, said, _) = running.end();
        assert_eq!(code, 75, "{said}");
        assert_eq!(said.matches("rankfit: stopped by").count(), 1, "{said}");
        assert!(said.contains("o.h5.checkpoint; continue with --on-existing resume"), "{said}");
        assert_eq!(names(folder.path()), ["job.toml", "o.h5.checkpoint"]);
        finish(folder.path(), after, &["--on-existing", "resume"]);
        finish(folder.path(), 0, &["--output", "undisturbed.h5"]);
        assert_eq!(names(folder.path()), ["job.toml", "o.h5", "undisturbed.h5"]);
        let resumed = bits(&folder.path().join("o.h5"));
        assert!(resumed["model"].is_object());
        assert_eq!(resumed, bits(&folder.path().join("undisturbed.h5")));
    }
}

#[test]
fn a_job_alone_stopped_by_a_signal_goes_on_where_it_was() {
    stop_and_resume("-INT", 0, 0);
}

/// Two fits a fold: one of a moment, one that would take the better part of a minute.
const LONG: &str = "\
[data]
source = \"classification\"
n_samples = 3000
n_features = 6
n_informative = 4
flip_y = 0.4
[estimator]
name = \"SVC\"
kernel = \"poly\"
degree = 5
coef0 = 1.0
gamma = 0.5
max_iter = 1000000
[search]
cv = 2
refit = false
[search.grid]
C = [1e-9, 1e3]
[output]
path = \"o.h5\"
";

/// Stops a search while each rank is at a long fit, and goes on with it.
fn stopped_in_a_fit(ranks: usize, signal: &str) {
    let folder = desk(LONG);
    // Rank 0 hears of the others' fits between its own.
    let running = Running::start(folder.path(), ranks, "Done   1 out of   4");
    // A launcher that is told to end kills its ranks a second later.
    running.ranks().iter().for_each(|rank| kill(signal, rank));
    let (code, said, took) = running.end();
    assert_eq!(code, 75, "{said}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(said.matches("rankfit: stopped by").count(), 1, "{said}");
    assert!(said.contains("o.h5.checkpoint; continue with --on-existing resume"), "{said}");
    assert_eq!(names(folder.path()), ["job.toml", "o.h5.checkpoint"]);
    let said = finish(folder.path(), 0, &["--on-existing", "resume"]);
    let done = ["1", "2"].map(|n| said.contains(&format!("totalling 4 fits, {n} of them done before")));
    assert!(done[0] || done[1], "{said}");
    finish(folder.path(), 2, &["--output", "undisturbed.h5"]);
    assert_eq!(names(folder.path()), ["job.toml", "o.h5", "undisturbed.h5"]);
    assert_eq!(bits(&folder.path().join("o.h5")), bits(&folder.path().join("undisturbed.h5")));
}

#[test]
fn a_search_is_stopped_in_the_middle_of_its_fits() {
    let n_ranks = if has_mpi() { 2 } else { 0 };
    stopped_in_a_fit(n_ranks, "-TERM");
}

/// A search whose refit takes much longer than its fits, on few of the rows.
const LONG_REFIT: &str = "\
[data]
source = \"classification\"
n_samples = 9000
n_features = 8
flip_y = 0.3
[estimator]
name = \"SVC\"
C = 30.0
[search]
grid = { gamma = [0.2] }
[search.cv]
kind = \"ShuffleSplit\"
n_splits = 2
train_size = 200
test_size = 200
[output]
path = \"o.h5\"
";

#[test]
fn a_search_is_stopped_in_its_refit() {
    let folder = desk(LONG_REFIT);
    let running = Running::start(folder.path(), 0, "Done   2 out of   2");
    running.signal("-INT");
    let (code, said, took) = running.end();
    assert_eq!(code, 75, "{said}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(said.contains("stopped by SIGINT") && said.contains("o.h5.checkpoint"), "{said}");
    assert_eq!(names(folder.path()), ["job.toml", "o.h5.checkpoint"]);
    let said = finish(folder.path(), 0, &["--on-existing", "resume"]);
    assert!(said.contains("totalling 2 fits, 2 of them done before"), "{said}");
    finish(folder.path(), 0, &["--output", "undisturbed.h5"]);
    let resumed = bits(&folder.path().join("o.h5"));
    assert!(resumed["model"].is_object());
    assert_eq!(resumed, bits(&folder.path().join("undisturbed.h5")));
}

#[test]
fn a_stopped_run_that_replaces_an_output_goes_on_and_replaces_it() {
    let folder = desk(&LONG_REFIT.replace("9000", "600"));
    let [output, aside] = ["o.h5", "aside.h5"].map(|name| folder.path().join(name));
    finish(folder.path(), 0, &[]);
    let others = bits(&output);
    fs::write(folder.path().join("job.toml"), LONG_REFIT).unwrap();
    let running = Running::start_with(folder.path(), 0, "Done   2 out of   2", &["--on-existing", "replace"]);
    running.signal("-INT");
    assert_eq!(running.end().0, 75);
    assert_eq!(names(folder.path()), ["job.toml", "o.h5", "o.h5.checkpoint"]);
    assert_eq!(bits(&output), others);
    // A job that is neither the output's nor the checkpoint's may not have the name, as a dry run says.
    let told = |arguments: &[&str]| {
        let resume = ["run", "job.toml", "--on-existing", "resume"];
        let ended = command(folder.path(), 0, &[&resume[..], arguments].concat()).output().unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let third = ["--set", "search.grid.gamma=[0.3]"];
    let (code, said) = told(&third);
    assert!(code == Some(73) && said.contains("holds the results of another job"), "{said}");
    fs::rename(&output, &aside).unwrap();
    let (code, said) = told(&[&third[..], &["--dry-run"]].concat());
    assert!(code == Some(0) && said.contains("is the checkpoint of another job"), "{said}");
    assert!(!told(&["--dry-run"]).1.contains("checkpoint of another"));
    fs::rename(&aside, &output).unwrap();
    assert!(!told(&["--dry-run"]).1.contains("results of another"));
    let said = finish(folder.path(), 0, &["--on-existing", "resume"]);
    assert!(said.contains("totalling 2 fits, 2 of them done before"), "{said}");
    assert_eq!(names(folder.path()), ["job.toml", "o.h5"]);
    finish(folder.path(), 0, &["--output", "undisturbed.h5"]);
    assert_eq!(bits(&output), bits(&folder.path().join("undisturbed.h5")));
}

/// Fits and starts that take long and have nothing to keep before they are done.
const UNKEPT: [&str; 3] = [
    "[data]\nsource = \"classification\"\nn_samples = 9000\nn_features = 8\nflip_y = 0.3\n\
     [estimator]\nname = \"SVC\"\nC = 5000.0\n",
    "[data]\nsource = \"classification\"\nn_samples = 9000\nn_features = 8\nflip_y = 0.3\n\
     [estimator]\nname = \"RandomForestClassifier\"\nn_estimators = 20000\n",
    "[data]\nsource = \"blobs\"\nn_samples = 2000000\nn_features = 8\ncenters = 50\nresidency = \"stream\"\n\
     [estimator]\nname = \"KMeans\"\nn_clusters = 400\ninit = \"k-means++\"\n",
];

#[test]
fn work_that_keeps_nothing_ends_at_the_first_signal() {
    for (job, (signal, code)) in UNKEPT.into_iter().zip([("-INT", 130), ("-TERM", 143), ("-INT", 130)]) {
        let folder = desk(&format!("{job}[output]\npath = \"o.h5\"\n"));
        let running = Running::start(folder.path(), 0, "nothing of it is kept");
        running.signal(signal);
        let (found, said, took) = running.end();
        assert_eq!(found, code, "{said}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        let name = signal.replace('-', "SIG");
        assert!(
            said.contains(&format!("rankfit: stopped by {name}; what was under way keeps nothing")),
            "{said}"
        );
        assert_eq!(names(folder.path()), ["job.toml"]);
    }
}

/// The same of passes over data that are streamed; each would take minutes.
const UNKEPT_PASSES: [&str; 9] = [
    "blobs\"\n[estimator]\nname = \"PCA\"\nsvd_solver = \"randomized\"\nn_components = 3\n",
    "blobs\"\n[estimator]\nname = \"PCA\"\nsvd_solver = \"tsqr\"\nn_components = 3\n",
    "blobs\"\n[estimator]\nname = \"RobustScaler\"\n",
    "blobs\"\n[[pipeline]]\nname = \"StandardScaler\"\n[estimator]\nname = \"KMeans\"\nn_clusters = 3\n",
    "blobs\"\n[estimator]\nname = \"MiniBatchKMeans\"\nn_clusters = 3\ntol = 1.0\n",
    "regression\"\n[estimator]\nname = \"Ridge\"\n",
    "regression\"\n[estimator]\nname = \"LinearRegression\"\n",
    "regression\"\n[estimator]\nname = \"Lasso\"\n",
    "classification\"\n[estimator]\nname = \"GaussianNB\"\n",
];

#[test]
fn passes_that_keep_nothing_end_at_the_first_signal() {
    for job in UNKEPT_PASSES {
        let data = "[data]\nn_samples = 1000000000\nn_features = 8\nblock_rows = 5000\nresidency = \"stream\"\nsource = \"";
        let folder = desk(&format!("{data}{job}[output]\npath = \"o.h5\"\n"));
        let running = Running::start(folder.path(), 0, "nothing of it is kept");
        running.signal("-TERM");
        let (code, said, took) = running.end();
        assert_eq!(code, 143, "{job}: {said}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(names(folder.path()), ["job.toml"]);
    }
}

#[test]
fn a_write_beyond_the_systems_limit_is_told_and_leaves_nothing() {
    let folder = desk(KMEANS);
    let line = "ulimit -f 1; exec \"$0\" run job.toml --set data.n_samples=1000 --set estimator.max_iter=2";
    let mut command = Command::new("bash");
    let ended = command.args(["-c", line, program()]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(74), "{said}");
    assert!(said.contains("o.h5: writing: File too large"), "{said}");
    assert_eq!(names(folder.path()), ["job.toml"]);
}

#[test]
fn data_that_change_while_they_are_streamed_end_the_run() {
    let job = KMEANS.replace(
        "source = \"blobs\"\nn_samples = 2500000\nn_features = 8\n",
        "source = \"csv\"\npath = \"x.csv\"\n",
    );
    let job = job.replace("centers = 30\ncluster_std = 6.0\n", "");
    for ranks in [0, 2] {
        if ranks > 0 && !has_mpi() {
            continue;
        }
        let folder = desk(&job);
        let row = |i: usize| format!("{}.5,{}.25,{}\n", i * i % 997, i * 7 % 1009, i % 13);
        let rows = folder.path().join("x.csv");
        fs::write(&rows, (0..200_000).map(row).collect::<String>()).unwrap();
        let running = Running::start(folder.path(), ranks, "iteration 1");
        // Another number of the same length.
        let mut file = fs::File::options().write(true).open(&rows).unwrap();
        file.write_all(b"1").unwrap();
        let (code, said, _) = running.end();
        assert_eq!(code, 74, "{said}");
        assert!(said.contains("x.csv: reading: the file has changed since it was opened"), "{said}");
        assert_eq!(names(folder.path()), ["job.toml", "x.csv"]);
    }
}

#[test]
fn a_job_of_ranks_stopped_by_a_signal_goes_on_with_other_ranks() {
    if has_mpi() {
        stop_and_resume("-USR1", 2, 3);
        stop_and_resume("-USR1", 0, 2);
    }
}

/// mpirun kills its ranks a second after it was told to end, at a safe point or not.
#[test]
fn a_launcher_told_to_end_leaves_the_work_too() {
    if !has_mpi() {
        return;
    }
    for (job, sign) in JOBS {
        let folder = desk(job);
        let running = Running::start(folder.path(), 2, sign);
        running.signal("-TERM");
        let (code, said, took) = running.end();
        assert_ne!(code, 0, "{said}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        let checkpoint = folder.path().join("o.h5.checkpoint");
        assert!(checkpoint.is_file(), "{:?}: {said}", names(folder.path()));
        finish(folder.path(), 3, &["--on-existing", "resume"]);
        finish(folder.path(), 0, &["--output", "undisturbed.h5"]);
        assert_eq!(bits(&folder.path().join("o.h5")), bits(&folder.path().join("undisturbed.h5")));
    }
}

#[test]
fn a_killed_rank_ends_the_job_and_leaves_at_most_its_checkpoint() {
    if !has_mpi() {
        return;
    }
    for (job, sign) in JOBS {
        let folder = desk(job);
        let running = Running::start(folder.path(), 2, sign);
        kill("-KILL", &running.last_rank());
        let (code, said, took) = running.end();
        assert_ne!(code, 0);
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(said.contains("signal 9") || said.contains("KILLED"), "{said}");
        // The launcher warns the others before it kills them.
        let left = names(folder.path());
        assert!(left.iter().all(|name| ["job.toml", "o.h5.checkpoint"].contains(&name.as_str())), "{left:?}");
    }
}

#[test]
fn a_killed_job_leaves_no_half_made_file() {
    for (job, sign) in JOBS {
        let folder = desk(job);
        let running = Running::start(folder.path(), 0, sign);
        running.signal("-KILL");
        assert_eq!(running.end().0, 137);
        assert_eq!(names(folder.path()), ["job.toml"]);
    }
}

#[test]
fn a_prediction_that_is_stopped_leaves_no_half_made_file() {
    let folder = desk(KMEANS);
    finish(folder.path(), 0, &["--set", "data.n_samples=1000", "--set", "estimator.max_iter=2"]);
    let n_features =
        bits(&folder.path().join("o.h5"))["model"]["cluster_centers_"][0].as_array().unwrap().len();
    let row = vec!["0.5"; n_features].join(",") + "\n";
    fs::write(folder.path().join("rows.csv"), row.repeat(20_000_000 / n_features)).unwrap();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let arguments = ["predict", "--model", "o.h5", "--data", "rows.csv", "--output", "p.h5"];
        let mut child = command(folder.path(), 0, &arguments).spawn().unwrap();
        // The name is tried out first: the file that stays is the one in the making.
        let partial = || names(folder.path()).into_iter().find(|name| name.starts_with(".p.h5"));
        let mut stays = false;
        while !stays {
            assert!(child.try_wait().unwrap().is_none(), "ended before it was stopped");
            let before = partial();
            std::thread::sleep(Duration::from_millis(50));
            stays = before.is_some() && partial() == before;
        }
        kill(signal, &child.id().to_string());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(names(folder.path()), ["job.toml", "o.h5", "rows.csv"]);
    }
}

#[test]
fn damaged_data_of_this_program_are_refused_before_they_are_read() {
    let folder = desk(KMEANS);
    finish(folder.path(), 0, &["--set", "data.n_samples=1000", "--set", "estimator.max_iter=2"]);
    let scaler = "[data]\nsource = \"hdf5\"\npath = \"o.h5\"\nx = \"model/cluster_centers_\"\n\
                  [estimator]\nname = \"StandardScaler\"\n[output]\npath = \"s.h5\"\n";
    fs::write(folder.path().join("job.toml"), scaler).unwrap();
    finish(folder.path(), 0, &[]);
    let file = folder.path().join("o.h5");
    let mut bytes = fs::read(&file).unwrap();
    bytes[600] ^= 1;
    fs::write(&file, bytes).unwrap();
    let predict: &[&str] = &["predict", "--model", "s.h5", "--data", "o.h5", "--method", "transform"];
    for arguments in [&["run", "job.toml", "--output", "other.h5"], predict] {
        let ended = command(folder.path(), 0, arguments).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(65), "{said}");
        assert!(said.contains("o.h5: expected a results file of rankfit, found a damaged one"), "{said}");
    }
}

#[test]
fn a_folder_closed_to_the_user_is_refused_before_the_work() {
    // Only root can become somebody else; other users need not.
    let is_root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    let folder = desk(KMEANS);
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let open = |path: &Path, mode| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    open(folder.path(), 0o755);
    open(&closed, 0o555);
    let copy = folder.path().join("rankfit");
    fs::copy(program(), &copy).unwrap();
    let mut command = Command::new(&copy);
    command.args(["run", "job.toml", "--output", "closed/o.h5"]).current_dir(folder.path());
    if is_root {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(73), "{said}");
    assert!(said.contains("closed/o.h5: cannot be made: Permission denied"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(names(&closed).is_empty());
}

#[test]
fn what_cannot_be_done_is_refused_before_the_work() {
    // Only the checkpoint's name would be too long.
    let long_name = format!("output.path={}", "o".repeat(235));
    let cases: &[(&str, &[&str], i32, &str)] = &[
        (KMEANS, &["data.n_samples=1000000000000000000"], 78, "data.block_rows: expected blocks so large"),
        (
            KMEANS,
            &["data.n_samples=1000000000000000000", "data.block_rows=100000000000000"],
            78,
            "--set data.block_rows: expected blocks of at most",
        ),
        (
            KMEANS,
            &["data.n_samples=1000000000000000", "data.block_rows=20000000", "data.n_features=1"],
            78,
            "job.toml:2: data: expected rows whose labels take at most",
        ),
        (KMEANS, &["output.path=o/"], 73, "ends with a slash"),
        (KMEANS, &[&long_name], 73, ".checkpoint: cannot be made (File name too long"),
        (
            GRID,
            &["estimator.class_weight={0=1,5=2}"],
            78,
            "--set estimator.class_weight: expected the classes 0, 1",
        ),
        (
            GRID,
            &["search.grid.class_weight=[{0=1,5=2}]"],
            78,
            "search.grid.class_weight: expected the classes 0, 1",
        ),
        (GRID, &["data.weights=[1.0]", "data.flip_y=0"], 65, "expected at least 2 classes, found 1 class"),
        (
            GRID,
            &["Data.x=1"],
            78,
            "--set Data: expected a known key, found an unknown one (did you mean data?)",
        ),
    ];
    for (job, sets, code, piece) in cases {
        let folder = desk(job);
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let output = command(folder.path(), 0, &[&["run", "job.toml"][..], &sets].concat()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{said}");
        assert!(said.contains(piece), "no {piece:?} in {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(output.stdout.is_empty());
        assert_eq!(names(folder.path()), ["job.toml"]);
    }
}

#[test]
fn texts_that_are_no_job_are_refused() {
    let cases: [(&[u8], &str); 4] = [
        (b"seed = 1\nseed = 2\n", "job.toml:2:1: the key seed is there twice"),
        (b"seed = 9223372036854775808\n", "job.toml:1:8: expected whole numbers up to 9223372036854775807"),
        (b"\xef\xbb\xbfseed = -1\r\n", "job.toml:1: seed: expected a non-negative integer, found -1"),
        (&[b'#'; (16 << 20) + 2], "a job file of at most 16777216 bytes"),
    ];
    for (text, piece) in cases {
        let folder = desk("");
        fs::write(folder.path().join("job.toml"), text).unwrap();
        let output = command(folder.path(), 0, &["run", "job.toml"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(piece), "no {piece:?} in {said}");
    }
}
