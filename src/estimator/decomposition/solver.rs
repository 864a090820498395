//! The ways to the principal axes, and the choice between them.

use serde::{Deserialize, Serialize};

use super::axes::{of_products, of_triangle};
use super::covariance::{MOST_FEATURES, columns, covariance};
use super::sketch::{Sketch, range};
use super::tsqr::triangles;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Place, Result};
use crate::kernel::Real;
use crate::kernel::triangle::Triangle;

/// How the components are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SvdSolver {
    /// `covariance_eigh` for ten times as many rows as features or more, `full` for fewer; `randomized` where there are more
    /// than a thousand features and at most a fourth as many directions are looked for.
    #[default]
    Auto,
    /// The singular vectors by way of a QR decomposition, block by block: one pass. `tsqr` is another name for it.
    #[serde(alias = "tsqr")]
    Full,
    /// The eigenvectors of the covariance: one pass, and the least work where there are many rows.
    CovarianceEigh,
    /// The first few directions by trial and power iterations: several passes.
    Randomized,
}

impl SvdSolver {
    /// What to do with data of `n` rows and `d` features when `n_axes` directions are enough (or nobody knows).
    pub(super) fn choose(self, n: u64, d: usize, n_axes: Option<usize>) -> Self {
        match self {
            Self::Auto if d > 1000 && n_axes.is_some_and(|axes| 4 * axes <= d) => Self::Randomized,
            Self::Auto if n >= 10 * d as u64 => Self::CovarianceEigh,
            Self::Auto => Self::Full,
            given => given,
        }
    }
}

/// How often to multiply by the data again, to part the large directions from the small.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of 0 or more, or \"auto\"")]
pub enum IteratedPower {
    /// So often.
    Count(usize),
    /// `"auto"`: 7 times for less than a tenth of the components, else 4.
    Rule(String),
}

impl Default for IteratedPower {
    fn default() -> Self {
        Self::Rule("auto".into())
    }
}

impl IteratedPower {
    /// # Errors
    /// [`Error::Job`] for another rule than `"auto"`.
    pub(super) fn validate(&self) -> Result<()> {
        match self {
            Self::Rule(rule) if rule != "auto" => {
                let found = format!("the text {rule:?}");
                Err(Error::job("iterated_power", "a number of 0 or more, or \"auto\"", found))
            }
            _ => Ok(()),
        }
    }

    /// The number for `k` of at most `most` components.
    pub(super) fn count(&self, k: usize, most: usize) -> usize {
        match self {
            Self::Count(count) => *count,
            Self::Rule(_) if 10 * k < most => 7,
            Self::Rule(_) => 4,
        }
    }
}

/// Right singular vectors of the data, about their mean or the origin.
pub(super) struct Decomposition {
    /// `(n_features,)`
    pub(super) mean: Vec<f64>,
    /// Singular values, descending: all, or those looked for.
    pub(super) singular: Vec<f64>,
    /// Their squares.
    pub(super) squares: Vec<f64>,
    /// One a row.
    pub(super) vectors: Vec<f64>,
    /// Σ of the squared coordinates along each, about their mean.
    pub(super) spread: Vec<f64>,
    /// The same sum over all directions.
    pub(super) total: f64,
}

/// The data as rows about their mean (`centred`) or the origin, taken apart by `solver`, which has been chosen.
///
/// # Collective
/// One pass, whose partial is about n_features² numbers, and one broadcast of as many; for [`SvdSolver::Randomized`]
/// `n_iter` + 3 passes.
///
/// # Errors
/// What the passes meet; [`Error::Data`] for too many features, or squares that leave the range of a double.
pub(super) fn decompose<T: Real>(
    engine: &mut PassEngine<'_, T>,
    solver: SvdSolver,
    centred: bool,
    sketch: Sketch,
) -> Result<Decomposition> {
    match solver {
        SvdSolver::Randomized => by_sketch(engine, centred, sketch),
        SvdSolver::Full => by_triangle(engine, centred),
        SvdSolver::Auto | SvdSolver::CovarianceEigh => by_products(engine, centred),
    }
}

fn by_products<T: Real>(engine: &mut PassEngine<'_, T>, centred: bool) -> Result<Decomposition> {
    check_features(engine)?;
    let moments = covariance(engine)?;
    let (d, mean, products) = (moments.mean.len(), &moments.mean, &moments.products);
    if !products.iter().chain(mean).all(|v| v.is_finite()) {
        return Err(too_large(engine));
    }
    let axes = if centred {
        of_products(engine, products, d)?
    } else {
        let n = moments.n_rows as f64;
        let gram: Vec<f64> =
            (0..d * d).map(|p| (n * mean[p / d]).mul_add(mean[p % d], products[p])).collect();
        of_products(engine, &gram, d)?
    };
    let along = |v: &[f64]| {
        let one = |row: &[f64]| row.iter().zip(v).map(|(p, v)| p * v).sum::<f64>();
        products.chunks_exact(d).zip(v).map(|(row, v)| v * one(row)).sum::<f64>().max(0.0)
    };
    Ok(Decomposition {
        spread: if centred {
            axes.squares.clone()
        } else {
            axes.vectors.chunks_exact(d).map(along).collect()
        },
        total: (0..d).map(|i| products[i * d + i]).sum(),
        mean: moments.mean,
        singular: axes.singular,
        squares: axes.squares,
        vectors: axes.vectors,
    })
}

fn by_triangle<T: Real>(engine: &mut PassEngine<'_, T>, centred: bool) -> Result<Decomposition> {
    check_features(engine)?;
    let found = triangles(engine, None)?;
    if !found.is_finite() {
        return Err(too_large(engine));
    }
    let (d, triangle) = (found.mean.len(), found.triangle());
    let axes = if centred {
        of_triangle(engine, &triangle, d, None)
    } else {
        of_triangle(engine, &found.uncentred(), d, None)
    }?;
    Ok(Decomposition {
        spread: if centred { axes.squares.clone() } else { spreads(&triangle, d, &axes.vectors) },
        total: found.total(),
        mean: found.mean,
        singular: axes.singular,
        squares: axes.squares,
        vectors: axes.vectors,
    })
}

fn by_sketch<T: Real>(
    engine: &mut PassEngine<'_, T>,
    centred: bool,
    sketch: Sketch,
) -> Result<Decomposition> {
    let columns = columns(engine)?;
    let d = columns.mean.len();
    let origin = if centred { columns.mean.clone() } else { vec![0.0; d] };
    let total: f64 = columns.squares.iter().sum();
    let Some(coordinates) = range(engine, &origin, sketch)?.filter(|_| total.is_finite()) else {
        return Err(too_large(engine));
    };
    let found = triangles(engine, Some(&coordinates))?;
    if !found.is_finite() {
        return Err(too_large(engine));
    }
    let (m, basis, triangle) = (sketch.n_axes, coordinates.axes(), found.triangle());
    let axes = if centred {
        of_triangle(engine, &triangle, m, Some(&basis))
    } else {
        of_triangle(engine, &found.uncentred(), m, Some(&basis))
    }?;
    let spread = if centred {
        axes.squares.clone()
    } else {
        let own = |v: &[f64]| -> Vec<f64> {
            (0..m).map(|k| v.iter().enumerate().map(|(i, v)| v * basis[i * m + k]).sum()).collect()
        };
        let own: Vec<f64> = axes.vectors.chunks_exact(d).flat_map(own).collect();
        spreads(&triangle, m, &own)
    };
    Ok(Decomposition {
        mean: columns.mean,
        singular: axes.singular,
        squares: axes.squares,
        vectors: axes.vectors,
        spread,
        total,
    })
}

/// ‖R·v‖² for each of `vectors` `(n_vectors, n)`.
fn spreads(triangle: &Triangle, n: usize, vectors: &[f64]) -> Vec<f64> {
    let along = |v: &[f64], i: usize| (i..n).map(|j| triangle.get(i, j) * v[j]).sum::<f64>();
    let spread = |v: &[f64]| (0..n).map(|i| along(v, i).powi(2)).sum();
    vectors.chunks_exact(n).map(spread).collect()
}

fn check_features<T: Real>(engine: &PassEngine<'_, T>) -> Result<()> {
    let d = engine.shape().n_features;
    if d <= MOST_FEATURES {
        return Ok(());
    }
    let expected =
        format!("at most {MOST_FEATURES} features, whose products are kept (or the randomized solver)");
    Err(Error::data(engine.origin(), Place::default(), expected, d.to_string()))
}

fn too_large<T: Real>(engine: &PassEngine<'_, T>) -> Error {
    Error::data(engine.origin(), Place::default(), "values whose squares are finite", "larger ones")
}
