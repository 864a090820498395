//! Parameters of MiniBatchKMeans and their validation.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimator::cluster::kmeans::NInit;

/// Where the first centroids come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MiniBatchInit {
    /// Greedy k-means++ on `init_size` rows.
    #[default]
    #[serde(rename = "k-means++")]
    KMeansPlusPlus,
    /// Distinct rows of those at random.
    #[serde(rename = "random")]
    Random,
}

/// Parameters of MiniBatchKMeans with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MiniBatchKMeansParams {
    /// Number of clusters.
    pub n_clusters: usize,
    /// Where the first centroids come from.
    pub init: MiniBatchInit,
    /// As many batches at the most as make so many times all rows.
    pub max_iter: u64,
    /// Rows of a batch.
    pub batch_size: usize,
    /// The movement of the centroids, relative to the features' mean variance, that counts as none; 0 does not look.
    pub tol: f64,
    /// Batches without a better smoothed inertia after which to stop; 0 does not look.
    pub max_no_improvement: u64,
    /// Rows on which the start is found; 3 batches (or 3 `n_clusters`, if that is more than those) when absent.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub init_size: Option<usize>,
    /// Starts tried, of which the best on `init_size` other rows is taken; `"auto"` tries 1 for k-means++ and 3 for random.
    pub n_init: NInit,
    /// A centroid whose rows are fewer than this share of the largest one's is moved to a random row.
    pub reassignment_ratio: f64,
    /// Seed; the job's when absent.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
}

impl Default for MiniBatchKMeansParams {
    fn default() -> Self {
        Self {
            n_clusters: 8,
            init: MiniBatchInit::KMeansPlusPlus,
            max_iter: 100,
            batch_size: 1024,
            tol: 0.0,
            max_no_improvement: 10,
            init_size: None,
            n_init: NInit::Auto,
            reassignment_ratio: 0.01,
            random_state: None,
        }
    }
}

impl MiniBatchKMeansParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Job`] for the first that cannot be used.
    pub fn validate(&self) -> Result<()> {
        let positive = [
            ("n_clusters", self.n_clusters as u64),
            ("max_iter", self.max_iter),
            ("batch_size", self.batch_size as u64),
            ("init_size", self.init_size.unwrap_or(1) as u64),
            ("n_init", if let NInit::Count(count) = self.n_init { count as u64 } else { 1 }),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(Error::job(*key, "a positive integer", "0"));
        }
        if let Some(size) = self.init_size.filter(|size| *size < self.n_clusters) {
            let expected = format!("at least n_clusters = {}", self.n_clusters);
            return Err(Error::job("init_size", expected, size.to_string()));
        }
        for (key, value) in [("tol", self.tol), ("reassignment_ratio", self.reassignment_ratio)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::job(key, "a number of 0 or more", value.to_string()));
            }
        }
        Ok(())
    }

    /// Rows on which a start is found, of `n_samples`.
    pub(super) fn init_rows(&self, n_samples: u64) -> usize {
        let three_batches = self.batch_size.saturating_mul(3);
        let default = if three_batches < self.n_clusters { 3 * self.n_clusters } else { three_batches };
        self.init_size.unwrap_or(default).min(usize::try_from(n_samples).unwrap_or(usize::MAX))
    }

    /// Starts that are tried.
    pub(super) fn starts(&self) -> usize {
        match (self.n_init, self.init) {
            (NInit::Count(count), _) => count,
            (NInit::Auto, MiniBatchInit::Random) => 3,
            (NInit::Auto, MiniBatchInit::KMeansPlusPlus) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_value_is_refused() {
        let default = MiniBatchKMeansParams::default;
        let wrong = [
            ("n_clusters", MiniBatchKMeansParams { n_clusters: 0, ..default() }),
            ("max_iter", MiniBatchKMeansParams { max_iter: 0, ..default() }),
            ("batch_size", MiniBatchKMeansParams { batch_size: 0, ..default() }),
            ("init_size", MiniBatchKMeansParams { init_size: Some(7), ..default() }),
            ("n_init", MiniBatchKMeansParams { n_init: NInit::Count(0), ..default() }),
            ("tol", MiniBatchKMeansParams { tol: -1.0, ..default() }),
            ("reassignment_ratio", MiniBatchKMeansParams { reassignment_ratio: f64::NAN, ..default() }),
        ];
        for (key, params) in wrong {
            let message = params.validate().unwrap_err().to_string();
            assert!(message.starts_with(key), "{message}");
        }
        default().validate().unwrap();
    }

    /// scikit-learn's `_check_params_vs_input` with `default_n_init=3`.
    #[test]
    fn auto_tries_as_many_starts_as_scikit_learn() {
        let starts = |text: &str| toml::from_str::<MiniBatchKMeansParams>(text).unwrap().starts();
        assert_eq!(starts(""), 1);
        assert_eq!(starts("n_init = \"auto\""), 1);
        assert_eq!(starts("n_init = \"auto\"\ninit = \"random\""), 3);
        assert_eq!(starts("init = \"random\""), 3);
        assert_eq!(starts("n_init = 7"), 7);
    }
}
