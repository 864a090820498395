//! Parameters as in the job file, and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

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
    /// Looked at by hand: of what an untagged table refuses no key could be named.
    Table(BTreeMap<String, serde_json::Value>),
}

/// The path in `{ file = "…" }`.
fn init_file(table: &BTreeMap<String, serde_json::Value>) -> Result<PathBuf, String> {
    if let Some(unknown) = table.keys().find(|key| *key != "file") {
        return Err(format!("unknown field `{unknown}`, expected `file`"));
    }
    match table.get("file") {
        Some(serde_json::Value::String(file)) => Ok(file.into()),
        Some(_) => Err("expected the path of a file of centres in { file = \"…\" }".into()),
        None => Err("missing field `file`".into()),
    }
}

impl TryFrom<InitText> for Init {
    type Error = String;

    fn try_from(text: InitText) -> Result<Self, String> {
        match text {
            InitText::Table(table) => init_file(&table).map(Self::File),
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
            Init::File(file) => {
                let path = file.to_string_lossy().into_owned();
                Self::Table(BTreeMap::from([("file".into(), path.into())]))
            }
        }
    }
}

/// How many restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "NInitText", into = "NInitText")]
pub enum NInit {
    /// 10 for `random` (3 for MiniBatchKMeans), else 1.
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

/// By what the best of several numbers of clusters is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// The greatest mean silhouette of a sample of the rows.
    #[default]
    Silhouette,
    /// The greatest Calinski–Harabasz index.
    CalinskiHarabasz,
    /// The least Davies–Bouldin index.
    DaviesBouldin,
}

/// `[estimator]` of a K-means job: scikit-learn's names and defaults, and Dask-ML's for k-means||.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Text", into = "Text")]
pub struct KMeansParams {
    /// Number of clusters, at least 1.
    pub n_clusters: usize,
    /// Several numbers of clusters, each at least 2, in ascending order, to be fitted in the same passes instead of
    /// `n_clusters`; in a job `n_clusters` is a list then.
    pub n_clusters_tried: Vec<usize>,
    /// By what the best of them is chosen; silhouette when absent.
    pub select: Option<Select>,
    /// Rows of the sample of the silhouette; 2000 when absent.
    pub silhouette_samples: Option<usize>,
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

/// `n_clusters` as it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "a positive integer, or a list of them")]
enum NClustersText {
    One(usize),
    Several(#[serde(deserialize_with = "at_least_one")] Vec<usize>),
}

/// A list that is not empty.
fn at_least_one<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<usize>, D::Error> {
    let list = Vec::deserialize(from)?;
    let none = || serde::de::Error::invalid_length(0, &"at least one number");
    if list.is_empty() { Err(none()) } else { Ok(list) }
}

/// [`KMeansParams`] as they are written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Text {
    n_clusters: NClustersText,
    #[serde(skip_serializing_if = "Option::is_none")]
    select: Option<Select>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silhouette_samples: Option<usize>,
    init: Init,
    n_init: NInit,
    max_iter: usize,
    tol: f64,
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    random_state: Option<u64>,
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    oversampling_factor: Option<f64>,
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    init_max_iter: Option<usize>,
    algorithm: Algorithm,
}

impl Default for Text {
    fn default() -> Self {
        KMeansParams::default().into()
    }
}

impl From<KMeansParams> for Text {
    fn from(params: KMeansParams) -> Self {
        Self {
            n_clusters: if params.n_clusters_tried.is_empty() {
                NClustersText::One(params.n_clusters)
            } else {
                NClustersText::Several(params.n_clusters_tried)
            },
            select: params.select,
            silhouette_samples: params.silhouette_samples,
            init: params.init,
            n_init: params.n_init,
            max_iter: params.max_iter,
            tol: params.tol,
            random_state: params.random_state,
            oversampling_factor: params.oversampling_factor,
            init_max_iter: params.init_max_iter,
            algorithm: params.algorithm,
        }
    }
}

impl From<Text> for KMeansParams {
    fn from(text: Text) -> Self {
        let (n_clusters, n_clusters_tried) = match text.n_clusters {
            NClustersText::One(n_clusters) => (n_clusters, Vec::new()),
            NClustersText::Several(tried) => (tried.iter().copied().max().unwrap_or(0), tried),
        };
        Self {
            n_clusters,
            n_clusters_tried,
            select: text.select,
            silhouette_samples: text.silhouette_samples,
            init: text.init,
            n_init: text.n_init,
            max_iter: text.max_iter,
            tol: text.tol,
            random_state: text.random_state,
            oversampling_factor: text.oversampling_factor,
            init_max_iter: text.init_max_iter,
            algorithm: text.algorithm,
        }
    }
}

impl Default for KMeansParams {
    fn default() -> Self {
        Self {
            n_clusters: 8,
            n_clusters_tried: Vec::new(),
            select: None,
            silhouette_samples: None,
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
        self.check_tried()?;
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
            sizes: if self.n_clusters_tried.is_empty() {
                vec![self.n_clusters]
            } else {
                self.n_clusters_tried.clone()
            },
            isa: Isa::best(),
            centers: None,
            params: self.clone(),
        })
    }
}

impl KMeansParams {
    /// Checks a list of numbers of clusters, and that what goes with one has one.
    fn check_tried(&self) -> Result<()> {
        let tried = &self.n_clusters_tried;
        let ascend = tried.first().is_none_or(|&k| k > 1) && tried.is_sorted_by(|a, b| a < b);
        if !ascend || tried.iter().max().is_some_and(|&most| most != self.n_clusters) {
            let expected = "an integer of at least 1, or a list of integers of at least 2 in ascending order";
            return Err(Error::job("estimator.n_clusters", expected, format!("{tried:?}")));
        }
        if tried.is_empty() && (self.select.is_some() || self.silhouette_samples.is_some()) {
            let key = if self.select.is_some() { "select" } else { "silhouette_samples" };
            let expected = "no such key unless n_clusters is a list";
            return Err(Error::job(format!("estimator.{key}"), expected, "one number of clusters"));
        }
        if !tried.is_empty() && matches!(self.init, Init::File(_)) {
            let expected = "\"k-means||\", \"k-means++\" or \"random\" where n_clusters is a list";
            return Err(Error::job("estimator.init", expected, "a file of centres"));
        }
        if self.silhouette_samples.is_some_and(|samples| samples < 2) {
            return Err(Error::job("estimator.silhouette_samples", "an integer of at least 2", "less"));
        }
        Ok(())
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
    /// Restarts of each size.
    pub(super) restarts: usize,
    /// Numbers of clusters.
    pub(super) sizes: Vec<usize>,
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
        let label = |k: &usize| match candidates.max(*k) {
            0..=256 => 1,
            257..=65_536 => 2,
            _ => 4,
        };
        (self.restarts as u64).saturating_mul(self.sizes.iter().map(label).sum())
    }

    /// The number of clusters of each run.
    pub(super) fn run_sizes(&self) -> impl Iterator<Item = usize> {
        self.sizes.iter().flat_map(|&k| std::iter::repeat_n(k, self.restarts))
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
