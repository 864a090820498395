//! The parameters of a generated classification problem and their rules, which are scikit-learn's.

use serde::{Deserialize, Serialize};

use crate::data::generated::{at_least, within};
use crate::error::{Error, Result};

/// The parameters of [`Classification`](super::Classification), with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassificationParams {
    /// Rows.
    pub n_samples: u64,
    /// Features of a row.
    pub n_features: usize,
    /// Features in which the clusters differ.
    pub n_informative: usize,
    /// Features that are linear combinations of informative ones.
    pub n_redundant: usize,
    /// Features that repeat informative or redundant ones.
    pub n_repeated: usize,
    /// Classes.
    pub n_classes: usize,
    /// Clusters of each class.
    pub n_clusters_per_class: usize,
    /// Share of the rows of each class; that of the last may be left out. Equal shares when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
    /// Share of the rows whose class is drawn at random.
    pub flip_y: f64,
    /// Half the side of the hypercube on whose corners the clusters lie.
    pub class_sep: f64,
    /// Whether clusters lie on the corners of a hypercube, not of a random polytope.
    pub hypercube: bool,
    /// Added to features; `"random"`: between −`class_sep` and `class_sep`.
    pub shift: PerFeature,
    /// Multiplies features after the shift; `"random"`: between 1 and 101, as scikit-learn does.
    pub scale: PerFeature,
    /// Whether rows and columns stand in random order, not sorted by cluster and by kind.
    pub shuffle: bool,
}

impl Default for ClassificationParams {
    fn default() -> Self {
        Self {
            n_samples: 100,
            n_features: 20,
            n_informative: 2,
            n_redundant: 2,
            n_repeated: 0,
            n_classes: 2,
            n_clusters_per_class: 2,
            weights: None,
            flip_y: 0.01,
            class_sep: 1.0,
            hypercube: true,
            shift: PerFeature::Same(0.0),
            scale: PerFeature::Same(1.0),
            shuffle: true,
        }
    }
}

/// A number for all features, one for each, or one drawn for each: scikit-learn's `None`, which TOML has no word
/// for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, a list of one number per feature, or \"random\"")]
pub enum PerFeature {
    /// The same for all.
    Same(f64),
    /// One a feature, before columns are put in random order.
    Each(Vec<f64>),
    /// Drawn for each.
    Random(RandomWord),
}

/// The word `"random"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RandomWord {
    /// Drawn at random.
    Random,
}

/// Every rank holds all clusters' matrices: 1 GiB of them at most.
const MOST_MATRIX_VALUES: usize = 1 << 27;

impl ClassificationParams {
    /// Features that depend on the cluster: informative, redundant and repeated ones.
    pub(super) fn n_dependent(&self) -> usize {
        self.n_informative + self.n_redundant + self.n_repeated
    }

    /// Clusters of all classes.
    pub(super) fn n_clusters(&self) -> usize {
        self.n_classes * self.n_clusters_per_class
    }

    /// Checks everything but `n_samples`.
    pub(super) fn check(&self) -> Result<()> {
        self.check_features()?;
        self.check_clusters()?;
        self.check_weights()?;
        within("data.flip_y", 0.0, 1.0, self.flip_y)?;
        above_zero("data.class_sep", self.class_sep)?;
        self.check_per_feature("data.shift", &self.shift, |key, v| {
            within(key, f64::NEG_INFINITY, f64::INFINITY, v)
        })?;
        self.check_per_feature("data.scale", &self.scale, above_zero)
    }

    fn check_features(&self) -> Result<()> {
        at_least("data.n_features", 1, self.n_features as u64)?;
        at_least("data.n_informative", 1, self.n_informative as u64)?;
        let total = self
            .n_informative
            .checked_add(self.n_redundant)
            .and_then(|sum| sum.checked_add(self.n_repeated))
            .filter(|&sum| sum <= self.n_features);
        if total.is_none() {
            return Err(Error::job(
                "data.n_informative",
                format!(
                    "n_informative + n_redundant + n_repeated of at most n_features = {}",
                    self.n_features
                ),
                format!("{} + {} + {}", self.n_informative, self.n_redundant, self.n_repeated),
            ));
        }
        Ok(())
    }

    fn check_clusters(&self) -> Result<()> {
        at_least("data.n_classes", 1, self.n_classes as u64)?;
        at_least("data.n_clusters_per_class", 1, self.n_clusters_per_class as u64)?;
        let corners = 1usize.checked_shl(self.n_informative as u32).filter(|_| self.n_informative < 64);
        let found = || format!("{} * {}", self.n_classes, self.n_clusters_per_class);
        let clusters = self.n_classes.checked_mul(self.n_clusters_per_class);
        let clusters = clusters.filter(|&clusters| corners.is_none_or(|corners| clusters <= corners));
        let clusters = clusters.ok_or_else(|| {
            let expected = format!(
                "n_classes * n_clusters_per_class of at most 2^n_informative, n_informative = {}",
                self.n_informative
            );
            Error::job("data.n_clusters_per_class", expected, found())
        })?;
        let values = clusters
            .checked_mul(self.n_informative)
            .and_then(|product| product.checked_mul(self.n_dependent()))
            .filter(|&values| values <= MOST_MATRIX_VALUES);
        values.map(|_| ()).ok_or_else(|| {
            let expected = format!(
                "clusters * n_informative * (n_informative + n_redundant + n_repeated) of at most {MOST_MATRIX_VALUES}"
            );
            Error::job("data.n_clusters_per_class", expected, found())
        })
    }

    fn check_weights(&self) -> Result<()> {
        let Some(weights) = &self.weights else { return Ok(()) };
        let n = self.n_classes;
        if weights.len() != n && weights.len() + 1 != n {
            return Err(Error::job(
                "data.weights",
                format!("{n} numbers, one per class, or {} without the last", n - 1),
                format!("{} numbers", weights.len()),
            ));
        }
        weights.iter().try_for_each(|&weight| within("data.weights", 0.0, 1.0, weight))?;
        let sum: f64 = weights.iter().sum();
        // As much above 1 as rounding the decimal shares can give.
        if sum > 1.0 + 1e-12 * n as f64 {
            return Err(Error::job(
                "data.weights",
                "shares whose sum is at most 1",
                format!("a sum of {sum}"),
            ));
        }
        Ok(())
    }

    fn check_per_feature(
        &self,
        key: &str,
        values: &PerFeature,
        check: impl Fn(&str, f64) -> Result<()>,
    ) -> Result<()> {
        match values {
            PerFeature::Same(value) => check(key, *value),
            PerFeature::Each(each) if each.len() == self.n_features => {
                each.iter().try_for_each(|&value| check(key, value))
            }
            PerFeature::Each(each) => Err(Error::job(
                key,
                format!("a number, {} numbers (one per feature) or \"random\"", self.n_features),
                format!("{} numbers", each.len()),
            )),
            PerFeature::Random(_) => Ok(()),
        }
    }

    /// Rows of each cluster; cluster `k` belongs to class `k mod n_classes`.
    ///
    /// As in scikit-learn each cluster takes the whole part of its share and those left over go round.
    pub(super) fn cluster_counts(&self) -> Vec<u64> {
        let shares = self.class_shares();
        let n = self.n_clusters() as u64;
        let per_class = self.n_clusters_per_class as f64;
        let mut left = self.n_samples;
        let mut counts: Vec<u64> = (0..self.n_clusters())
            .map(|k| {
                let count = (self.n_samples as f64 * shares[k % self.n_classes] / per_class) as u64;
                // Shares may add to a little more than 1.
                let count = count.min(left);
                left -= count;
                count
            })
            .collect();
        for (k, count) in counts.iter_mut().enumerate() {
            *count += left / n + u64::from((k as u64) < left % n);
        }
        counts
    }

    fn class_shares(&self) -> Vec<f64> {
        let Some(weights) = &self.weights else {
            return vec![1.0 / self.n_classes as f64; self.n_classes];
        };
        let mut shares = weights.clone();
        if shares.len() < self.n_classes {
            shares.push((1.0 - weights.iter().sum::<f64>()).max(0.0));
        }
        shares
    }
}

fn above_zero(key: &str, found: f64) -> Result<()> {
    if found.is_finite() && found > 0.0 {
        return Ok(());
    }
    Err(Error::job(key, "a finite number above 0", found.to_string()))
}
