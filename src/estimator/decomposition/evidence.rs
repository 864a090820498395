//! How many components data has, by what speaks for each number.

/// Variances below this count as none, as in scikit-learn.
const LEAST: f64 = 1e-15;

/// What some variances and the number of rows say of the number of components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Dimension {
    /// This many are the likeliest.
    Components(usize),
    /// There are less than two variances, or none above 0.
    TooFew,
    /// Of equal variances none is told from the others.
    Tied,
}

/// The likeliest number of components, below that of features, of `n` rows with `variances`, all of them and descending, along
/// their principal axes. Costs n_features² logarithms.
///
/// # References
/// Minka, Automatic choice of dimensionality for PCA, NIPS 2000, eq. 30.
pub(super) fn dimension(variances: &[f64], n: u64) -> Dimension {
    let d = variances.len();
    let (gammas, log_n) = (half_gammas(d), (n as f64).ln());
    let mut best: Option<(f64, usize)> = None;
    // Of all numbers so far: of the prior, of the variances kept, and of the distances between these and all after them.
    let (mut prior, mut kept, mut apart) = (0.0, 0.0, 0.0);
    for rank in 1..d {
        let (own, last) = (&variances[..rank], variances[rank - 1]);
        if last < LEAST {
            break;
        }
        let free = d - rank + 1;
        prior += gammas[free] - std::f64::consts::PI.ln() * free as f64 / 2.0 - std::f64::consts::LN_2;
        kept += last.ln();
        apart += variances[rank..].iter().map(|other| (last - other).ln()).sum::<f64>();
        apart += own[..rank - 1].iter().map(|other| (1.0 / last - 1.0 / other).ln()).sum::<f64>();
        let others = (d - rank) as f64;
        let noise = (variances[rank..].iter().sum::<f64>() / others).max(LEAST);
        let to_noise = others * own.iter().map(|own| (1.0 / noise - 1.0 / own).ln()).sum::<f64>();
        // The dimensions of the manifold of such axes.
        let m = (d * rank) as f64 - (rank * (rank + 1)) as f64 / 2.0;
        let evidence = prior - (kept + noise.ln() * others) * n as f64 / 2.0
            + (2.0 * std::f64::consts::PI).ln() * (m + rank as f64) / 2.0
            - (apart + to_noise + m * log_n) / 2.0
            - rank as f64 * log_n / 2.0;
        if !evidence.is_finite() {
            return Dimension::Tied;
        }
        if best.is_none_or(|best| evidence > best.0) {
            best = Some((evidence, rank));
        }
    }
    best.map_or(Dimension::TooFew, |best| Dimension::Components(best.1))
}

/// The logarithms of Γ(m / 2) for m up to `most`; that of 0 is not used.
fn half_gammas(most: usize) -> Vec<f64> {
    let mut gammas = vec![f64::INFINITY, std::f64::consts::PI.ln() / 2.0, 0.0];
    for m in 3..=most {
        gammas.push(gammas[m - 2] + (m as f64 / 2.0 - 1.0).ln());
    }
    gammas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_number_is_that_of_scikit_learn() {
        // scikit-learn 1.9.1: _infer_dimension(spectrum, n_samples).
        let spectrum = [5.0, 3.0, 2.9, 0.2, 0.11, 0.1, 0.09];
        for (n, expected) in
            [(7, 3), (10, 3), (20, 3), (40, 3), (60, 3), (100, 4), (300, 4), (1000, 4), (10000, 6)]
        {
            assert_eq!(dimension(&spectrum, n), Dimension::Components(expected), "{n} rows");
        }
        assert_eq!(dimension(&[2.0, 1.0, 0.0, 0.0], 10), Dimension::Components(2));
        assert_eq!(dimension(&[2.0], 10), Dimension::TooFew);
        assert_eq!(dimension(&[0.0; 3], 10), Dimension::TooFew);
        // "math domain error".
        assert_eq!(dimension(&[1.0; 3], 10), Dimension::Tied);
    }

    #[test]
    fn gammas_of_halves() {
        let expected =
            [0.572_364_942_924_700_1, 0.0, -0.120_782_237_635_245_22, 0.0, 0.284_682_870_472_919_2];
        for (gamma, expected) in half_gammas(5)[1..].iter().zip(expected) {
            assert!((gamma - expected).abs() < 1e-15, "{gamma} for {expected}");
        }
    }
}
