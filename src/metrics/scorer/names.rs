//! The names of scores.

use super::{Grouping, Scorer};
use crate::error::{Error, Result};
use crate::metrics::Average::{Binary, Macro, Micro, Weighted};

/// Every name; where a score has two, the first is the one it is written under.
const NAMES: &[(&str, Scorer)] = &[
    ("accuracy", Scorer::Accuracy),
    ("balanced_accuracy", Scorer::BalancedAccuracy),
    ("precision", Scorer::Precision(Binary)),
    ("precision_macro", Scorer::Precision(Macro)),
    ("precision_micro", Scorer::Precision(Micro)),
    ("precision_weighted", Scorer::Precision(Weighted)),
    ("recall", Scorer::Recall(Binary)),
    ("recall_macro", Scorer::Recall(Macro)),
    ("recall_micro", Scorer::Recall(Micro)),
    ("recall_weighted", Scorer::Recall(Weighted)),
    ("f1", Scorer::F1(Binary)),
    ("f1_macro", Scorer::F1(Macro)),
    ("f1_micro", Scorer::F1(Micro)),
    ("f1_weighted", Scorer::F1(Weighted)),
    ("jaccard", Scorer::Jaccard(Binary)),
    ("jaccard_macro", Scorer::Jaccard(Macro)),
    ("jaccard_micro", Scorer::Jaccard(Micro)),
    ("jaccard_weighted", Scorer::Jaccard(Weighted)),
    ("matthews_corrcoef", Scorer::MatthewsCorrcoef),
    ("roc_auc", Scorer::RocAuc),
    ("average_precision", Scorer::AveragePrecision),
    ("top_k_accuracy", Scorer::TopKAccuracy),
    ("positive_likelihood_ratio", Scorer::PositiveLikelihoodRatio),
    ("neg_negative_likelihood_ratio", Scorer::NegNegativeLikelihoodRatio),
    ("rand_score", Scorer::Grouping(Grouping::Rand)),
    ("adjusted_rand_score", Scorer::Grouping(Grouping::AdjustedRand)),
    ("mutual_info_score", Scorer::Grouping(Grouping::MutualInfo)),
    ("adjusted_mutual_info_score", Scorer::Grouping(Grouping::AdjustedMutualInfo)),
    ("normalized_mutual_info_score", Scorer::Grouping(Grouping::NormalizedMutualInfo)),
    ("homogeneity_score", Scorer::Grouping(Grouping::Homogeneity)),
    ("completeness_score", Scorer::Grouping(Grouping::Completeness)),
    ("v_measure_score", Scorer::Grouping(Grouping::VMeasure)),
    ("fowlkes_mallows_score", Scorer::Grouping(Grouping::FowlkesMallows)),
    ("roc_auc_ovr", Scorer::RocAucOvr),
    ("roc_auc_ovr_weighted", Scorer::RocAucOvrWeighted),
    ("roc_auc_ovo", Scorer::RocAucOvo),
    ("roc_auc_ovo_weighted", Scorer::RocAucOvoWeighted),
    ("neg_log_loss", Scorer::NegLogLoss),
    ("neg_brier_score", Scorer::NegBrierScore),
    ("d2_log_loss_score", Scorer::D2LogLoss),
    ("d2_brier_score", Scorer::D2Brier),
    ("r2", Scorer::R2),
    ("explained_variance", Scorer::ExplainedVariance),
    ("neg_mean_squared_error", Scorer::NegMeanSquaredError),
    ("neg_root_mean_squared_error", Scorer::NegRootMeanSquaredError),
    ("neg_mean_absolute_error", Scorer::NegMeanAbsoluteError),
    ("neg_median_absolute_error", Scorer::NegMedianAbsoluteError),
    ("neg_mean_squared_log_error", Scorer::NegMeanSquaredLogError),
    ("neg_root_mean_squared_log_error", Scorer::NegRootMeanSquaredLogError),
    ("neg_mean_absolute_percentage_error", Scorer::NegMeanAbsolutePercentageError),
    ("neg_max_error", Scorer::NegMaxError),
    ("neg_mean_poisson_deviance", Scorer::NegMeanPoissonDeviance),
    ("neg_mean_gamma_deviance", Scorer::NegMeanGammaDeviance),
    ("d2_absolute_error_score", Scorer::D2AbsoluteError),
    // PoissonRegressor.score of scikit-learn, which gives it no name.
    ("d2_poisson_deviance", Scorer::D2PoissonDeviance),
    // The name that scikit-learn used before 1.6, for the same negated score.
    ("max_error", Scorer::NegMaxError),
];

impl Scorer {
    /// The score called `name`.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.scoring`, with the nearest names, when there is none.
    pub fn parse(name: &str) -> Result<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, scorer)| *scorer).ok_or_else(|| Error::Job {
            file: None,
            line: None,
            key: "search.scoring".into(),
            expected: "the name of a score".into(),
            found: format!("{name:?}"),
            hint: Some(nearest(name)),
        })
    }

    /// Every name that [`parse`](Self::parse) knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The scores of groupings by their names.
    pub fn groupings() -> impl Iterator<Item = (&'static str, Grouping)> {
        NAMES.iter().filter_map(|&(name, scorer)| match scorer {
            Self::Grouping(grouping) => Some((name, grouping)),
            _ => None,
        })
    }

    /// The name in column names.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, scorer)| *scorer == self).map_or("score", |(name, _)| name)
    }
}

/// The names that are nearest to `name`, for a hint.
fn nearest(name: &str) -> String {
    let mut names: Vec<&str> = Scorer::names().collect();
    names.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
    format!("did you mean {}, {} or {}?", names[0], names[1], names[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_scorer() {
        for (name, scorer) in NAMES.iter().filter(|(name, _)| *name != "max_error") {
            assert_eq!(Scorer::parse(name).unwrap(), *scorer);
            assert_eq!(scorer.name(), *name);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let message = Scorer::parse("acuracy").unwrap_err().to_string();
        assert!(message.starts_with("search.scoring: "), "{message}");
        assert!(message.contains("did you mean accuracy"), "{message}");
    }
}
