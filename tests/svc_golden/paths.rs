//! The solver's path is libsvm's: the same number of iterations, also where it is a hundred thousand.

use ndarray::Axis;
use serde_json::Value;

use crate::cases::{assert_scores, read, search, splits, svc};
use crate::golden::{matrix, table, vector};
use crate::run_chains::run_chains;

fn check(set: &Value, wrong: &mut Vec<String>) {
    let (x, y) = (matrix(&set["X"]), vector(&set["y"]));
    let folds: Vec<usize> = vector(&set["folds"]).into_iter().map(|f| f as usize).collect();
    let splits = splits(&folds);
    for candidate in set["grid"].as_array().expect("a grid") {
        for (split, expected) in splits.iter().zip(vector(&candidate["n_iter"])) {
            let targets = split.train.iter().map(|&row| y[row]).collect();
            let train = table(x.select(Axis(0), &split.train), targets);
            let model = svc(&candidate["params"]).fit(&train).expect("a fit");
            if f64::from(model.n_iter()[0]) != expected {
                wrong.push(format!("{}: {} for {expected}", candidate["params"], model.n_iter()[0]));
            }
        }
    }
    let search = search(table(x, y), &set["grid"], 1 << 26);
    assert_scores(&run_chains(&search, &splits), &set["grid"], splits.len());
}

#[test]
fn iterations_are_as_many_as_libsvm_takes() {
    let golden = read("paths");
    let mut wrong = Vec::new();
    for set in golden["sets"].as_array().expect("data sets") {
        check(set, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} fits:\n{}", wrong.len(), wrong.join("\n"));
}
