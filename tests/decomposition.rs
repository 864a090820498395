//! Scalers and decompositions against scikit-learn's answers, and against themselves on other ranks, residencies and
//! after a way through named arrays.

mod given;

use std::sync::Arc;

use given::given;
use rankfit::comm::{Communicator, Single, run_threads};
use rankfit::data::{Block, BlockSource, Feed, Mapped, Residency};
use rankfit::engine::pass::PassEngine;
use rankfit::error::{Error, ExitCode, Result};
use rankfit::estimator::decomposition::{NComponents, PcaParams, TruncatedSvdParams};
use rankfit::estimator::preprocessing::{MinMaxScalerParams, StandardScalerParams};
use rankfit::estimator::{Model, Transformer};
use rankfit::kernel::Real;
use rankfit::telemetry::Telemetry;
use serde::Deserialize;
use serde_json::Value;

/// Fits the transformer of this name.
fn fit<T: Real>(
    comm: &dyn Communicator,
    source: &Arc<dyn BlockSource<T>>,
    residency: Residency,
    name: &str,
    params: &Value,
) -> Result<Model> {
    let telemetry = Telemetry::new();
    let feed = Feed::new(source.clone(), residency, comm.rank(), comm.size());
    let engine = &mut PassEngine::new(comm, feed, &telemetry);
    fn read<P: serde::de::DeserializeOwned>(params: &Value) -> P {
        serde_json::from_value(params.clone()).unwrap()
    }
    Ok(match name {
        "StandardScaler" => read::<StandardScalerParams>(params).fit(engine)?.export(),
        "MinMaxScaler" => read::<MinMaxScalerParams>(params).fit(engine)?.export(),
        "PCA" => read::<PcaParams>(params).fit(engine)?.export(),
        "TruncatedSVD" => read::<TruncatedSvdParams>(params).fit(engine)?.export(),
        other => panic!("{other}"),
    })
}

/// All rows of a source after a transformer.
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
    x: Vec<f64>,
    weights: Vec<f64>,
    attributes: std::collections::BTreeMap<String, Vec<f64>>,
    new: Vec<f64>,
    transformed: Vec<f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("data/decomposition.json")).unwrap()
}

/// Checks equality up to `tolerance` of the largest number expected, and of 1.
fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance * scale, "{what}: {got} is not {expected}");
    }
}

#[test]
fn every_transformer_finds_what_scikit_learn_finds() {
    let cases = cases();
    assert!(cases.len() >= 31);
    for case in &cases {
        let d = case.n_features;
        for block_rows in [1, 7, 1000] {
            let what = format!("{} {} in blocks of {block_rows}", case.estimator, case.name);
            let source = given::<f64>(&case.x, &case.weights, d, block_rows);
            let model =
                fit(&Single::new(), &source, Residency::Memory, &case.estimator, &case.params).unwrap();
            for (name, expected) in &case.attributes {
                let got = model.numbers(name).unwrap();
                assert_close(&got, expected, 1e-11, &format!("{what}: {name}"));
            }
            let absent = ["mean_", "var_", "scale_"].iter().filter(|name| model.attribute(name).is_err());
            if case.estimator == "StandardScaler" {
                assert_eq!(absent.count(), 3 - (case.attributes.len() - 1), "{what}");
            }
            let new = given::<f64>(&case.new, &[], d, 3);
            assert_close(&transform(new, &model).unwrap(), &case.transformed, 1e-10, &what);
        }
    }
}

/// The solvers of a decomposition with the parameters that choose them.
fn solvers(case: &Case) -> Vec<(&'static str, Value)> {
    let (key, known) = match case.estimator.as_str() {
        "PCA" => ("svd_solver", ["covariance_eigh", "full", "tsqr", "randomized"]),
        "TruncatedSVD" => ("algorithm", ["covariance_eigh", "full", "tsqr", "randomized"]),
        _ => return Vec::new(),
    };
    let with = |solver: &'static str| {
        let mut params = case.params.clone();
        params[key] = solver.into();
        (solver, params)
    };
    let n_components = &case.params["n_components"];
    let by_data = n_components.is_f64() || n_components.is_string();
    let can = |solver: &&str| *solver != "randomized" || !by_data;
    known.into_iter().filter(can).map(with).collect()
}

#[test]
fn every_solver_finds_what_scikit_learn_finds() {
    let mut n_runs = 0;
    for case in cases().iter().filter(|case| case.params.get("svd_solver").is_none()) {
        let d = case.n_features;
        for (solver, params) in solvers(case) {
            let what = format!("{} {} by {solver}", case.estimator, case.name);
            let source = given::<f64>(&case.x, &[], d, 7);
            let model = fit(&Single::new(), &source, Residency::Stream, &case.estimator, &params).unwrap();
            // scikit-learn's noise has other directions in it for this solver and fewer rows than features.
            let other_noise = solver == "covariance_eigh" && case.x.len() / d < d;
            let kept = |name: &str| !(name == "noise_variance_" && other_noise);
            for (name, expected) in case.attributes.iter().filter(|(name, _)| kept(name)) {
                let got = model.numbers(name).unwrap();
                assert_close(&got, expected, 1e-10, &format!("{what}: {name}"));
            }
            let new = given::<f64>(&case.new, &[], d, 3);
            assert_close(&transform(new, &model).unwrap(), &case.transformed, 1e-9, &what);
            n_runs += 1;
        }
    }
    assert!(n_runs >= 50, "{n_runs}");
}

/// Rows of mean 0 with the singular values 1, 0.1, 0.01 …: cosines on both sides.
fn falling(n: usize, d: usize) -> Vec<f64> {
    use std::f64::consts::PI;
    let cosine = |i: usize, k: usize, n: usize| {
        let norm = if k == 0 { (1.0 / n as f64).sqrt() } else { (2.0 / n as f64).sqrt() };
        norm * (PI * (i as f64 + 0.5) * k as f64 / n as f64).cos()
    };
    let at = |i: usize, j: usize| {
        (0..d).map(|k| 10f64.powi(-(k as i32)) * cosine(i, k + 1, n) * cosine(j, k, d)).sum()
    };
    (0..n * d).map(|p| at(p / d, p % d)).collect()
}

#[test]
fn the_triangular_factor_keeps_what_the_products_lose() {
    let (n, d) = (400, 11);
    let x = falling(n, d);
    for (name, key) in [("PCA", "svd_solver"), ("TruncatedSVD", "algorithm")] {
        let errors = |solver: &str| -> Vec<f64> {
            let source = given::<f64>(&x, &[], d, 37);
            let params = serde_json::json!({ key: solver, "n_components": d });
            let model = fit(&Single::new(), &source, Residency::Memory, name, &params).unwrap();
            let found = model.numbers("singular_values_").unwrap();
            (0..d).map(|k| (found[k] * 10f64.powi(k as i32) - 1.0).abs()).collect()
        };
        // 10⁻¹⁰ keeps four digits; by way of products it drowns in the rounding of 1.
        let kept = errors("tsqr");
        assert!(kept.iter().zip(0..).all(|(error, k)| *error < 1e-14 * 10f64.powi(k)), "{name} {kept:?}");
        let lost = errors("covariance_eigh");
        assert!(lost[d - 1] > 0.1, "{name} {lost:?}");
        // Ten directions by trial: the last two, of 10⁻⁸ and less, drown in the power iterations, the first do not.
        let tried = errors("randomized");
        assert!(
            tried[..7].iter().zip(0..).all(|(error, k)| *error < 1e-14 * 10f64.powi(k)),
            "{name} {tried:?}"
        );
    }
}

#[test]
fn a_randomized_fit_is_its_seeds() {
    let x: Vec<f64> = (0..200 * 30).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
    let source = given::<f64>(&x, &[], 30, 16);
    let run = |seed: u64, solver: &str, iterated_power: Value| {
        let params = serde_json::json!({
            "n_components": 2, "svd_solver": solver, "random_state": seed, "n_oversamples": 3,
            "iterated_power": iterated_power,
        });
        fit(&Single::new(), &source, Residency::Memory, "PCA", &params).unwrap()
    };
    assert_eq!(run(1, "randomized", 1.into()), run(1, "randomized", 1.into()));
    let variance = |model: &Model| model.numbers("explained_variance_").unwrap();
    let (one, two) = (variance(&run(1, "randomized", 1.into())), variance(&run(2, "randomized", 1.into())));
    let exact = variance(&run(0, "full", "auto".into()));
    assert_ne!(one, two);
    // A part of the directions holds no more than all, and more iterations come nearer.
    assert!(one.iter().chain(&two).all(|v| *v <= exact[0]));
    let near = variance(&run(1, "randomized", 60.into()));
    assert!(near.iter().zip(&exact).all(|(n, e)| (n - e).abs() < 1e-9 * e), "{near:?} {exact:?}");
}

#[test]
fn single_precision_is_as_near_as_it_can_be() {
    for case in cases().iter().filter(|case| !matches!(case.name.as_str(), "far" | "constant")) {
        let source = given::<f32>(&case.x, &case.weights, case.n_features, 7);
        let model = fit(&Single::new(), &source, Residency::Stream, &case.estimator, &case.params).unwrap();
        let new = given::<f32>(&case.new, &[], case.n_features, 7);
        let what = format!("{} {}", case.estimator, case.name);
        assert_close(&transform(new, &model).unwrap(), &case.transformed, 3e-6, &what);
    }
}

#[test]
fn ranks_and_residency_do_not_change_the_bits() {
    let x: Vec<f64> = (0..103 * 4).map(|i| (i as f64 * 0.83).sin() * 1e3f64.powi(i % 3)).collect();
    let plain =
        ["StandardScaler", "MinMaxScaler", "PCA", "TruncatedSVD"].map(|name| (name, serde_json::json!({})));
    let solved = ["covariance_eigh", "tsqr", "randomized"].into_iter().flat_map(|solver| {
        let two = |key: &str| serde_json::json!({ key: solver, "n_components": 2, "n_oversamples": 1 });
        [("PCA", two("svd_solver")), ("TruncatedSVD", two("algorithm"))]
    });
    for (name, params) in plain.into_iter().chain(solved) {
        let source = given::<f64>(&x, &[], 4, 10);
        let alone = fit(&Single::new(), &source, Residency::Memory, name, &params).unwrap();
        for size in [1, 2, 3, 7, 13] {
            for residency in [Residency::Memory, Residency::Stream, Residency::Auto { budget_bytes: 800 }] {
                let models = run_threads(size, |comm| fit(comm, &source, residency, name, &params).unwrap());
                assert!(
                    models.iter().all(|model| *model == alone),
                    "{name} {params} on {size} ranks, {residency:?}"
                );
            }
        }
    }
}

fn message(result: Result<Model>, code: ExitCode) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), code, "{error}");
    error.to_string()
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let source = given::<f64>(&x, &[], 3, 2);
    let refused = |name: &str, params: Value, code| {
        message(fit(&Single::new(), &source, Residency::Memory, name, &params), code)
    };
    let config = ExitCode::Config;
    let text = refused("PCA", serde_json::json!({ "n_components": -1 }), config);
    assert!(text.ends_with("a share of the variance between 0 and 1, or \"mle\", found -1"), "{text}");
    for n_components in [serde_json::json!(0), 4.into(), 1.0.into(), (-0.5).into(), "most".into()] {
        let text = refused("PCA", serde_json::json!({ "n_components": n_components }), config);
        assert!(text.contains("n_components: expected"), "{text}");
    }
    let by_trial = serde_json::json!({ "n_components": 0.5, "svd_solver": "randomized" });
    assert!(
        refused("PCA", by_trial, config).contains("n_components: expected a positive integer for svd_solver")
    );
    let likeliest = serde_json::json!({ "n_components": "mle" });
    let by_trial = serde_json::json!({ "n_components": "mle", "svd_solver": "randomized" });
    assert!(
        refused("PCA", by_trial, config).contains("n_components: expected a positive integer for svd_solver")
    );
    let wide = given::<f64>(&x, &[], 6, 2);
    let text = message(fit(&Single::new(), &wide, Residency::Memory, "PCA", &likeliest), config);
    assert!(text.contains("expected a number for 2 rows of 6 features, found \"mle\""), "{text}");
    for (rows, d) in [(&x[..], 1), (&[3.0; 12][..], 3)] {
        let flat = given::<f64>(rows, &[], d, 2);
        let text = message(fit(&Single::new(), &flat, Residency::Memory, "PCA", &likeliest), ExitCode::Data);
        assert!(text.contains("two features or more whose variances differ"), "{text}");
    }
    let rule = serde_json::json!({ "n_components": 1, "iterated_power": "often" });
    assert!(refused("PCA", rule, config).contains("iterated_power: expected"));
    for n_components in [0, 4] {
        let text = refused("TruncatedSVD", serde_json::json!({ "n_components": n_components }), config);
        assert!(text.contains("n_components: expected"), "{text}");
    }
    let text = refused("MinMaxScaler", serde_json::json!({ "feature_range": [1.0, 1.0] }), config);
    assert!(text.contains("feature_range"), "{text}");
    let one_row = given::<f64>(&x[..3], &[], 3, 2);
    let text = message(
        fit(&Single::new(), &one_row, Residency::Memory, "PCA", &serde_json::json!({"n_components": 0.5})),
        ExitCode::Data,
    );
    assert!(text.contains("at least 2 rows"), "{text}");
    let weightless = given::<f64>(&x, &[0.0; 4], 3, 2);
    let text = message(
        fit(&Single::new(), &weightless, Residency::Memory, "StandardScaler", &serde_json::json!({})),
        ExitCode::Data,
    );
    assert!(text.contains("a positive sum of weights"), "{text}");
    let huge = given::<f64>(&[1e300, -1e300, 0.0], &[], 1, 2);
    message(
        fit(&Single::new(), &huge, Residency::Memory, "StandardScaler", &serde_json::json!({})),
        ExitCode::Data,
    );
    for solver in ["covariance_eigh", "full", "randomized"] {
        let params = serde_json::json!({ "n_components": 1, "svd_solver": solver });
        message(fit(&Single::new(), &huge, Residency::Memory, "PCA", &params), ExitCode::Data);
    }
    let wide = given::<f64>(&[f64::MAX, f64::MIN], &[], 1, 2);
    let text = message(
        fit(&Single::new(), &wide, Residency::Memory, "MinMaxScaler", &serde_json::json!({})),
        ExitCode::Data,
    );
    assert!(text.ends_with("found -1.7976931348623157e308 to 1.7976931348623157e308"), "{text}");
}

/// `StandardScaler(with_std=False).fit([[1e200], [-3e200], [2e200]]).mean_` of scikit-learn 1.9.1 is 0, and the scalers
/// that look at neither have no mean.
#[test]
fn a_scaler_needs_no_variance_that_it_does_not_use() {
    let source = given::<f64>(&[1e200, -3e200, 2e200], &[], 1, 2);
    let fit_on = |source: &Arc<dyn BlockSource<f64>>, params: &Value| {
        fit(&Single::new(), source, Residency::Memory, "StandardScaler", params)
    };
    let fit = |params: &Value| fit_on(&source, params);
    let model = fit(&serde_json::json!({ "with_std": false })).unwrap();
    assert!(model.numbers("mean_").unwrap()[0].abs() < 1e185);
    assert!(model.attribute("var_").is_err());
    fit(&serde_json::json!({ "with_mean": false, "with_std": false })).unwrap();
    for with_mean in [false, true] {
        let text = message(fit(&serde_json::json!({ "with_mean": with_mean })), ExitCode::Data);
        assert!(text.contains("column 0: expected values and weights with a finite variance"), "{text}");
    }
    let endless = given::<f64>(&[f64::MAX, f64::MIN, f64::MAX], &[], 1, 2);
    let params = serde_json::json!({ "with_std": false });
    let text = message(fit_on(&endless, &params), ExitCode::Data);
    assert!(text.contains("column 0: expected values and weights with a finite mean"), "{text}");
}

/// Rows 1e12 from the origin with a spread of about 1, of which a double keeps 13 bits. All are multiples of 2⁻¹³, so that
/// their variances are known exactly; rounded means that are compared would cost eleven digits of them.
#[test]
fn rows_far_from_the_origin_keep_their_digits_whatever_the_blocks() {
    let n = 2000_i64;
    let part = |i: i64, j: i64| (i * (7919 + 4000 * j) + i * i % 911) % 20_011;
    let exact = |j: i64| {
        let (sum, squares) = (0..n).map(|i| part(i, j)).fold((0, 0), |(s, q), v| (s + v, q + v * v));
        (n * squares - sum * sum) as f64 / (n * n) as f64 / 8192.0_f64.powi(2)
    };
    let x: Vec<f64> =
        (0..n).flat_map(|i| [part(i, 0), part(i, 1)]).map(|v| 1e12 + v as f64 / 8192.0).collect();
    for block_rows in [1, 7, 100, 2000] {
        let source = given::<f64>(&x, &[], 2, block_rows);
        let fit = |name: &str, params: Value| {
            fit(&Single::new(), &source, Residency::Memory, name, &params).unwrap()
        };
        let var = fit("StandardScaler", serde_json::json!({})).numbers("var_").unwrap();
        assert_close(&var, &[exact(0), exact(1)], 1e-13, &format!("var_ in blocks of {block_rows}"));
        for solver in ["covariance_eigh", "full", "randomized"] {
            let model = fit("PCA", serde_json::json!({ "n_components": 2, "svd_solver": solver }));
            let all: f64 = model.numbers("explained_variance_").unwrap().iter().sum();
            let expected = (exact(0) + exact(1)) * n as f64 / (n - 1) as f64;
            assert_close(&[all], &[expected], 1e-12, &format!("{solver} in blocks of {block_rows}"));
        }
    }
}

/// `StandardScaler(with_mean=…, with_std=…).fit(X, sample_weight=[1, 0.5, 2, 0]).n_samples_seen_` of scikit-learn 1.9.1:
/// the rows where nothing is to be found, else the sum of their weights.
#[test]
fn weights_are_not_seen_by_a_scaler_that_finds_nothing() {
    let source = given::<f64>(&[1.0, 5.0, 2.0, 4.0], &[1.0, 0.5, 2.0, 0.0], 1, 3);
    for (with_mean, with_std, seen) in
        [(false, false, 4.0), (true, false, 3.5), (false, true, 3.5), (true, true, 3.5)]
    {
        let params = serde_json::json!({ "with_mean": with_mean, "with_std": with_std });
        let model = fit(&Single::new(), &source, Residency::Memory, "StandardScaler", &params).unwrap();
        assert_eq!(model.numbers("n_samples_seen_").unwrap(), [seen]);
    }
}

#[test]
fn a_value_that_is_no_number_is_named_by_its_cell_before_the_map() {
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let source = given::<f64>(&x, &[], 3, 2);
    let params =
        serde_json::to_value(PcaParams { n_components: Some(NComponents::Count(2)), ..PcaParams::default() });
    let model = fit(&Single::new(), &source, Residency::Memory, "PCA", &params.unwrap()).unwrap();
    let mut broken = x.clone();
    broken[3 * 3 + 2] = f64::NAN;
    let error = transform(given::<f64>(&broken, &[], 3, 2), &model).unwrap_err();
    assert_eq!(error.to_string(), "given, row 3, column 2: expected a finite number, found NaN");
    let error: Error = transform(given::<f64>(&x, &[], 4, 2), &model).unwrap_err();
    assert!(error.to_string().contains("expected 3 features, as PCA was fitted with, found 4"), "{error}");
}

#[test]
fn a_damaged_model_is_refused() {
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let source = given::<f64>(&x, &[], 3, 2);
    for name in ["StandardScaler", "MinMaxScaler", "PCA", "TruncatedSVD"] {
        let model = fit(&Single::new(), &source, Residency::Memory, name, &serde_json::json!({})).unwrap();
        assert_eq!(Transformer::<f64>::import(model.clone()).unwrap().model, model);
        for i in 0..model.attributes.len() {
            let mut damaged = model.clone();
            let (attribute, array) = damaged.attributes.remove(i);
            let without = Transformer::<f64>::import(damaged.clone());
            assert!(without.is_err() || attribute == "n_samples_seen_", "{name} without {attribute}");
            if array.to_f64().is_some_and(|values| values.len() > 1) {
                let values = rankfit::estimator::Values::F64(vec![f64::NAN; array.values.len()]);
                let array = rankfit::estimator::Array::new(array.shape, values);
                damaged.attributes.push((attribute.clone(), array));
                assert!(
                    Transformer::<f64>::import(damaged).is_err(),
                    "{name} with no numbers in {attribute}"
                );
            }
        }
    }
}
