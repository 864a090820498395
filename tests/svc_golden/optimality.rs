//! The optimality of fits, recomputed from their attributes with a plain kernel.

use rankfit::estimator::svm::SvcModel;

use crate::golden::{matrix, read, svc, table, vector};

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
