//! A classification problem of Gaussian clusters: scikit-learn's `make_classification`.

mod design;
mod params;
#[cfg(test)]
mod tests;

pub use design::FeatureKind;
pub use params::{ClassificationParams, PerFeature, RandomWord};

use std::ops::Range;

use design::Design;

use super::shares::Shares;
use super::{Block, BlockSource, Shape, generated};
use crate::error::Result;
use crate::kernel::{AffineMixture, Isa, Real};
use crate::rng::{self, Purpose};

/// Rows drawn around corners of a hypercube, with the class as target.
///
/// Informative features of a row are `z · Aₖ + cₖ`: standard normals mixed by the matrix of its cluster around the
/// cluster's corner, ±`class_sep` in each feature. Redundant features are linear combinations of them, repeated
/// ones repeat both kinds, random ones are standard normals. Then come shift, scale and, for some rows, another
/// class.
///
/// Clusters have scikit-learn's numbers of rows over the whole data set; every block has its share of each.
/// Features are computed in double precision and rounded once for f32.
///
/// # References
/// Guyon, I., "Design of experiments for the NIPS 2003 variable selection benchmark", 2003.
#[derive(Clone, Debug)]
pub struct Classification {
    params: ClassificationParams,
    shape: Shape,
    seed: u64,
    design: Design,
    shares: Shares,
}

impl Classification {
    /// Checks the parameters and draws what all rows share.
    ///
    /// # Errors
    /// When a parameter is out of its range or contradicts another.
    pub fn new(params: &ClassificationParams, seed: u64, block_rows: Option<usize>) -> Result<Self> {
        params.check()?;
        let shape = generated::shape(params.n_samples, params.n_features, block_rows)?;
        let design = Design::draw(params, seed);
        let shares = Shares::new(&params.cluster_counts(), params.shuffle);
        Ok(Self { params: params.clone(), shape, seed, design, shares })
    }

    /// What each column is made of: `(n_features,)`.
    pub fn feature_kinds(&self) -> &[FeatureKind] {
        &self.design.kinds
    }

    /// Where clusters lie in the informative features, before shift and scale: `(n_clusters, n_informative)`.
    /// Cluster `k` belongs to class `k mod n_classes`.
    pub fn centroids(&self) -> &[f64] {
        &self.design.centroids
    }

    /// The cluster of each row of a part.
    fn assignment(&self, index: usize, rows: Range<u64>) -> Vec<u32> {
        let mut assignment = self.shares.of_rows(rows);
        if self.params.shuffle {
            generated::shuffle_rows(self.seed, index, &mut assignment);
        }
        assignment
    }

    fn fill_targets(&self, index: usize, assignment: &[u32], y: &mut [f64]) {
        let n_classes = self.params.n_classes;
        for (y, &cluster) in y.iter_mut().zip(assignment) {
            *y = (cluster as usize % n_classes) as f64;
        }
        if self.params.flip_y > 0.0 {
            let mut rng = rng::stream(self.seed, Purpose::Flip, index as u64);
            for y in y {
                if rng::uniform(&mut rng) < self.params.flip_y {
                    *y = rng::below(&mut rng, n_classes as u64) as f64;
                }
            }
        }
    }

    /// Turns noise into the features of some rows.
    fn fill_rows<T: Real>(&self, isa: Isa, assignment: &[u32], tile: &mut Tile, x: &mut [T]) {
        let n_dependent = self.params.n_dependent();
        let mixture = AffineMixture {
            n_inputs: self.params.n_informative,
            n_outputs: n_dependent,
            assignment,
            matrices: &self.design.matrices,
            offsets: &self.design.offsets,
        };
        mixture.apply(isa, &tile.noise, tile.width, &mut tile.dependent);
        let rows = x.chunks_exact_mut(self.params.n_features);
        let dependent = tile.dependent.chunks_exact(n_dependent);
        for ((row, dependent), noise) in rows.zip(dependent).zip(tile.noise.chunks_exact(tile.width)) {
            self.place(dependent, &noise[self.params.n_informative..], row);
        }
    }

    /// Puts features into their columns.
    fn place<T: Real>(&self, dependent: &[f64], random: &[f64], row: &mut [T]) {
        let (first, rest) = self.design.columns.split_at(dependent.len());
        for (&column, &value) in first.iter().zip(dependent) {
            row[column] = T::from_f64(value);
        }
        let scales = self.design.shift[first.len()..].iter().zip(&self.design.scale[first.len()..]);
        for ((&column, &value), (shift, scale)) in rest.iter().zip(random).zip(scales) {
            row[column] = T::from_f64((value + shift) * scale);
        }
    }
}

/// Noise and dependent features of some rows.
struct Tile {
    /// Noise of a row.
    width: usize,
    noise: Vec<f64>,
    dependent: Vec<f64>,
}

/// Noise drawn at a time, in numbers: enough that little of the last tile of noise is dropped, and within the
/// second cache. Part of what the data are.
const NOISE_NUMBERS: usize = 8192;

impl<T: Real> BlockSource<T> for Classification {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn part_rows(&self) -> usize {
        generated::part_rows(&self.shape)
    }

    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        let n_features = self.params.n_features;
        let n_dependent = self.params.n_dependent();
        let width = self.params.n_informative + n_features - n_dependent;
        let n_rows = (NOISE_NUMBERS / width).max(1);
        let mut tile = Tile { width, noise: Vec::new(), dependent: Vec::new() };
        let isa = Isa::best();
        for part in generated::parts_of(&self.shape, block) {
            let assignment = self.assignment(part.index, part.rows);
            self.fill_targets(part.index, &assignment, part.y);
            let mut normal = generated::noise(self.seed, part.index);
            for (x, assignment) in part.x.chunks_mut(n_rows * n_features).zip(assignment.chunks(n_rows)) {
                tile.noise.resize(assignment.len() * width, 0.0);
                tile.dependent.resize(assignment.len() * n_dependent, 0.0);
                normal.fill(&mut tile.noise);
                self.fill_rows(isa, assignment, &mut tile, x);
            }
        }
        Ok(())
    }

    fn origin(&self) -> String {
        "classification".to_owned()
    }

    fn waits_for_input(&self) -> bool {
        false
    }
}
