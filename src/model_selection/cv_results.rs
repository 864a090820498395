//! `cv_results_` in scikit-learn's columns and order.

use std::io;

use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use super::candidates::Candidate;
use super::ranks::{means_and_stds, rank_scores};
use super::search::FitOutcome;
use super::spec::Search;
use crate::error::{Error, Result};
use crate::estimator::{Array, Values};

/// One column, with an entry for each candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in scikit-learn's `cv_results_`.
    pub name: String,
    /// Its entries `(n_candidates,)`.
    pub array: Array,
    /// Whether it holds seconds, which differ from run to run.
    pub is_time: bool,
}

/// The best candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// `best_index_`: the first candidate of the best rank.
    pub index: usize,
    /// `best_score_`: its mean score.
    pub score: f64,
    /// `best_params_`.
    pub params: Candidate,
}

/// The table of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct CvResults {
    /// scikit-learn's columns in its order, then `converged` (whether all fits of a candidate did).
    ///
    /// A parameter's column has the type of its values: integers, doubles, booleans, or texts as they are. Where a
    /// sub-grid lacks the parameter (scikit-learn masks the entry) stands NaN among numbers, which are doubles then,
    /// and an empty text elsewhere. A column of several types holds texts, numbers and None as Python's `str` writes them. `params`
    /// holds JSON texts, which say it all exactly.
    pub columns: Vec<Column>,
    /// The best candidate; none when several scores were taken and none of them was named in `refit`.
    pub best: Option<Best>,
    /// What else there is to tell of the search, under scikit-learn's names.
    pub attributes: Vec<(String, Array)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl CvResults {
    /// The table of `outcomes`, which stand candidate by candidate and fold by fold.
    ///
    /// # Errors
    /// [`Error::Internal`] when outcomes or scores are missing.
    pub fn new(search: &Search, n_splits: usize, outcomes: &[FitOutcome]) -> Result<Self> {
        check(search, n_splits, outcomes)?;
        let mut table = Builder { n_splits, columns: Vec::new(), warnings: Vec::new() };
        table.times("fit_time", outcomes.iter().map(|outcome| outcome.fit_seconds).collect());
        table.times("score_time", outcomes.iter().map(|outcome| outcome.score_seconds).collect());
        table.params(&search.candidates);
        let mut best = None;
        for (metric, name) in search.score_names().into_iter().enumerate() {
            let scores: Vec<f64> = outcomes.iter().map(|outcome| outcome.test_scores[metric]).collect();
            let means = table.scores("test", name, &scores);
            let ranks = rank_scores(&means);
            if search.refit.metric == Some(metric) {
                best = best_of(&search.candidates, &means, &ranks);
            }
            table.push(format!("rank_test_{name}"), Values::I32(ranks), false);
            if search.return_train_score {
                let scores: Vec<f64> = outcomes.iter().map(|outcome| outcome.train_scores[metric]).collect();
                table.scores("train", name, &scores);
            }
        }
        let all = |fits: &[FitOutcome]| fits.iter().all(|fit| fit.converged);
        table.push(
            "converged".into(),
            Values::Bool(outcomes.chunks_exact(n_splits).map(all).collect()),
            false,
        );
        Ok(Self { columns: table.columns, best, attributes: Vec::new(), warnings: table.warnings })
    }

    /// The table of one candidate, as scikit-learn's `cross_validate` returns it: an entry for each fold, and the
    /// means and deviations of the scores as attributes.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_folds(search: &Search, outcomes: &[FitOutcome]) -> Result<Self> {
        check(search, outcomes.len(), outcomes)?;
        let mut table = Builder { n_splits: outcomes.len(), columns: Vec::new(), warnings: Vec::new() };
        let seconds = |of: fn(&FitOutcome) -> f64| Values::F64(outcomes.iter().map(of).collect());
        table.push("fit_time".into(), seconds(|fit| fit.fit_seconds), true);
        table.push("score_time".into(), seconds(|fit| fit.score_seconds), true);
        let mut attributes = Vec::new();
        for (metric, name) in search.score_names().into_iter().enumerate() {
            let test = outcomes.iter().map(|fit| fit.test_scores[metric]).collect();
            attributes.extend(table.folds(format!("test_{name}"), test));
            if search.return_train_score {
                let train = outcomes.iter().map(|fit| fit.train_scores[metric]).collect();
                attributes.extend(table.folds(format!("train_{name}"), train));
            }
        }
        let converged = outcomes.iter().map(|fit| fit.converged).collect();
        table.push("converged".into(), Values::Bool(converged), false);
        Ok(Self { columns: table.columns, best: None, attributes, warnings: table.warnings })
    }

    /// The entries of the column called `name`.
    pub fn column(&self, name: &str) -> Option<&Array> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.array)
    }

    /// Every column's name and entries, for the results file.
    pub fn arrays(&self) -> Vec<(String, Array)> {
        self.columns.iter().map(|column| (column.name.clone(), column.array.clone())).collect()
    }
}

impl Best {
    /// `best_params_` as JSON text.
    pub fn params_json(&self) -> String {
        json_text(&Value::Object(self.params.clone()))
    }
}

fn check(search: &Search, n_splits: usize, outcomes: &[FitOutcome]) -> Result<()> {
    let n_train = if search.return_train_score { search.scorers.len() } else { 0 };
    let mut expected = (0..search.candidates.len()).flat_map(|c| (0..n_splits).map(move |fold| (c, fold)));
    let whole = outcomes.iter().all(|outcome| {
        expected.next() == Some((outcome.id.candidate, outcome.id.fold))
            && outcome.test_scores.len() == search.scorers.len()
            && outcome.train_scores.len() >= n_train
    });
    if n_splits == 0 || !whole || expected.next().is_some() {
        return Err(Error::internal("outcomes or scores are missing from a search"));
    }
    Ok(())
}

fn best_of(candidates: &[Candidate], means: &[f64], ranks: &[i32]) -> Option<Best> {
    let index = (0..ranks.len()).min_by_key(|&index| (ranks[index], index))?;
    Some(Best { index, score: means[index], params: candidates[index].clone() })
}

/// Columns so far.
struct Builder {
    n_splits: usize,
    columns: Vec<Column>,
    warnings: Vec<String>,
}

impl Builder {
    fn push(&mut self, name: String, values: Values, is_time: bool) {
        self.columns.push(Column { name, array: Array::vector(values), is_time });
    }

    fn times(&mut self, name: &str, seconds: Vec<f64>) {
        let (means, stds) = means_and_stds(&seconds, self.n_splits);
        self.push(format!("mean_{name}"), Values::F64(means), true);
        self.push(format!("std_{name}"), Values::F64(stds), true);
    }

    /// The column of one score of one candidate; returns its mean and deviation.
    fn folds(&mut self, name: String, scores: Vec<f64>) -> [(String, Array); 2] {
        let (means, stds) = means_and_stds(&scores, self.n_splits);
        self.warn(&name, &means);
        let attributes = [(format!("mean_{name}"), means[0]), (format!("std_{name}"), stds[0])];
        self.push(name, Values::F64(scores), false);
        attributes.map(|(name, value)| (name, Array::scalar(value)))
    }

    fn warn(&mut self, scores: &str, means: &[f64]) {
        if means.iter().any(|mean| !mean.is_finite()) {
            self.warnings.push(format!("One or more of the {scores} scores are non-finite: {means:?}"));
        }
    }

    /// The columns of one score; returns the means.
    fn scores(&mut self, rows: &str, name: &str, scores: &[f64]) -> Vec<f64> {
        for fold in 0..self.n_splits {
            let of_fold = scores.iter().skip(fold).step_by(self.n_splits).copied().collect();
            self.push(format!("split{fold}_{rows}_{name}"), Values::F64(of_fold), false);
        }
        let (means, stds) = means_and_stds(scores, self.n_splits);
        self.warn(rows, &means);
        self.push(format!("mean_{rows}_{name}"), Values::F64(means.clone()), false);
        self.push(format!("std_{rows}_{name}"), Values::F64(stds), false);
        means
    }

    /// One column a parameter, in the order in which they first occur, and `params`.
    fn params(&mut self, candidates: &[Candidate]) {
        let mut names: Vec<&String> = Vec::new();
        for name in candidates.iter().flat_map(Candidate::keys) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            let values: Vec<Option<&Value>> =
                candidates.iter().map(|candidate| candidate.get(name)).collect();
            self.push(format!("param_{name}"), param_values(&values), false);
        }
        let params =
            candidates.iter().map(|candidate| json_text(&Value::Object(candidate.clone()))).collect();
        self.push("params".into(), Values::Text(params), false);
    }
}

/// A parameter's entries in the narrowest type that holds them all; `None` where a sub-grid lacks it.
fn param_values(values: &[Option<&Value>]) -> Values {
    let all = |read: fn(&Value) -> Option<f64>| -> Option<Vec<f64>> {
        values.iter().map(|value| value.map_or(Some(f64::NAN), read)).collect()
    };
    let integers: Option<Vec<i64>> = values.iter().map(|value| value.and_then(Value::as_i64)).collect();
    let flags: Option<Vec<bool>> = values.iter().map(|value| value.and_then(Value::as_bool)).collect();
    let text = |value: &Option<&Value>| match value {
        None => String::new(),
        Some(value) => python_text(value),
    };
    match (integers, all(Value::as_f64), flags) {
        (Some(integers), ..) => Values::I64(integers),
        (None, Some(numbers), _) => Values::F64(numbers),
        (None, None, Some(flags)) => Values::Bool(flags),
        (None, None, None) => Values::Text(values.iter().map(text).collect()),
    }
}

/// A value as Python's `str` writes it; tables and lists as JSON.
fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => python_float(number.as_f64().unwrap_or(f64::NAN)),
        other => json_text(other),
    }
}

/// A double as Python writes it: with an exponent of two digits and a sign from 1e16 on and below 1e-4.
fn python_float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        return match format!("{number}") {
            whole if !whole.contains('.') => whole + ".0",
            text => text,
        };
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) =
                exponent.strip_prefix('-').map_or(("+", exponent), |exponent| ("-", exponent));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

/// JSON as Python's `json.dumps` spaces it.
fn json_text(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Spaced);
    // Writing a value into memory cannot fail.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    String::from_utf8(bytes).unwrap_or_default()
}

/// A space after each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_parameters_column_has_the_type_of_its_values() {
        let of =
            |values: &[Option<Value>]| param_values(&values.iter().map(Option::as_ref).collect::<Vec<_>>());
        assert_eq!(of(&[Some(json!(1)), Some(json!(3))]), Values::I64(vec![1, 3]));
        assert_eq!(of(&[Some(json!(1)), Some(json!(0.5))]), Values::F64(vec![1.0, 0.5]));
        assert_eq!(of(&[Some(json!(true)), Some(json!(false))]), Values::Bool(vec![true, false]));
        let texts = |texts: &[&str]| Values::Text(texts.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(of(&[Some(json!("rbf")), Some(json!("linear"))]), texts(&["rbf", "linear"]));
        assert_eq!(of(&[Some(json!("scale")), Some(json!(0.1))]), texts(&["scale", "0.1"]));
        assert_eq!(of(&[Some(json!({"0": 2.0})), None]), texts(&["{\"0\": 2.0}", ""]));
        // str() of Python 3.
        let mixed =
            [json!(null), json!(10), json!(1e-5), json!(0.0001), json!(2.5e16), json!(1e15), json!(true)];
        let told = ["None", "10", "1e-05", "0.0001", "2.5e+16", "1000000000000000.0", "True"];
        assert_eq!(of(&mixed.map(Some)), texts(&told));
    }

    #[test]
    fn a_parameter_that_a_sub_grid_lacks_leaves_numbers_numbers() {
        let (one, two) = (json!(1), json!(0.25));
        match param_values(&[Some(&one), None, Some(&two)]) {
            Values::F64(v) => assert!(v[0] == 1.0 && v[1].is_nan() && v[2] == 0.25, "{v:?}"),
            other => panic!("{other:?}"),
        }
    }
}
