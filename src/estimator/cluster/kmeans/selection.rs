//! Several numbers of clusters: what becomes of each, and which is the best.
//!
//! All are fitted in the same passes. Two more find the indices of the best run of each: means of the clusters, then
//! distances to them. Every row counts once, as in scikit-learn's functions of the same names.
//!
//! # References
//! * Caliński & Harabasz, "A dendrite method for cluster analysis", 1974.
//! * Davies & Bouldin, "A cluster separation measure", 1979.
//! * Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis", 1987.

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
use crate::metrics::RowSample;

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
    clusters.iter_mut().for_each(Clusters::average);
    let samples = kmeans.params.silhouette_samples.unwrap_or(SAMPLES);
    let spreads =
        engine.run(&SpreadPass { frame, runs: &numbers, clusters: &clusters, samples, seed }, memory)?;
    let tried = |((&(_, run, finish), clusters), spread): ((&(usize, &Run, &Finish), &Clusters), Spread)| {
        let used: Vec<usize> = (0..k(run)).filter(|&j| clusters.counts[j] > 0).collect();
        Tried {
            n_clusters: k(run),
            n_iter: run.history.len(),
            inertia: finish.inertia,
            calinski_harabasz: calinski_harabasz(clusters, &spread, &used),
            davies_bouldin: davies_bouldin(clusters, &spread, &used),
            silhouette: spread.sample.silhouette().unwrap_or(f64::NAN),
        }
    };
    Ok(runs.iter().zip(&clusters).zip(spreads).map(tried).collect())
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Scatter between over scatter within: 1 where there is none within, NaN for one cluster or as many as rows.
fn calinski_harabasz(clusters: &Clusters, spread: &Spread, used: &[usize]) -> f64 {
    let n = clusters.counts.iter().sum::<u64>() as f64;
    let (k, d) = (used.len() as f64, clusters.d);
    if k < 2.0 || k >= n {
        return f64::NAN;
    }
    let mut mean = vec![0.0; d];
    for &j in used {
        let share = clusters.counts[j] as f64 / n;
        mean.iter_mut().zip(clusters.mean(j)).for_each(|(mean, m)| *mean += share * m);
    }
    let between: f64 =
        used.iter().map(|&j| clusters.counts[j] as f64 * square(clusters.mean(j), &mean)).sum();
    let within = spread.within;
    if within == 0.0 { 1.0 } else { between * (n - k) / (within * (k - 1.0)) }
}

/// NaN for one cluster or as many as rows; two clusters with one mean count 0, as in scikit-learn.
fn davies_bouldin(clusters: &Clusters, spread: &Spread, used: &[usize]) -> f64 {
    let n = clusters.counts.iter().sum::<u64>();
    if used.len() < 2 || used.len() as u64 >= n {
        return f64::NAN;
    }
    let radius = |j: usize| spread.distances[j] / clusters.counts[j] as f64;
    let similarity = |a: usize, b: usize| {
        let apart = square(clusters.mean(a), clusters.mean(b)).sqrt();
        if apart == 0.0 { 0.0 } else { (radius(a) + radius(b)) / apart }
    };
    let worst = |&a: &usize| used.iter().filter(|&&b| b != a).map(|&b| similarity(a, b)).fold(0.0, f64::max);
    used.iter().map(worst).sum::<f64>() / used.len() as f64
}

/// Rows of each cluster and their sums, relative to the shift; their means in the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Clusters {
    d: usize,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl Clusters {
    fn mean(&self, j: usize) -> &[f64] {
        &self.sums[j * self.d..(j + 1) * self.d]
    }

    fn average(&mut self) {
        for (sums, &count) in self.sums.chunks_exact_mut(self.d).zip(&self.counts) {
            sums.iter_mut().for_each(|sum| *sum /= count.max(1) as f64);
        }
    }
}

impl Partial for Clusters {
    fn merge(&mut self, right: Self) {
        self.sums.merge(right.sums);
        self.counts.iter_mut().zip(right.counts).for_each(|(left, right)| *left += right);
    }
}

struct MeansPass<'a, T> {
    frame: &'a Frame<T>,
    runs: &'a [usize],
    sizes: Vec<usize>,
}

impl<T: Real> Pass<T> for MeansPass<'_, T> {
    type Partial = Vec<Clusters>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Clusters>> {
        let d = self.frame.d();
        let none = |&k: &usize| Clusters { d, sums: vec![0.0; k * d], counts: vec![0; k] };
        let mut all: Vec<Clusters> = self.sizes.iter().map(none).collect();
        let mut labels = vec![0; block.n_rows];
        for (&run, clusters) in self.runs.iter().zip(&mut all) {
            memory.runs[run].labels.copy_to(0, &mut labels);
            for (row, &label) in block.x.chunks_exact(d).zip(&labels) {
                let sums = &mut clusters.sums[label as usize * d..][..d];
                let centered = row.iter().zip(&self.frame.shift).map(|(x, m)| x.to_f64() - m.to_f64());
                sums.iter_mut().zip(centered).for_each(|(sum, x)| *sum += x);
                clusters.counts[label as usize] += 1;
            }
        }
        Ok(all)
    }
}

/// How far rows lie from the means of their clusters, and a sample of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Spread {
    /// Sum of the distances of each cluster.
    distances: Vec<f64>,
    /// Sum of the squared distances of all.
    within: f64,
    sample: RowSample,
}

impl Partial for Spread {
    fn merge(&mut self, right: Self) {
        self.distances.merge(right.distances);
        self.within += right.within;
        self.sample.merge(right.sample);
    }
}

struct SpreadPass<'a, T> {
    frame: &'a Frame<T>,
    runs: &'a [usize],
    clusters: &'a [Clusters],
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
            let (mut distances, mut within) = (vec![0.0; clusters.counts.len()], 0.0);
            for (first, rows) in self.frame.chunks(block) {
                let (labels, squares) = (&labels[first..first + rows.len()], &mut squares[..rows.len()]);
                self.frame.distances(&rows, &clusters.sums, labels, squares);
                for (&label, &square) in labels.iter().zip(&*squares) {
                    distances[label as usize] += square.sqrt();
                    within += square;
                }
            }
            let signed: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
            let x = |i: usize| self.frame.centered(block.row(i));
            let sample = RowSample::new(self.seed, self.samples, block.first_row, &signed, x);
            all.push(Spread { distances, within, sample });
        }
        Ok(all)
    }
}
