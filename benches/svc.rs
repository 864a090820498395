//! Seconds of the tutorial's grid search, 6 C on 5 folds, on one core.

use std::sync::Arc;
use std::time::Instant;

use ndarray::Array2;
use rankfit::data::Table;
use rankfit::estimator::svm::{Gamma, Scorer, SvcParams, SvcSearch, accuracy};
use rankfit::model_selection::{Searchable, Split};

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

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/classification.h5");
    let file = hdf5::File::open(path).expect("the tutorial's data");
    let x: Array2<f64> = file.dataset("X").and_then(|d| d.read_2d()).expect("X");
    let y: Vec<i64> = file.dataset("y").and_then(|d| d.read_raw()).expect("y");
    let y: Vec<f64> = y.into_iter().map(|v| v as f64).collect();
    let splits = folds(&y);
    let table = Table { x, y, weights: Vec::new(), class_names: None, origin: "classification.h5".into() };
    let gamma = Gamma::Rule("auto".into());
    let candidates = [0.001, 0.1, 1.0, 2.5, 5.0, 10.0].map(|c| {
        SvcParams { c, gamma: gamma.clone(), ..SvcParams::default() }.validate().expect("parameters")
    });
    let started = Instant::now();
    let search = SvcSearch::new(
        Arc::new(table),
        candidates.to_vec(),
        vec![Scorer::Prediction(Box::new(accuracy))],
        false,
        1 << 30,
    );
    let (mut fit, mut score) = ([0.0; 6], 0.0);
    for chain in search.chains(&splits) {
        let mut emit = |outcome: rankfit::model_selection::FitOutcome| {
            fit[outcome.id.candidate] += outcome.fit_seconds;
            score += outcome.score_seconds;
            Ok(())
        };
        search.run(&chain, &splits, &mut emit).expect("a chain");
    }
    println!("30 fits {:.3} s; fits by C {fit:.3?}; scoring {score:.3} s", started.elapsed().as_secs_f64());
}
