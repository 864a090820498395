//! The job: a TOML file and the command line's changes, checked into a [`Plan`], and what becomes of it.
//!
//! Every fault names the file and line (or the flag), the key, what was expected and what was found, in words that
//! need no knowledge of the program. [`run`] does a plan and writes its results; [`predict`] applies a fitted model.

mod bytes;
mod data;
mod diverged;
mod document;
mod estimator;
mod fit;
mod forecast;
mod forest;
mod groups;
mod method;
mod model_csv;
mod model_data;
mod none;
mod pipeline;
mod plain;
pub mod predict;
mod run;
pub mod score;
mod score_report;
mod score_sums;
mod search;
mod searchable;
mod source;
mod spec;
mod steps;
mod timing;
mod transformer;
mod warm_start;
mod wording;

pub use bytes::Bytes;
pub use data::{Cut, DataJob, Dtype, ResidencyChoice, SOURCES, SourceParams};
pub use document::Document;
pub use estimator::{ESTIMATORS, EstimatorJob};
pub use forecast::{Forecast, SearchForecast, forecast};
pub use method::Method;
pub use model_data::{Rows, Wanted};
pub use run::{Ending, Finished, Plan, run};
pub use score_report::{ClassScores, Scores};
pub use search::Share;
pub use spec::{Job, OutputJob, Overrides};
pub use transformer::TransformerJob;
