//! What all rows of a generated classification problem share: where clusters lie and how features mix.

use std::collections::BTreeSet;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

use super::params::{ClassificationParams, PerFeature};
use crate::rng::{self, Purpose};

/// What a feature is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// The clusters differ in it.
    Informative,
    /// A linear combination of informative features.
    Redundant,
    /// The feature of this column over again, but for shift and scale.
    Repeated {
        /// The column repeated.
        of: usize,
    },
    /// Noise: scikit-learn's `random`.
    Random,
}

/// The replicated parameters. Dependent features come first in this numbering, in scikit-learn's order:
/// informative, redundant, repeated; then the random ones.
#[derive(Clone, Debug)]
pub(super) struct Design {
    /// Where each cluster lies in the informative features: `(n_clusters, n_informative)`.
    pub(super) centroids: Vec<f64>,
    /// From noise to dependent features, scale included: `(n_clusters, n_informative, n_dependent)`.
    pub(super) matrices: Vec<f64>,
    /// Added to them, shift and scale included: `(n_clusters, n_dependent)`.
    pub(super) offsets: Vec<f64>,
    /// `(n_features,)`.
    pub(super) shift: Vec<f64>,
    /// `(n_features,)`.
    pub(super) scale: Vec<f64>,
    /// The column in which each feature stands: `(n_features,)`.
    pub(super) columns: Vec<usize>,
    /// The kind of each column: `(n_features,)`.
    pub(super) kinds: Vec<FeatureKind>,
}

impl Design {
    /// Draws everything from one stream.
    pub(super) fn draw(params: &ClassificationParams, seed: u64) -> Self {
        let mut rng = rng::stream(seed, Purpose::Design, 0);
        let n = params.n_informative;
        let centroids = draw_centroids(params, &mut rng);
        let mixing = draw_signed(&mut rng, params.n_clusters() * n * n);
        let redundant = draw_signed(&mut rng, n * params.n_redundant);
        let repeated = draw_repeated(params, &mut rng);
        let shift = per_feature(params, &params.shift, &mut rng, |u| (2.0 * u - 1.0) * params.class_sep);
        let scale = per_feature(params, &params.scale, &mut rng, |u| 1.0 + 100.0 * u);
        let mut columns: Vec<usize> = (0..params.n_features).collect();
        if params.shuffle {
            rng::shuffle(&mut rng, &mut columns);
        }

        let widen = |rows: &[f64]| widen(rows, n, &redundant, params.n_redundant, &repeated);
        let mut matrices = widen(&mixing);
        let mut offsets = widen(&centroids);
        let n_dependent = params.n_dependent();
        for line in matrices.chunks_exact_mut(n_dependent) {
            line.iter_mut().zip(&scale).for_each(|(value, scale)| *value *= scale);
        }
        for line in offsets.chunks_exact_mut(n_dependent) {
            for ((value, shift), scale) in line.iter_mut().zip(&shift).zip(&scale) {
                *value = (*value + shift) * scale;
            }
        }
        let kinds = kinds(params, &repeated, &columns);
        Self { centroids, matrices, offsets, shift, scale, columns, kinds }
    }
}

fn draw_centroids(params: &ClassificationParams, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let n = params.n_informative;
    let corners = draw_corners(params.n_clusters(), n, rng);
    let mut centroids: Vec<f64> =
        corners.into_iter().map(|up| if up { params.class_sep } else { -params.class_sep }).collect();
    if !params.hypercube {
        let along: Vec<f64> = (0..params.n_clusters()).map(|_| rng::uniform(rng)).collect();
        let across: Vec<f64> = (0..n).map(|_| rng::uniform(rng)).collect();
        for (row, along) in centroids.chunks_exact_mut(n).zip(along) {
            row.iter_mut().zip(&across).for_each(|(value, across)| *value *= along * across);
        }
    }
    centroids
}

/// Different corners of the unit hypercube: `(count, dimensions)`. As in scikit-learn, what is above 30 dimensions
/// is drawn freely and the last 30 differ.
fn draw_corners(count: usize, dimensions: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<bool> {
    let chosen_bits = dimensions.min(30);
    let mut taken = BTreeSet::new();
    let mut corners = Vec::with_capacity(count * dimensions);
    for _ in 0..count {
        corners.extend((chosen_bits..dimensions).map(|_| rng.next_u64() >> 63 == 1));
        let corner = loop {
            let corner = rng::below(rng, 1 << chosen_bits);
            if taken.insert(corner) {
                break corner;
            }
        };
        corners.extend((0..chosen_bits).rev().map(|bit| corner >> bit & 1 == 1));
    }
    corners
}

/// Numbers in [−1, 1).
fn draw_signed(rng: &mut Xoshiro256PlusPlus, count: usize) -> Vec<f64> {
    (0..count).map(|_| 2.0 * rng::uniform(rng) - 1.0).collect()
}

/// Which informative or redundant feature each repeated one repeats.
fn draw_repeated(params: &ClassificationParams, rng: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let last = (params.n_informative + params.n_redundant - 1) as f64;
    // The ends are half as likely as the others: scikit-learn's rule.
    (0..params.n_repeated).map(|_| (last * rng::uniform(rng) + 0.5) as usize).collect()
}

fn per_feature(
    params: &ClassificationParams,
    values: &PerFeature,
    rng: &mut Xoshiro256PlusPlus,
    draw: impl Fn(f64) -> f64,
) -> Vec<f64> {
    match values {
        PerFeature::Same(value) => vec![*value; params.n_features],
        PerFeature::Each(each) => each.clone(),
        PerFeature::Random(_) => (0..params.n_features).map(|_| draw(rng::uniform(rng))).collect(),
    }
}

/// Appends to rows of informative features, `(n_rows, n)`, what follows from them: the redundant features, which
/// are `row · redundant`, and the repeated ones.
fn widen(rows: &[f64], n: usize, redundant: &[f64], n_redundant: usize, repeated: &[usize]) -> Vec<f64> {
    let mut wide = Vec::with_capacity(rows.len() / n * (n + n_redundant + repeated.len()));
    for row in rows.chunks_exact(n) {
        let start = wide.len();
        wide.extend_from_slice(row);
        for r in 0..n_redundant {
            wide.push(row.iter().enumerate().map(|(k, value)| value * redundant[k * n_redundant + r]).sum());
        }
        for &of in repeated {
            wide.push(wide[start + of]);
        }
    }
    wide
}

fn kinds(params: &ClassificationParams, repeated: &[usize], columns: &[usize]) -> Vec<FeatureKind> {
    let n = params.n_informative + params.n_redundant;
    let mut kinds = vec![FeatureKind::Random; params.n_features];
    for (feature, &column) in columns.iter().enumerate().take(params.n_dependent()) {
        kinds[column] = if feature < params.n_informative {
            FeatureKind::Informative
        } else if feature < n {
            FeatureKind::Redundant
        } else {
            FeatureKind::Repeated { of: columns[repeated[feature - n]] }
        };
    }
    kinds
}
