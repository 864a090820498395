//! The flag `--method`.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::job::Method;

impl ValueEnum for Method {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.name());
        Some(match self {
            Self::Predict => value.help("The class, number or cluster"),
            Self::PredictProba => value.alias("proba").help("The probability of each class, also \"proba\""),
            Self::DecisionFunction => value.help("What decides between the classes"),
            Self::Transform => value.help("The transformed row; for KMeans its distances to the centroids"),
        })
    }
}
