//! The same bits from the program itself: 1 to 4 ranks under `mpirun`, blocks in memory or streamed.

mod launcher;

use std::collections::BTreeMap;
use std::path::Path;

use rankfit::estimator::{Array, Values};
use rankfit::results::ResultsFile;

const RANKS: [usize; 4] = [1, 2, 3, 4];

/// Everything that must not depend on the rank count, by its path in the file, as bits.
type Bits = BTreeMap<String, (Vec<usize>, Vec<u8>)>;

fn bytes(array: &Array) -> (Vec<usize>, Vec<u8>) {
    let bytes = match &array.values {
        Values::F64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Values::F32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Values::I64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Values::I32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Values::Bool(v) => v.iter().map(|&v| u8::from(v)).collect(),
        Values::Text(v) => v.join("\u{1}").into_bytes(),
    };
    (array.shape.clone(), bytes)
}

/// Times are the ranks' own.
fn is_time(path: &str) -> bool {
    path == "history/seconds" || path.ends_with("_time") || path == "cv_results@refit_time_"
}

fn bits(path: &Path) -> Bits {
    let file = ResultsFile::open(path).unwrap();
    let mut bits = Bits::new();
    for name in ["model", "history", "cv_results"] {
        let Some(group) = file.group(name, usize::MAX).unwrap() else { continue };
        for (attribute, array) in &group.attributes {
            bits.insert(format!("{name}@{attribute}"), bytes(array));
        }
        for item in &group.items {
            let array = item.array.as_ref().expect("every array is asked for");
            bits.insert(format!("{name}/{}", item.name), bytes(array));
        }
    }
    bits.retain(|path, _| !is_time(path));
    bits
}

/// Runs `job` on `ranks` ranks and returns the bits of its results.
fn run(job: &str, ranks: usize) -> Bits {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("job.toml"), job).unwrap();
    let alone = "rankfit run job.toml --output out.h5";
    let line = if ranks == 1 { alone.into() } else { format!("mpi_run {ranks} {alone}") };
    let output = launcher::shell(&line, folder.path());
    assert!(output.status.success(), "{ranks} ranks: {}", launcher::words(&output));
    let path = folder.path().join("out.h5");
    let timing = ResultsFile::open(&path).unwrap().group("timing", usize::MAX).unwrap().unwrap();
    let moved = timing.array("communicate_bytes").unwrap().to_f64().unwrap();
    assert!(moved.len() == ranks && moved.iter().all(|&bytes| (bytes > 0.0) == (ranks > 1)), "{moved:?}");
    bits(&path)
}

/// Runs every job on every number of ranks; all must agree with the first job on one rank.
fn all_agree(jobs: &[String], must_hold: &[&str]) {
    let ranks = if launcher::has_mpi() { &RANKS[..] } else { &RANKS[..1] };
    let first = run(&jobs[0], 1);
    for path in must_hold {
        assert!(first.contains_key(*path), "no {path} among {:?}", first.keys());
    }
    for (number, job) in jobs.iter().enumerate() {
        for &ranks in ranks {
            let other = run(job, ranks);
            assert!(first.keys().eq(other.keys()), "job {number}, {ranks} ranks: {:?}", other.keys());
            for (path, value) in &first {
                assert_eq!(&other[path], value, "job {number}, {ranks} ranks: {path}");
            }
        }
    }
}

fn kmeans(block_rows: usize, residency: &str, dtype: &str) -> String {
    format!(
        r#"
        seed = 3
        [data]
        source = "blobs"
        n_samples = 6001
        n_features = 5
        block_rows = {block_rows}
        centers = 4
        cluster_std = 2.0
        dtype = "{dtype}"
        residency = "{residency}"
        [estimator]
        name = "KMeans"
        n_clusters = 5
        init = "k-means||"
        [output]
        path = "unused.h5"
        labels = true
        "#
    )
}

const KMEANS_HOLDS: [&str; 5] =
    ["model@estimator", "model/cluster_centers_", "model/inertia_", "model/labels_", "history/inertia"];

#[test]
fn kmeans_in_memory_and_streamed() {
    let jobs = ["memory", "stream", "auto"].map(|residency| kmeans(700, residency, "f64"));
    all_agree(&jobs, &KMEANS_HOLDS);
}

#[test]
fn kmeans_in_single_precision() {
    all_agree(&["memory", "stream"].map(|residency| kmeans(700, residency, "f32")), &KMEANS_HOLDS);
}

#[test]
fn kmeans_on_more_ranks_than_blocks() {
    all_agree(&[kmeans(3001, "stream", "f64")], &KMEANS_HOLDS);
}

#[test]
fn kmeans_on_blocks_in_parts() {
    // 40 features: two parts a block, and a last block of one row.
    let wide = |residency| kmeans(4000, residency, "f64").replace("n_features = 5", "n_features = 40");
    all_agree(&["memory", "stream"].map(wide).map(|job| job.replace("6001", "8001")), &KMEANS_HOLDS);
}

fn search(grid: &str, cv: usize) -> String {
    format!(
        r#"
        seed = 3
        [data]
        source = "classification"
        n_samples = 240
        n_features = 6
        [estimator]
        name = "SVC"
        [search]
        kind = "grid"
        cv = {cv}
        [search.grid]
        {grid}
        "#
    )
}

const SEARCH_HOLDS: [&str; 5] = [
    "model/support_vectors_",
    "cv_results/mean_test_score",
    "cv_results/params",
    "cv_results@best_score_",
    "cv_results@best_params_",
];

#[test]
fn a_grid_search() {
    let grid = "kernel = [\"rbf\", \"linear\"]\nC = [0.1, 1.0, 10.0]\ngamma = [\"scale\", 0.5]";
    all_agree(&[search(grid, 3)], &SEARCH_HOLDS);
}

#[test]
fn a_grid_search_on_more_ranks_than_fits() {
    all_agree(&[search("C = [1.0]", 3)], &SEARCH_HOLDS);
}

#[test]
fn a_search_of_a_pipeline() {
    let steps = "[[pipeline]]\nname = \"StandardScaler\"\n[[pipeline]]\nname = \"PCA\"\n[estimator]";
    let grid = "pca__n_components = [2, 4]\nsvc__C = [0.1, 1.0]";
    let ridge = search("pca__n_components = [2, 4]\nridge__alpha = [0.1, 1.0, 10.0]", 3)
        .replace("\"SVC\"", "\"Ridge\"")
        .replace("\"classification\"", "\"regression\"")
        .replace("[estimator]", steps);
    all_agree(&[search(grid, 3).replace("[estimator]", steps)], &SEARCH_HOLDS);
    all_agree(&[ridge], &["model/coef_", SEARCH_HOLDS[1], SEARCH_HOLDS[4]]);
}

/// Two short chains and two long ones, of forests, which more ranks than chains do in parts.
fn forests(n_trees: usize) -> String {
    format!(
        r#"
        seed = 3
        [data]
        source = "classification"
        n_samples = 1500
        n_features = 8
        [estimator]
        name = "RandomForestClassifier"
        [search]
        cv = 2
        return_train_score = true
        [[search.grid]]
        n_estimators = [10]
        max_features = [1]
        [[search.grid]]
        n_estimators = [{n_trees}, {}]
        max_features = [4]
        "#,
        n_trees / 2
    )
}

/// Chains and parts of chains that were done one by one, and the chains that they belong to.
fn chains(path: &Path) -> (usize, usize) {
    let timing = ResultsFile::open(path).unwrap().group("timing", usize::MAX).unwrap().unwrap();
    let mut chains = timing.array("chain").unwrap().to_f64().unwrap();
    let n_done = chains.len();
    chains.dedup();
    (n_done, chains.len())
}

#[test]
fn a_search_whose_chains_are_cut() {
    if !launcher::has_mpi() {
        return;
    }
    let job = forests(60);
    let expected = run(&job, 1);
    assert!(expected.contains_key("cv_results/split1_train_score"));
    for ranks in [2, 5, 7] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("job.toml"), &job).unwrap();
        let line = format!("mpi_run {ranks} rankfit run job.toml --output out.h5");
        let output = launcher::shell(&line, folder.path());
        assert!(output.status.success(), "{ranks} ranks: {}", launcher::words(&output));
        let path = folder.path().join("out.h5");
        assert!(bits(&path) == expected, "{ranks} ranks");
        let (n_done, n_chains) = chains(&path);
        assert!(ranks < 5 || n_done > n_chains, "{ranks} ranks: {n_done} pieces of {n_chains} chains");
    }
}

#[test]
fn a_search_whose_chains_are_cut_stops_and_goes_on_with_other_ranks() {
    if !launcher::has_mpi() {
        return;
    }
    let job = forests(800);
    let expected = run(&job, 2);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("job.toml"), &job).unwrap();
    // The short chains are done long before the others, which are in parts then.
    let stopped = "export OMPI_MCA_mpi_yield_when_idle=1; \
                   \"$(mpi_launcher)\" -n 5 rankfit run job.toml --output out.h5 -v 2> log & job=$!; \
                   until grep -q Done log || ! kill -0 $job; do sleep 0.02; done; kill -USR1 $job; wait $job";
    let output = launcher::shell(stopped, folder.path());
    assert_eq!(output.status.code(), Some(75), "{}", launcher::words(&output));
    assert!(!folder.path().join("out.h5").exists());
    let rest = "mpi_run 7 rankfit run job.toml --output out.h5 --on-existing resume";
    let output = launcher::shell(rest, folder.path());
    assert!(output.status.success(), "{}", launcher::words(&output));
    let path = folder.path().join("out.h5");
    assert!(bits(&path) == expected);
    // The first chains were not done again.
    let (n_done, n_chains) = chains(&path);
    assert!(n_chains < 4 && n_done > n_chains, "{n_done} pieces of {n_chains} chains");
}
