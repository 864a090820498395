//! Seconds of grid searches over SVC on the tutorial's data, 10,000 rows on 5 folds, on one core.
//!
//!     cargo bench --bench svc [-- tutorial kernels]
//!
//! `tutorial`: 6 C, 30 fits. `kernels`: 6 C × 3 kernels × shrinking, 180 fits.

use std::sync::Arc;
use std::time::Instant;

use ndarray::Array2;
use rankfit::data::Table;
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::svm::{Gamma, Svc, SvcParams, SvcSearch};
use rankfit::metrics::Scorer;
use rankfit::model_selection::{FitOutcome, Searchable, Split};

const C: [f64; 6] = [0.001, 0.1, 1.0, 2.5, 5.0, 10.0];

/// Five stratified folds without shuffling: of each class the first fifth is the first fold's test part, and so on.
fn folds(y: &[f64]) -> Vec<Split> {
    let mut fold = vec![0; y.len()];
    for class in [0.0, 1.0] {
        let rows: Vec<usize> = (0..y.len()).filter(|&r| y[r] == class).collect();
        for (i, &row) in rows.iter().enumerate() {
            fold[row] = i * 5 / rows.len();
        }
    }
    let rows = |keep: &dyn Fn(usize) -> bool| (0..y.len()).filter(|&r| keep(fold[r])).collect();
    (0..5).map(|i| Split { train: rows(&|f| f != i), test: rows(&|f| f == i) }).collect()
}

fn data() -> Table {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/classification.h5");
    let file = hdf5::File::open(path).expect("the tutorial's data");
    let x: Array2<f64> = file.dataset("X").and_then(|d| d.read_2d()).expect("X");
    let y: Vec<i64> = file.dataset("y").and_then(|d| d.read_raw()).expect("y");
    let y: Vec<f64> = y.into_iter().map(|v| v as f64).collect();
    Table { x, y, weights: Vec::new(), class_names: None, origin: "classification.h5".into() }
}

fn svc(c: f64, kernel: &str, shrinking: bool) -> Svc {
    let gamma = Gamma::Rule("auto".into());
    SvcParams { c, gamma, kernel: kernel.into(), shrinking, ..SvcParams::default() }
        .validate()
        .expect("parameters")
}

/// The candidates with the names of their groups, of which each is timed apart.
fn grid(case: &str) -> Vec<(String, Svc)> {
    let kernels: &[&str] = if case == "kernels" { &["rbf", "poly", "linear"] } else { &["rbf"] };
    let shrinkings: &[bool] = if case == "kernels" { &[true, false] } else { &[true] };
    let mut grid = Vec::new();
    for c in C {
        for kernel in kernels {
            for &shrinking in shrinkings {
                let aside = if shrinking { "" } else { ", no shrinking" };
                grid.push((format!("{kernel} C = {c}{aside}"), svc(c, kernel, shrinking)));
            }
        }
    }
    grid
}

fn run(case: &str) {
    let table = data();
    let splits = folds(&table.y);
    let (names, candidates): (Vec<String>, Vec<Svc>) = grid(case).into_iter().unzip();
    let started = Instant::now();
    let scores = RowScores::new(vec![Scorer::Accuracy], None);
    let search = SvcSearch::new(Arc::new(table), candidates, scores, false, 1 << 30);
    let (mut fit, mut score, mut mean) = (vec![0.0; names.len()], 0.0, vec![0.0; names.len()]);
    for chain in search.chains(&splits) {
        let mut emit = |outcome: FitOutcome| {
            fit[outcome.id.candidate] += outcome.fit_seconds;
            mean[outcome.id.candidate] += outcome.test_scores[0] / splits.len() as f64;
            score += outcome.score_seconds;
            Ok(())
        };
        search.run(&chain, &splits, &mut emit).expect("a chain");
    }
    println!("{case}: {} fits {:.3} s", names.len() * splits.len(), started.elapsed().as_secs_f64());
    for ((name, seconds), mean) in names.iter().zip(fit).zip(mean) {
        println!("  {seconds:.3} s  {mean:.6}  {name}");
    }
    println!("  {score:.3} s  scoring");
}

fn main() {
    let cases: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    match cases.is_empty() {
        true => run("tutorial"),
        false => cases.iter().for_each(|case| run(case)),
    }
}
