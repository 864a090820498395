//! Scalers and imputers by order against scikit-learn's answers, and order statistics against sorting.

mod given;

use std::collections::BTreeMap;
use std::sync::Arc;

use given::given;
use rankfit::comm::{Communicator, Single, run_threads};
use rankfit::data::{Block, BlockSource, Feed, Mapped, Residency, WithMissing};
use rankfit::engine::pass::PassEngine;
use rankfit::error::{ExitCode, Result};
use rankfit::estimator::impute::SimpleImputerParams;
use rankfit::estimator::preprocessing::{QuantileTransformerParams, RobustScalerParams};
use rankfit::estimator::{Model, Transformer};
use rankfit::kernel::Real;
use rankfit::telemetry::Telemetry;
use serde::Deserialize;
use serde_json::{Value, json};

fn fit<T: Real>(
    comm: &dyn Communicator,
    source: &Arc<dyn BlockSource<T>>,
    residency: Residency,
    name: &str,
    params: &Value,
) -> Result<Model> {
    let telemetry = Telemetry::new();
    let source = if name == "SimpleImputer" && params["missing_values"].is_null() {
        Arc::new(WithMissing::new(source.clone())) as Arc<dyn BlockSource<T>>
    } else {
        source.clone()
    };
    let feed = Feed::new(source, residency, comm.rank(), comm.size());
    let engine = &mut PassEngine::new(comm, feed, &telemetry);
    fn read<P: serde::de::DeserializeOwned>(params: &Value) -> P {
        serde_json::from_value(params.clone()).unwrap()
    }
    Ok(match name {
        "RobustScaler" => read::<RobustScalerParams>(params).fit(engine)?.export(),
        "QuantileTransformer" => read::<QuantileTransformerParams>(params).fit(engine)?.export(),
        "SimpleImputer" => read::<SimpleImputerParams>(params).fit(engine)?.export(),
        other => panic!("{other}"),
    })
}

fn transform<T: Real>(source: Arc<dyn BlockSource<T>>, model: &Model) -> Result<Vec<f64>> {
    let map = Transformer::<T>::import(model.clone())?.map;
    let mapped = Mapped::new(source, map)?;
    let mut rows = Vec::new();
    for index in 0..mapped.shape().n_blocks() {
        let mut block = Block::default();
        block.reshape(mapped.shape(), index);
        mapped.fill(&mut block)?;
        rows.extend(block.x.iter().map(|v| v.to_f64()));
    }
    Ok(rows)
}

#[derive(Deserialize)]
struct Case {
    name: String,
    estimator: String,
    params: Value,
    n_features: usize,
    x: Vec<Option<f64>>,
    attributes: BTreeMap<String, Vec<Option<f64>>>,
    new: Vec<Option<f64>>,
    transformed: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<Golden>(include_str!("data/order_scalers.json")).unwrap().cases
}

fn numbers(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().map(|value| value.unwrap_or(f64::NAN)).collect()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let within = (found - expected).abs() <= tolerance * expected.abs().max(1e-3);
        assert!(within || (found.is_nan() && expected.is_nan()), "{what}: {i}: {found} is not {expected}");
    }
}

#[test]
fn everything_is_as_scikit_learn_has_it() {
    let cases = cases();
    assert!(cases.len() >= 64);
    for case in &cases {
        for block_rows in [1, 9, 1000] {
            let what = format!("{} {} in blocks of {block_rows}", case.estimator, case.name);
            let source = given::<f64>(&numbers(&case.x), &[], case.n_features, block_rows);
            let model =
                fit(&Single::new(), &source, Residency::Memory, &case.estimator, &case.params).unwrap();
            for (name, expected) in &case.attributes {
                let found = model.numbers(name).unwrap();
                assert_close(&found, &numbers(expected), 1e-14, &format!("{what}: {name}"));
            }
            let new = given::<f64>(&numbers(&case.new), &[], case.n_features, 4);
            // Normal outputs amplify the rounding of places near the ends.
            let tolerance = if case.name.contains("normal") { 1e-9 } else { 1e-12 };
            let found = transform(new, &model).unwrap();
            assert_close(&found, &numbers(&case.transformed), tolerance, &what);
        }
    }
}

#[test]
fn ranks_and_residency_do_not_change_a_bit() {
    for case in cases() {
        let source = given::<f64>(&numbers(&case.x), &[], case.n_features, 5);
        let fit = |comm: &dyn Communicator, residency| {
            fit(comm, &source, residency, &case.estimator, &case.params).unwrap()
        };
        // NaN is not equal to itself, its text is.
        let alone = format!("{:?}", fit(&Single::new(), Residency::Memory));
        for ranks in 1..=4 {
            for residency in [Residency::Memory, Residency::Stream] {
                let models = run_threads(ranks, |comm| format!("{:?}", fit(comm, residency)));
                models.iter().for_each(|model| assert_eq!(*model, alone, "{} {}", case.estimator, case.name));
            }
        }
    }
}

/// Values of very different size and sign, many of them equal.
fn mixed(n: usize) -> Vec<f64> {
    let value = |i: usize| {
        let hash = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
        let unit = hash as f64 / (1u64 << 53) as f64;
        match i % 5 {
            0 => (unit - 0.5) * 1e-200,
            1 => (unit * 40.0).floor() - 20.0,
            2 => (unit - 0.5) * 1e12,
            _ => (unit - 0.5).powi(3),
        }
    };
    (0..n).map(value).collect()
}

#[test]
fn quantiles_of_many_rows_are_those_of_sorted_rows() {
    // More values than are gathered at once, so that intervals must be narrowed.
    let n = 200_000;
    let x = mixed(n);
    let mut sorted = x.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let quantile = |q: f64| {
        let place = (n - 1) as f64 * q;
        let (rank, t) = (place as usize, place.fract());
        let (a, b) = (sorted[rank], sorted[(rank + 1).min(n - 1)]);
        if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t }
    };
    let source = given::<f64>(&x, &[], 1, 10_000);
    let single = given::<f32>(&x, &[], 1, 10_000);
    for [low, high] in [[25.0, 75.0], [0.0, 100.0], [1.0, 2.0], [49.0, 51.3]] {
        let params = json!({ "quantile_range": [low, high] });
        let model = fit(&Single::new(), &source, Residency::Memory, "RobustScaler", &params).unwrap();
        let range = quantile(high / 100.0) - quantile(low / 100.0);
        // Below ten roundings of 1 a feature counts as constant, as in scikit-learn.
        let range = if range < 10.0 * f64::EPSILON { 1.0 } else { range };
        assert_eq!(model.numbers("scale_").unwrap(), [range]);
        assert_eq!(model.numbers("center_").unwrap(), [(sorted[n / 2 - 1] + sorted[n / 2]) / 2.0]);
        let model = fit(&Single::new(), &single, Residency::Memory, "RobustScaler", &params).unwrap();
        assert_close(&model.numbers("scale_").unwrap(), &[range], 1e-6, "single precision");
    }
    let params = json!({ "n_quantiles": 500, "subsample": n });
    let model = fit(&Single::new(), &source, Residency::Memory, "QuantileTransformer", &params).unwrap();
    let references = model.numbers("references_").unwrap();
    let expected: Vec<f64> = references.iter().map(|q| quantile(q * 100.0 / 100.0)).collect();
    assert_eq!(model.numbers("quantiles_").unwrap(), expected);
}

/// `RobustScaler(quantile_range=(50, 50))` of scikit-learn 1.9.1 has `scale_` 1; it refuses 0 <= low <= high <= 100 only
/// where that does not hold.
#[test]
fn one_quantile_twice_divides_by_nothing() {
    let source = given::<f64>(&[1.0, 2.0, 5.0, 7.0], &[], 1, 3);
    let params = json!({ "quantile_range": [50.0, 50.0] });
    let model = fit(&Single::new(), &source, Residency::Memory, "RobustScaler", &params).unwrap();
    assert_eq!(model.numbers("scale_").unwrap(), [1.0]);
}

/// Where nothing is divided by the range, nobody asks whether a double holds it.
#[test]
fn a_median_needs_no_range() {
    let source = given::<f64>(&[-1.7e308, -1e307, 1.7e308], &[], 1, 2);
    let params = json!({ "with_scaling": false, "quantile_range": [0.0, 100.0] });
    let model = fit(&Single::new(), &source, Residency::Memory, "RobustScaler", &params).unwrap();
    assert_eq!(model.numbers("center_").unwrap(), [-1e307]);
}

/// Twice the numbers have twice the quantiles and the same places, even if their distances leave the range of a double
/// (scikit-learn 1.9.1 has NaN among the quantiles then; of the halves it has these numbers).
#[test]
fn quantiles_reach_over_the_whole_range_of_a_double() {
    let half = [8.5e307, -8.5e307, 8.5e307, -8.5e307, 5e307];
    let new = [0.0, 1e307, -3e307, 8.5e307, -8.5e307];
    let params = json!({ "n_quantiles": 4 });
    for factor in [1.0, 2.0] {
        let of = |x: &[f64]| given::<f64>(&x.iter().map(|v| factor * v).collect::<Vec<_>>(), &[], 1, 2);
        let source = of(&half);
        let model = fit(&Single::new(), &source, Residency::Memory, "QuantileTransformer", &params).unwrap();
        let quantiles: Vec<f64> =
            [-8.5e307, -4e307, 7.333_333_333_333_333e307, 8.5e307].iter().map(|v| factor * v).collect();
        assert_close(&model.numbers("quantiles_").unwrap(), &quantiles, 1e-15, "quantiles");
        let places = [0.450_980_392_156_862_75, 0.480_392_156_862_745_1, 0.362_745_098_039_215_7, 1.0, 0.0];
        assert_close(&transform(of(&new), &model).unwrap(), &places, 1e-14, "places");
    }
}

#[test]
fn a_sample_of_the_rows_comes_near_their_quantiles() {
    let n = 60_000;
    let x: Vec<f64> = (0..n).map(|i| ((i * 7919) % n) as f64 / n as f64).collect();
    let source = given::<f64>(&x, &[], 1, 1000);
    let params = json!({ "n_quantiles": 101, "random_state": 4 });
    let model = fit(&Single::new(), &source, Residency::Stream, "QuantileTransformer", &params).unwrap();
    for (found, q) in model.numbers("quantiles_").unwrap().iter().zip(model.numbers("references_").unwrap()) {
        // Five standard errors of 10,000 rows drawn from these.
        let bound = 5.0 * (q * (1.0 - q) / 10_000.0).sqrt() + 1e-3;
        assert!((found - q).abs() <= bound, "{found} {q}");
    }
    for ranks in [2, 3] {
        let models = run_threads(ranks, |comm| {
            fit(comm, &source, Residency::Memory, "QuantileTransformer", &params).unwrap()
        });
        models.iter().for_each(|found| assert_eq!(*found, model));
    }
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let refused = |x: &[f64], name: &str, params: Value, code: ExitCode, message: &str| {
        let source = given::<f64>(x, &[], 2, 3);
        let error = fit(&Single::new(), &source, Residency::Memory, name, &params).unwrap_err();
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    };
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    for range in [[75.0, 25.0], [-1.0, 50.0], [50.0, 101.0]] {
        let params = json!({ "quantile_range": range });
        refused(&x, "RobustScaler", params, ExitCode::Config, "quantile_range: expected two numbers");
    }
    for range in [[0.0, 75.0], [50.0, 50.0]] {
        let params = json!({ "quantile_range": range, "unit_variance": true });
        refused(&x, "RobustScaler", params, ExitCode::Config, "above 0 and below 100 for unit_variance");
    }
    refused(&x, "QuantileTransformer", json!({ "n_quantiles": 0 }), ExitCode::Config, "n_quantiles");
    let params = json!({ "n_quantiles": 20, "subsample": 10 });
    refused(
        &x,
        "QuantileTransformer",
        params,
        ExitCode::Config,
        "subsample: expected at least n_quantiles = 20",
    );
    let params = json!({ "strategy": "mean", "fill_value": 1.0 });
    refused(&x, "SimpleImputer", params, ExitCode::Config, "fill_value: expected nothing unless");
    let marked = json!({ "missing_values": -1 });
    refused(&[1.0, 2.0, f64::NAN, 3.0], "SimpleImputer", marked.clone(), ExitCode::Data, "row 1, column 0");
    refused(&[-1.0; 4], "SimpleImputer", marked, ExitCode::Data, "a feature that has a value");
    refused(&[f64::NAN; 4], "SimpleImputer", json!({}), ExitCode::Data, "a feature that has a value");
    refused(&[1.0, f64::INFINITY], "SimpleImputer", json!({}), ExitCode::Data, "row 0, column 1");
    refused(&[1.0, 2.0, f64::NAN, 3.0], "RobustScaler", json!({}), ExitCode::Data, "row 1, column 0");
    refused(
        &[-1e308, 0.0, 1e308, 0.0],
        "RobustScaler",
        json!({ "quantile_range": [0.0, 100.0] }),
        ExitCode::Data,
        "column 0",
    );
    let distinct: Vec<f64> = (0..140_000).map(f64::from).collect();
    let params = json!({ "strategy": "most_frequent" });
    refused(&distinct, "SimpleImputer", params, ExitCode::Data, "at most 65536 distinct values");
}
