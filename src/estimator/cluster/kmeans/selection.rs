//! Several numbers of clusters: what becomes of each, and which is the best.
//!
//! All are fitted in the same passes. Two more find the indices of the best run of each: means of the clusters, then
//! distances to them. Every row counts once, as in scikit-learn's functions of the same names.
//!
//! # References
//! Those of [`ClusterSpread`] and [`RowSample`].

use serde::{Deserialize, Serialize};

use super::finish::Finish;
use super::frame::{CHUNK, Frame};
use super::kept::Memory;
use super::params::{KMeans, Select};
use super::run::Run;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::Real;
use crate::metrics::{ClusterMeans, ClusterSpread, RowSample};

/// Rows of the sample of the silhouette unless the job says another number.
const SAMPLES: usize = 2000;

/// A number of clusters and how well it suits the data. An index that the clusters do not define is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// Number of clusters.
    pub n_clusters: usize,
    /// Iterations of its best run.
    pub n_iter: usize,
    /// `inertia_` of its best run.
    pub inertia: f64,
    /// Mean silhouette of a sample of the rows: −1 … 1, the greater the better.
    pub silhouette: f64,
    /// Scatter between clusters over that within, each over its degrees of freedom: the greater the better.
    pub calinski_harabasz: f64,
    /// Mean over the clusters of the greatest similarity to another: the less the better.
    pub davies_bouldin: f64,
}

/// The place of the best; the first of those that are equal, and any before those without an index.
pub(super) fn best(tried: &[Tried], select: Select) -> usize {
    let merit = |tried: &Tried| match select {
        Select::Silhouette => tried.silhouette,
        Select::CalinskiHarabasz => tried.calinski_harabasz,
        Select::DaviesBouldin => -tried.davies_bouldin,
    };
    let better = |a: f64, b: f64| a > b || b.is_nan() && !a.is_nan();
    (1..tried.len()).fold(0, |best, i| if better(merit(&tried[i]), merit(&tried[best])) { i } else { best })
}

/// Scores one run of each size, given with its number, by the labels that its rows have.
///
/// # Collective
/// Two passes.
///
/// # Errors
/// What the passes return.
pub(super) fn score<T: Real>(
    kmeans: &KMeans,
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    runs: &[(usize, &Run, &Finish)],
    memory: &mut [Memory],
) -> Result<Vec<Tried>> {
    let (d, seed) = (frame.d(), kmeans.seed);
    let numbers: Vec<usize> = runs.iter().map(|&(number, ..)| number).collect();
    let k = |run: &Run| run.centers.len() / d;
    let sizes = runs.iter().map(|&(_, run, _)| k(run)).collect();
    let mut clusters = engine.run(&MeansPass { frame, runs: &numbers, sizes }, memory)?;
    clusters.iter_mut().for_each(ClusterMeans::average);
    let samples = kmeans.params.silhouette_samples.unwrap_or(SAMPLES);
    let spreads =
        engine.run(&SpreadPass { frame, runs: &numbers, clusters: &clusters, samples, seed }, memory)?;
    let tried =
        |((&(_, run, finish), clusters), spread): ((&(usize, &Run, &Finish), &ClusterMeans), Spread)| Tried {
            n_clusters: k(run),
            n_iter: run.history.len(),
            inertia: finish.inertia,
            calinski_harabasz: spread.spread.calinski_harabasz(clusters),
            davies_bouldin: spread.spread.davies_bouldin(clusters),
            silhouette: spread.sample.silhouette().unwrap_or(f64::NAN),
        };
    Ok(runs.iter().zip(&clusters).zip(spreads).map(tried).collect())
}

struct MeansPass<'a, T> {
    frame: &'a Frame<T>,
    runs: &'a [usize],
    sizes: Vec<usize>,
}

impl<T: Real> Pass<T> for MeansPass<'_, T> {
    type Partial = Vec<ClusterMeans>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<ClusterMeans>> {
        let d = self.frame.d();
        let mut all: Vec<ClusterMeans> = self.sizes.iter().map(|&k| ClusterMeans::new(k, d)).collect();
        let mut labels = vec![0; block.n_rows];
        for (&run, clusters) in self.runs.iter().zip(&mut all) {
            memory.runs[run].labels.copy_to(0, &mut labels);
            for (row, &label) in block.x.chunks_exact(d).zip(&labels) {
                let centered = row.iter().zip(&self.frame.shift).map(|(x, m)| x.to_f64() - m.to_f64());
                clusters.add(label as usize, centered);
            }
        }
        Ok(all)
    }
}

/// How far rows lie from the means of their clusters, and a sample of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Spread {
    spread: ClusterSpread,
    sample: RowSample,
}

impl Partial for Spread {
    fn merge(&mut self, right: Self) {
        self.spread.merge(right.spread);
        self.sample.merge(right.sample);
    }
}

struct SpreadPass<'a, T> {
    frame: &'a Frame<T>,
    runs: &'a [usize],
    clusters: &'a [ClusterMeans],
    samples: usize,
    seed: u64,
}

impl<T: Real> Pass<T> for SpreadPass<'_, T> {
    type Partial = Vec<Spread>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Spread>> {
        let (mut labels, mut squares) = (vec![0; block.n_rows], [0.0; CHUNK]);
        let mut all = Vec::with_capacity(self.runs.len());
        for (&run, clusters) in self.runs.iter().zip(self.clusters) {
            memory.runs[run].labels.copy_to(0, &mut labels);
            let mut spread = ClusterSpread::new(clusters.len());
            for (first, rows) in self.frame.chunks(block) {
                let (labels, squares) = (&labels[first..first + rows.len()], &mut squares[..rows.len()]);
                self.frame.distances(&rows, clusters.means(), labels, squares);
                for (&label, &square) in labels.iter().zip(&*squares) {
                    spread.add(label as usize, square);
                }
            }
            let signed: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
            let x = |i: usize| self.frame.centered(block.row(i));
            let sample = RowSample::new(self.seed, self.samples, block.first_row, &signed, x);
            all.push(Spread { spread, sample });
        }
        Ok(all)
    }
}
