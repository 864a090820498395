//! Scores from the statistics of all rows.

use super::score_sums::{ClassSums, ClusterSums, Curves, NumberSums};
use crate::metrics::{Average, ClassCounts, ClassCurve, RocCurve, Scorer};

/// More classes than this are summed up only.
const MOST_SHOWN: usize = 1000;

/// Of more classes than this areas of pairs are not formed.
const MOST_PAIRED: usize = 256;

/// What a model scores on some data.
#[derive(Clone, Debug, Default, PartialEq)]
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

impl Scores {
    fn put(&mut self, name: &'static str, value: f64) {
        self.values.push((name, value));
    }

    fn put_if(&mut self, name: &'static str, value: Option<f64>) {
        self.values.extend(value.map(|value| (name, value)));
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// A score and, where it is not exact, its bound.
    fn put_bounded(&mut self, [name, of_bound]: [&'static str; 2], (value, bound): (f64, f64)) {
        self.put(name, value);
        self.put_if(of_bound, (bound > 0.0).then_some(bound));
    }
}

/// The scores of a classifier that knows `classes`, which are called `names` where targets are text.
pub(super) fn of_classes(mut scores: Scores, classes: &[f64], sums: &ClassSums, names: &[String]) -> Scores {
    let counts = sums.counts.class_counts();
    let name = |class: f64| names.get(class as usize).cloned().unwrap_or_else(|| class.to_string());
    of_counts(&mut scores, &counts, classes.len());
    match sums.unknown {
        Some((row, class)) => {
            let class = name(class);
            scores.note(format!(
                "no log_loss and no roc_auc: row {row} is of class {class}, which the model does not know"
            ));
        }
        None => {
            of_probabilities(&mut scores, sums, &counts, classes.len());
            scores.put_if("top_k_accuracy", sums.top_k.as_ref().map(|top| top.accuracy()));
            match &sums.curves.second {
                Some(curve) => {
                    let first = names.is_empty() && Scorer::AveragePrecision.is_about_first(classes);
                    let about = name(classes[usize::from(!first)]);
                    of_curve(&mut scores, curve, first, &about);
                }
                None => of_curves(&mut scores, &sums.curves, counts.total()),
            }
        }
    }
    scores.classes = (counts.classes.len() <= MOST_SHOWN).then(|| ClassScores {
        names: counts.classes.iter().map(|class| name(*class)).collect(),
        numbered: names.is_empty(),
        support: counts.truth.clone(),
        scores: counts.by_class(),
        confusion_matrix: sums.counts.matrix(&counts.classes),
    });
    if scores.classes.is_none() {
        scores.note(format!("no scores of single classes: there are {}", counts.classes.len()));
    }
    scores
}

/// The scores of predictions.
fn of_counts(scores: &mut Scores, counts: &ClassCounts, n_known: usize) {
    scores.values.extend([
        ("accuracy", counts.accuracy()),
        ("balanced_accuracy", counts.balanced_accuracy()),
        ("precision_macro", counts.precision(Average::Macro)),
        ("recall_macro", counts.recall(Average::Macro)),
        ("f1_macro", counts.f1(Average::Macro)),
        ("jaccard_macro", counts.jaccard(Average::Macro)),
        ("precision_weighted", counts.precision(Average::Weighted)),
        ("recall_weighted", counts.recall(Average::Weighted)),
        ("f1_weighted", counts.f1(Average::Weighted)),
        ("jaccard_weighted", counts.jaccard(Average::Weighted)),
        ("matthews_corrcoef", counts.matthews_corrcoef()),
    ]);
    if let (2, Some([positive, negative])) = (n_known, counts.likelihood_ratios()) {
        scores.put_if("positive_likelihood_ratio", Some(positive).filter(|ratio| ratio.is_finite()));
        scores.put_if("negative_likelihood_ratio", Some(negative).filter(|ratio| ratio.is_finite()));
    }
}

/// The scores of probabilities by themselves.
fn of_probabilities(scores: &mut Scores, sums: &ClassSums, counts: &ClassCounts, n_known: usize) {
    let (Some(log_loss), Some(brier)) = (&sums.log_loss, &sums.brier) else {
        let note = format!("no log_loss and no brier_score_loss: {} has no predict_proba", scores.estimator);
        return scores.note(note);
    };
    // As in scikit-learn.
    if n_known < 2 {
        return scores.note("no log_loss and no brier_score_loss: the model knows one class only");
    }
    let (log_loss, brier) = (log_loss.mean(), brier.mean());
    scores.put("log_loss", log_loss);
    scores.put("brier_score_loss", if n_known == 2 { brier / 2.0 } else { brier });
    // What a model scores that says of every row how frequent the classes are.
    let shares = || counts.truth.iter().map(|rows| rows / counts.total()).filter(|share| *share > 0.0);
    if shares().count() < 2 {
        return scores.note("no d2_log_loss_score and no d2_brier_score: the rows are of one class");
    }
    scores.put("d2_log_loss_score", 1.0 - log_loss / shares().map(|share| -share * share.ln()).sum::<f64>());
    scores.put("d2_brier_score", 1.0 - brier / shares().map(|share| share * (1.0 - share)).sum::<f64>());
}

/// The scores of an order of the rows of two classes; the average precision is about the `first`, or the second, which
/// is called `about`.
fn of_curve(scores: &mut Scores, curve: &RocCurve, first: bool, about: &str) {
    let (Some(area), Some(precision)) = (curve.area(), curve.average_precision(first)) else {
        return scores.note("no roc_auc and no average_precision: a class has no rows, or all rows");
    };
    scores.put_bounded(["roc_auc", "roc_auc_error_bound"], area);
    scores.put_bounded(["average_precision", "average_precision_error_bound"], precision);
    if about != "1" {
        scores.note(format!("average_precision is of class {about}"));
    }
}

/// The scores of an order of the rows of each class against others.
fn of_curves(scores: &mut Scores, curves: &Curves, total: f64) {
    if curves.by_proba.is_empty() {
        scores.note("no roc_auc: the model has no values for each class that order the rows");
    } else {
        areas(scores, &curves.by_proba, total);
    }
    let k = curves.by_proba.len().max(curves.by_decision.len());
    let precisions: Option<Vec<(f64, f64)>> = match curves.by_decision.is_empty() {
        true => curves
            .by_proba
            .iter()
            .map(|curve| some_rows(curve.weight_of_class(), curve.average_precision()))
            .collect(),
        false => {
            let of =
                |curve: &RocCurve| some_rows(curve.weight_of_positives(), curve.average_precision(false));
            curves.by_decision.iter().map(of).collect()
        }
    };
    match (k, precisions) {
        (3.., Some(precisions)) => {
            let names = ["average_precision", "average_precision_error_bound"];
            scores.put_bounded(names, weighted(&precisions, |_| 1.0));
        }
        (3.., None) => scores.note("no average_precision: a class has no rows"),
        _ => {}
    }
}

/// The score of a class that has rows.
fn some_rows(rows: f64, score: Option<(f64, f64)>) -> Option<(f64, f64)> {
    score.filter(|_| rows > 0.0)
}

/// The mean of scores and of their bounds.
fn weighted(scores: &[(f64, f64)], weight: impl Fn(usize) -> f64) -> (f64, f64) {
    let (mut sum, mut bound, mut total) = (0.0, 0.0, 0.0);
    for (at, score) in scores.iter().enumerate() {
        sum += weight(at) * score.0;
        bound += weight(at) * score.1;
        total += weight(at);
    }
    (sum / total, bound / total)
}

/// The areas under the ROC curves of each class against the rest, and of each pair.
fn areas(scores: &mut Scores, curves: &[ClassCurve], total: f64) {
    let k = curves.len();
    let areas: Option<Vec<(f64, f64)>> = curves.iter().map(ClassCurve::area_against_rest).collect();
    let Some(areas) = areas else {
        return scores.note("no roc_auc: a class has no rows, or all rows");
    };
    let rows: Vec<f64> = curves.iter().map(|curve| curve.weight_of_class() / total).collect();
    let even = weighted(&areas, |_| 1.0);
    scores.put("roc_auc_ovr", even.0);
    let by_rows = weighted(&areas, |class| rows[class]);
    scores.put("roc_auc_ovr_weighted", by_rows.0);
    let bound = even.1.max(by_rows.1);
    scores.put_if("roc_auc_error_bound", (bound > 0.0).then_some(bound));
    if scores.weighted {
        return scores.note("no roc_auc_ovo: as in scikit-learn, it knows no weights");
    }
    if k > MOST_PAIRED {
        return scores.note(format!("no roc_auc_ovo: there are more than {MOST_PAIRED} classes"));
    }
    let each: Vec<Vec<Option<(f64, f64)>>> = curves.iter().map(|curve| curve.areas_against_each(k)).collect();
    let pairs: Vec<(usize, usize)> = (0..k).flat_map(|a| (a + 1..k).map(move |b| (a, b))).collect();
    let of_pair = |&(a, b): &(usize, usize)| {
        let (one, other) = each[a][b].zip(each[b][a])?;
        Some(((one.0 + other.0) / 2.0, (one.1 + other.1) / 2.0))
    };
    let Some(areas) = pairs.iter().map(of_pair).collect::<Option<Vec<(f64, f64)>>>() else { return };
    let even = weighted(&areas, |_| 1.0);
    scores.put("roc_auc_ovo", even.0);
    let by_rows = weighted(&areas, |pair| rows[pairs[pair].0] + rows[pairs[pair].1]);
    scores.put("roc_auc_ovo_weighted", by_rows.0);
    let bound = even.1.max(by_rows.1);
    scores.put_if("roc_auc_ovo_error_bound", (bound > 0.0).then_some(bound));
}

/// The scores of a regressor.
pub(super) fn of_numbers(mut scores: Scores, sums: &NumberSums) -> Scores {
    let errors = &sums.errors;
    scores.values.extend([
        ("r2", errors.r2()),
        ("explained_variance", errors.explained_variance()),
        ("mean_squared_error", errors.mean_squared_error()),
        ("root_mean_squared_error", errors.mean_squared_error().sqrt()),
        ("mean_absolute_error", errors.mean_absolute_error()),
    ]);
    if let Some(median) = sums.absolutes.median() {
        scores.put_bounded(["median_absolute_error", "median_absolute_error_bound"], median);
    }
    scores.put("mean_absolute_percentage_error", errors.mean_absolute_percentage_error());
    scores.put("max_error", errors.max_error());
    if let Some((deviation, error)) = sums.targets.absolute_deviation() {
        let bound = errors.d2_absolute_error_bound(deviation, error);
        let names = ["d2_absolute_error_score", "d2_absolute_error_score_bound"];
        scores.put_bounded(names, (errors.d2_absolute_error(deviation), bound));
    }
    of_positive_numbers(&mut scores, sums);
    scores
}

/// The scores that are not defined for all numbers.
fn of_positive_numbers(scores: &mut Scores, sums: &NumberSums) {
    let logs = sums.logs.mean();
    scores.put_if("mean_squared_log_error", logs);
    scores.put_if("root_mean_squared_log_error", logs.map(f64::sqrt));
    if logs.is_none() {
        scores.note("no mean_squared_log_error: a target or a prediction is not above -1");
    }
    let (poisson, gamma) = (sums.poisson.mean(), sums.gamma.mean());
    scores.put_if("mean_poisson_deviance", poisson);
    scores.put_if("d2_poisson_deviance", sums.poisson.explained());
    scores.put_if("mean_gamma_deviance", gamma);
    match (poisson, gamma) {
        (None, _) => scores.note(
            "no mean_poisson_deviance and no mean_gamma_deviance: a target is below 0, or a prediction is not above 0",
        ),
        (_, None) => scores.note("no mean_gamma_deviance: a target is not above 0"),
        _ => {}
    }
}

/// The scores of a clusterer; `indices` are those of Caliński & Harabasz and of Davies & Bouldin.
pub(super) fn of_clusters(mut scores: Scores, sums: ClusterSums, indices: Option<[f64; 2]>) -> Scores {
    scores.put("inertia", sums.inertia);
    if let Some(counts) = &sums.counts {
        let agreement = counts.agreement();
        scores.values.extend(Scorer::groupings().map(|(name, grouping)| (name, grouping.of(&agreement))));
    }
    match indices {
        Some([calinski_harabasz, davies_bouldin]) => {
            scores.put("calinski_harabasz_score", calinski_harabasz);
            scores.put("davies_bouldin_score", davies_bouldin);
        }
        None => scores.note(
            "no calinski_harabasz_score and no davies_bouldin_score: the rows are in fewer than 2 clusters, or each in \
             its own",
        ),
    }
    let sampled = sums.sample.len();
    if sampled > 0 {
        match sums.sample.silhouette() {
            Some(silhouette) => {
                scores.put("silhouette_score", silhouette);
                scores.put("silhouette_samples", sampled as f64);
            }
            None => scores.note(format!(
                "no silhouette_score: the {sampled} rows sampled are in fewer than 2 clusters, or each in its own"
            )),
        }
    }
    scores
}
