//! `rankfit inspect`: what a results file holds, for people or as JSON.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::table::{columns, short};
use super::voice::Voice;
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::estimator::{Array, Values};
use crate::report::SearchTable;
use crate::results::{Group, Item, ResultsFile, schema};
use crate::telemetry::Phase;

/// Arrays with more values than this are named but not shown.
const MOST_VALUES: usize = 10_000;

/// Shows what a results file holds.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The results file.
    file: PathBuf,
    /// As JSON; large arrays by shape and type only.
    #[arg(long)]
    json: bool,
}

/// Rank 0 reads and prints.
pub(super) fn run(comm: &dyn Communicator, arguments: &Arguments) -> Result<()> {
    let text = if comm.is_root() { show(arguments) } else { Ok(String::new()) };
    let text = comm::agree(comm, text)?;
    comm::agree(comm, Voice::new(comm).answer(&text))
}

fn show(arguments: &Arguments) -> Result<String> {
    let file = ResultsFile::open(&arguments.file)?;
    if arguments.json { json(&file) } else { text(&file) }
}

fn json(file: &ResultsFile) -> Result<String> {
    let mut root = Map::new();
    for (name, array) in file.attributes()? {
        root.insert(name, value(&array));
    }
    for name in schema::GROUPS {
        let Some(group) = file.group(name, MOST_VALUES)? else { continue };
        let mut members = members_of(&group);
        if name == schema::MODEL {
            let steps = file.pipeline_groups(MOST_VALUES)?;
            if !steps.is_empty() {
                let steps = steps.iter().map(|(_, step)| Value::Object(members_of(step))).collect();
                members.insert(schema::PIPELINE.into(), Value::Array(steps));
            }
        }
        root.insert(name.into(), Value::Object(members));
    }
    let text = serde_json::to_string_pretty(&Value::Object(root));
    text.map(|text| text + "\n").map_err(|e| crate::Error::internal(e.to_string()))
}

fn members_of(group: &Group) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, array) in &group.attributes {
        members.insert(name.clone(), structured(name, array));
    }
    for item in &group.items {
        let shown = match &item.array {
            Some(array) => structured(&item.name, array),
            None => serde_json::json!({"shape": item.shape, "dtype": item.kind}),
        };
        members.insert(item.name.clone(), shown);
    }
    members
}

/// An array as JSON; the texts that hold JSON are taken apart.
fn structured(name: &str, array: &Array) -> Value {
    if !matches!(name, "params" | "best_params_") {
        return value(array);
    }
    let parse = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.into()));
    match &array.values {
        Values::Text(texts) if array.shape.is_empty() => parse(&texts[0]),
        Values::Text(texts) => texts.iter().map(|text| parse(text)).collect(),
        _ => value(array),
    }
}

/// An array as nested lists; what is no finite number becomes `null`.
fn value(array: &Array) -> Value {
    let flat: Vec<Value> = match &array.values {
        Values::F64(v) => v.iter().map(|&v| v.into()).collect(),
        Values::F32(v) => v.iter().map(|&v| f64::from(v).into()).collect(),
        Values::I64(v) => v.iter().map(|&v| v.into()).collect(),
        Values::I32(v) => v.iter().map(|&v| v.into()).collect(),
        Values::Bool(v) => v.iter().map(|&v| v.into()).collect(),
        Values::Text(v) => v.iter().map(|v| v.as_str().into()).collect(),
    };
    nest(&array.shape, &flat)
}

fn nest(shape: &[usize], flat: &[Value]) -> Value {
    match shape {
        [] => flat.first().cloned().unwrap_or(Value::Null),
        [_] => Value::Array(flat.to_vec()),
        [length, rest @ ..] => {
            let step = rest.iter().product::<usize>();
            (0..*length).map(|i| nest(rest, &flat[i * step..(i + 1) * step])).collect()
        }
    }
}

fn text(file: &ResultsFile) -> Result<String> {
    let attributes = file.attributes()?;
    let attribute = |name: &str| {
        attributes.iter().find(|(n, _)| n == name).map_or_else(String::new, |(_, array)| brief(array))
    };
    let mut out = format!(
        "{}: {} (made by {} {}, format {})\n",
        file.path().display(),
        attribute("status"),
        attribute("software"),
        attribute("software_version"),
        attribute("format_version"),
    );
    for name in schema::GROUPS {
        let Some(group) = file.group(name, MOST_VALUES)? else { continue };
        out += &format!("\n{name}\n");
        out += &match name {
            schema::MODEL => {
                let mut shown = model(&group);
                for (path, step) in file.pipeline_groups(MOST_VALUES)? {
                    shown += &format!("\n{path}\n{}", model(&step));
                }
                shown
            }
            schema::CV_RESULTS => cv_results(&group),
            schema::TIMING => timing(&group),
            schema::PROVENANCE => provenance(&group),
            _ => datasets(&group.items),
        };
    }
    Ok(out)
}

fn model(group: &Group) -> String {
    let mut out = format!("  estimator  {}\n", group.text(schema::ESTIMATOR).unwrap_or("unknown"));
    if let Some(params) = group.text(schema::PARAMS) {
        out += &format!("  params     {params}\n");
    }
    out + &datasets(&group.items)
}

fn datasets(items: &[Item]) -> String {
    let width = items.iter().map(|item| item.name.chars().count()).max().unwrap_or(0);
    let kind = |item: &Item| match item.shape.as_slice() {
        [] => item.kind.clone(),
        shape => format!("{} {}", item.kind, dimensions(shape)),
    };
    let kinds = items.iter().map(|item| kind(item).chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for item in items {
        let shown = item.array.as_ref().map_or_else(|| "…".into(), brief);
        out += &format!("  {:<width$}  {:<kinds$}  {shown}\n", item.name, kind(item));
    }
    out
}

fn dimensions(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("({}{})", lengths.join(", "), if shape.len() == 1 { "," } else { "" })
}

/// The table of candidates, the best first, or of folds.
fn cv_results(group: &Group) -> String {
    let mut out = String::new();
    for (name, array) in &group.attributes {
        out += &format!("  {name}  {}\n", exact(array));
    }
    out + &super::candidates::table(&SearchTable::of_group(group), "  ")
}

fn timing(group: &Group) -> String {
    let phases: Vec<(&str, Vec<f64>)> = Phase::ALL
        .iter()
        .map(|phase| phase.name())
        .chain(["total", "busy"])
        .filter_map(|name| Some((name, group.array(name)?.to_f64()?)))
        .collect();
    let n_ranks = phases.iter().map(|(_, seconds)| seconds.len()).max().unwrap_or(0);
    let heads = phases.iter().map(|(name, _)| format!("{name} s"));
    let mut rows = vec![std::iter::once("rank".to_owned()).chain(heads).collect::<Vec<_>>()];
    for rank in 0..n_ranks {
        let cells = phases.iter().map(|(_, s)| s.get(rank).map_or_else(String::new, |s| format!("{s:.3}")));
        rows.push(std::iter::once(rank.to_string()).chain(cells).collect());
    }
    let scalars: Vec<Item> = group.items.iter().filter(|item| item.shape.is_empty()).cloned().collect();
    columns(&rows, "  ") + &datasets(&scalars)
}

fn provenance(group: &Group) -> String {
    let width = group.items.iter().map(|item| item.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for item in &group.items {
        let shown = item.array.as_ref().map_or_else(|| "…".into(), exact);
        let indented = shown.trim_end().replace('\n', &format!("\n  {:width$}  ", ""));
        out += format!("  {:<width$}  {indented}", item.name).trim_end();
        out.push('\n');
    }
    out
}

/// All of a small array, numbers with every digit.
fn exact(array: &Array) -> String {
    match (&array.values, array.shape.as_slice()) {
        (Values::Text(texts), _) => texts.join(", "),
        (_, []) => value(array).to_string(),
        _ => brief(array),
    }
}

/// The first values of an array.
fn brief(array: &Array) -> String {
    const SHOWN: usize = 6;
    let cell = |i: usize| match &array.values {
        Values::F64(v) => short(v[i]),
        Values::F32(v) => short(f64::from(v[i])),
        Values::I64(v) => v[i].to_string(),
        Values::I32(v) => v[i].to_string(),
        Values::Bool(v) => v[i].to_string(),
        Values::Text(v) => v[i].clone(),
    };
    let length = array.values.len();
    if array.shape.is_empty() {
        return if length == 0 { String::new() } else { exact_scalar(array, cell(0)) };
    }
    let cells: Vec<String> = (0..length.min(SHOWN)).map(cell).collect();
    format!("{}{}", cells.join(" "), if length > SHOWN { " …" } else { "" })
}

/// A scalar keeps all its digits.
fn exact_scalar(array: &Array, short: String) -> String {
    match array.values {
        Values::F64(ref v) => format!("{:?}", v[0]),
        _ => short,
    }
}
