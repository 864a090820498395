//! What the targets are: classes with their weights, or numbers with their range.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::estimator::moments::{Moments, MomentsPass};
use crate::estimator::targets::{is_class, no_class};
use crate::kernel::Real;

/// Classes kept at the most: more distinct targets are taken for continuous ones.
const MOST_CLASSES: usize = 10_000;

/// A summary of all targets and weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Targets {
    /// Rows.
    pub(super) n_rows: u64,
    /// Σ of the weights (rows, when there are none).
    pub(super) weight: f64,
    /// Distinct targets, ascending, with the rows and the weight of each; absent for numbers.
    pub(super) classes: Vec<(f64, u64, f64)>,
    /// Σ of the weighted targets.
    pub(super) total: f64,
    /// The first row, if any, whose target is negative.
    negative: Option<(u64, f64)>,
    /// The first row, if any, whose target has a square outside the range of a double.
    too_large: Option<(u64, f64)>,
    /// The first row, if any, whose target is no class.
    no_class: Option<(u64, f64)>,
    /// Whether there were more than [`MOST_CLASSES`] distinct targets.
    pub(super) too_many: bool,
}

impl Partial for Targets {
    fn merge(&mut self, right: Self) {
        self.n_rows += right.n_rows;
        self.weight += right.weight;
        self.total += right.total;
        self.negative = self.negative.or(right.negative);
        self.too_large = self.too_large.or(right.too_large);
        self.no_class = self.no_class.or(right.no_class);
        self.too_many |= right.too_many;
        let (left, right) = (std::mem::take(&mut self.classes), right.classes);
        self.classes = merge_classes(left, right);
        self.limit();
    }
}

impl Targets {
    fn limit(&mut self) {
        if self.classes.len() > MOST_CLASSES {
            self.too_many = true;
            self.classes.truncate(MOST_CLASSES);
        }
    }
}

fn merge_classes(left: Vec<(f64, u64, f64)>, right: Vec<(f64, u64, f64)>) -> Vec<(f64, u64, f64)> {
    let mut merged: Vec<(f64, u64, f64)> = Vec::with_capacity(left.len().max(right.len()));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) if l.0 < r.0 => left.next(),
            (Some(l), Some(r)) if r.0 < l.0 => right.next(),
            (Some(_), Some(_)) => left
                .next()
                .zip(right.next())
                .map(|((class, n, w), (_, more_n, more_w))| (class, n + more_n, w + more_w)),
            (Some(_), None) => left.next(),
            (None, _) => right.next(),
        };
        match next {
            Some(class) => merged.push(class),
            None => return merged,
        }
    }
}

/// Looks at every target once.
struct Survey {
    classes: bool,
}

impl<T: Real> Pass<T> for Survey {
    type Partial = Targets;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Targets> {
        let weight = |row: usize| block.weights.get(row).copied().unwrap_or(1.0);
        let first = |is_it: fn(&f64) -> bool| {
            block.y.iter().position(is_it).map(|row| (block.first_row + row as u64, block.y[row]))
        };
        let mut targets = Targets {
            n_rows: block.n_rows as u64,
            weight: (0..block.n_rows).map(weight).sum(),
            total: block.y.iter().enumerate().map(|(row, y)| weight(row) * y).sum(),
            classes: Vec::new(),
            negative: first(|y| *y < 0.0),
            too_large: first(|y| !(y * y).is_finite()),
            no_class: if self.classes { first(|y| !is_class(*y)) } else { None },
            too_many: false,
        };
        if self.classes {
            // −0.0 and 0.0 are one class.
            for (row, y) in block.y.iter().map(|y| y + 0.0).enumerate() {
                match targets.classes.binary_search_by(|(class, ..)| class.total_cmp(&y)) {
                    Ok(i) => {
                        targets.classes[i].1 += 1;
                        targets.classes[i].2 += weight(row);
                    }
                    Err(i) => {
                        targets.classes.insert(i, (y, 1, weight(row)));
                        targets.limit();
                    }
                }
                if targets.too_many {
                    break;
                }
            }
        }
        Ok(targets)
    }
}

/// Surveys targets and weights in one pass; `classes` asks for the distinct targets.
///
/// # Collective
/// One pass; the partial is a few numbers a class.
///
/// # Errors
/// [`Error::Data`] when there are no targets, or weights are all zero or add up to no number to divide by.
pub(super) fn survey<T: Real>(engine: &mut PassEngine<'_, T>, classes: bool) -> Result<Targets> {
    check_size(engine)?;
    let targets = engine.run_once(&Survey { classes })?;
    check_weights(&targets, &engine.weight_origin())?;
    Ok(targets)
}

/// The survey and the moments of features and target, in one pass.
///
/// # Collective
/// One pass; the partial is (d + 1)² numbers.
///
/// # Errors
/// As [`survey`], and for targets that are text.
pub(super) fn surveyed_moments<T: Real>(engine: &mut PassEngine<'_, T>) -> Result<(Targets, Moments)> {
    check_size(engine)?;
    check_numbers(engine)?;
    let Both(targets, moments) = engine.run_once(&SurveyAndMoments(MomentsPass::new(true)))?;
    check_weights(&targets, &engine.weight_origin())?;
    check_products(&targets, &moments, engine)?;
    Ok((targets, moments.whole()))
}

/// Sums of products within the range of a double.
///
/// # Errors
/// [`Error::Data`] when they are not, with what has left it: the weights, the targets or the features.
fn check_products<T: Real>(targets: &Targets, moments: &Moments, engine: &PassEngine<'_, T>) -> Result<()> {
    let Moments { products, mean, .. } = moments;
    if products.iter().chain(mean).all(|v| v.is_finite()) {
        return Ok(());
    }
    let (m, d) = (mean.len(), mean.len() - 1);
    // No column's square by itself is out of range where its mean's is not by far.
    if moments.weight >= LARGE && mean.iter().all(|mean| mean.abs() < LARGE) {
        let (expected, found) = ("weights with which sums of squares are finite", "larger ones");
        return Err(Error::data(engine.weight_origin(), Place::default(), expected, found));
    }
    if (0..d).any(|j| !mean[j].is_finite() || !products[j * m + j].is_finite()) {
        let expected = "values whose squares are finite";
        return Err(Error::data(engine.origin(), Place::default(), expected, "larger ones"));
    }
    Err(too_large(targets, engine))
}

/// What weighs or measures this much may leave the range of a double when it meets a square.
const LARGE: f64 = 1e150;

/// Targets whose squares, or their sum, are no numbers.
fn too_large<T: Real>(targets: &Targets, engine: &PassEngine<'_, T>) -> Error {
    let (place, found) = match targets.too_large {
        Some((row, y)) => (Place::at(row, engine.target_name()), format!("{y:e}")),
        None => (Place::default(), "larger ones".into()),
    };
    Error::data(engine.target_origin(), place, "targets whose squares are finite", found)
}

/// Targets that can be counts.
///
/// # Errors
/// [`Error::Data`] for a negative one, and for one whose square is no number.
pub(super) fn check_counts<T: Real>(targets: &Targets, engine: &PassEngine<'_, T>) -> Result<()> {
    if let Some((row, y)) = targets.negative {
        let place = Place::at(row, engine.target_name());
        return Err(Error::data(engine.target_origin(), place, "a count of 0 or more", y.to_string()));
    }
    if targets.too_large.is_some() {
        return Err(too_large(targets, engine));
    }
    Ok(())
}

struct SurveyAndMoments(MomentsPass);

#[derive(Serialize, Deserialize)]
struct Both(Targets, Moments);

impl Partial for Both {
    fn merge(&mut self, right: Self) {
        self.0.merge(right.0);
        self.1.merge(right.1);
    }
}

impl<T: Real> Pass<T> for SurveyAndMoments {
    type Partial = Both;
    type Memory = ();

    fn block(&self, block: &Block<T>, memory: &mut ()) -> Result<Both> {
        Ok(Both(Survey { classes: false }.block(block, memory)?, self.0.block(block, memory)?))
    }
}

/// Names of the classes, when targets are text.
pub(super) fn class_names<T: Real>(engine: &mut PassEngine<'_, T>) -> Option<Vec<String>> {
    engine.feed_mut().source().class_names().map(<[String]>::to_vec)
}

/// Targets that are numbers.
///
/// # Errors
/// [`Error::Data`] when they are text.
pub(super) fn check_numbers<T: Real>(engine: &mut PassEngine<'_, T>) -> Result<()> {
    match class_names(engine).as_deref() {
        None => Ok(()),
        Some(names) => {
            let found = format!("text, such as {:?}", names.first().map_or("", String::as_str));
            Err(Error::data(engine.target_origin(), Place::default(), "targets that are numbers", found))
        }
    }
}

fn check_size<T: Real>(engine: &PassEngine<'_, T>) -> Result<()> {
    let fault = |expected: &str| Err(Error::data(engine.origin(), Place::default(), expected, "none"));
    if !engine.shape().has_targets {
        return fault("targets (data.y or a label column)");
    }
    if engine.shape().n_features == 0 {
        return fault("at least 1 feature");
    }
    Ok(())
}

fn check_weights(targets: &Targets, origin: &str) -> Result<()> {
    if targets.weight <= 0.0 {
        return Err(Error::data(origin, Place::default(), "a positive sum of weights", "only zeros"));
    }
    if !can_divide(targets.n_rows, targets.weight) {
        let expected = "a sum of weights in the range of a double";
        return Err(Error::data(origin, Place::default(), expected, format!("{:e}", targets.weight)));
    }
    Ok(())
}

/// Whether rows can be scaled by their number over a sum of weights: one that is above 0 and in the range of a double.
pub(super) fn can_divide(n_rows: u64, weight: f64) -> bool {
    weight > 0.0 && weight.is_finite() && (n_rows as f64 / weight).is_finite()
}

/// The classes among the targets: at least two, and whole numbers.
///
/// # Errors
/// [`Error::Data`] when there is one class only, or the targets are continuous.
pub(super) fn check_classes<T: Real>(targets: &Targets, engine: &PassEngine<'_, T>) -> Result<()> {
    let origin = engine.target_origin();
    let fault = |expected: &str, found: String| Err(Error::data(&origin, Place::default(), expected, found));
    if let Some((row, y)) = targets.no_class {
        let place = Place::at(row, engine.target_name());
        let (expected, found) = no_class(y);
        return Err(Error::data(&origin, place, expected, found));
    }
    if targets.too_many {
        return fault("targets that are classes", format!("more than {MOST_CLASSES} distinct targets"));
    }
    match targets.classes.as_slice() {
        [] | [_] => fault("at least 2 classes", format!("{}", targets.classes.len())),
        _ => Ok(()),
    }
}
