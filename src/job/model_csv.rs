//! A CSV file that a fitted model is applied to: which of its columns are the features.
//!
//! The file may lack the columns that the model's job sets apart (targets, weights, groups). Where their names do not
//! tell, the number of columns does; what it leaves open is refused.

use std::path::Path;

use super::model_data::{JobData, Rows, Wanted, other_features, unknown_weights};
use crate::comm::{Communicator, agree};
use crate::data::{ColumnRef, CsvOutline, CsvParams, CsvSource, Header};
use crate::error::{Error, Place, Result};

/// The features that a model takes.
#[derive(Clone, Copy)]
pub(super) struct Features {
    pub(super) count: usize,
    /// Whether they may be missing.
    pub(super) missing: bool,
}

/// Opens the file without the columns that were no features in the model's job, if they are there.
///
/// # Collective
/// One agreement, and what the reader exchanges.
///
/// # Errors
/// Those of the reader; [`Error::Data`] for columns of other names or number than the model's, or that cannot be told
/// apart; [`Error::Usage`] for a flag that names no column.
pub(super) fn open(
    comm: &dyn Communicator,
    rows: &Rows,
    job: &JobData,
    features: Features,
    item_bytes: usize,
) -> Result<CsvSource> {
    let wanted = rows.targets != Wanted::No;
    let told = |error| told(error, rows, job);
    let params = agree(comm, choose(rows, job, features).map_err(told))?;
    agree(comm, CsvSource::open(comm, &params, wanted, None, item_bytes).map_err(told))
}

/// A way to read the file, and what it then shows.
struct Reading {
    params: CsvParams,
    outline: CsvOutline,
}

fn choose(rows: &Rows, job: &JobData, features: Features) -> Result<CsvParams> {
    if let Some(params) = named(rows, job, features)? {
        return Ok(params);
    }
    let fitting = fitting(rows, job, features)?;
    let features_of = |reading: &Reading| reading.outline.feature_names();
    if let Some(names) = &job.feature_names
        && let Some(named) = fitting.iter().find_map(features_of)
    {
        let same = fitting.iter().find(|reading| features_of(reading).as_ref() == Some(names));
        return same.map(|reading| reading.params.clone()).ok_or_else(|| renamed(&rows.path, job, &named));
    }
    let [first, others @ ..] = fitting.as_slice() else {
        return Err(Error::internal("no way to read the data was tried"));
    };
    match others.iter().find(|other| other.outline.features != first.outline.features) {
        None => Ok(first.params.clone()),
        Some(other) => Err(ambiguous(&rows.path, job, [first, other])),
    }
}

/// The way to read the file by which its first line calls the features as the model does, whatever it looks like.
fn named(rows: &Rows, job: &JobData, features: Features) -> Result<Option<CsvParams>> {
    if job.header != Header::Auto || job.feature_names.is_none() {
        return Ok(None);
    }
    let fits = |params: CsvParams| {
        let params = CsvParams { header: Header::Present, ..params };
        let outline = CsvOutline::read(&params, rows.targets != Wanted::No).ok()?;
        let same =
            outline.feature_names() == job.feature_names && !passes_over_a_name(&params, job, &outline);
        same.then_some(params)
    };
    Ok(readings(rows, job, features)?.into_iter().find_map(fits))
}

/// The ways to read the file that give as many features as the model takes, at least one.
fn fitting(rows: &Rows, job: &JobData, features: Features) -> Result<Vec<Reading>> {
    let wanted = rows.targets != Wanted::No;
    let (mut fitting, mut last) = (Vec::new(), None);
    for params in readings(rows, job, features)? {
        match CsvOutline::read(&params, wanted) {
            Ok(outline) if passes_over_a_name(&params, job, &outline) => {}
            Ok(outline) if outline.features.len() == features.count => {
                fitting.push(Reading { params, outline });
            }
            Ok(outline) => {
                let found = outline.features.len();
                last = Some(other_features(rows.path.display(), features.count, found));
            }
            // A column that is not there: the next reading may fit.
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if fitting.is_empty() => Err(error),
        _ => Ok(fitting),
    }
}

/// The ways in which the file may lack columns of the model's job, the fullest first.
fn readings(rows: &Rows, job: &JobData, features: Features) -> Result<Vec<CsvParams>> {
    let plain = CsvParams {
        header: job.header,
        delimiter: job.delimiter.unwrap_or(','),
        missing: features.missing,
        unweighted: rows.weights == Wanted::No,
        ..CsvParams::new(&rows.path)
    };
    let wanted = rows.targets != Wanted::No;
    let column = |name: &String| column(&plain, name);
    let label = match &rows.targets {
        Wanted::From(name) => Some(column(name)),
        _ => job.label_column.clone(),
    };
    let weight = match &rows.weights {
        Wanted::No => None,
        Wanted::From(name) => Some(column(name)),
        Wanted::AsInJob => Some(job.weight_column.clone().ok_or_else(unknown_weights)?),
    };
    if wanted && label.is_none() {
        return Err(unknown_targets(&plain, features.count));
    }
    let mut marked = match weight {
        Some(weight) => vec![(label.clone(), Some(weight))],
        None => vec![(label.clone(), job.weight_column.clone()), (label, None)],
    };
    if !wanted {
        marked.extend([(None, job.weight_column.clone()), (None, None)]);
    }
    marked.dedup();
    let mut groups = vec![job.group_column.clone(), None];
    groups.dedup();
    let reading = |dropped: &Vec<ColumnRef>, group: &Option<ColumnRef>, (label_column, weight_column)| {
        let (drop_columns, group_column) = (dropped.clone(), group.clone());
        CsvParams { label_column, weight_column, group_column, drop_columns, ..plain.clone() }
    };
    let mut readings = Vec::new();
    for dropped in dropped(&plain, &job.drop_columns) {
        for group in &groups {
            readings.extend(marked.iter().cloned().map(|pair| reading(&dropped, group, pair)));
        }
    }
    Ok(readings)
}

/// Which of the columns that the job passes over the file may have: all, those whose names it has, or none.
fn dropped(plain: &CsvParams, of_job: &[ColumnRef]) -> Vec<Vec<ColumnRef>> {
    let first_line = CsvOutline::read(&CsvParams { header: Header::Present, ..plain.clone() }, false);
    let names = first_line.ok().and_then(|line| line.names).unwrap_or_default();
    let is_there = |column: &&ColumnRef| matches!(column, ColumnRef::Name(name) if names.contains(name));
    let mut choices = vec![of_job.to_vec(), of_job.iter().filter(is_there).cloned().collect(), Vec::new()];
    choices.dedup();
    choices
}

/// The column that a flag calls. A number is its place, as in a job file; where no column has it, it may be a name.
fn column(plain: &CsvParams, name: &str) -> ColumnRef {
    let Ok(number) = name.parse::<i64>() else { return ColumnRef::Name(name.into()) };
    let first_line = CsvOutline::read(&CsvParams { header: Header::Present, ..plain.clone() }, false);
    let is_name = first_line.is_ok_and(|line| {
        let places = -(line.n_columns as i64)..line.n_columns as i64;
        !places.contains(&number) && line.names.is_some_and(|names| names.iter().any(|known| known == name))
    });
    if is_name { ColumnRef::Name(name.into()) } else { ColumnRef::Number(number) }
}

/// What is wrong where no column of targets is known: the file, or that none is named.
fn unknown_targets(plain: &CsvParams, n_features: usize) -> Error {
    match CsvOutline::read(plain, false) {
        Err(error) => error,
        Ok(outline) if outline.n_columns <= n_features => {
            let expected =
                format!("{n_features} features, as the model was fitted with, and a column of targets");
            let found = format!("{} column(s)", outline.n_columns);
            Error::data(plain.path.display(), Place::default(), expected, found)
        }
        Ok(_) => {
            let message = "--y NAME: the column of targets, which the model's job does not tell".into();
            Error::Usage { message }
        }
    }
}

/// Whether a column of the job's is there by its name and would be a feature all the same.
fn passes_over_a_name(params: &CsvParams, job: &JobData, outline: &CsvOutline) -> bool {
    let Some(names) = &outline.names else { return false };
    let pairs = [
        (&job.label_column, &params.label_column),
        (&job.weight_column, &params.weight_column),
        (&job.group_column, &params.group_column),
    ];
    let is_a_feature = |column: &ColumnRef| matches!(column, ColumnRef::Name(name) if names.contains(name));
    pairs.into_iter().any(|(of_job, here)| here.is_none() && of_job.as_ref().is_some_and(is_a_feature))
        || job.drop_columns.iter().any(|column| is_a_feature(column) && !params.drop_columns.contains(column))
}

/// The error for features that are not called as the model's.
fn renamed(path: &Path, job: &JobData, found: &[String]) -> Error {
    let names = job.feature_names.as_deref().unwrap_or_default();
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    let column = names.iter().zip(found).position(|(name, found)| name != found).unwrap_or(0);
    let text = |names: &[String]| format!("{:?}", names.get(column).map_or("", String::as_str));
    let hint = if sorted(names) == sorted(found) {
        " (the same names in another order)"
    } else if job.header == Header::Present {
        " (the model's job says that the first line holds names: header = true)"
    } else {
        ""
    };
    let expected = format!("feature {column} to be called {}, as the model was fitted with", text(names));
    Error::data(path.display(), Place::default(), expected, format!("{}{hint}", text(found)))
}

/// The error for columns of which several could be those that the model's job sets apart by their number.
fn ambiguous(path: &Path, job: &JobData, readings: [&Reading; 2]) -> Error {
    let keys = [
        ("data.label_column", &job.label_column),
        ("data.weight_column", &job.weight_column),
        ("data.group_column", &job.group_column),
    ];
    let dropped = job.drop_columns.iter().map(|column| ("data.drop_columns", Some(column)));
    let keys = keys.iter().map(|(key, column)| (*key, column.as_ref())).chain(dropped);
    let keys: Vec<String> = keys.filter_map(|(key, column)| Some(format!("{key} = {}", column?))).collect();
    let named = match &job.feature_names {
        Some(_) => ", or a header line with the names of the features",
        None => "",
    };
    let expected = format!("all or none of the columns of the model's job ({}){named}", keys.join(", "));
    let n_columns = readings[0].outline.n_columns;
    let left_out = readings.map(|reading| {
        let is_feature = |column: &usize| reading.outline.features.contains(column);
        let columns: Vec<String> =
            (0..n_columns).filter(|column| !is_feature(column)).map(|column| column.to_string()).collect();
        format!("column {}", columns.join(" and "))
    });
    let found = format!("{n_columns} columns, where either {} may be no feature", left_out.join(" or "));
    Error::data(path.display(), Place::default(), expected, found)
}

/// An error about a key of a job, which the user of a model has not written, as one about a flag or the file.
fn told(error: Error, rows: &Rows, job: &JobData) -> Error {
    let Error::Job { key, expected, found, hint, .. } = error else { return error };
    let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    let of_file = |expected: String, found: String| {
        Error::data(rows.path.display(), Place::default(), expected, format!("{found}{hint}"))
    };
    let (wanted, flag, what) = match key.as_str() {
        "data.label_column" => (&rows.targets, "--y", "targets"),
        "data.weight_column" => (&rows.weights, "--sample-weight", "weights"),
        "data.delimiter" => {
            let expected = match job.delimiter {
                Some(delimiter) => format!("fields separated by {delimiter:?}, as in the model's job"),
                None => "fields separated by ','".into(),
            };
            return of_file(expected, found);
        }
        _ => return of_file(format!("{expected}, as {key} of the model's job"), found),
    };
    match wanted {
        Wanted::From(name) => {
            let expected = expected.replace("data.label_column", "that of the targets");
            Error::Usage { message: format!("{flag} {name}: expected {expected}, found {found}{hint}") }
        }
        _ => of_file(
            format!("{expected}, for the {what}, as {key} of the model's job ({flag} names another)"),
            found,
        ),
    }
}
