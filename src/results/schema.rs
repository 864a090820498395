//! The names in a results file.
//!
//! | path | what |
//! |---|---|
//! | `/` attributes | `format`, `format_version`, `software`, `software_version`, `status` |
//! | `/model` | attributes `estimator`, `params` (JSON text); one dataset a fitted attribute; `feature_names_in_` (in the first step, if there is one) where the data's columns have names |
//! | `/model/pipeline/0_StandardScaler` … | the steps before the estimator in order, each as `/model` |
//! | `/history` | one dataset a quantity, one entry an iteration |
//! | `/cv_results` | one dataset a column of scikit-learn's `cv_results_`; attributes `best_index_`, `best_score_`, `best_params_` (JSON text), `n_splits_`, `multimetric_`, `scoring` (the scores' names), `refit` (the one that says which is best, where there are several), and `refit_time_` after a refit |
//! | `/timing` | seconds and bytes per rank for each phase, `total`, `imbalance` |
//! | `/provenance` | where the results come from, as texts and numbers |

/// Value of the attribute `format`.
pub const FORMAT: &str = "rankfit-results";
/// Value of the attribute `format` of a file of predictions.
pub const PREDICTIONS_FORMAT: &str = "rankfit-predictions";
/// Newest version of the format that this program reads, and the one it writes.
pub const FORMAT_VERSION: i64 = 1;
/// Value of the attribute `software`.
pub const SOFTWARE: &str = env!("CARGO_PKG_NAME");
/// Value of the attribute `software_version`.
pub const SOFTWARE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Value of the attribute `status` of a run that came to its end.
pub const COMPLETE: &str = "complete";
/// Value of the attribute `status` of a run whose numbers left the finite range: the file holds its history only.
pub const DIVERGED: &str = "diverged";

/// Attributes of the root.
pub const ROOT_ATTRIBUTES: [&str; 5] = ["format", "format_version", "software", "software_version", "status"];

/// The fitted model.
pub const MODEL: &str = "model";
/// The group in [`MODEL`] of the steps before the estimator, each in a group `<number>_<name>`.
pub const PIPELINE: &str = "pipeline";
/// What happened at each iteration.
pub const HISTORY: &str = "history";
/// The table of a search.
pub const CV_RESULTS: &str = "cv_results";
/// Where the time went.
pub const TIMING: &str = "timing";
/// Where the results come from.
pub const PROVENANCE: &str = "provenance";
/// The groups in the order in which they are shown.
pub const GROUPS: [&str; 5] = [MODEL, HISTORY, CV_RESULTS, TIMING, PROVENANCE];

/// Attribute of [`MODEL`]: the estimator's name.
pub const ESTIMATOR: &str = "estimator";
/// Attribute of [`MODEL`]: its parameters as JSON text.
pub const PARAMS: &str = "params";

/// Attribute of [`CV_RESULTS`]: the names of the scores.
pub const SCORING: &str = "scoring";
/// Attribute of [`CV_RESULTS`]: of several scores the one that says which candidate is best.
pub const REFIT: &str = "refit";

/// Dataset of a file of predictions.
pub const PREDICTIONS: &str = "predictions";

/// The name of a step's group in [`PIPELINE`].
pub fn step(number: usize, step: &crate::estimator::Model) -> String {
    format!("{number}_{}", step.estimator)
}
