//! Parameters as in the job file, and checked.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::kernel::Isa;

/// Where the first centroids come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "InitText", into = "InitText")]
pub enum Init {
    /// Greedy k-means++: one pass a centroid.
    #[default]
    KMeansPlusPlus,
    /// k-means||: a few passes for any number of centroids.
    KMeansParallel,
    /// Distinct rows at random.
    Random,
    /// A CSV file of one centre a row, without a header.
    File(PathBuf),
}

/// An [`Init`] as it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "\"k-means||\", \"k-means++\", \"random\" or { file = \"…\" }")]
enum InitText {
    Name(String),
    Table(InitFile),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InitFile {
    file: PathBuf,
}

impl TryFrom<InitText> for Init {
    type Error = String;

    fn try_from(text: InitText) -> Result<Self, String> {
        match text {
            InitText::Table(InitFile { file }) => Ok(Self::File(file)),
            InitText::Name(name) => match name.as_str() {
                "k-means++" => Ok(Self::KMeansPlusPlus),
                "k-means||" => Ok(Self::KMeansParallel),
                "random" => Ok(Self::Random),
                _ => Err(format!(
                    "expected \"k-means||\", \"k-means++\", \"random\" or {{ file = \"…\" }}, found {name:?}"
                )),
            },
        }
    }
}

impl From<Init> for InitText {
    fn from(init: Init) -> Self {
        match init {
            Init::KMeansPlusPlus => Self::Name("k-means++".into()),
            Init::KMeansParallel => Self::Name("k-means||".into()),
            Init::Random => Self::Name("random".into()),
            Init::File(file) => Self::Table(InitFile { file }),
        }
    }
}

/// How many restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "NInitText", into = "NInitText")]
pub enum NInit {
    /// 10 for `random`, else 1.
    #[default]
    Auto,
    /// This many; given centres are tried once all the same.
    Count(usize),
}

/// An [`NInit`] as it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "\"auto\" or an integer of at least 1")]
enum NInitText {
    Name(String),
    Count(usize),
}

impl TryFrom<NInitText> for NInit {
    type Error = String;

    fn try_from(text: NInitText) -> Result<Self, String> {
        match text {
            NInitText::Count(count) => Ok(Self::Count(count)),
            NInitText::Name(name) if name == "auto" => Ok(Self::Auto),
            NInitText::Name(name) => {
                Err(format!("expected \"auto\" or an integer of at least 1, found {name:?}"))
            }
        }
    }
}

impl From<NInit> for NInitText {
    fn from(n_init: NInit) -> Self {
        match n_init {
            NInit::Auto => Self::Name("auto".into()),
            NInit::Count(count) => Self::Count(count),
        }
    }
}

/// Which iteration. Both names give Lloyd's answer and run the same code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Lloyd's.
    #[default]
    Lloyd,
    /// Elkan's, whose bounds change the work but not the answer.
    Elkan,
}

/// `[estimator]` of a K-means job: scikit-learn's names and defaults, and Dask-ML's for k-means||.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KMeansParams {
    /// Number of clusters, at least 1.
    pub n_clusters: usize,
    /// Where the first centroids come from.
    pub init: Init,
    /// Restarts; the one with the least inertia wins.
    pub n_init: NInit,
    /// Most iterations of one run, at least 1.
    pub max_iter: usize,
    /// Stops when the squared distance that all centroids moved is at most this times the mean variance of the
    /// features; 0 runs until no label changes.
    pub tol: f64,
    /// Seed of the starts; the job's seed when absent.
    pub random_state: Option<u64>,
    /// ℓ of k-means||: rows that a round draws on average, a count and no multiple of `n_clusters` (as in Dask-ML,
    /// whose default is 2). When absent 2·`n_clusters`, which the paper recommends.
    pub oversampling_factor: Option<f64>,
    /// Rounds of k-means||; 5 when absent, which the paper found enough.
    pub init_max_iter: Option<usize>,
    /// Which iteration; the answer is the same.
    pub algorithm: Algorithm,
}

impl Default for KMeansParams {
    fn default() -> Self {
        Self {
            n_clusters: 8,
            init: Init::default(),
            n_init: NInit::default(),
            max_iter: 300,
            tol: 1e-4,
            random_state: None,
            oversampling_factor: None,
            init_max_iter: None,
            algorithm: Algorithm::default(),
        }
    }
}

impl KMeansParams {
    /// Checks every value; `job_seed` stands in for an absent `random_state`.
    ///
    /// # Errors
    /// [`Error::Job`] with the key of the first value out of its range.
    pub fn validate(&self, job_seed: u64) -> Result<KMeans> {
        let at_least_one = |key: &str, value: usize| match value {
            0 => Err(Error::job(format!("estimator.{key}"), "an integer of at least 1", "0")),
            _ => Ok(()),
        };
        at_least_one("n_clusters", self.n_clusters)?;
        if u32::try_from(self.n_clusters).is_err() {
            return Err(Error::job(
                "estimator.n_clusters",
                "at most 4294967295",
                self.n_clusters.to_string(),
            ));
        }
        if let NInit::Count(count) = self.n_init {
            at_least_one("n_init", count)?;
        }
        at_least_one("max_iter", self.max_iter)?;
        if let Some(rounds) = self.init_max_iter {
            at_least_one("init_max_iter", rounds)?;
        }
        if !(self.tol >= 0.0 && self.tol.is_finite()) {
            return Err(Error::job("estimator.tol", "a number of at least 0", self.tol.to_string()));
        }
        let oversampling = self.oversampling_factor.unwrap_or(2.0 * self.n_clusters as f64);
        if !(oversampling > 0.0 && oversampling.is_finite()) {
            let key = "estimator.oversampling_factor";
            return Err(Error::job(key, "a number above 0", oversampling.to_string()));
        }
        let restarts = match (&self.init, self.n_init) {
            (Init::File(_), _) => 1,
            (Init::Random, NInit::Auto) => 10,
            (_, NInit::Auto) => 1,
            (_, NInit::Count(count)) => count,
        };
        Ok(KMeans {
            seed: self.random_state.unwrap_or(job_seed),
            oversampling,
            rounds: self.init_max_iter.unwrap_or(5),
            restarts,
            isa: Isa::best(),
            centers: None,
            params: self.clone(),
        })
    }
}

/// The rounds of k-means||.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    /// ℓ: rows that a round draws on average.
    pub(super) oversampling: f64,
    /// How many rounds there are.
    pub(super) number: usize,
}

/// Checked parameters of K-means, ready to [fit](KMeans::fit).
#[derive(Clone, Debug)]
pub struct KMeans {
    pub(super) params: KMeansParams,
    pub(super) seed: u64,
    pub(super) oversampling: f64,
    pub(super) rounds: usize,
    pub(super) restarts: usize,
    pub(super) isa: Isa,
    pub(super) centers: Option<Vec<f64>>,
}

impl KMeans {
    /// Starts from these centres, `(n_clusters, n_features)` row by row, instead of `init`.
    pub fn with_centers(mut self, centers: Vec<f64>) -> Self {
        self.centers = Some(centers);
        self.restarts = 1;
        self
    }

    /// Bytes that a fit keeps of every row: for each restart a label, and before that the number of a candidate.
    pub fn label_bytes(&self) -> u64 {
        let candidates = match self.params.init {
            // Half as many again as are expected is more than chance ever gives.
            Init::KMeansParallel => (1.5 * self.oversampling * self.rounds as f64) as usize + 1,
            _ => 0,
        };
        let label = match candidates.max(self.params.n_clusters) {
            0..=256 => 1,
            257..=65_536 => 2,
            _ => 4,
        };
        (self.restarts as u64).saturating_mul(label)
    }

    /// The rounds of k-means||.
    pub(super) fn rounds(&self) -> Rounds {
        Rounds { oversampling: self.oversampling, number: self.rounds }
    }

    /// Runs the kernels on this instruction set. The answer does not depend on it.
    pub fn on(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// The parameters as given.
    pub fn params(&self) -> &KMeansParams {
        &self.params
    }
}
