//! The page: for each results file its answer, charts, tables and provenance.

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Axes, Layer, MOST_LINES, Point, Series, lines, stacked};
use super::search::{SearchTable, cell};
use super::ticks::Scale;
use crate::error::Result;
use crate::estimator::{Array, Values};
use crate::results::{Group, Item, ResultsFile, schema};
use crate::telemetry::Phase;

/// Arrays with more values than this are named but not read.
const MOST_VALUES: usize = 100_000;
/// Candidates shown in the table of a search.
const MOST_CANDIDATES: usize = 100;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1,h2,h3{line-height:1.2}h2{margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1.2rem}\
table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.15rem .7rem;text-align:left;border-bottom:1px solid #e4e4e4}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}pre,code{font:13px/1.4 ui-monospace,monospace}\
pre{background:#f6f6f6;padding:.8rem;overflow-x:auto}figure{margin:1rem 0}svg{max-width:100%;height:auto}figcaption{color:#555}";

/// The page over `files`, in their order.
///
/// # Errors
/// What reading the files returns.
pub fn render(files: &[ResultsFile]) -> Result<String> {
    let sections = files.iter().map(section).collect::<Result<Vec<_>>>()?;
    let title = match files {
        [file] => format!("rankfit: {}", file.path().display()),
        files => format!("rankfit: {} results", files.len()),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                @if files.len() > 1 { (side_by_side(files)?) }
                @for section in sections { (section) }
            }
        }
    };
    Ok(page.into_string())
}

/// One row a file: what it is, how it was run, how long it took.
fn side_by_side(files: &[ResultsFile]) -> Result<Markup> {
    let mut rows = Vec::new();
    for file in files {
        let group = |name| file.group(name, MOST_VALUES);
        let (model, timing) = (group(schema::MODEL)?, group(schema::TIMING)?);
        let (search, provenance) = (group(schema::CV_RESULTS)?, group(schema::PROVENANCE)?);
        let text = |g: &Option<Group>, name: &str| g.as_ref().and_then(|g| g.text(name).map(str::to_owned));
        let number = |g: &Option<Group>, name: &str| g.as_ref().and_then(|g| scalar(g, name));
        let total = timing.as_ref().and_then(|g| g.array("total")?.to_f64());
        rows.push((
            file.path().display().to_string(),
            text(&model, schema::ESTIMATOR).unwrap_or_default(),
            number(&provenance, "n_ranks").unwrap_or_default(),
            number(&search, "best_score_").or(number(&model, "inertia_")).unwrap_or_default(),
            total.map(|t| format!("{:.2}", t.into_iter().fold(0.0, f64::max))).unwrap_or_default(),
        ));
    }
    Ok(html! {
        table {
            tr { th { "file" } th { "estimator" } th.n { "ranks" } th.n { "best_score_ or inertia_" } th.n { "seconds" } }
            @for (file, estimator, ranks, answer, seconds) in rows {
                tr { td { (file) } td { (estimator) } td.n { (ranks) } td.n { (answer) } td.n { (seconds) } }
            }
        }
    })
}

fn section(file: &ResultsFile) -> Result<Markup> {
    let group = |name| file.group(name, MOST_VALUES);
    let mut parts = Vec::new();
    if let Some(search) = group(schema::CV_RESULTS)? {
        parts.push(cv_results(&search)?);
    }
    if let Some(model) = group(schema::MODEL)? {
        parts.push(datasets("Model", model.text(schema::ESTIMATOR), &model.items));
    }
    if let Some(history) = group(schema::HISTORY)? {
        parts.push(iterations(&history)?);
    }
    if let Some(timing) = group(schema::TIMING)? {
        parts.push(time(&timing)?);
    }
    if let Some(provenance) = group(schema::PROVENANCE)? {
        parts.push(origin(&provenance));
    }
    Ok(html! {
        h2 { (file.path().display()) }
        @for part in parts { (part) }
    })
}

fn figure(svg: Option<String>, caption: &str) -> Markup {
    html! {
        @if let Some(svg) = svg {
            figure { (PreEscaped(svg)) figcaption { (caption) } }
        }
    }
}

/// What was found, the score over the parameters that vary, and the table.
fn cv_results(search: &Group) -> Result<Markup> {
    let table = SearchTable::of_group(search);
    let shown = table.shown(&|value| format!("{value:.6}"), MOST_CANDIDATES);
    Ok(html! {
        h3 { "Search" }
        table {
            @for (name, array) in &search.attributes { tr { td { (name) } td { (exact(array)) } } }
        }
        (score_chart(&table)?)
        @if let Some(shown) = shown {
            @if !shown.caption.is_empty() { p { (shown.caption) } }
            table {
                tr { @for head in &shown.heads { (head_cell(head)) } }
                @for row in &shown.rows {
                    tr { @for (head, text) in shown.heads.iter().zip(row) { (body_cell(head, text)) } }
                }
            }
            @if shown.n_left_out > 0 { p { "… and " (shown.n_left_out) " more" } }
        }
    })
}

fn head_cell(head: &str) -> Markup {
    html! { @if head == "params" { th { (head) } } @else { th.n { (head) } } }
}

fn body_cell(head: &str, text: &str) -> Markup {
    html! { @if head == "params" { td { code { (text) } } } @else { td.n { (text) } } }
}

/// The score over the parameter that varies, a line for each rung; or over one of the two that vary, a line for each
/// value of the other in the last rung. Nothing for more parameters or too many lines.
fn score_chart(table: &SearchTable<'_>) -> Result<Markup> {
    let by = table.ranked_by();
    let (means, spreads) =
        (table.numbers(&format!("mean_test_{by}")), table.numbers(&format!("std_test_{by}")));
    let (Some(means), Some(spreads)) = (means, spreads) else { return Ok(html! {}) };
    let Some((x, values, groups)) = axis_and_groups(table) else { return Ok(html! {}) };
    let mut series: Vec<Series> = Vec::new();
    for (row, name) in groups.into_iter().enumerate() {
        // A stranger's columns may have any length.
        let numbers = (values.get(row), means.get(row), spreads.get(row));
        let (Some(name), (Some(&x), Some(&y), Some(&spread))) = (name, numbers) else { continue };
        let point = Point { x, y, spread };
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => series.push(Series { name, points: vec![point] }),
        }
    }
    // The last rungs say most.
    let series = &series[series.len().saturating_sub(MOST_LINES)..];
    let (name, scale) = (table.ranked_by_name(), Scale::of(&values));
    let svg = lines(series, Axes { x, y: name, scale })?;
    Ok(figure(svg, &format!("Mean {name} over the folds; bars are one standard deviation.")))
}

/// The parameter along the axis with its values, and for each row the name of its line, if it has one.
type AxisAndGroups<'a> = (&'a str, Vec<f64>, Vec<Option<String>>);

fn axis_and_groups<'a>(table: &SearchTable<'a>) -> Option<AxisAndGroups<'a>> {
    match table.varying().as_slice() {
        [(name, array)] => {
            let values = array.to_f64()?;
            let groups = rungs(table, values.len());
            Some((*name, values, groups))
        }
        [one, two] => {
            // Along the axis the one with more values.
            let is_longer = n_different(one.1) >= n_different(two.1);
            let pairs = if is_longer { [(one, two), (two, one)] } else { [(two, one), (one, two)] };
            let can_be_drawn = |(x, lines): &(&(&str, &Array), &(&str, &Array))| {
                x.1.to_f64().is_some() && can_name_lines(lines.1)
            };
            let ((x, values), (name, of)) = pairs.into_iter().find(can_be_drawn)?;
            let is_last = table.is_of_last_rung().into_iter().enumerate();
            let lines = is_last.map(|(row, is_last)| is_last.then(|| format!("{name} = {}", cell(of, row))));
            Some((*x, values.to_f64()?, lines.collect()))
        }
        _ => None,
    }
}

/// The name of each row's rung; the same empty one for a search without rungs.
fn rungs(table: &SearchTable<'_>, n_rows: usize) -> Vec<Option<String>> {
    let (Some(iter), Some(resources)) = (table.numbers("iter"), table.numbers("n_resources")) else {
        return vec![Some(String::new()); n_rows];
    };
    // Rungs of several brackets compare by what they got.
    let is_one = table.numbers("bracket").is_none();
    let name = |(iter, n): (&f64, &f64)| {
        if is_one { format!("iter {iter}, n_resources {n}") } else { format!("n_resources {n}") }
    };
    iter.iter().zip(&resources).map(|row| Some(name(row))).collect()
}

fn n_different(array: &Array) -> usize {
    (0..array.values.len()).map(|row| cell(array, row)).collect::<BTreeSet<_>>().len()
}

/// Whether the values are few, and none is missing.
fn can_name_lines(array: &Array) -> bool {
    let is_there = |row| !matches!(cell(array, row).as_str(), "" | "NaN");
    n_different(array) <= MOST_LINES && (0..array.values.len()).all(is_there)
}

/// The first quantity of the history over the iterations.
fn iterations(history: &Group) -> Result<Markup> {
    let quantities = history.items.iter().filter(|item| item.name != "seconds" && item.shape.len() == 1);
    let mut figures = Vec::new();
    for item in quantities {
        let Some(values) = item.array.as_ref().and_then(Array::to_f64) else { continue };
        let points: Vec<Point> =
            values.iter().enumerate().map(|(i, &y)| Point { x: (i + 1) as f64, y, spread: 0.0 }).collect();
        let series = [Series { name: String::new(), points }];
        let svg = lines(&series, Axes { x: "iteration", y: &item.name, scale: Scale::Whole })?;
        figures.push(figure(svg, &format!("{} by iteration.", item.name)));
    }
    Ok(html! { @if !figures.is_empty() { h3 { "History" } @for figure in figures { (figure) } } })
}

fn time(timing: &Group) -> Result<Markup> {
    let layers: Vec<Layer> = Phase::ALL
        .iter()
        .map(|phase| phase.name())
        .filter_map(|name| Some(Layer { name: name.into(), heights: timing.array(name)?.to_f64()? }))
        .collect();
    let svg = stacked(&layers, Axes { x: "rank", y: "seconds", scale: Scale::Whole })?;
    let scalars: Vec<Item> = timing.items.iter().filter(|item| item.shape.is_empty()).cloned().collect();
    Ok(html! {
        (datasets("Time", None, &scalars))
        (figure(svg, "Seconds by rank and phase."))
    })
}

fn datasets(title: &str, detail: Option<&str>, items: &[Item]) -> Markup {
    html! {
        h3 { (title) @if let Some(detail) = detail { ": " (detail) } }
        table {
            @for item in items {
                tr {
                    td { (item.name) } td { (item.kind) " " (shape(item)) }
                    td { (item.array.as_ref().map_or_else(|| "…".into(), exact)) }
                }
            }
        }
    }
}

fn shape(item: &Item) -> String {
    let lengths: Vec<String> = item.shape.iter().map(usize::to_string).collect();
    if lengths.is_empty() { String::new() } else { lengths.join(" × ") }
}

fn origin(provenance: &Group) -> Markup {
    html! {
        h3 { "Provenance" }
        table {
            @for item in provenance.items.iter().filter(|item| item.name != "job") {
                tr { td { (item.name) } td { (item.array.as_ref().map_or_else(|| "…".into(), exact)) } }
            }
        }
        @if let Some(job) = provenance.text("job") { details { summary { "The resolved job" } pre { (job) } } }
    }
}

/// The scalar called `name`, as text with every digit.
fn scalar(group: &Group, name: &str) -> Option<String> {
    group.array(name).or_else(|| group.attribute(name)).map(exact)
}

/// The first values of an array, numbers with every digit.
fn exact(array: &Array) -> String {
    const SHOWN: usize = 6;
    let shown = array.values.len().min(SHOWN);
    let cells: Vec<String> = match &array.values {
        Values::F64(v) => v[..shown].iter().map(f64::to_string).collect(),
        Values::F32(v) => v[..shown].iter().map(f32::to_string).collect(),
        Values::I64(v) => v[..shown].iter().map(i64::to_string).collect(),
        Values::I32(v) => v[..shown].iter().map(i32::to_string).collect(),
        Values::Bool(v) => v[..shown].iter().map(bool::to_string).collect(),
        Values::Text(v) => v[..shown].to_vec(),
    };
    format!("{}{}", cells.join(", "), if array.values.len() > SHOWN { ", …" } else { "" })
}
