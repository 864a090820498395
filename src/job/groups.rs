//! The column that says which rows of a search belong together, or to which fold each belongs.

use super::data::SourceParams;
use super::source;
use super::spec::Job;
use crate::comm::{Communicator, agree};
use crate::data::{Block, BlockSource, CsvParams, CsvSource, Hdf5Params, Hdf5Source, Table};
use crate::error::{Error, Place, Result};
use crate::estimator::targets::{blurred, is_blurred};
use crate::kernel::Real;
use crate::model_selection::{Search, Split, Splits, Splitter};

/// The splits of the rows of `table`, by a column of the data where the splitter wants one.
///
/// # Collective
/// Those of opening the data, where a column is wanted, and two agreements.
///
/// # Errors
/// [`Error::Job`] for a splitter that these rows cannot serve, or whose splits are too many for the memory, or without a column that it needs; [`Error::Data`] for
/// a column that holds no groups or folds.
pub(super) fn splits<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    search: &Search,
    table: &Table,
) -> Result<Splits> {
    let groups = if search.splitter.wants_column() { Some(column::<T>(comm, job, search)?) } else { None };
    check_room(comm, job, search, table, groups.as_deref())?;
    search.splits(table.y.len(), &table.y, groups.as_deref()).map_err(|error| job.place("search", error))
}

/// Checks that the row numbers of all splits fit beside the table, before they are listed.
///
/// # Collective
/// One agreement, for nodes may differ.
///
/// # Errors
/// [`Error::Job`] at `search.cv` when they do not.
fn check_room(
    comm: &dyn Communicator,
    job: &Job,
    search: &Search,
    table: &Table,
    groups: Option<&[i64]>,
) -> Result<()> {
    let needed = search.splitter.listed_bytes(table.y.len(), groups);
    let free = match job.data.cut.memory_per_rank {
        Some(bytes) => bytes.0.saturating_sub(table.size_bytes()),
        None => source::budget_bytes(comm, job),
    };
    let checked = if needed <= u128::from(free) {
        Ok(())
    } else {
        let expected = format!("splits whose row numbers take at most {free} bytes, which every rank keeps");
        Err(job.fault("search.cv", expected, format!("{needed} bytes")))
    };
    agree(comm, checked)
}

/// The bytes of the row numbers that every rank keeps of `splits`; of a search whose rungs take some of the rows those
/// of the largest, too.
pub(super) fn listed_bytes(search: &Search, splits: &[Split]) -> u64 {
    let rows: usize = splits.iter().map(|split| split.train.len() + split.test.len()).sum();
    let own = (rows * size_of::<usize>() + size_of_val(splits)) as u64;
    if search.staged.as_ref().is_some_and(|staged| staged.rules.counts_rows()) { 2 * own } else { own }
}

/// The column, read as the targets of the same rows would be: names are numbered in their order.
fn column<T: Real>(comm: &dyn Communicator, job: &Job, search: &Search) -> Result<Vec<i64>> {
    let expected = |what: &str| format!("{what} of groups, or of each row's fold, which search.cv needs");
    let opened: Result<Box<dyn BlockSource<T>>> = match &job.data.source {
        SourceParams::Hdf5(params) => {
            let Some(groups) = params.groups.clone() else {
                return Err(job.fault("data.groups", expected("the dataset"), "nothing"));
            };
            let params = Hdf5Params { y: Some(groups), sample_weight: None, groups: None, ..params.clone() };
            Hdf5Source::open(&params, true, job.data.cut.block_rows).map(|source| Box::new(source) as _)
        }
        SourceParams::Csv(params) => {
            let Some(groups) = params.group_column.clone() else {
                return Err(job.fault("data.group_column", expected("the column"), "nothing"));
            };
            let (label_column, group_column) = (Some(groups), params.label_column.clone());
            let missing = job.takes_missing();
            let params = CsvParams { label_column, group_column, missing, ..params.clone() };
            let opened = CsvSource::open(comm, &params, true, job.data.cut.block_rows, size_of::<T>());
            opened.map(|source| Box::new(source) as _)
        }
        _ => {
            return Err(job.fault(
                "data.source",
                expected("a file with a column"),
                job.written("data.source"),
            ));
        }
    };
    let source = agree(comm, opened).map_err(|error| job.place("data", error))?;
    agree(comm, read(&*source).and_then(|values| numbers(&*source, values, search)))
}

fn read<T: Real>(source: &dyn BlockSource<T>) -> Result<Vec<f64>> {
    let (shape, mut block, mut values) = (source.shape(), Block::default(), Vec::new());
    for index in 0..shape.n_blocks() {
        block.reshape(shape, index);
        source.fill(&mut block)?;
        values.extend_from_slice(&block.y);
    }
    source.unchanged()?;
    Ok(values)
}

/// Folds as they are, or groups by their place among all.
fn numbers<T: Real>(source: &dyn BlockSource<T>, values: Vec<f64>, search: &Search) -> Result<Vec<i64>> {
    let origin = source.target_origin();
    let place = |row: usize| Place::at(row as u64, source.target_name());
    let fault =
        |row: usize, expected: &str, found: String| Err(Error::data(&origin, place(row), expected, found));
    if let Some(row) = values.iter().position(|value| !value.is_finite()) {
        return fault(row, "a group or a fold", values[row].to_string());
    }
    if !matches!(search.splitter, Splitter::PredefinedSplit { .. }) {
        if let Some(row) = values.iter().position(|value| is_blurred(*value)) {
            return fault(row, "groups that are numbers within ±2^53, or text", blurred(values[row]));
        }
        let mut distinct = values.clone();
        distinct.sort_unstable_by(f64::total_cmp);
        distinct.dedup();
        return Ok(values.iter().map(|value| distinct.partition_point(|d| d < value) as i64).collect());
    }
    if let Some(names) = source.class_names() {
        let name = |row: usize| names.get(values[row] as usize).map_or("", String::as_str);
        let row = (0..values.len()).find(|&row| name(row).parse::<i64>().is_err()).unwrap_or(0);
        return fault(row, "the number of a fold, or -1", format!("the text {:?}", name(row)));
    }
    match values.iter().position(|value| value.fract() != 0.0 || *value < -1.0 || *value > 1e9) {
        Some(row) => fault(row, "the number of a fold, or -1", values[row].to_string()),
        None => Ok(values.iter().map(|&value| value as i64).collect()),
    }
}
