//! The table of a search as people see it, on the terminal and on the page: what ranks it, in which order it stands and
//! which columns are shown.

use crate::estimator::{Array, Values};
use crate::results::{CvResults, Group, schema};

/// A search as the results file has it.
pub struct SearchTable<'a> {
    columns: Vec<(&'a str, &'a Array)>,
    attributes: Vec<(&'a str, &'a Array)>,
}

/// Cells to be laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What the rows and scores are; empty where there is nothing to say.
    pub caption: String,
    /// One head a column. Cells are numbers, but for those below `params`.
    pub heads: Vec<String>,
    /// The rows, one cell a head.
    pub rows: Vec<Vec<String>>,
    /// Rows that were left out, for there are too many.
    pub n_left_out: usize,
}

/// A column to be shown: its head and the text of each row.
type ShownColumn = (String, Vec<String>);

/// Scores up to which each has its deviation beside it; the first has it always.
const MOST_WITH_STD: usize = 3;

impl<'a> SearchTable<'a> {
    /// The table in a results file; columns that were not read are not shown.
    pub fn of_group(group: &'a Group) -> Self {
        let columns = group.items.iter().filter_map(|item| Some((item.name.as_str(), item.array.as_ref()?)));
        Self { columns: columns.collect(), attributes: named(&group.attributes) }
    }

    /// The table that a run has made.
    pub fn of_results(results: &'a CvResults) -> Self {
        Self { columns: named(&results.columns), attributes: named(&results.attributes) }
    }

    /// The entries of the column called `name`.
    pub(super) fn column(&self, name: &str) -> Option<&'a Array> {
        self.columns.iter().find(|(n, _)| *n == name).map(|(_, array)| *array)
    }

    /// The same as numbers.
    pub(super) fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        self.column(name).and_then(Array::to_f64)
    }

    /// The parameters of which candidates have different values, but for one that stands in `n_resources` already.
    pub(super) fn varying(&self) -> Vec<(&'a str, &'a Array)> {
        let resources = self.numbers("n_resources");
        let params =
            self.columns.iter().filter_map(|(name, array)| Some((name.strip_prefix("param_")?, *array)));
        let differs = |array: &Array| (1..array.values.len()).any(|row| cell(array, row) != cell(array, 0));
        params
            .filter(|(_, array)| differs(array) && (resources.is_none() || array.to_f64() != resources))
            .collect()
    }

    /// The score that says which candidate is best, as columns call it: `score` where there is but one.
    pub(super) fn ranked_by(&self) -> &'a str {
        let metrics = self.metrics();
        let refit = self.texts(schema::REFIT).first();
        let refit = refit.and_then(|refit| metrics.iter().find(|metric| *metric == refit));
        refit.or(metrics.first()).copied().unwrap_or("score")
    }

    /// The name of that score, where the file tells it.
    pub(super) fn ranked_by_name(&self) -> &'a str {
        match (self.ranked_by(), self.texts(schema::SCORING)) {
            ("score", [name]) => name,
            (name, _) => name,
        }
    }

    /// Whether row by row is of the last rung of its search; so is each row of a search without rungs. Of several
    /// brackets those rows that got the most.
    pub(super) fn is_of_last_rung(&self) -> Vec<bool> {
        let stages = self.stages();
        let last = stages.iter().copied().max();
        stages.into_iter().map(|stage| Some(stage) == last).collect()
    }

    /// The table, numbers by `number`, at most `most` rows: of candidates the best first, or of the folds of
    /// `cross_validate` with their mean and deviation.
    pub fn shown(&self, number: &dyn Fn(f64) -> String, most: usize) -> Option<Shown> {
        if self.column("params").is_some() { self.candidates(number, most) } else { self.folds(number, most) }
    }

    fn texts(&self, attribute: &str) -> &'a [String] {
        match self.attributes.iter().find(|(name, _)| *name == attribute).map(|(_, array)| &array.values) {
            Some(Values::Text(texts)) => texts,
            _ => &[],
        }
    }

    fn attribute(&self, name: &str) -> Option<f64> {
        let (_, array) = self.attributes.iter().find(|(n, _)| *n == name)?;
        array.to_f64()?.first().copied()
    }

    /// The scores of candidates, in the order of the job's list.
    fn metrics(&self) -> Vec<&'a str> {
        self.columns.iter().filter_map(|(name, _)| name.strip_prefix("mean_test_")).collect()
    }

    /// For each row how far its search had come: what it got, and the rung where several get the same.
    fn stages(&self) -> Vec<(i64, i64)> {
        let n_rows = self.columns.first().map_or(0, |(_, array)| array.values.len());
        let whole = |name: &str| {
            let numbers = self.numbers(name).unwrap_or_else(|| vec![0.0; n_rows]);
            numbers.into_iter().map(|number| number as i64).collect::<Vec<_>>()
        };
        // Rungs of different brackets do not follow each other.
        let iter = if self.column("bracket").is_some() { vec![0; n_rows] } else { whole("iter") };
        whole("n_resources").into_iter().zip(iter).collect()
    }

    /// The rows in the order in which they are shown: the best, then by rung from the last, then by rank.
    fn order(&self, n_rows: usize) -> Vec<usize> {
        let best = self.attribute("best_index_").filter(|index| *index >= 0.0).map(|index| index as usize);
        let stages = self.stages();
        let ranks =
            self.numbers(&format!("rank_test_{}", self.ranked_by())).unwrap_or_else(|| vec![0.0; n_rows]);
        // A stranger's columns may have any length.
        let rank = |row: usize| ranks.get(row).copied().unwrap_or(f64::NAN);
        let mut order: Vec<usize> = (0..n_rows).collect();
        order.sort_by(|&a, &b| {
            let is_best = |row| best == Some(row);
            let last_first = || stages.get(b).cmp(&stages.get(a));
            is_best(b).cmp(&is_best(a)).then_with(last_first).then_with(|| rank(a).total_cmp(&rank(b)))
        });
        order
    }

    fn candidates(&self, number: &dyn Fn(f64) -> String, most: usize) -> Option<Shown> {
        let Values::Text(params) = &self.column("params")?.values else { return None };
        let (by, metrics) = (self.ranked_by(), self.metrics());
        let others: Vec<&str> = metrics.iter().copied().filter(|metric| *metric != by).collect();
        let texts = |name: &str, text: &dyn Fn(f64) -> String| -> Option<Vec<String>> {
            Some(self.numbers(name)?.into_iter().map(text).collect())
        };
        let mut columns: Vec<ShownColumn> = Vec::new();
        let mut add = |head: &str, texts: Option<Vec<String>>| {
            columns.extend(texts.map(|texts| (head.to_owned(), texts)));
        };
        let whole = |value: f64| value.to_string();
        add("rank", texts(&format!("rank_test_{by}"), &whole));
        ["bracket", "iter", "n_resources"].into_iter().for_each(|name| add(name, texts(name, &whole)));
        for metric in std::iter::once(by).chain(others) {
            add(
                if metrics.len() > 1 { metric } else { "mean score" },
                texts(&format!("mean_test_{metric}"), number),
            );
            if metric == by || metrics.len() <= MOST_WITH_STD {
                add("std", texts(&format!("std_test_{metric}"), number));
            }
        }
        add("fit s", texts("mean_fit_time", &seconds));
        add("params", Some(params.clone()));
        let row =
            |at: usize| columns.iter().map(|(_, texts)| texts.get(at).cloned().unwrap_or_default()).collect();
        Some(Shown {
            caption: self.caption(&metrics),
            rows: self.order(params.len()).into_iter().take(most).map(row).collect(),
            heads: columns.iter().map(|(head, _)| head.clone()).collect(),
            n_left_out: params.len().saturating_sub(most),
        })
    }

    fn caption(&self, metrics: &[&str]) -> String {
        let mut parts = Vec::new();
        match (metrics, self.texts(schema::SCORING)) {
            ([_], [name]) => parts.push(format!("score: {name}")),
            ([_], _) | ([], _) => {}
            _ => parts.push(format!("mean test scores, ranked by {}", self.ranked_by())),
        }
        if self.column("iter").is_some() {
            parts.push("the best, then the last rung first; ranks are over all rungs".to_owned());
        }
        parts.join("; ")
    }

    fn folds(&self, number: &dyn Fn(f64) -> String, most: usize) -> Option<Shown> {
        let is_score = |name: &str| name.starts_with("test_") || name.starts_with("train_");
        let mut columns: Vec<(&str, Vec<f64>, bool)> = Vec::new();
        for (name, array) in self.columns.iter().filter(|(name, _)| is_score(name)) {
            columns.push((name, array.to_f64()?, false));
        }
        let n_folds = columns.first()?.1.len();
        let times = [("fit_time", "fit s"), ("score_time", "score s")];
        columns.extend(times.iter().filter_map(|(name, head)| Some((*head, self.numbers(name)?, true))));
        let text = |value: f64, is_time: bool| if is_time { seconds(value) } else { number(value) };
        let row = |head: String, of: &dyn Fn(&[f64]) -> f64| {
            let cells = columns.iter().map(|(_, values, is_time)| text(of(values), *is_time));
            std::iter::once(head).chain(cells).collect::<Vec<_>>()
        };
        let fold =
            |fold: usize| row(fold.to_string(), &|values| values.get(fold).copied().unwrap_or(f64::NAN));
        let mut rows: Vec<Vec<String>> = (0..n_folds.min(most)).map(fold).collect();
        rows.push(row("mean".to_owned(), &mean));
        rows.push(row("std".to_owned(), &std));
        Some(Shown {
            caption: match self.texts(schema::SCORING) {
                [name] => format!("score: {name}"),
                _ => String::new(),
            },
            heads: std::iter::once("fold")
                .chain(columns.iter().map(|(head, ..)| *head))
                .map(str::to_owned)
                .collect(),
            rows,
            n_left_out: n_folds.saturating_sub(most),
        })
    }
}

fn named(list: &[(String, Array)]) -> Vec<(&str, &Array)> {
    list.iter().map(|(name, array)| (name.as_str(), array)).collect()
}

fn seconds(value: f64) -> String {
    format!("{value:.3}")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The deviation as NumPy's `std` has it.
fn std(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// One entry of a column as text; empty where there is none.
pub(super) fn cell(array: &Array, row: usize) -> String {
    let text = match &array.values {
        Values::F64(v) => v.get(row).map(f64::to_string),
        Values::F32(v) => v.get(row).map(f32::to_string),
        Values::I64(v) => v.get(row).map(i64::to_string),
        Values::I32(v) => v.get(row).map(i32::to_string),
        Values::Bool(v) => v.get(row).map(bool::to_string),
        Values::Text(v) => v.get(row).cloned(),
    };
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(name: &str, values: &[f64]) -> (String, Array) {
        (name.to_owned(), Array::vector(Values::F64(values.to_vec())))
    }

    fn texts(name: &str, values: &[&str]) -> (String, Array) {
        (name.to_owned(), Array::vector(Values::Text(values.iter().map(|&text| text.to_owned()).collect())))
    }

    fn shown(results: &CvResults, most: usize) -> Shown {
        SearchTable::of_results(results).shown(&|value| value.to_string(), most).unwrap()
    }

    #[test]
    fn several_scores_are_ranked_by_that_of_the_refit() {
        let mut results = CvResults {
            columns: vec![
                numbers("mean_fit_time", &[0.25, 0.5]),
                texts("params", &["a", "b"]),
                numbers("mean_test_accuracy", &[0.75, 0.5]),
                numbers("std_test_accuracy", &[0.1, 0.2]),
                numbers("rank_test_accuracy", &[1.0, 2.0]),
                numbers("mean_test_f1", &[0.25, 0.3]),
                numbers("std_test_f1", &[0.3, 0.4]),
                numbers("rank_test_f1", &[2.0, 1.0]),
            ],
            attributes: vec![texts(schema::SCORING, &["accuracy", "f1"]), texts(schema::REFIT, &["f1"])],
        };
        let table = shown(&results, 10);
        assert_eq!(table.caption, "mean test scores, ranked by f1");
        assert_eq!(table.heads, ["rank", "f1", "std", "accuracy", "std", "fit s", "params"]);
        assert_eq!(table.rows[0], ["1", "0.3", "0.4", "0.5", "0.2", "0.500", "b"]);
        assert_eq!(table.rows[1], ["2", "0.25", "0.3", "0.75", "0.1", "0.250", "a"]);
        // Without a refit by the first.
        results.attributes.pop();
        let table = shown(&results, 1);
        assert_eq!(table.heads[1], "accuracy");
        assert_eq!((table.rows.len(), table.rows[0][6].as_str(), table.n_left_out), (1, "a", 1));
    }

    #[test]
    fn the_last_rung_stands_first_and_the_best_before_all() {
        let mut results = CvResults {
            columns: vec![
                numbers("iter", &[0.0, 0.0, 1.0, 1.0]),
                numbers("n_resources", &[20.0, 20.0, 60.0, 60.0]),
                numbers("param_C", &[1.0, 2.0, 1.0, 2.0]),
                numbers("param_n", &[20.0, 20.0, 60.0, 60.0]),
                texts("params", &["a", "b", "a", "b"]),
                numbers("mean_test_score", &[0.9, 0.8, 0.5, 0.6]),
                numbers("std_test_score", &[0.0; 4]),
                numbers("rank_test_score", &[1.0, 2.0, 4.0, 3.0]),
            ],
            attributes: vec![texts(schema::SCORING, &["accuracy"]), numbers("best_index_", &[3.0])],
        };
        let table = shown(&results, 10);
        assert_eq!(table.heads, ["rank", "iter", "n_resources", "mean score", "std", "params"]);
        let ranks: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(ranks, ["3", "4", "1", "2"]);
        assert!(
            table.caption.starts_with("score: accuracy; the best, then the last rung"),
            "{}",
            table.caption
        );
        let search = SearchTable::of_results(&results);
        assert_eq!(search.is_of_last_rung(), [false, false, true, true]);
        // What rungs get more of is no parameter that was searched over.
        assert_eq!(search.varying().iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["C"]);
        // Rungs of several brackets compare by what they got.
        results.columns.insert(0, numbers("bracket", &[0.0, 0.0, 0.0, 1.0]));
        results.columns[1] = numbers("iter", &[0.0, 0.0, 1.0, 0.0]);
        let table = shown(&results, 10);
        assert_eq!(table.rows[0], ["3", "1", "0", "60", "0.6", "0", "b"]);
        assert_eq!(table.rows[1][0], "4");
    }

    #[test]
    fn columns_of_any_length_are_shown() {
        let results = CvResults {
            columns: vec![
                numbers("n_resources", &[1.0, 2.0, 3.0, 4.0]),
                texts("params", &["a", "b", "c"]),
                numbers("mean_test_score", &[0.5]),
                numbers("rank_test_score", &[]),
            ],
            attributes: vec![numbers("best_index_", &[-7.0])],
        };
        assert_eq!(shown(&results, 10).rows[0], ["", "3", "", "c"]);
    }

    #[test]
    fn folds_have_their_mean_and_deviation_below_them() {
        let results = CvResults {
            columns: vec![
                numbers("fit_time", &[0.5, 1.5, 1.0]),
                numbers("score_time", &[0.0, 0.0, 0.0]),
                numbers("test_r2", &[1.0, 3.0, 2.0]),
                numbers("train_r2", &[4.0, 4.0, 4.0]),
                numbers("converged", &[1.0, 1.0, 1.0]),
            ],
            attributes: vec![],
        };
        let table = shown(&results, 2);
        assert_eq!(table.heads, ["fold", "test_r2", "train_r2", "fit s", "score s"]);
        assert_eq!(table.rows[0], ["0", "1", "4", "0.500", "0.000"]);
        assert_eq!(table.rows[2], ["mean", "2", "4", "1.000", "0.000"]);
        // numpy.std([1, 3, 2])
        assert_eq!(table.rows[3][..2], ["std", "0.816496580927726"]);
        assert_eq!((table.rows.len(), table.n_left_out), (4, 1));
    }
}
