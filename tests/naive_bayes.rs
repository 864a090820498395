//! GaussianNB against scikit-learn's answers, and against itself on other ranks and residencies.

mod given;

use std::collections::BTreeMap;
use std::sync::Arc;

use given::labelled;
use rankfit::comm::{Communicator, Single, run_threads};
use rankfit::data::{Block, BlockSource, Feed, Residency};
use rankfit::engine::pass::PassEngine;
use rankfit::error::Result;
use rankfit::estimator::Model;
use rankfit::estimator::naive_bayes::{GaussianNbModel, GaussianNbParams};
use rankfit::kernel::Real;
use rankfit::telemetry::Telemetry;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    dtype: String,
    params: GaussianNbParams,
    n_features: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
    attributes: BTreeMap<String, Vec<f64>>,
    predict: Vec<f64>,
    predict_proba: Vec<f64>,
    joint_log_likelihood: Vec<f64>,
}

fn source<T: Real>(case: &Case, block_rows: usize) -> Arc<dyn BlockSource<T>> {
    labelled(&case.x, &case.y, &case.weights, case.n_features, block_rows)
}

fn fit<T: Real>(
    comm: &dyn Communicator,
    case: &Case,
    block_rows: usize,
    residency: Residency,
) -> Result<Model> {
    let telemetry = Telemetry::new();
    let source: Arc<dyn BlockSource<T>> = source(case, block_rows);
    let feed = Feed::new(source, residency, comm.rank(), comm.size());
    Ok(case.params.fit(&mut PassEngine::new(comm, feed, &telemetry))?.export())
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let within = (found - expected).abs() <= tolerance * expected.abs().max(1e-3);
        assert!(within, "{what}: {found} instead of {expected}");
    }
}

fn check<T: Real>(case: &Case, tolerance: f64) {
    let model = fit::<T>(&Single::new(), case, 16, Residency::Memory).unwrap();
    for (name, expected) in &case.attributes {
        assert_close(&model.numbers(name).unwrap(), expected, tolerance, &format!("{}: {name}", case.name));
    }
    let model = GaussianNbModel::import(&model).unwrap();
    assert_eq!(model.export(), fit::<T>(&Single::new(), case, 16, Residency::Memory).unwrap());
    let mut block = Block::<T>::default();
    let rows = source(case, case.predict.len());
    block.reshape(rows.shape(), 0);
    rows.fill(&mut block).unwrap();
    assert_eq!(model.predict(&block).unwrap(), case.predict, "{}", case.name);
    let joint = model.joint_log_likelihood(&block).unwrap();
    assert_close(&joint, &case.joint_log_likelihood, tolerance * 10.0, &case.name);
    let proba = model.predict_proba(&block).unwrap();
    assert_close(&proba, &case.predict_proba, tolerance * 100.0, &case.name);
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<Golden>(include_str!("data/naive_bayes.json")).unwrap().cases
}

#[test]
fn models_are_scikit_learns() {
    for case in cases() {
        // Far from the origin scikit-learn's means are rounded at 1e4, and variances follow.
        let tolerance = if case.name.starts_with("far") { 1e-9 } else { 1e-11 };
        match case.dtype.as_str() {
            // scikit-learn sums in single precision.
            "f32" => check::<f32>(&case, 1e-5),
            _ => check::<f64>(&case, tolerance),
        }
    }
}

/// Rows 1e12 from the origin with a spread of about 1, all multiples of 2⁻¹³, so that their variances are known exactly.
#[test]
fn classes_far_from_the_origin_keep_their_digits_whatever_the_blocks() {
    let part = |i: i64| (i * 7919 + i * i % 911) % 20_011;
    let exact = |class: i64| {
        let rows = (0..2000).filter(|i| i % 2 == class).map(part);
        let (sum, squares) = rows.fold((0, 0), |(s, q), v| (s + v, q + v * v));
        (1000 * squares - sum * sum) as f64 / 1e6 / 8192.0_f64.powi(2)
    };
    let case = Case {
        name: "1e12".into(),
        dtype: "f64".into(),
        params: GaussianNbParams { var_smoothing: 0.0, ..GaussianNbParams::default() },
        n_features: 1,
        x: (0..2000).map(|i| 1e12 + part(i) as f64 / 8192.0).collect(),
        y: (0..2000).map(|i| f64::from(i % 2)).collect(),
        weights: Vec::new(),
        attributes: BTreeMap::new(),
        predict: Vec::new(),
        predict_proba: Vec::new(),
        joint_log_likelihood: Vec::new(),
    };
    for block_rows in [1, 7, 100, 2000] {
        let model = fit::<f64>(&Single::new(), &case, block_rows, Residency::Memory).unwrap();
        let var = model.numbers("var_").unwrap();
        assert_close(&var, &[exact(0), exact(1)], 1e-13, &format!("blocks of {block_rows}"));
    }
}

#[test]
fn ranks_and_residency_do_not_change_a_bit() {
    for case in cases() {
        for block_rows in [1, 7, 100] {
            let alone = fit::<f64>(&Single::new(), &case, block_rows, Residency::Memory).unwrap();
            for ranks in 1..=4 {
                for residency in [Residency::Memory, Residency::Stream] {
                    let models =
                        run_threads(ranks, |comm| fit::<f64>(comm, &case, block_rows, residency).unwrap());
                    models.into_iter().for_each(|model| assert_eq!(model, alone, "{}", case.name));
                }
            }
        }
    }
}

#[test]
fn weights_that_are_none_are_refused_where_they_stand() {
    let mut case = cases().into_iter().find(|case| case.name == "weights").unwrap();
    case.weights[17] = -1.0;
    for ranks in [1, 3] {
        let errors =
            run_threads(ranks, |comm| fit::<f64>(comm, &case, 5, Residency::Stream).unwrap_err().to_string());
        let expected = "given, row 17, column sample_weight: expected a weight of 0 or more, found -1";
        errors.iter().for_each(|error| assert!(error.contains(expected), "{error}"));
    }
    case.weights.fill(0.0);
    let error = fit::<f64>(&Single::new(), &case, 5, Residency::Stream).unwrap_err();
    assert!(error.to_string().contains("a positive sum of weights"), "{error}");
}
