//! Isotropic Gaussian blobs: scikit-learn's `make_blobs`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::shares::{Shares, even_counts};
use super::{Block, BlockSource, Shape, centers, generated};
use crate::error::{Error, Result};
use crate::kernel::{Mixture, Real};
use crate::rng::{self, Purpose};

/// The parameters of [`Blobs`], with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlobsParams {
    /// Rows.
    pub n_samples: u64,
    /// Features of a row; 2 when absent, or as many as the file of centres has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_features: Option<usize>,
    /// How many centres, or where they are.
    pub centers: Centers,
    /// Standard deviation of the blobs.
    pub cluster_std: ClusterStd,
    /// Bounds between which the features of random centres are drawn.
    pub center_box: [f64; 2],
    /// Whether rows stand in random order, not sorted by centre.
    pub shuffle: bool,
}

impl Default for BlobsParams {
    fn default() -> Self {
        Self {
            n_samples: 100,
            n_features: None,
            centers: Centers::Number(3),
            cluster_std: ClusterStd::Same(1.0),
            center_box: [-10.0, 10.0],
            shuffle: true,
        }
    }
}

/// How many centres, or the file that holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of centers, or a file with one center a line")]
pub enum Centers {
    /// This many, drawn at random.
    Number(u64),
    /// Those in a file of comma-separated numbers, one centre a line, with or without a header.
    File(PathBuf),
}

/// The standard deviation of every blob or of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, or a list of one number per center")]
pub enum ClusterStd {
    /// The same for all.
    Same(f64),
    /// One a centre.
    Each(Vec<f64>),
}

/// Rows drawn around centres, with the index of the centre as target.
///
/// A row is `centre + std · noise`. Row `i` belongs to centre `i mod n_centers` before the rows of its part of
/// a block are put in random order, so that blobs are of equal size to within one row and every part has its share.
#[derive(Clone, Debug)]
pub struct Blobs {
    shape: Shape,
    seed: u64,
    n_centers: u32,
    centers: Vec<f64>,
    stds: Vec<f64>,
    /// Who belongs where, unless rows take turns.
    sorted: Option<Shares>,
}

impl Blobs {
    /// Checks the parameters and draws or reads the centres. A relative path is relative to `base_dir`.
    ///
    /// # Errors
    /// When a parameter is out of its range or contradicts another, or when the file cannot be read.
    pub fn new(params: &BlobsParams, base_dir: &Path, seed: u64, block_rows: Option<usize>) -> Result<Self> {
        let (n_features, centers) = match &params.centers {
            Centers::Number(count) => {
                let n_features = params.n_features.unwrap_or(2);
                (n_features, draw_centers(*count, n_features, params.center_box, seed)?)
            }
            Centers::File(path) => {
                let file = centers::read(&base_dir.join(path))?;
                agree_on_features(params.n_features, file.n_features, path)?;
                (file.n_features, file.values)
            }
        };
        let shape = generated::shape(params.n_samples, n_features, block_rows)?;
        let n_centers = centers.len() / n_features;
        let stds = stds(&params.cluster_std, n_centers)?;
        let counts = || even_counts(shape.n_samples, n_centers as u64);
        let sorted = (!params.shuffle).then(|| Shares::new(&counts(), false));
        Ok(Self { shape, seed, n_centers: n_centers as u32, centers, stds, sorted })
    }

    /// The centres, row by row: `(n_centers, n_features)`.
    pub fn centers(&self) -> &[f64] {
        &self.centers
    }

    /// The centre of each row of a part.
    fn assignment(&self, index: usize, rows: Range<u64>) -> Vec<u32> {
        if let Some(sorted) = &self.sorted {
            return sorted.of_rows(rows);
        }
        let mut center = (rows.start % u64::from(self.n_centers)) as u32;
        let mut assignment: Vec<u32> = rows
            .map(|_| {
                let now = center;
                center = if now + 1 == self.n_centers { 0 } else { now + 1 };
                now
            })
            .collect();
        generated::shuffle_rows(self.seed, index, &mut assignment);
        assignment
    }
}

impl<T: Real> BlockSource<T> for Blobs {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn part_rows(&self) -> usize {
        generated::part_rows(&self.shape)
    }

    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        let means: Vec<T> = self.centers.iter().copied().map(T::from_f64).collect();
        let stds: Vec<T> = self.stds.iter().copied().map(T::from_f64).collect();
        let n_features = self.shape.n_features;
        for part in generated::parts_of(&self.shape, block) {
            let assignment = self.assignment(part.index, part.rows);
            for (y, &center) in part.y.iter_mut().zip(&assignment) {
                *y = f64::from(center);
            }
            let mixture = Mixture { n_features, assignment: &assignment, means: &means, stds: &stds };
            generated::noise(self.seed, part.index).fill_mixture(part.x, &mixture);
        }
        Ok(())
    }

    fn origin(&self) -> String {
        "blobs".to_owned()
    }

    fn waits_for_input(&self) -> bool {
        false
    }
}

fn draw_centers(count: u64, n_features: usize, [low, high]: [f64; 2], seed: u64) -> Result<Vec<f64>> {
    generated::at_least("data.centers", 1, count)?;
    generated::at_least("data.n_features", 1, n_features as u64)?;
    if !(low.is_finite() && high.is_finite() && low <= high) {
        return Err(Error::job(
            "data.center_box",
            "two finite numbers, the smaller first",
            format!("[{low}, {high}]"),
        ));
    }
    let total = count.checked_mul(n_features as u64).filter(|&total| total <= MOST_CENTER_VALUES);
    let total = total.ok_or_else(|| {
        let expected = format!("at most {MOST_CENTER_VALUES} numbers in all centers");
        Error::job("data.centers", expected, format!("{count} centers of {n_features} features"))
    })?;
    let mut rng = rng::stream(seed, Purpose::Design, 0);
    Ok((0..total).map(|_| low + (high - low) * rng::uniform(&mut rng)).collect())
}

/// Every rank holds all centres: 2 GiB of them at most.
const MOST_CENTER_VALUES: u64 = 1 << 28;

fn agree_on_features(given: Option<usize>, in_file: usize, path: &Path) -> Result<()> {
    match given {
        Some(given) if given != in_file => Err(Error::job(
            "data.n_features",
            format!("{in_file}, as {} has", path.display()),
            given.to_string(),
        )),
        _ => Ok(()),
    }
}

fn stds(cluster_std: &ClusterStd, n_centers: usize) -> Result<Vec<f64>> {
    let stds = match cluster_std {
        ClusterStd::Same(std) => vec![*std; n_centers],
        ClusterStd::Each(stds) if stds.len() == n_centers => stds.clone(),
        ClusterStd::Each(stds) => {
            return Err(Error::job(
                "data.cluster_std",
                format!("a number or {n_centers} numbers, one per center"),
                format!("{} numbers", stds.len()),
            ));
        }
    };
    stds.iter().try_for_each(|&std| generated::within("data.cluster_std", 0.0, f64::INFINITY, std))?;
    Ok(stds)
}

#[cfg(test)]
mod tests;
