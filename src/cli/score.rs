//! `rankfit score`: how well a fitted model does on a file of rows.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::table::{columns, short};
use super::voice::Voice;
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::job::score::{Request, score};
use crate::job::{ClassScores, Rows, Scores, Wanted};
use crate::telemetry::{Talk, Telemetry};

/// Classes up to which the confusion matrix is shown as text.
const MOST_SHOWN: usize = 12;

/// Scores a fitted model on a file of rows with their targets.
///
/// Classifiers: accuracy, balanced accuracy, precision, recall, F1, Jaccard, log loss, Brier score, D2, area under the
/// ROC curve, average precision, confusion matrix. Regressors: R2, squared, absolute, median, relative and logarithmic
/// errors, deviances, D2. KMeans: inertia, Calinski-Harabasz and Davies-Bouldin index, silhouette of a sample and, with
/// --y, adjusted Rand index, mutual information and other scores of two groupings.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A results file with a fitted model.
    #[arg(long, value_name = "RESULT.h5")]
    model: PathBuf,
    /// The rows: HDF5 or CSV.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The dataset of features, when it is not called as in the model's job.
    #[arg(long, value_name = "NAME")]
    x: Option<String>,
    /// The dataset or column of targets, when it is not called as in the model's job.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    y: Option<String>,
    /// Weighs the rows, as the argument sample_weight of scikit-learn's metrics, by this dataset or column; without
    /// NAME by that of the model's job. Otherwise each row counts once, whatever the fit did.
    #[arg(long, value_name = "NAME", num_args = 0..=1, allow_negative_numbers = true)]
    sample_weight: Option<Option<String>>,
    /// Rows on which the silhouette of a clustering is estimated; 0 leaves it out.
    #[arg(long, value_name = "ROWS", default_value_t = 2000)]
    silhouette_samples: usize,
    /// Seed of their choice.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Scores on every rank; rank 0 speaks.
pub(super) fn run(comm: &dyn Communicator, arguments: Arguments) -> Result<()> {
    let targets = arguments.y.map_or(Wanted::AsInJob, Wanted::From);
    let weights = match arguments.sample_weight {
        None => Wanted::No,
        Some(name) => name.map_or(Wanted::AsInJob, Wanted::From),
    };
    let request = Request {
        model: arguments.model,
        data: Rows { path: arguments.data, x: arguments.x, targets, weights },
        silhouette_samples: arguments.silhouette_samples,
        seed: arguments.seed,
    };
    let telemetry = Telemetry::for_rank(comm.rank(), Talk::Quiet);
    let scores = score(comm, &request, &telemetry)?;
    let text = if arguments.json { format!("{:#}\n", as_json(&scores)) } else { as_text(&scores) };
    comm::agree(comm, Voice::new(comm).answer(&text))
}

fn as_json(scores: &Scores) -> Value {
    let mut all = Map::new();
    all.insert("estimator".into(), json!(scores.estimator));
    all.insert("n_samples".into(), json!(scores.n_samples));
    all.extend(scores.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    if let Some(classes) = &scores.classes {
        let score = |of: usize| classes.scores.iter().map(|scores| scores[of]).collect::<Vec<f64>>();
        let name = |name: &String| match name.parse::<f64>() {
            Ok(number) if classes.numbered => json!(number),
            _ => json!(name),
        };
        all.insert("classes".into(), classes.names.iter().map(name).collect());
        let counted = |of: &[f64]| match scores.weighted {
            false => json!(of.iter().map(|&rows| rows as u64).collect::<Vec<u64>>()),
            true => json!(of),
        };
        all.insert("support".into(), counted(&classes.support));
        all.insert("precision".into(), json!(score(0)));
        all.insert("recall".into(), json!(score(1)));
        all.insert("f1".into(), json!(score(2)));
        let rows = classes.confusion_matrix.chunks(classes.names.len().max(1));
        all.insert("confusion_matrix".into(), rows.map(counted).collect());
    }
    if !scores.notes.is_empty() {
        all.insert("notes".into(), json!(scores.notes));
    }
    Value::Object(all)
}

fn as_text(scores: &Scores) -> String {
    let mut rows = vec![("estimator", scores.estimator.clone()), ("n_samples", scores.n_samples.to_string())];
    rows.extend(scores.values.iter().map(|(name, value)| (*name, format!("{value:?}"))));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text: String = rows.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect();
    if let Some(classes) = &scores.classes {
        text += &format!("\n{}", by_class(classes));
    }
    text + &scores.notes.iter().map(|note| format!("{note}\n")).collect::<String>()
}

fn by_class(classes: &ClassScores) -> String {
    // Rows, or their weight with a few digits.
    let counted = |rows: f64| if rows.fract() == 0.0 { rows.to_string() } else { short(rows) };
    let head = ["class", "support", "precision", "recall", "f1"].map(str::to_owned).to_vec();
    let row = |class: usize| {
        let mut cells = vec![classes.names[class].clone(), counted(classes.support[class])];
        cells.extend(classes.scores[class].iter().map(|score| short(*score)));
        cells
    };
    let n = classes.names.len();
    let mut text = columns(&std::iter::once(head).chain((0..n).map(row)).collect::<Vec<_>>(), "");
    if n <= MOST_SHOWN {
        let mut rows = vec![vec!["class, predicted as".to_owned()]];
        rows[0].extend(classes.names.iter().cloned());
        for (name, counts) in classes.names.iter().zip(classes.confusion_matrix.chunks(n)) {
            rows.push(std::iter::once(name.clone()).chain(counts.iter().copied().map(counted)).collect());
        }
        text += &format!("\n{}", columns(&rows, ""));
    }
    text
}
