//! From the points of a search to checked estimators.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::spec::Job;
use super::wording;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::parameter::NONE;
use crate::estimator::plain::PlainEstimator;
use crate::estimator::row_scores::RowScores;
use crate::estimator::searchable::Split;
use crate::estimator::svm::Svc;
use crate::metrics::{Needs, Scorer};
use crate::model_selection::{Candidate, Kind, Search};
use crate::telemetry::Telemetry;

/// The estimator at each of `candidates`.
///
/// # Errors
/// [`Error::Job`] at the key of `[search]` that holds a parameter or value that the estimator does not take.
pub(super) fn candidates<P, E>(
    job: &Job,
    params: &P,
    candidates: &[Candidate],
    validate: impl Fn(P) -> Result<E>,
) -> Result<Vec<E>>
where
    P: Serialize + DeserializeOwned,
{
    let base = match serde_json::to_value(params) {
        Ok(Value::Object(base)) => base,
        _ => return Err(Error::internal("parameters that are no table")),
    };
    candidates.iter().map(|candidate| at(job, &base, candidate, &validate)).collect()
}

/// Checks before hours of work that the class weights of every candidate are about classes of the data.
///
/// # Errors
/// [`Error::Job`] at the key that gives the weights, [`Error::Data`] when there are not two classes.
pub(super) fn check_classes(job: &Job, svcs: &[Svc], candidates: &[Candidate], table: &Table) -> Result<()> {
    let mut checked = Vec::new();
    for (svc, candidate) in svcs.iter().zip(candidates) {
        let weights = &svc.params().class_weight;
        if !checked.contains(&weights) {
            svc.check_classes(table).map_err(|error| placed(job, candidate, error))?;
            checked.push(weights);
        }
    }
    Ok(())
}

/// Checks before hours of work that every candidate can learn from the data.
///
/// # Errors
/// [`Error::Job`] at the key that gives the parameter, [`Error::Data`] for the data.
pub(super) fn check_tables<E: PlainEstimator>(
    job: &Job,
    estimators: &[E],
    candidates: &[Candidate],
    table: &Table,
) -> Result<()> {
    check_each(job, estimators, candidates, |estimator| estimator.check_table(table))
}

/// Does `check` for every candidate before hours of work.
///
/// # Errors
/// What `check` returns, a fault of a parameter at the key that gives it.
pub(super) fn check_each<E>(
    job: &Job,
    estimators: &[E],
    candidates: &[Candidate],
    check: impl Fn(&E) -> Result<()>,
) -> Result<()> {
    let each = |(estimator, candidate)| check(estimator).map_err(|error| placed(job, candidate, error));
    estimators.iter().zip(candidates).try_for_each(each)
}

fn at<P: DeserializeOwned, E>(
    job: &Job,
    base: &Map<String, Value>,
    candidate: &Candidate,
    validate: &dyn Fn(P) -> Result<E>,
) -> Result<E> {
    for name in candidate.keys() {
        // Parameters without a value may be left out of the base; the deserialiser knows them all the same.
        let mut alone = Map::new();
        alone.insert(name.clone(), candidate[name].clone());
        if let Err(error) = serde_json::from_value::<P>(Value::Object(alone)) {
            return Err(fault(job, base, name, &candidate[name], &error.to_string()));
        }
    }
    let mut all = base.clone();
    all.extend(candidate.iter().map(|(name, value)| (name.clone(), value.clone())));
    let params: P = serde_json::from_value(Value::Object(all))
        .map_err(|error| Error::internal(format!("parameters that do not go together: {error}")))?;
    validate(params).map_err(|error| placed(job, candidate, error))
}

/// An error about a parameter, at the key of the search or of the estimator that gives it.
fn placed(job: &Job, candidate: &Candidate, error: Error) -> Error {
    match error {
        Error::Job { key, expected, found, hint, .. } => {
            let name = key.strip_prefix("estimator.").unwrap_or(&key);
            let name = name.split('.').next().unwrap_or(name);
            if let Some(value) = candidate.get(name) {
                job.fault_at(&place(job, name, value), expected, found, hint)
            } else {
                job.place("estimator", Error::Job { file: None, line: None, key, expected, found, hint })
            }
        }
        other => other,
    }
}

fn fault(job: &Job, base: &Map<String, Value>, name: &str, value: &Value, message: &str) -> Error {
    let key = place(job, name, value);
    if message.starts_with("unknown field") {
        let known: Vec<&str> = base.keys().map(String::as_str).collect();
        let expected = format!("a parameter of {}", job.estimator.name());
        return job.fault_at(&key, expected, "an unknown one", Some(wording::suggest(name, &known)));
    }
    let mut table = toml::Table::new();
    if let Ok(value) = toml::Value::try_from(value) {
        table.insert(name.into(), value);
    }
    // serde_json adds a place in a text that the user never sees.
    let message = message.split(" at line ").next().unwrap_or(message);
    let fault = wording::translate(message, name, &table, &[]);
    job.fault_at(&key, fault.expected, fault.found, None)
}

/// The key under which the search lists `value` of a parameter.
pub(super) fn place(job: &Job, name: &str, value: &Value) -> String {
    let own = format!("{}__{name}", job.estimator.name().to_lowercase());
    let under = |table: String| [name, &own].map(|name| format!("{table}.{name}"));
    let mut keys = Vec::new();
    for section in ["search.grid", "search.distributions"] {
        keys.extend(under(section.into()));
        let tables = (0..).map(|number| format!("{section}.{number}")).take_while(|table| job.has(table));
        keys.extend(tables.flat_map(under));
    }
    keys.retain(|key| job.has(key));
    // Of several sub-grids the first that has the value.
    let lists = |key: &&String| match job.value(key) {
        Some(toml::Value::Array(items)) => {
            let is_it = |item: &toml::Value| match value {
                Value::Null => item.as_str() == Some(NONE),
                value => serde_json::to_value(item).is_ok_and(|item| item == *value),
            };
            items.iter().any(is_it)
        }
        _ => false,
    };
    let found = keys.iter().find(lists).or(keys.first()).cloned();
    found.unwrap_or_else(|| format!("search.grid.{name}"))
}

/// Checks before hours of work that the search's scores are defined for the targets of `table`, and of the rows that
/// `splits` test; a warning for each that will have the score of failures instead.
///
/// # Errors
/// [`Error::Data`] when one of them is not defined for these, under `error_score = "raise"`;
/// [`Error::Job`] at `search.scoring` then, when it does not know the rows' weights.
pub(super) fn check_scorers(
    job: &Job,
    search: &Search,
    table: &Table,
    splits: &[Split],
) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for scorer in &search.scorers {
        let told = |error: Error, which: &str| match search.error_score {
            None => Err(error),
            Some(score) => Ok(format!("{error}: {which} {} is {score}", scorer.name())),
        };
        if let Err(error) = check_classes_of(*scorer, table) {
            warnings.push(told(error, "every score")?);
        } else if let (true, Err(error)) =
            (!table.weights.is_empty() && by_weight(job, search), scorer.check_weighted(&table.y))
        {
            warnings.push(told(at_scoring(job, error), "every score")?);
        } else if let Some((error, all)) = check_positive(*scorer, table, splits) {
            let some = "where such rows are tested, the score";
            warnings.push(told(error, if all { "every score" } else { some })?);
        } else if let Err(error) = check_numbers(*scorer, search, table, splits) {
            warnings.push(told(error, "where such a row is tested, the score")?);
        }
    }
    Ok(warnings)
}

/// What is not defined for all rows is not defined for some of them; scores of numbers are looked at by the fold.
fn check_classes_of(scorer: Scorer, table: &Table) -> Result<()> {
    if !scorer.is_for_classes() {
        return Ok(());
    }
    if table.class_names.is_some() {
        scorer.check_text(&table.y)?;
    }
    // Of probabilities and of values of many classes more is known when there are some, of the class 1 of many by the fold.
    let by_fold = scorer.is_of_many(&table.y) || scorer.is_of_one_of_many(&table.y);
    if scorer.needs() == Needs::Probability || by_fold {
        return Ok(());
    }
    scorer.score(&table.y, &table.y).map(|_| ())
}

/// Why a score of the class 1 of three classes and more is not defined for the first fold for which it is not, whatever is
/// predicted, and whether it is for none.
fn check_positive(scorer: Scorer, table: &Table, splits: &[Split]) -> Option<(Error, bool)> {
    if !scorer.is_of_one_of_many(&table.y) {
        return None;
    }
    let of_text = table.class_names.is_some();
    let check = |split: &Split| {
        let y: Vec<f64> = split.test.iter().map(|&row| table.y[row]).collect();
        scorer.check_positive(&y, of_text).err()
    };
    let faults: Vec<Option<Error>> = splits.iter().map(check).collect();
    let all = faults.iter().all(Option::is_some);
    faults.into_iter().flatten().next().map(|error| (error, all))
}

/// Rungs score other rows than `splits` say: theirs are looked at when they are fitted.
fn check_numbers(scorer: Scorer, search: &Search, table: &Table, splits: &[Split]) -> Result<()> {
    if scorer.is_for_classes() || search.staged.is_some() {
        return Ok(());
    }
    splits.iter().try_for_each(|split| scorer.check_targets(split.test.iter().map(|&row| table.y[row])))
}

/// A fault of the rows that is one of what the job asks for.
fn at_scoring(job: &Job, error: Error) -> Error {
    match error {
        Error::Data { expected, found, .. } => job.fault("search.scoring", expected, found),
        other => other,
    }
}

/// Checks that no score asks for probabilities, of an estimator `name` that has none in a search.
///
/// # Errors
/// [`Error::Job`] at `search.scoring`.
pub(super) fn refuse_probabilities(job: &Job, search: &Search, name: &str) -> Result<()> {
    match search.scorers.iter().find(|scorer| scorer.needs() == Needs::Probability) {
        None => Ok(()),
        Some(scorer) => {
            let expected = format!("a score of predictions or decision values, such as roc_auc, for {name}");
            let found = format!("\"{}\", which needs probabilities", scorer.name());
            Err(job.fault("search.scoring", expected, found))
        }
    }
}

/// Checks that every candidate has probabilities where a score asks for them, as scikit-learn's `SVC` has with
/// `probability = true` only.
///
/// # Errors
/// [`Error::Job`] at `search.scoring`.
pub(super) fn require_probabilities(job: &Job, search: &Search, svcs: &[Svc]) -> Result<()> {
    if svcs.iter().all(|svc| svc.params().probability) {
        return Ok(());
    }
    let Err(Error::Job { expected, found, .. }) =
        refuse_probabilities(job, search, "SVC without probability")
    else {
        return Ok(());
    };
    let hint = "estimator.probability = true calibrates each fit, by 5 more fits a pair of classes";
    Err(job.fault_at("search.scoring", expected, found, Some(hint.into())))
}

/// Says how many ranks of a node have one copy of `what` of all rows, and how large it is, if they share it.
pub(super) fn tell_shared(telemetry: &Telemetry, what: &str, shared: Option<(usize, usize)>) {
    let Some((n_sharers, bytes)) = shared else { return };
    telemetry.detail(&format!(
        "{what} of all rows: {} MB, one copy for {n_sharers} ranks of a node",
        bytes.div_ceil(1 << 20)
    ));
}

/// The scores of the search of rows that may weigh differently. Behind steps each row counts once, as in scikit-learn,
/// whose pipelines hand no weights to scores; so it does in `cross_validate`, whose weights are the fits' alone.
pub(super) fn row_scores(job: &Job, search: &Search, table: &Table) -> RowScores {
    let scores = RowScores::new(search.scorers.clone(), search.error_score);
    let scores = scores.with_text(table.class_names.is_some());
    if by_weight(job, search) { scores } else { scores.of_equal_rows() }
}

/// Whether scores count rows by their weights.
fn by_weight(job: &Job, search: &Search) -> bool {
    job.pipeline.is_empty() && search.kind != Kind::CrossValidate
}
