//! Scores from the statistics of all rows.

use super::score::{ClassSums, ClusterSums};
use crate::metrics::{Average, ErrorSums, PoissonDeviance};

/// More classes than this are summed up only.
const MOST_SHOWN: usize = 1000;

/// What a model scores on some data.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The model's estimator.
    pub estimator: String,
    /// Rows scored.
    pub n_samples: u64,
    /// Whether they count by weights.
    pub weighted: bool,
    /// Each score under the name that scikit-learn gives it, not negated.
    pub values: Vec<(&'static str, f64)>,
    /// The scores of each class.
    pub classes: Option<ClassScores>,
    /// Why a score is missing.
    pub notes: Vec<String>,
}

/// One entry a class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassScores {
    /// What the class is called: its name or its number.
    pub names: Vec<String>,
    /// Whether [`names`](Self::names) are numbers.
    pub numbered: bool,
    /// Rows of the class, or their weight.
    pub support: Vec<f64>,
    /// Precision, recall and F1.
    pub scores: Vec<[f64; 3]>,
    /// Rows of class i predicted as class j, or their weight, `(n_classes, n_classes)`.
    pub confusion_matrix: Vec<f64>,
}

/// The scores of a classifier that knows `n_classes`, which are called `names` where targets are text.
pub(super) fn of_classes(
    estimator: String,
    n_samples: u64,
    n_classes: usize,
    sums: &ClassSums,
    names: &[String],
) -> Scores {
    let counts = sums.counts.class_counts();
    let name = |class: f64| names.get(class as usize).cloned().unwrap_or_else(|| class.to_string());
    let mut values = vec![
        ("accuracy", counts.accuracy()),
        ("balanced_accuracy", counts.balanced_accuracy()),
        ("precision_macro", counts.precision(Average::Macro)),
        ("recall_macro", counts.recall(Average::Macro)),
        ("f1_macro", counts.f1(Average::Macro)),
        ("precision_weighted", counts.precision(Average::Weighted)),
        ("recall_weighted", counts.recall(Average::Weighted)),
        ("f1_weighted", counts.f1(Average::Weighted)),
        ("matthews_corrcoef", counts.matthews_corrcoef()),
    ];
    let mut notes = Vec::new();
    match (sums.unknown, &sums.log_loss) {
        (Some((row, class)), _) => {
            let class = name(class);
            notes.push(format!(
                "no log_loss and no roc_auc: row {row} is of class {class}, which the model does not know"
            ));
        }
        // As in scikit-learn.
        (None, Some(_)) if n_classes < 2 => notes.push("no log_loss: the model knows one class only".into()),
        (None, Some(log_loss)) => values.push(("log_loss", log_loss.mean())),
        (None, None) => notes.push(format!("no log_loss: {estimator} has no predict_proba")),
    }
    if sums.unknown.is_none() {
        areas(sums, counts.total(), &mut values, &mut notes);
    }
    let classes = (counts.classes.len() <= MOST_SHOWN).then(|| ClassScores {
        names: counts.classes.iter().map(|class| name(*class)).collect(),
        numbered: names.is_empty(),
        support: counts.truth.clone(),
        scores: counts.by_class(),
        confusion_matrix: sums.counts.matrix(&counts.classes),
    });
    if classes.is_none() {
        notes.push(format!("no scores of single classes: there are {}", counts.classes.len()));
    }
    Scores { estimator, n_samples, weighted: false, values, classes, notes }
}

/// The areas under the ROC curves.
fn areas(sums: &ClassSums, total: f64, values: &mut Vec<(&'static str, f64)>, notes: &mut Vec<String>) {
    let areas: Option<Vec<(f64, f64)>> = sums.curves.iter().map(|curve| curve.area()).collect();
    let (Some(areas), false) = (areas, sums.curves.is_empty()) else {
        let why = if sums.curves.is_empty() {
            "the model has no values for each class that order the rows"
        } else {
            "a class has no rows, or all rows"
        };
        notes.push(format!("no roc_auc: {why}"));
        return;
    };
    let weighted = |weights: &dyn Fn(usize) -> f64, of: fn(&(f64, f64)) -> f64| -> f64 {
        areas.iter().enumerate().map(|(class, area)| weights(class) * of(area)).sum()
    };
    let k = areas.len();
    let even = move |_: usize| 1.0 / k as f64;
    if k == 1 {
        values.push(("roc_auc", areas[0].0));
    } else {
        // NumPy's mean: the sum first.
        values.push(("roc_auc_ovr", areas.iter().map(|(area, _)| area).sum::<f64>() / k as f64));
        let share = |class: usize| sums.curves[class].weight_of_positives() / total;
        values.push(("roc_auc_ovr_weighted", weighted(&share, |(area, _)| *area)));
    }
    let error = weighted(&even, |(_, error)| *error);
    if error > 0.0 {
        values.push(("roc_auc_error_bound", error));
    }
}

/// The scores of a regressor.
pub(super) fn of_numbers(
    estimator: String,
    n_samples: u64,
    sums: &ErrorSums,
    deviance: &PoissonDeviance,
) -> Scores {
    let mut values = vec![
        ("r2", sums.r2()),
        ("explained_variance", sums.explained_variance()),
        ("mean_squared_error", sums.mean_squared_error()),
        ("root_mean_squared_error", sums.mean_squared_error().sqrt()),
        ("mean_absolute_error", sums.mean_absolute_error()),
        ("max_error", sums.max_error()),
    ];
    let mut notes = Vec::new();
    match deviance.mean() {
        Some(deviance) => values.push(("mean_poisson_deviance", deviance)),
        None => {
            notes.push("no mean_poisson_deviance: a target is below 0, or a prediction is not above 0".into())
        }
    }
    Scores { estimator, n_samples, weighted: false, values, classes: None, notes }
}

/// The scores of a clusterer.
pub(super) fn of_clusters(estimator: String, n_samples: u64, sums: ClusterSums) -> Scores {
    let mut values = vec![("inertia", sums.inertia)];
    let mut notes = Vec::new();
    if let Some(counts) = &sums.counts {
        values.push(("adjusted_rand_score", counts.adjusted_rand()));
    }
    let sampled = sums.sample.len();
    if sampled > 0 {
        match sums.sample.silhouette() {
            Some(silhouette) => {
                values.push(("silhouette_score", silhouette));
                values.push(("silhouette_samples", sampled as f64));
            }
            None => notes.push(format!(
                "no silhouette_score: the {sampled} rows sampled are in fewer than 2 clusters, or each in its own"
            )),
        }
    }
    Scores { estimator, n_samples, weighted: false, values, classes: None, notes }
}
