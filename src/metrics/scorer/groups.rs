//! Scores of predicted labels that know no weights: of how rows are grouped, and of the odds of two classes.

use super::Scorer;
use crate::error::Result;
use crate::metrics::agreement::Agreement;
use crate::metrics::contingency::Contingency;

/// How two groupings are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// [`Agreement::rand`].
    Rand,
    /// [`Agreement::adjusted_rand`].
    AdjustedRand,
    /// [`Agreement::mutual_info`].
    MutualInfo,
    /// [`Agreement::adjusted_mutual_info`].
    AdjustedMutualInfo,
    /// [`Agreement::normalized_mutual_info`].
    NormalizedMutualInfo,
    /// [`Agreement::homogeneity`].
    Homogeneity,
    /// [`Agreement::completeness`].
    Completeness,
    /// [`Agreement::v_measure`].
    VMeasure,
    /// [`Agreement::fowlkes_mallows`].
    FowlkesMallows,
}

impl Grouping {
    /// The score of two groupings.
    pub fn of(self, agreement: &Agreement) -> f64 {
        match self {
            Self::Rand => agreement.rand(),
            Self::AdjustedRand => agreement.adjusted_rand(),
            Self::MutualInfo => agreement.mutual_info(),
            Self::AdjustedMutualInfo => agreement.adjusted_mutual_info(),
            Self::NormalizedMutualInfo => agreement.normalized_mutual_info(),
            Self::Homogeneity => agreement.homogeneity(),
            Self::Completeness => agreement.completeness(),
            Self::VMeasure => agreement.v_measure(),
            Self::FowlkesMallows => agreement.fowlkes_mallows(),
        }
    }
}

impl Scorer {
    /// Whether it counts rows by their weights where they have some, as the functions of scikit-learn that take them.
    pub fn knows_weights(self) -> bool {
        self != Self::NegMaxError && !self.is_of_labels()
    }

    /// Whether it is one of those here.
    pub(super) fn is_of_labels(self) -> bool {
        matches!(self, Self::Grouping(_) | Self::PositiveLikelihoodRatio | Self::NegNegativeLikelihoodRatio)
    }

    /// The score of counted pairs of labels.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when it is one of two classes and these are fewer or more.
    pub(super) fn of_labels(self, counts: &Contingency) -> Result<f64> {
        match self {
            Self::Grouping(grouping) => Ok(grouping.of(&counts.agreement())),
            _ => match counts.class_counts().likelihood_ratios() {
                Some([positive, _]) if self == Self::PositiveLikelihoodRatio => Ok(positive),
                Some([_, negative]) => Ok(-negative),
                None => {
                    let expected = format!("targets and predictions of two classes for {}", self.name());
                    Err(self.undefined(expected, &counts.labels()))
                }
            },
        }
    }
}
