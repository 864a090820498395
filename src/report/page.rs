//! The page: for each results file its answer, charts, tables and provenance.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Axes, Layer, Point, line, stacked};
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

/// The best candidate, the score over the one parameter that varies, and the table.
fn cv_results(search: &Group) -> Result<Markup> {
    let column = |name: &str| search.array(name).and_then(Array::to_f64);
    let texts = |name: &str| match search.array(name).map(|a| &a.values) {
        Some(Values::Text(texts)) => texts.clone(),
        _ => Vec::new(),
    };
    let score = if search.array("mean_test_score").is_some() {
        "test_score".to_owned()
    } else {
        let mut means = search.items.iter().filter_map(|item| item.name.strip_prefix("mean_test_"));
        format!("test_{}", means.next().unwrap_or("score"))
    };
    let (means, spreads) = (column(&format!("mean_{score}")), column(&format!("std_{score}")));
    let (Some(means), Some(spreads)) = (means, spreads) else { return Ok(html! {}) };
    let ranks = column(&format!("rank_{score}")).unwrap_or_else(|| vec![1.0; means.len()]);
    let fit_times = column("mean_fit_time").unwrap_or_else(|| vec![0.0; means.len()]);
    let params = texts("params");
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|&a, &b| ranks[a].total_cmp(&ranks[b]));
    Ok(html! {
        h3 { "Search" }
        table {
            @for (name, array) in &search.attributes { tr { td { (name) } td { (exact(array)) } } }
        }
        (figure(score_chart(search, &means, &spreads)?, "Mean score over the folds; bars are one standard deviation."))
        table {
            tr { th.n { "rank" } th.n { "mean score" } th.n { "std" } th.n { "fit s" } th { "params" } }
            @for &i in order.iter().take(MOST_CANDIDATES) {
                tr {
                    td.n { (ranks[i]) } td.n { (format!("{:.6}", means[i])) } td.n { (format!("{:.6}", spreads[i])) }
                    td.n { (format!("{:.3}", fit_times[i])) } td { code { (params.get(i).map_or("", String::as_str)) } }
                }
            }
        }
        @if order.len() > MOST_CANDIDATES { p { "… and " (order.len() - MOST_CANDIDATES) " more" } }
    })
}

/// The score over the parameter that varies, when just one does and its values are numbers.
fn score_chart(search: &Group, means: &[f64], spreads: &[f64]) -> Result<Option<String>> {
    let mut varying = search.items.iter().filter(|item| item.name.starts_with("param_"));
    let (Some(item), None) = (varying.next(), varying.next()) else { return Ok(None) };
    let Some(values) = item.array.as_ref().and_then(Array::to_f64) else { return Ok(None) };
    let finite = values.iter().filter(|v| v.is_finite());
    let low = finite.clone().fold(f64::INFINITY, |a, &b| a.min(b));
    let high = finite.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    let axes =
        Axes { x: item.name.trim_start_matches("param_"), y: "score", log_x: low > 0.0 && high > 20.0 * low };
    let points: Vec<Point> = (0..values.len().min(means.len()))
        .map(|i| Point { x: values[i], y: means[i], spread: spreads[i] })
        .collect();
    line(&points, axes)
}

/// The first quantity of the history over the iterations.
fn iterations(history: &Group) -> Result<Markup> {
    let quantities = history.items.iter().filter(|item| item.name != "seconds" && item.shape.len() == 1);
    let mut figures = Vec::new();
    for item in quantities {
        let Some(values) = item.array.as_ref().and_then(Array::to_f64) else { continue };
        let points: Vec<Point> =
            values.iter().enumerate().map(|(i, &y)| Point { x: (i + 1) as f64, y, spread: 0.0 }).collect();
        let svg = line(&points, Axes { x: "iteration", y: &item.name, log_x: false })?;
        figures.push(figure(svg, &format!("{} by iteration.", item.name)));
    }
    Ok(html! { @if !figures.is_empty() { h3 { "History" } @for figure in figures { (figure) } } })
}

fn time(timing: &Group) -> Result<Markup> {
    // A search works in fits, not in passes: there its ranks' busy time is what fills the run.
    let names = match timing.array("busy") {
        Some(_) => vec!["busy"],
        None => Phase::ALL.iter().map(|phase| phase.name()).collect(),
    };
    let layers: Vec<Layer> = names
        .into_iter()
        .filter_map(|name| Some(Layer { name: name.into(), heights: timing.array(name)?.to_f64()? }))
        .collect();
    let svg = stacked(&layers, Axes { x: "rank", y: "seconds", log_x: false })?;
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
