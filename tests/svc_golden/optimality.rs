//! The optimality of fits, recomputed from their attributes with a plain kernel.

use rankfit::comm::{Communicator, Single, run_threads};
use rankfit::estimator::svm::{Peers, Svc, SvcModel};

use crate::cases::{read, svc};
use crate::golden::{matrix, table, vector};

/// exp(−gamma |x − z|²) term by term.
fn rbf(gamma: f64, x: &[f64], z: &[f64]) -> f64 {
    (-gamma * x.iter().zip(z).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()).exp()
}

/// m(α) − M(α) of a fit of two classes with bound `c` on all rows.
fn gap(model: &SvcModel, x: &ndarray::Array2<f64>, y: &[f64], c: f64) -> f64 {
    let rows: Vec<Vec<f64>> = x.outer_iter().map(|r| r.to_vec()).collect();
    // y is −1 for the first class here: dual_coef_ is then α y.
    let mut signed = vec![0.0; y.len()];
    for (&row, &coefficient) in model.support().iter().zip(&model.dual_coef()) {
        signed[row as usize] = coefficient;
    }
    assert!(signed.iter().sum::<f64>().abs() < 1e-9 * c * y.len() as f64, "the constraint");
    let (mut most, mut least) = (f64::NEG_INFINITY, f64::INFINITY);
    for i in 0..y.len() {
        let sign = if y[i] == model.classes()[1] { 1.0 } else { -1.0 };
        let alpha = signed[i] * sign;
        assert!((0.0..=c).contains(&alpha), "a bound");
        let sum: f64 = (0..y.len()).map(|j| signed[j] * rbf(model.gamma(), &rows[i], &rows[j])).sum();
        let f = sign - sum;
        if (sign > 0.0 && alpha < c) || (sign < 0.0 && alpha > 0.0) {
            most = most.max(f);
        }
        if (sign > 0.0 && alpha > 0.0) || (sign < 0.0 && alpha < c) {
            least = least.min(f);
        }
    }
    most - least
}

#[test]
fn the_gap_is_within_the_tolerance() {
    let golden = read("grid");
    let (x, y) = (matrix(&golden["X"]), vector(&golden["y"]));
    let data = table(x.clone(), y.clone());
    for c in [0.05, 1.0, 20.0, 500.0] {
        for tol in [1e-3, 1e-5] {
            for shrinking in [true, false] {
                let params = serde_json::json!({"C": c, "tol": tol, "shrinking": shrinking, "gamma": 0.7});
                let model = svc(&params).fit(&data).expect("a fit");
                // Kernel values in single precision move f by at most 2^-25 Σ α k.
                let alphas: f64 = model.dual_coef().iter().map(|a| a.abs()).sum();
                let found = gap(&model, &x, &y, c);
                assert!(found <= tol + alphas * 2f64.powi(-24), "{params}: {found}");
                assert!(model.converged());
            }
        }
    }
}

#[test]
fn stopping_early_is_told() {
    let golden = read("grid");
    let data = table(matrix(&golden["X"]), vector(&golden["y"]));
    for params in [
        serde_json::json!({"max_iter": 7}),
        serde_json::json!({"max_seconds_per_fit": 1e-9, "C": 1e6, "kernel": "poly", "degree": 5, "tol": 1e-12}),
    ] {
        let model = svc(&params).fit(&data).expect("a fit");
        assert!(!model.converged(), "{params}");
        assert_eq!(model.export().numbers("fit_status_").expect("a status"), [1.0]);
    }
}

/// Ranks as threads.
struct Threads<'a>(&'a dyn Communicator);

impl Peers for Threads<'_> {
    fn place(&self) -> (usize, usize) {
        (self.0.rank(), self.0.size())
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.0.allgather(bytes)
    }
}

/// Overlapping classes on the sums of coordinates that repeat nowhere.
fn overlapping(n: usize, d: usize, n_classes: usize) -> (ndarray::Array2<f64>, Vec<f64>) {
    let noise =
        |i: usize, f: usize| ((i * 7919 + f * 104_729 + 1) * 2_654_435_761 % 65_537) as f64 / 65_537.0;
    let x = ndarray::Array2::from_shape_fn((n, d), |(i, f)| {
        (noise(i, 3 * f) + noise(i, 3 * f + 1) + noise(i, 3 * f + 2)) * 2.0 - 3.0
    });
    let class = |i: usize| {
        let value = x[[i, 0]] * x[[i, 1]] + x[[i, 2]] + 2.0 * noise(i, 100) - 1.0;
        if noise(i, 101) < 0.1 { i % n_classes } else { (value + 9.5) as usize % n_classes }
    };
    let y = (0..n).map(|i| class(i) as f64).collect();
    (x, y)
}

#[test]
fn block_working_sets_end_within_the_tolerance_on_any_number_of_ranks() {
    let (x, y) = overlapping(2500, 5, 2);
    let data = table(x.clone(), y.clone());
    for (c, tol) in [(1.0, 1e-3), (100.0, 1e-3), (3.0, 1e-5)] {
        let params = serde_json::json!({"C": c, "tol": tol, "gamma": 0.3});
        // Rows for every variable, and for a tenth of them.
        let fit = |comm: &dyn Communicator, bytes: usize| {
            svc(&params).fit_large(&data, bytes, &Threads(comm)).expect("a fit")
        };
        let (model, told) = run_threads(1, |comm| fit(comm, 1 << 30)).remove(0);
        let alphas: f64 = model.dual_coef().iter().map(|a| a.abs()).sum();
        let found = gap(&model, &x, &y, c);
        assert!(found <= tol + alphas * 2f64.powi(-24), "{params}: {found}");
        assert!(model.converged() && told.n_rounds > 1);
        let path = svc(&params).fit(&data).expect("a fit");
        let (a, b) = (model.predict(x.view()).expect("classes"), path.predict(x.view()).expect("classes"));
        assert!(a.iter().zip(&b).filter(|(a, b)| a != b).count() <= 3);
        assert!((model.intercept()[0] - path.intercept()[0]).abs() < 2.0 * tol);
        for (size, bytes) in [(1, 250 * 2500 * 4), (2, 1 << 30), (3, 100 * 2500 * 4)] {
            for (other, _) in run_threads(size, |comm| fit(comm, bytes)) {
                assert_eq!(other.export(), model.export(), "{params}: {size} ranks");
            }
        }
    }
}

#[test]
fn block_working_sets_part_several_classes_and_stop_when_told() {
    let (x, y) = overlapping(1200, 4, 3);
    let data = table(x.clone(), y);
    for params in [
        serde_json::json!({"C": 5.0, "gamma": 0.4, "class_weight": "balanced", "tol": 1e-6}),
        serde_json::json!({"C": 0.5, "kernel": "poly", "degree": 2, "coef0": 1.0, "tol": 1e-6}),
    ] {
        let fit = |svc: Svc| svc.fit_large(&data, 1 << 28, &Threads(&Single::new())).expect("a fit").0;
        let (model, path) = (fit(svc(&params)), svc(&params).fit(&data).expect("a fit"));
        let decide = |model: &SvcModel| model.decision_function(x.view()).expect("decisions");
        let apart = (decide(&model) - decide(&path)).iter().fold(0.0f64, |a, v| a.max(v.abs()));
        assert!(apart < 1e-4, "{params}: {apart}");
        assert_eq!(model.n_support(), path.n_support());
        for limit in [serde_json::json!({"max_iter": 40}), serde_json::json!({"max_seconds_per_fit": 1e-9})] {
            let mut limited = params.clone();
            limited.as_object_mut().expect("a map").extend(limit.as_object().expect("a map").clone());
            let model = fit(svc(&limited));
            assert!(!model.converged() && model.n_iter().iter().all(|&n| n <= 40));
        }
    }
}
