//! Which classes a score is defined for.

use super::Scorer;
use super::ordering::{are_many, are_two, distinct};
use crate::error::{Error, Place, Result};
use crate::metrics::Average::Binary;
use crate::metrics::class_counts::ClassCounts;

impl Scorer {
    /// Whether it is about one class, the positive one, which is called 1.
    pub(super) fn has_positive_class(self) -> bool {
        matches!(
            self,
            Self::Precision(Binary)
                | Self::Recall(Binary)
                | Self::F1(Binary)
                | Self::Jaccard(Binary)
                | Self::AveragePrecision
        )
    }

    /// Whether it is about the class 1 of three classes and more, that a model knows or was fitted on: for the rows it is
    /// only defined where no more than two occur.
    pub fn is_of_one_of_many(self, known: &[f64]) -> bool {
        self.has_positive_class() && !self.is_of_many(known) && are_many(known)
    }

    /// Checks that the score is defined for targets that are text, as in scikit-learn; `known` are the numbers of the
    /// classes that a model knows, or of such targets.
    ///
    /// # Errors
    /// [`Error::Data`] for the scores of the class 1 of at most two classes (of more [the rows](Self::of_names) tell), and
    /// for the Brier score of two classes, which scikit-learn refuses because it cannot tell which of two names is the one
    /// that happens.
    pub fn check_text(self, known: &[f64]) -> Result<()> {
        if self.is_of_one_of_many(known) { Ok(()) } else { self.check_names(known) }
    }

    /// The score of rows of names by predictions that are names of three classes and more, where it is about the class 1:
    /// 0 of rows that are all of one name and are all predicted as that, as in scikit-learn. None for other scores.
    ///
    /// # Errors
    /// [`Error::Data`] for rows with two names or more.
    pub fn of_names(self, known: &[f64], y_true: &[f64], predicted: &[f64]) -> Option<Result<f64>> {
        let alike = |names: &[f64]| !are_two(names);
        let lone = || alike(y_true) && alike(predicted) && y_true.first() == predicted.first();
        self.is_of_one_of_many(known)
            .then(|| if lone() { Ok(0.0) } else { self.check_names(&[]).map(|()| 0.0) })
    }

    /// Checks that the score, where it is about the class 1 of three classes and more, may be defined for rows with targets
    /// `y_true`, names if `of_text`: that these are of one class, or of two of which one is called 1.
    ///
    /// # Errors
    /// [`Error::Data`] for others.
    pub fn check_positive(self, y_true: &[f64], of_text: bool) -> Result<()> {
        match of_text {
            true if are_two(y_true) => self.check_names(&[]),
            true => Ok(()),
            false => self.of_classes(&ClassCounts::new(y_true, y_true)).map(drop),
        }
    }

    /// [`check_text`](Self::check_text) of two classes, or where `known` is empty of rows that are of two classes.
    fn check_names(self, known: &[f64]) -> Result<()> {
        let name = self.name();
        let (expected, found) = match self {
            _ if self.is_of_many(known) => return Ok(()),
            Self::AveragePrecision => {
                ("classes that are numbers".into(), format!("{name}, which is about the class called 1"))
            }
            Self::NegBrierScore | Self::D2Brier if distinct(known).len() <= 2 => {
                (format!("two classes that are numbers, or three and more, for {name}"), "two names".into())
            }
            _ if self.has_positive_class() => (
                format!("{name}_macro, _micro or _weighted for targets that are text"),
                format!("{name}, which is about the class called 1"),
            ),
            _ => return Ok(()),
        };
        Err(Error::data("scoring", Place::default(), expected, found))
    }

    /// Checks that the score is defined for rows with weights.
    ///
    /// # Errors
    /// [`Error::Data`] for areas of pairs of three classes and more, which scikit-learn does not weigh; `known` are the
    /// classes that a model knows, or targets.
    pub fn check_weighted(self, known: &[f64]) -> Result<()> {
        if !matches!(self, Self::RocAucOvo | Self::RocAucOvoWeighted) || distinct(known).len() < 3 {
            return Ok(());
        }
        let expected = format!("rows without weights for {} of three classes and more", self.name());
        Err(Error::data("scoring", Place::default(), expected, "weights"))
    }

    /// Checks that the score is defined for a model that knows these classes, as in scikit-learn: for one that is about the
    /// class 1 a model of two classes has to know it, whatever the rows are.
    ///
    /// # Errors
    /// [`Error::Data`] for the scores of the class 1.
    pub fn check_known(self, classes: &[f64]) -> Result<()> {
        if !self.has_positive_class() || are_many(classes) || classes.contains(&1.0) {
            return Ok(());
        }
        let expected = format!("training rows of the class 1, which {} is about", self.name());
        Err(Error::data("scoring", Place::default(), expected, "none"))
    }

    /// That it is not defined for these classes.
    pub(super) fn undefined(self, expected: String, classes: &[f64]) -> Error {
        let classes = distinct(classes);
        let found = match classes[..] {
            [a, b, c, _, ..] => format!("{} classes: {a}, {b}, {c}, …", classes.len()),
            _ => format!("classes {classes:?}"),
        };
        Error::data("scoring", Place::default(), expected, found)
    }
}
