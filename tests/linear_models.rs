//! Linear models against scikit-learn's, on any number of ranks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rankfit::comm::{Communicator, run_threads};
use rankfit::data::{Block, BlockSource, Feed, Residency, Shape};
use rankfit::engine::keeper::Keeper;
use rankfit::engine::pass::PassEngine;
use rankfit::estimator::linear_model::{
    ElasticNetParams, LassoParams, LinearModel, LinearRegressionParams, LogisticRegressionParams,
    PoissonRegressorParams, RidgeParams,
};
use rankfit::kernel::Real;
use rankfit::telemetry::Telemetry;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Golden {
    data: BTreeMap<String, serde_json::Value>,
    cases: BTreeMap<String, Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    estimator: String,
    params: serde_json::Value,
    x: String,
    y: String,
    sample_weight: Option<String>,
    coef: Vec<Vec<f64>>,
    intercept: Vec<f64>,
}

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/linear_models.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Rows in memory, cut into blocks of seven.
struct Rows {
    shape: Shape,
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
    /// Blocks filled so far.
    n_filled: AtomicUsize,
}

impl Rows {
    fn of(golden: &Golden, case: &Case) -> Self {
        let numbers = |name: &String| serde_json::from_value::<Vec<f64>>(golden.data[name].clone()).unwrap();
        let x: Vec<Vec<f64>> = serde_json::from_value(golden.data[&case.x].clone()).unwrap();
        let weights = case.sample_weight.as_ref().map(numbers).unwrap_or_default();
        let shape = Shape {
            n_samples: x.len() as u64,
            n_features: x[0].len(),
            block_rows: 7,
            has_targets: true,
            has_weights: !weights.is_empty(),
        };
        Self { shape, x: x.concat(), y: numbers(&case.y), weights, n_filled: AtomicUsize::new(0) }
    }
}

impl<T: Real> BlockSource<T> for Rows {
    fn shape(&self) -> &Shape {
        &self.shape
    }
    fn fill(&self, block: &mut Block<T>) -> rankfit::Result<()> {
        self.n_filled.fetch_add(1, Ordering::Relaxed);
        let (first, n, d) = (block.first_row as usize, block.n_rows, self.shape.n_features);
        for (to, from) in block.x.iter_mut().zip(&self.x[first * d..(first + n) * d]) {
            *to = T::from_f64(*from);
        }
        if self.shape.has_targets {
            block.y.copy_from_slice(&self.y[first..first + n]);
        }
        if self.shape.has_weights {
            block.weights.copy_from_slice(&self.weights[first..first + n]);
        }
        Ok(())
    }
    fn origin(&self) -> String {
        "rows".into()
    }
    fn target_origin(&self) -> String {
        "targets".into()
    }
    fn weight_origin(&self) -> String {
        "weights".into()
    }
    fn waits_for_input(&self) -> bool {
        false
    }
}

fn params<P: DeserializeOwned>(case: &Case) -> P {
    serde_json::from_value(case.params.clone()).unwrap()
}

/// Fits the case's estimator, with `solver` where it has one.
fn fit_on<T: Real>(
    comm: &dyn Communicator,
    rows: Arc<Rows>,
    case: &Case,
    solver: &str,
    residency: Residency,
) -> rankfit::Result<LinearModel> {
    let telemetry = Telemetry::new();
    let feed = Feed::<T>::new(rows, residency, comm.rank(), comm.size());
    let mut engine = PassEngine::new(comm, feed, &telemetry);
    let mut case_params = case.params.clone();
    if matches!(case.estimator.as_str(), "LogisticRegression" | "PoissonRegressor") {
        case_params["solver"] = solver.into();
        if !matches!(solver, "lbfgs" | "newton-cholesky") && case.params.get("tol").is_some() {
            // Enough for six digits of well-conditioned coefficients; the last digits take thousands of passes.
            case_params["tol"] = if solver == "proximal_grad" { 1e-9 } else { 1e-8 }.into();
        }
    }
    let case = Case { params: case_params, ..case.clone() };
    match case.estimator.as_str() {
        "LinearRegression" => params::<LinearRegressionParams>(&case).fit(&mut engine),
        "Ridge" => params::<RidgeParams>(&case).fit(&mut engine),
        "Lasso" => params::<LassoParams>(&case).fit(&mut engine),
        "ElasticNet" => params::<ElasticNetParams>(&case).fit(&mut engine),
        "LogisticRegression" => params::<LogisticRegressionParams>(&case).fit(&mut engine),
        "PoissonRegressor" => params::<PoissonRegressorParams>(&case).fit(&mut engine),
        other => panic!("no estimator {other}"),
    }
}

fn fit(golden: &Golden, case: &Case, solver: &str) -> LinearModel {
    let rows = Arc::new(Rows::of(golden, case));
    run_threads(1, |comm| fit_on::<f64>(comm, rows.clone(), case, solver, Residency::Memory).unwrap())
        .remove(0)
}

fn solvers(name: &str, case: &Case) -> &'static [&'static str] {
    match case.estimator.as_str() {
        "LogisticRegression" if case.params.get("l1_ratio").is_some() && name.contains("plain") => {
            &["proximal_grad", "admm"]
        }
        "LogisticRegression" if case.params.get("l1_ratio").is_some() => &["proximal_grad"],
        // First-order solvers crawl along collinear and constant columns.
        "LogisticRegression" if name.contains("plain") => {
            &["lbfgs", "newton-cholesky", "gradient_descent", "proximal_grad", "admm"]
        }
        "PoissonRegressor" if name.contains("plain") => {
            &["lbfgs", "newton-cholesky", "gradient_descent", "proximal_grad", "admm"]
        }
        "LogisticRegression" | "PoissonRegressor" => &["lbfgs", "newton-cholesky"],
        _ => &[""],
    }
}

#[test]
fn coefficients_are_scikit_learns() {
    let golden = golden();
    let mut wrong = Vec::new();
    for (name, case) in &golden.cases {
        for solver in solvers(name, case) {
            let model = fit(&golden, case, solver);
            let got = model.coef.iter().chain(&model.intercept);
            let expected = case.coef.iter().flatten().chain(&case.intercept);
            let apart =
                got.zip(expected).map(|(got, expected)| (got - expected).abs() / expected.abs().max(1.0));
            let apart = apart.fold(0.0, f64::max);
            if !(model.converged && apart <= 1e-6) {
                wrong.push(format!("{name} {solver}: {apart:e} apart, {:?} iterations", model.n_iter));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_bits_do_not_depend_on_ranks_or_residency() {
    let golden = golden();
    let names = [
        "linear_far4_intercept_weighted",
        "ridge_wide90_origin",
        "elasticnet_plain5_intercept",
        "logistic_multi_plain4_0.3_intercept_balanced",
        "logistic_elasticnet_plain4_10.0_intercept",
        "poisson_plain4_10.0_origin",
        "linear_far4_intercept_weighted positive",
        "linear_wide90_origin positive",
        "elasticnet_plain5_intercept positive",
    ];
    for name in names {
        let (stem, positive) = name.split_once(' ').map_or((name, false), |(stem, _)| (stem, true));
        let mut case = golden.cases[stem].clone();
        if positive {
            case.params["positive"] = true.into();
        }
        if case.params.get("max_iter").is_some() {
            case.params["max_iter"] = 30.into();
        }
        let rows = Arc::new(Rows::of(&golden, &case));
        for solver in solvers(name, &case) {
            let expected = bits(fit(&golden, &case, solver));
            for (size, residency) in [(2, Residency::Stream), (3, Residency::Memory), (16, Residency::Stream)]
            {
                let models = run_threads(size, |comm| {
                    bits(fit_on::<f64>(comm, rows.clone(), &case, solver, residency).unwrap())
                });
                assert!(models.iter().all(|model| *model == expected), "{name} {solver} on {size} ranks");
            }
        }
    }
}

/// A model without the times.
fn bits(mut model: LinearModel) -> LinearModel {
    model.history.iter_mut().for_each(|record| record.seconds = 0.0);
    model
}

/// Many rows, of which `lbfgs` looks at the curvature of one block in five: a poor sample, whose features are
/// `shrunk` times those of the others.
fn many_rows(shrunk: f64) -> Rows {
    let (n, block_rows) = (35_000, 7);
    let wave = |i: usize, f: f64| (i as f64 * f).sin() + 0.3 * (i as f64 * f * 2.7).cos();
    let mut x = Vec::new();
    let (mut y, mut weights) = (Vec::new(), Vec::new());
    for i in 0..n {
        let scale = if i / block_rows % 5 == 0 { shrunk } else { 1.0 };
        let (a, b) = (scale * wave(i, 0.7), scale * (0.9 * wave(i, 0.7) + wave(i, 1.3)));
        x.extend([a, b]);
        y.push(f64::from(u8::from(2.0 * a - b + 0.8 * wave(i, 2.9) > 0.2)));
        weights.push(0.5 + (i % 3) as f64);
    }
    let shape =
        Shape { n_samples: n as u64, n_features: 2, block_rows, has_targets: true, has_weights: true };
    Rows { shape, x, y, weights, n_filled: Default::default() }
}

#[test]
fn the_curvature_of_a_sample_leads_to_the_same_minimum_on_any_number_of_ranks() {
    let golden = golden();
    let mut case = golden.cases["logistic_binary_plain1_0.3_intercept"].clone();
    case.params = serde_json::json!({ "C": 1.0, "tol": 1e-11, "max_iter": 100 });
    for shrunk in [1.0, 0.01, 30.0] {
        let rows = Arc::new(many_rows(shrunk));
        let fit = |solver: &str, size: usize, residency: Residency| {
            let models = run_threads(size, |comm| {
                fit_on::<f64>(comm, rows.clone(), &case, solver, residency).unwrap()
            });
            bits(models[0].clone())
        };
        let (model, exact) =
            (fit("lbfgs", 1, Residency::Memory), fit("newton-cholesky", 1, Residency::Memory));
        assert!(model.converged, "{shrunk}: after {:?} iterations", model.n_iter);
        for (got, expected) in model.coef.iter().zip(&exact.coef) {
            assert!((got - expected).abs() <= 1e-8 * expected.abs(), "{shrunk}: {got} is not {expected}");
        }
        // A sample like the rest tells as much as all rows.
        assert!(
            shrunk != 1.0 || model.n_iter <= exact.n_iter.map(|n| n + 2),
            "{:?} iterations",
            model.n_iter
        );
        for (size, residency) in [(3, Residency::Stream), (7, Residency::Memory)] {
            assert_eq!(fit("lbfgs", size, residency), model, "{shrunk} on {size} ranks");
        }
    }
}

#[test]
fn single_precision_data_give_the_same_model_to_its_precision() {
    let golden = golden();
    for (name, case) in
        golden.cases.iter().filter(|(name, _)| name.contains("plain4") || name.contains("plain5"))
    {
        let rows = Arc::new(Rows::of(&golden, case));
        let solver = solvers(name, case)[0];
        let model = run_threads(2, |comm| {
            fit_on::<f32>(comm, rows.clone(), case, solver, Residency::Memory).unwrap()
        });
        for (got, expected) in model[0].coef.iter().zip(case.coef.iter().flatten()) {
            assert!((got - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{name}");
        }
    }
}

#[test]
fn newtons_method_does_not_mind_the_scale_or_the_place_of_a_column() {
    let golden = golden();
    let mut case = golden.cases["logistic_binary_plain4_0.3_intercept"].clone();
    let fit = |case: &Case, change: &dyn Fn(usize, f64) -> f64| {
        let mut rows = Rows::of(&golden, case);
        rows.x.iter_mut().enumerate().for_each(|(i, x)| *x = change(i % 4, *x));
        let rows = Arc::new(rows);
        run_threads(2, |comm| {
            fit_on::<f64>(comm, rows.clone(), case, "newton-cholesky", Residency::Memory).unwrap()
        })
        .remove(0)
    };
    // The intercept takes up where the columns lie; scikit-learn's coefficients are those of columns about 0, where its
    // own method takes 6 steps too.
    case.params["tol"] = 1e-8.into();
    for shift in [3e3, 1e4] {
        let model = fit(&case, &|_, x| x + shift);
        assert!(model.converged && model.n_iter <= Some(7), "{model:?}");
        assert!(apart(&model.coef, &case.coef[0]) < 1e-6, "{model:?}");
    }
    // LogisticRegression(C=inf, solver="newton-cholesky", tol=1e-12) of scikit-learn 1.9.1 on the columns as they are.
    let coef = [0.6064833276104795, -0.4571897193840006, -0.7895053061639895, -0.018471479169417847];
    case.params = serde_json::json!({ "penalty": "none", "tol": 1e-6 });
    for units in [[1e8, 1.0, 1.0, 1.0], [1.0, 1e-5, 1.0, 1e6]] {
        let model = fit(&case, &|j, x| x * units[j]);
        let scaled: Vec<f64> = model.coef.iter().zip(units).map(|(c, unit)| c * unit).collect();
        assert!(model.converged && model.n_iter <= Some(9), "{model:?}");
        // A column of small values has a small gradient: the others tell.
        let far = (0..4).filter(|&j| units[j] >= 1.0).map(|j| (scaled[j] - coef[j]).abs());
        assert!(far.fold(0.0, f64::max) < 1e-6, "{scaled:?}");
    }
}

#[test]
fn coordinate_descent_stops_where_scikit_learn_does() {
    let golden = golden();
    let case = |weighted: bool| {
        let name = if weighted { "ridge_plain5_intercept_weighted" } else { "ridge_plain5_intercept" };
        golden.cases[name].clone()
    };
    // alpha, l1_ratio, tol, max_iter and weights; n_iter_, dual_gap_ and the first two coefficients of ElasticNet in
    // scikit-learn 1.9.1.
    type Fit = (f64, f64, f64, u64, bool, usize, f64, [f64; 2]);
    let fits: [Fit; 10] = [
        (1.0, 0.0, 1e-4, 1000, false, 5, 4.233324801816707e-12, [-0.0287301, 0.45082746]),
        (1.0, 0.0, 1e-10, 1000, true, 10, 0.0, [-0.02489531, 0.43029894]),
        (0.0, 0.5, 1e-4, 1000, false, 7, 2.162215713852221e-9, [-0.042894, 0.5926553]),
        (0.0, 1.0, 1e-12, 1000, true, 15, 0.0, [-0.05975954, 0.58046127]),
        (0.1, 1.0, 1e-4, 1000, false, 4, 6.524844627294376e-6, [0.0, 0.56197567]),
        (0.1, 0.5, 1e-8, 1000, true, 9, 3.9026959441912365e-11, [0.0, 0.55546631]),
        (100.0, 1.0, 1e-4, 1000, false, 0, 0.0, [0.0, 0.0]),
        (0.01, 0.5, 1e-10, 3, false, 3, 0.00299226775971612, [-0.04666609, 0.59027957]),
        (1e-3, 0.0, 1e-6, 1000, false, 10, 8.631064613018324e-14, [-0.04279779, 0.59247227]),
        (0.5, 1.0, 1e-10, 1000, false, 5, 0.0, [0.0, 0.4274121]),
    ];
    for fit_of in fits {
        let (alpha, l1_ratio, tol, max_iter, weighted, n_iter, gap, coef) = fit_of;
        let mut case = case(weighted);
        case.estimator = "ElasticNet".into();
        case.params = serde_json::json!({
            "alpha": alpha, "l1_ratio": l1_ratio, "tol": tol, "max_iter": max_iter
        });
        let model = fit(&golden, &case, "");
        assert_eq!(model.converged, max_iter > 3, "{fit_of:?}");
        assert_eq!(model.n_iter, Some(n_iter), "{fit_of:?}");
        assert!(apart(&model.coef[..2], &coef) < 1e-7, "{fit_of:?}: {:?}", model.coef);
        // From the Gram matrix a gap has the rounding of Σ y².
        let found = model.dual_gap.unwrap();
        assert!((found - gap).abs() <= 1e-5 * gap + 1e-13, "{fit_of:?}: a gap of {found:e}");
    }
}

#[test]
fn a_loss_without_a_minimum_is_told_with_weights_too() {
    let golden = golden();
    let mut case = golden.cases["logistic_binary_plain1_0.3_intercept"].clone();
    let warnings = |case: &Case, change: &dyn Fn(&mut Rows)| {
        let mut rows = Rows::of(&golden, case);
        rows.shape.has_weights = true;
        rows.weights = (0..rows.x.len()).map(|i| 0.01 + (i % 7) as f64).collect();
        change(&mut rows);
        let rows = Arc::new(rows);
        let models = run_threads(3, |comm| {
            fit_on::<f64>(comm, rows.clone(), case, "lbfgs", Residency::Stream).unwrap()
        });
        assert!(models.iter().all(|model| model.warnings == models[0].warnings));
        models[0].warnings.join("; ")
    };
    let separate = |rows: &mut Rows| rows.y = rows.x.iter().map(|x| f64::from(u8::from(*x > 0.0))).collect();
    let three = |rows: &mut Rows| {
        rows.y = rows.x.iter().map(|x| f64::from(u8::from(*x > 0.0) + u8::from(*x > 0.5))).collect();
    };
    for class_weight in ["none", "balanced"] {
        case.params = serde_json::json!({ "penalty": "none", "class_weight": class_weight });
        assert!(warnings(&case, &separate).contains("are separable"), "{class_weight}");
        assert_eq!(warnings(&case, &|_| ()), "", "{class_weight}");
        // A row on the other side that weighs nothing changes nothing; one that does, does.
        for (weight, told) in [(0.0, true), (20.0, false)] {
            let found = warnings(&case, &|rows| {
                separate(rows);
                rows.y[5] = 1.0 - rows.y[5];
                rows.weights[5] = weight;
            });
            assert_eq!(found.contains("are separable"), told, "{class_weight} {weight}");
        }
    }
    // One coefficient a class: of three classes along a line the one in the middle has its place too.
    case.params = serde_json::json!({ "penalty": "none", "max_iter": 1000 });
    assert!(warnings(&case, &three).contains("are separable"));
    // The intercept alone can serve the other class.
    for params in
        [serde_json::json!({ "penalty": "none" }), serde_json::json!({ "class_weight": {"1": 0.0} })]
    {
        case.params = params;
        let found = warnings(&case, &|rows| {
            (0..rows.y.len()).filter(|&i| rows.y[i] == 1.0).for_each(|i| rows.weights[i] = 0.0);
        });
        assert!(found.contains("class 1 has no weight"), "{found}");
    }
    case.estimator = "PoissonRegressor".into();
    case.params = serde_json::json!({});
    let none = |rows: &mut Rows| {
        rows.y[..20].fill(0.0);
        rows.weights[20..].fill(0.0);
    };
    assert!(warnings(&case, &none).contains("all counts that weigh something are 0"));
    assert_eq!(warnings(&case, &|_| ()), "");
}

#[test]
fn separable_data_stay_finite() {
    let golden = golden();
    let mut case = golden.cases["logistic_binary_plain1_0.3_intercept"].clone();
    let mut rows = Rows::of(&golden, &case);
    rows.y = rows.x.iter().map(|x| f64::from(u8::from(*x > 0.0))).collect();
    case.params = serde_json::json!({ "penalty": "none", "max_iter": 50 });
    let rows = Arc::new(rows);
    for solver in ["lbfgs", "newton-cholesky", "gradient_descent"] {
        let models = run_threads(2, |comm| {
            fit_on::<f64>(comm, rows.clone(), &case, solver, Residency::Memory).unwrap()
        });
        assert!(models[0].coef[0].is_finite() && models[0].coef[0] > 1.0, "{solver}");
    }
}

#[test]
fn unusable_targets_weights_and_parameters_are_refused() {
    let golden = golden();
    let base = &golden.cases["logistic_binary_plain1_0.3_intercept"];
    let check =
        |estimator: &str, params: serde_json::Value, change: &dyn Fn(&mut Rows), code: i32, part: &str| {
            let mut case = base.clone();
            case.estimator = estimator.into();
            case.params = params;
            let mut rows = Rows::of(&golden, &case);
            change(&mut rows);
            let rows = Arc::new(rows);
            let solver = case.params.get("solver").and_then(|s| s.as_str()).unwrap_or("lbfgs").to_string();
            for error in run_threads(3, |comm| {
                fit_on::<f64>(comm, rows.clone(), &case, &solver, Residency::Memory).unwrap_err()
            }) {
                assert_eq!(error.exit_code().code(), code, "{error}");
                assert!(error.to_string().contains(part), "{error}");
            }
        };
    let none = serde_json::json!({});
    let same = |_: &mut Rows| {};
    check("LogisticRegression", none.clone(), &|r| r.y.fill(1.0), 65, "at least 2 classes");
    check("LogisticRegression", none.clone(), &|r| r.y[13] = 0.5, 65, "classes");
    check("PoissonRegressor", none.clone(), &|r| r.y[20] = -1.0, 65, "row 20");
    check("LogisticRegression", serde_json::json!({"C": 0.0}), &same, 78, "estimator.C");
    check("LogisticRegression", serde_json::json!({"penalty": "l1"}), &same, 78, "estimator.solver");
    check(
        "LogisticRegression",
        serde_json::json!({"penalty": "elasticnet"}),
        &same,
        78,
        "estimator.l1_ratio",
    );
    check("LogisticRegression", serde_json::json!({"l1_ratio": 0.4}), &same, 78, "estimator.solver");
    for (penalty, ratio) in [("l1", 0.3), ("l1", 0.0), ("l2", 0.3), ("none", 1.0)] {
        let params = serde_json::json!({"penalty": penalty, "l1_ratio": ratio, "solver": "admm"});
        check("LogisticRegression", params, &same, 78, "estimator.l1_ratio");
    }
    check(
        "LogisticRegression",
        serde_json::json!({"class_weight": {"7": 2.0}}),
        &same,
        78,
        "expected the classes 1, 3, found 7",
    );
    check("Ridge", serde_json::json!({"alpha": -1.0}), &same, 78, "estimator.alpha");
    check("Ridge", serde_json::json!({"solver": "lbfgs"}), &same, 78, "\"lbfgs\" is for positive = true");
    let both = serde_json::json!({"solver": "svd", "positive": true});
    check("Ridge", both, &same, 78, "estimator.solver: expected \"auto\" or \"lbfgs\" with positive = true");
    check("Ridge", serde_json::json!({"max_iter": 0}), &same, 78, "estimator.max_iter");
    check("Ridge", serde_json::json!({"tol": -1e-4}), &same, 78, "estimator.tol");
    let weigh = |value: f64| {
        move |r: &mut Rows| {
            r.shape.has_weights = true;
            r.weights = vec![1.0; r.y.len()];
            if value < 0.0 { r.weights[30] = value } else { r.weights.fill(value) }
        }
    };
    for estimator in ["LinearRegression", "LogisticRegression", "Lasso"] {
        check(estimator, none.clone(), &weigh(-1.0), 65, "row 30");
        check(estimator, none.clone(), &weigh(0.0), 65, "positive sum of weights");
        check(estimator, none.clone(), &|r| r.shape.has_targets = false, 65, "targets");
    }
    // What is too large, or too small to divide by, is named: features, targets or weights.
    for estimator in ["Ridge", "Lasso"] {
        check(estimator, none.clone(), &|r| r.x[8] = 1e160, 65, "rows: expected values whose squares");
        check(estimator, none.clone(), &|r| r.y[8] = 1e160, 65, "targets, row 8, column y: expected targets");
        check(estimator, none.clone(), &weigh(1e307), 65, "weights: expected a sum of weights");
        let large = |r: &mut Rows| {
            weigh(1e302)(r);
            r.x.iter_mut().for_each(|x| *x *= 1e4);
        };
        check(estimator, none.clone(), &large, 65, "weights: expected weights with which sums of squares");
    }
    for estimator in ["Ridge", "Lasso", "LogisticRegression", "PoissonRegressor"] {
        for weight in [1e308, 1e-320] {
            check(estimator, none.clone(), &weigh(weight), 65, "weights: expected a sum of weights");
        }
    }
    check("PoissonRegressor", none.clone(), &|r| r.y[8] = 1e160, 65, "targets, row 8, column y");
    for factor in [0.0, 1e308] {
        let factors = serde_json::json!({"class_weight": {"1": factor, "3": factor}});
        check("LogisticRegression", factors, &same, 78, "estimator.class_weight: expected factors");
    }
    for estimator in ["Lasso", "ElasticNet", "PoissonRegressor"] {
        check(estimator, serde_json::json!({"max_iter": 0}), &same, 78, "estimator.max_iter");
    }
}

#[test]
fn a_block_that_diverges_is_a_divergence_on_every_rank() {
    let golden = golden();
    let case = &golden.cases["poisson_plain4_10.0_origin"];
    let mut rows = Rows::of(&golden, case);
    let last = rows.x.len() - 1;
    rows.x[last] = 1e100;
    let rows = Arc::new(rows);
    // One rank alone meets it, but all have to come to the file of the history.
    for error in
        run_threads(3, |comm| fit_on::<f64>(comm, rows.clone(), case, "admm", Residency::Memory).unwrap_err())
    {
        assert!(matches!(error, rankfit::Error::Diverged { .. }), "{error:?}");
    }
}

/// Keeps every state it is given.
struct Shelf {
    states: Mutex<Vec<Vec<u8>>>,
    start: Option<Vec<u8>>,
}

impl Keeper for Shelf {
    fn load(&self) -> rankfit::Result<Option<Vec<u8>>> {
        Ok(self.start.clone())
    }
    fn store(&self, state: &[u8]) -> rankfit::Result<()> {
        self.states.lock().unwrap().push(state.to_vec());
        Ok(())
    }
    fn is_due(&self) -> bool {
        true
    }
    fn path(&self) -> &Path {
        Path::new("shelf")
    }
}

#[test]
fn a_stopped_fit_goes_on_with_the_same_bits() {
    let golden = golden();
    let name = "logistic_multi_plain4_0.3_intercept";
    let case = &golden.cases[name];
    let rows = Arc::new(Rows::of(&golden, case));
    for solver in solvers(name, case) {
        let mut params: LogisticRegressionParams = params(case);
        params.solver = serde_json::from_value((*solver).into()).unwrap();
        params.max_iter = 12;
        let fit_from = |start: Option<Vec<u8>>, size: usize| {
            let shelf = Shelf { states: Mutex::new(Vec::new()), start };
            let models = run_threads(size, |comm| {
                let telemetry = Telemetry::new();
                let feed = Feed::<f64>::new(rows.clone(), Residency::Stream, comm.rank(), comm.size());
                let mut engine = PassEngine::new(comm, feed, &telemetry).with_keeper(&shelf);
                bits(params.fit(&mut engine).unwrap())
            });
            (models[0].clone(), shelf.states.into_inner().unwrap())
        };
        let (whole, states) = fit_from(None, 1);
        assert!(states.len() > 3, "{solver}: {} iterations are too few to stop between", states.len());
        for (i, state) in states.into_iter().enumerate().step_by(2) {
            let (resumed, _) = fit_from(Some(state), 1 + i % 3);
            // The records' times before the stop are those of the stopped run; `bits` leaves them out.
            assert_eq!(resumed, whole, "{solver}: stopped after iteration {}", i + 1);
        }
    }
}

/// Least squares on columns of which one is nearly a sum of two others.
#[derive(Deserialize)]
struct Collinear {
    x: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    ridge: bool,
    params: serde_json::Value,
    /// In rational numbers; absent where scikit-learn leaves a direction out.
    exact: Option<Vec<f64>>,
    exact_intercept: Option<f64>,
    coef: Vec<f64>,
    intercept: f64,
    /// The condition number of the weighted features, about their means where there is an intercept.
    condition: f64,
    predicted: Vec<f64>,
}

impl Collinear {
    fn rows(&self) -> Arc<Rows> {
        let shape = Shape {
            n_samples: self.y.len() as u64,
            n_features: self.coef.len(),
            block_rows: 7,
            has_targets: true,
            has_weights: true,
        };
        let (x, y, weights) = (self.x.clone(), self.y.clone(), self.w.clone());
        Arc::new(Rows { shape, x, y, weights, n_filled: AtomicUsize::new(0) })
    }

    fn case(&self) -> Case {
        let estimator = if self.ridge { "Ridge" } else { "LinearRegression" };
        Case {
            estimator: estimator.into(),
            params: self.params.clone(),
            x: String::new(),
            y: String::new(),
            sample_weight: None,
            coef: Vec::new(),
            intercept: Vec::new(),
        }
    }

    fn fit(&self, rows: &Arc<Rows>, size: usize) -> LinearModel {
        let case = self.case();
        run_threads(size, |comm| fit_on::<f64>(comm, rows.clone(), &case, "", Residency::Stream).unwrap())
            .remove(0)
    }
}

/// The largest difference as a share of the largest number.
fn apart(got: &[f64], expected: &[f64]) -> f64 {
    let largest = expected.iter().fold(1.0f64, |largest, v| largest.max(v.abs()));
    got.iter().zip(expected).map(|(g, e)| (g - e).abs() / largest).fold(0.0, f64::max)
}

#[test]
fn nearly_collinear_columns_cost_no_more_digits_than_in_scikit_learn() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/collinear.json");
    let text = std::fs::read_to_string(path).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases: BTreeMap<String, Collinear> = serde_json::from_value(golden["cases"].clone()).unwrap();
    assert_eq!(cases.len(), 36);
    for (name, case) in &cases {
        let model = case.fit(&case.rows(), 1);
        assert_eq!(model, case.fit(&case.rows(), 3), "{name}");
        let params = |coef: &[f64], intercept| [coef, &[intercept]].concat();
        let (got, theirs) = (params(&model.coef, model.intercept[0]), params(&case.coef, case.intercept));
        match (&case.exact, case.exact_intercept) {
            (Some(coef), Some(intercept)) => {
                let exact = params(coef, intercept);
                // What a backward stable method may lose (Higham, Accuracy and Stability, 2002, §20.1); by way of the
                // Gram matrix it is the square of the condition number.
                let most = 16.0 * f64::EPSILON * case.condition;
                let (ours, theirs) = (apart(&got, &exact), apart(&theirs, &exact));
                assert!(theirs <= most, "{name}: scikit-learn is {theirs:e} from the minimum, not {most:e}");
                assert!(ours <= most, "{name}: {ours:e} from the minimum, not {most:e}");
            }
            _ => assert!(apart(&got, &theirs) < 1e-9, "{name}: {got:?} is not {theirs:?}"),
        }
        let mut block = Block::default();
        (block.x, block.n_features, block.n_rows) = (case.x.clone(), case.coef.len(), case.y.len());
        let predicted = apart(&model.predict(&block).unwrap(), &case.predicted);
        assert!(predicted < 1e-8, "{name}: predictions {predicted:e} apart");
    }
}

#[test]
fn least_squares_reads_well_conditioned_rows_once() {
    let golden = golden();
    for (name, case) in &golden.cases {
        let ends = case.estimator == "Ridge" || case.estimator == "LinearRegression";
        if !ends || !["plain", "far", "constant"].iter().any(|kind| name.contains(kind)) {
            continue;
        }
        let rows = Arc::new(Rows::of(&golden, case));
        let fit = |comm: &dyn Communicator| fit_on::<f64>(comm, rows.clone(), case, "", Residency::Stream);
        run_threads(1, |comm| fit(comm).unwrap());
        let n_blocks = rows.shape.n_blocks();
        assert_eq!(rows.n_filled.load(Ordering::Relaxed), n_blocks, "{name}");
    }
}
