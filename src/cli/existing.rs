//! The flag `--on-existing`, of what can be resumed and of what cannot.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::results::OnExisting;

impl ValueEnum for OnExisting {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Fail, Self::Resume, Self::Replace]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Fail => ("fail", "Refuse to start"),
            Self::Resume => (
                "resume",
                "Go on from the checkpoint of a stopped run; keep a finished output of the same job",
            ),
            Self::Replace => ("replace", "Start anew and replace it at the end"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// The flag's values where nothing is kept of a run that stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OnExistingAnew {
    /// Refuse to start
    #[default]
    Fail,
    /// Start anew and replace it at the end
    Replace,
}
