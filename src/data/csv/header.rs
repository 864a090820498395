//! Whether the first line of a file names its columns, where the job leaves that open (`header = "auto"`).
//!
//! It does where the job calls a column by a name that stands in it, and else in these two cases:
//!
//! * it holds text: in a column that is neither of labels nor of groups, or in one of these, while the next row has a
//!   number there (labels that are text throughout tell nothing);
//! * it counts the features from 0, as pandas does where they have no names, and the next row does not: two or more of
//!   them before numbers that are not whole, or ten or more before any.
//!
//! All else is data. What could as well be the other is told, as a doubt. The line alone, what follows it and the job
//! decide, whichever of the columns is read as the target: searches read a file once for labels and once for groups.

use super::number::{is_missing, leading, quote};
use super::params::{ColumnRef, CsvParams, Header};

/// Features that count from 0 to more than chance would have them, though the next row holds whole numbers as well.
const MANY: usize = 10;

/// What the first line of a file is taken for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Whether it names the columns.
    pub(super) is_header: bool,
    /// Why it may be the other.
    pub(super) doubt: Option<String>,
}

impl Finding {
    fn certain(is_header: bool) -> Self {
        Self { is_header, doubt: None }
    }

    /// Decides about the line `first`, of which the row `next`, if there is one, is the next.
    pub(super) fn of(first: &[Vec<u8>], next: Option<&[Vec<u8>]>, params: &CsvParams) -> Self {
        match params.header {
            Header::Present => Self::certain(true),
            Header::Absent => Self::certain(false),
            Header::Auto if calls_a_column(first, params) => Self::certain(true),
            Header::Auto => {
                let next = next.unwrap_or_default();
                let lines = FirstLines { first, next, free: free_columns(first.len(), params) };
                lines.by_text().or_else(|| lines.by_counting()).unwrap_or(Self::certain(false))
            }
        }
    }
}

/// Whether a field is a number, or stands for one that is missing.
pub(super) fn numeric(field: &[u8]) -> bool {
    is_missing(field.trim_ascii()) || is_number(field)
}

fn is_number(field: &[u8]) -> bool {
    let text = field.trim_ascii();
    !is_missing(text) && leading::<f64>(text).is_some_and(|(_, length)| length == text.len())
}

/// Whether a field is a number that has a point or an exponent, as every number of a column that is not whole may.
fn is_fraction(field: &[u8]) -> bool {
    is_number(field) && field.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Whether the job calls a column by a name that stands in the first line.
fn calls_a_column(first: &[Vec<u8>], params: &CsvParams) -> bool {
    let columns = [&params.label_column, &params.weight_column, &params.group_column];
    let stands = |name: &str| first.iter().any(|field| field.trim_ascii() == name.as_bytes());
    let called = columns.into_iter().flatten().chain(&params.drop_columns);
    called.into_iter().any(|column| matches!(column, ColumnRef::Name(name) if stands(name)))
}

/// The columns whose data may be text: those of labels, of groups, and those that are passed over.
fn free_columns(n_columns: usize, params: &CsvParams) -> Vec<usize> {
    let place = |column: &ColumnRef| match column {
        ColumnRef::Number(number) => {
            let from_end = n_columns as i64 * i64::from(*number < 0);
            usize::try_from(number.wrapping_add(from_end)).ok()
        }
        ColumnRef::Name(_) => None,
    };
    let of_text = [&params.label_column, &params.group_column].into_iter().flatten();
    of_text.chain(&params.drop_columns).filter_map(place).collect()
}

/// The first line and the next row, of a file whose job names no column of it.
struct FirstLines<'a> {
    first: &'a [Vec<u8>],
    /// Empty where there is none.
    next: &'a [Vec<u8>],
    free: Vec<usize>,
}

impl FirstLines<'_> {
    /// By text where data have none.
    fn by_text(&self) -> Option<Finding> {
        let tells = |&(column, field): &(usize, &Vec<u8>)| {
            let number_below = || self.next.get(column).is_some_and(|below| is_number(below));
            !numeric(field) && (!self.free.contains(&column) || number_below())
        };
        let (_, text) = self.first.iter().enumerate().find(tells)?;
        let numbers = self.numbers();
        let doubt = format!(
            "taken for the names of columns, for {} is no number, but {} of its {} fields are; if it is data, mend it \
             and say header = false",
            quote(text),
            numbers.len(),
            self.first.len()
        );
        Some(Finding { is_header: true, doubt: (!self.count(&numbers)).then_some(doubt) })
    }

    /// By the numbers of columns without names.
    fn by_counting(&self) -> Option<Finding> {
        let numbers = self.numbers();
        let is_feature = |column: &usize| !self.free.contains(column);
        let features = || numbers.iter().copied().filter(is_feature);
        let others = (0..self.first.len()).filter(|column| !numbers.contains(column));
        // Beside numbers there may be a label's name, and the empty one of an index.
        let nameless =
            others.filter(is_feature).any(|column| column > 0 || !self.first[0].trim_ascii().is_empty());
        let goes_on = numbers.iter().all(|&column| self.next.get(column) == Some(&self.first[column]));
        let n_features = features().count();
        if nameless || goes_on || n_features == 0 || !self.count(&numbers) || self.next.is_empty() {
            return None;
        }
        let fraction_below =
            features().any(|column| self.next.get(column).is_some_and(|below| is_fraction(below)));
        let certain = n_features > 1 && fraction_below;
        let is_header = certain || n_features >= MANY;
        let doubt = match is_header {
            true => {
                "taken for the names of columns, as it counts them from 0; if it is data, say header = false"
            }
            false => {
                "taken for data, but it counts the columns from 0, as names do; say which it is by header = true or false"
            }
        };
        Some(Finding { is_header, doubt: (!certain).then(|| doubt.into()) })
    }

    /// The columns in whose first line a number stands.
    fn numbers(&self) -> Vec<usize> {
        (0..self.first.len()).filter(|&column| is_number(&self.first[column])).collect()
    }

    /// Whether the first line's numbers are those of their columns, or 0, 1, 2 and so on.
    fn count(&self, numbers: &[usize]) -> bool {
        let says =
            |column: usize, number: usize| self.first[column].trim_ascii() == number.to_string().as_bytes();
        numbers.iter().all(|&column| says(column, column))
            || numbers.iter().enumerate().all(|(place, &column)| says(column, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in lines that are separated by `/`: whether there is a header, and whether that is certain.
    fn found(lines: &str, label: Option<i64>, group: Option<i64>) -> (bool, bool) {
        let params = CsvParams {
            label_column: label.map(ColumnRef::Number),
            group_column: group.map(ColumnRef::Number),
            ..CsvParams::new("a.csv")
        };
        let row = |line: &str| line.split(',').map(|field| field.as_bytes().to_vec()).collect::<Vec<_>>();
        let mut rows = lines.split('/').map(row);
        let (first, next) = (rows.next().unwrap(), rows.next());
        let finding = Finding::of(&first, next.as_deref(), &params);
        let other_way = CsvParams {
            label_column: params.group_column.clone(),
            group_column: params.label_column.clone(),
            ..params
        };
        assert_eq!(finding, Finding::of(&first, next.as_deref(), &other_way), "{lines}");
        (finding.is_header, finding.doubt.is_none())
    }

    #[test]
    fn text_over_a_number_is_a_name() {
        // What pandas writes of features without names and a target with one.
        assert_eq!(found("0,1,2,target/0.5,1.5,2.5,1", Some(-1), None), (true, true));
        assert_eq!(found("0,1,2,target/0.5,1.5,2.5,1", Some(3), None), (true, true));
        assert_eq!(found("target,0,1/1,4,5", Some(0), None), (true, true));
        assert_eq!(found(",0,1,target/0,4,5,1", Some(3), None), (true, true));
        assert_eq!(found("0,target,group/0.5,1,7", Some(1), Some(2)), (true, true));
        // Some classes that read as numbers: told.
        assert_eq!(found("1.5,2.5,A/3.5,4.5,1", Some(-1), None), (true, false));
        // Text throughout.
        assert_eq!(found("1.5,2.5,A/3.5,4.5,B", Some(-1), None), (false, true));
        assert_eq!(found("1.5,1,g0/3.5,0,g1", Some(1), Some(2)), (false, true));
        assert_eq!(found("1.5,yes,1/3.5,no,1", Some(1), Some(2)), (false, true));
        assert_eq!(found("1.5,yes,g0/3.5,no,g1", None, Some(2)), (true, false));
        assert_eq!(found("1.5,A", Some(1), None), (false, true));
        assert_eq!(found("1.5,A/2.5", Some(1), None), (false, true));
    }

    #[test]
    fn columns_counted_from_0_are_names() {
        for (lines, label, expected) in [
            ("0,1,2/0.5,1.5,2.5", None, (true, true)),
            ("0,1/0.5,7", None, (true, true)),
            ("0,1,2,3,4,5,6,7,8,9/5,1,2,0,0,0,0,7,8,9", None, (true, false)),
            ("0,1,2,3/7,8.5,9,0", Some(-1), (true, true)),
            (",0,1,2/0,0.5,1.5,2.5", None, (true, true)),
            ("0,1,species/0.5,1.5,setosa", Some(2), (true, true)),
            // It could be either: data as before.
            ("0,1,2/1,1,2", None, (false, false)),
            ("0,1,2,3/7,8,9,0", Some(3), (false, false)),
            ("0,1/1,1", None, (false, false)),
            ("0/0.5", None, (false, false)),
            ("0,1/0.5,0", Some(1), (false, false)),
            ("0,cat/1,dog", Some(1), (false, false)),
            // Data.
            ("0.0,1.0,2.0/0.5,1.5,2.5", None, (false, true)),
            ("0,1,2/0,1,2", None, (false, true)),
            ("0,1,2", None, (false, true)),
            ("1,2,3/0.5,1.5,2.5", None, (false, true)),
            ("0,1,nan/0.5,1.5,2.5", None, (false, true)),
            ("0,1,,2/0.5,1.5,2.5,3.5", None, (false, true)),
            ("0,1,2,7/0.5,1.5,2.5,8", Some(3), (false, true)),
            ("a,b/setosa,virginica", None, (true, true)),
        ] {
            assert_eq!(found(lines, label, None), expected, "{lines}");
        }
    }

    #[test]
    fn a_name_that_the_job_calls_is_no_number() {
        let row = |line: &str| line.split(',').map(|field| field.as_bytes().to_vec()).collect::<Vec<_>>();
        let (first, next) = (row("2018,2019,2020"), row("1,2,3"));
        for (name, expected) in [("2020", true), ("2021", false)] {
            let params =
                CsvParams { label_column: Some(ColumnRef::Name(name.into())), ..CsvParams::new("a.csv") };
            assert_eq!(Finding::of(&first, Some(&next), &params), Finding::certain(expected), "{name}");
        }
    }
}
