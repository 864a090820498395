use super::*;
use crate::data::generated::test::{all_blocks, first_of_block_one, same_bits_for_any_slices};

fn regression(text: &str) -> Result<Regression> {
    Regression::new(&toml::from_str(text).unwrap(), 5, Some(300))
}

#[test]
fn bits_are_the_same_for_any_slices() {
    let source = regression("n_samples = 1000\nn_features = 9\nnoise = 1.5").unwrap();
    same_bits_for_any_slices::<f64>(&source);
    same_bits_for_any_slices::<f32>(&source);
}

/// Targets less the model's linear part.
fn residuals<T: Real>(source: &Regression, bias: f64) -> Vec<f64> {
    let (x, y) = all_blocks::<T>(source);
    let predicted = |row: &[f64]| row.iter().zip(source.coef()).map(|(x, c)| x * c).sum::<f64>() + bias;
    x.chunks_exact(source.coef().len()).zip(y).map(|(row, y)| y - predicted(row)).collect()
}

#[test]
fn without_noise_targets_are_the_linear_model() {
    let source = regression("n_samples = 500\nn_features = 12\nn_informative = 4\nbias = 7.5").unwrap();
    assert!(residuals::<f64>(&source, 7.5).iter().all(|r| r.abs() < 1e-11));
    assert!(residuals::<f32>(&source, 7.5).iter().all(|r| r.abs() < 1e-11));
}

#[test]
fn noise_has_its_deviation_and_features_are_standard_normal() {
    let source = regression("n_samples = 50_000\nn_features = 3\nnoise = 2.5").unwrap();
    let n = 50_000f64;
    let check = |values: &[f64], variance: f64| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let found = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{mean}");
        assert!((found / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{found}");
    };
    let residuals = residuals::<f64>(&source, 0.0);
    check(&residuals, 6.25);
    let (x, _) = all_blocks::<f64>(&source);
    for j in 0..3 {
        let column: Vec<f64> = x.iter().copied().skip(j).step_by(3).collect();
        check(&column, 1.0);
        let covariance = column.iter().zip(&residuals).map(|(x, r)| x * r).sum::<f64>() / n;
        assert!(
            covariance.abs() < 5.0 * 2.5 / n.sqrt(),
            "features and noise depend on each other: {covariance}"
        );
    }
}

#[test]
fn as_many_features_are_informative_as_asked_for() {
    let informative = |text: &str| {
        let source = regression(text).unwrap();
        assert!(source.coef().iter().all(|c| (0.0..100.0).contains(c)));
        (0..source.coef().len()).filter(|&j| source.coef()[j] != 0.0).collect::<Vec<_>>()
    };
    assert_eq!(informative("n_features = 50\nn_informative = 5\nshuffle = false"), [0, 1, 2, 3, 4]);
    let shuffled = informative("n_features = 50\nn_informative = 5");
    assert!(shuffled.len() == 5 && shuffled != [0, 1, 2, 3, 4], "{shuffled:?}");
    assert_eq!(informative("n_features = 3").len(), 3);
    assert!(informative("n_informative = 0").is_empty());
}

#[test]
fn bad_parameters_are_named() {
    for (text, message) in [
        ("n_samples = 0", "data.n_samples: expected an integer of at least 1, found 0"),
        ("n_features = 0", "data.n_features: expected an integer of at least 1, found 0"),
        (
            "n_features = 1_000_000_000_000",
            "data.n_features: expected an integer of at most 134217728, found 1000000000000",
        ),
        ("n_targets = 2", "data.n_targets: expected 1, found 2"),
        ("effective_rank = 3", "data.effective_rank: expected no such key: it is not supported, found 3"),
        ("noise = -0.5", "data.noise: expected a finite number of at least 0, found -0.5"),
        ("bias = inf", "data.bias: expected a finite number, found inf"),
        ("tail_strength = 2", "data.tail_strength: expected a number from 0 to 1, found 2"),
    ] {
        assert_eq!(regression(text).unwrap_err().to_string(), message, "{text}");
    }
    let params = RegressionParams { n_samples: u64::MAX, ..RegressionParams::default() };
    let error = Regression::new(&params, 0, Some(usize::MAX)).unwrap_err().to_string();
    assert!(error.starts_with("data.block_rows: expected blocks that fit in memory"), "{error}");
    assert!(toml::from_str::<RegressionParams>("nois = 1").is_err());
}

#[test]
fn a_seed_goes_on_giving_the_same_rows() {
    assert_eq!(
        first_of_block_one(&regression("n_samples = 500\nnoise = 1").unwrap()),
        [13_824_511_699_588_000_396, 4_625_517_054_819_337_197]
    );
}
