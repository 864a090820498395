//! `rankfit run`: does a job, or says what it would do.

use std::path::PathBuf;

use super::table::{bytes, columns, counted, short};
use super::voice::Voice;
use super::{candidates, performance};
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::estimator::{Array, Values};
use crate::job::{self, Ending, Finished, Forecast, Overrides, Plan, SearchForecast, Share};
use crate::report::SearchTable;
use crate::results::OnExisting;
use crate::telemetry::{Talk, Telemetry, install_signal_handlers};

/// Ranks shown one by one in a dry run.
const MOST_RANKS: usize = 16;

/// Does a job and writes its results.
///
/// SIGTERM, SIGINT or SIGUSR1 stop it at the next safe point with its work kept beside the output (exit code 75).
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The job file. Relative paths in it are relative to it.
    job: PathBuf,
    /// Replaces or adds a value of the job file: TOML, or else text.
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    /// The results file, whatever the job file says; relative to the working directory.
    #[arg(long, short, value_name = "FILE.h5")]
    output: Option<PathBuf>,
    /// What to do when the output exists.
    #[arg(long, value_enum, default_value_t)]
    on_existing: OnExisting,
    /// Prints the resolved job, who owns what and the memory it takes; runs and writes nothing. What a run would refuse before its first fit is refused, or told of where it is the output.
    #[arg(long)]
    dry_run: bool,
    /// Prints warnings and the answer only, whatever search.verbose says.
    #[arg(long, short)]
    quiet: bool,
    /// Tells of every iteration and every fit.
    #[arg(long, short, conflicts_with = "quiet")]
    verbose: bool,
}

/// Does the job on every rank; rank 0 speaks.
pub(super) fn run(comm: &dyn Communicator, arguments: Arguments) -> Result<()> {
    let overrides = Overrides { set: arguments.set, output: arguments.output };
    let plan = Plan::read(comm, &arguments.job, &overrides)?;
    let voice = Voice::new(comm);
    if arguments.dry_run {
        let forecast = job::forecast(comm, plan, arguments.on_existing)?;
        return comm::agree(comm, voice.answer(&dry(&forecast)));
    }
    comm::agree(comm, install_signal_handlers())?;
    let talk = match (arguments.quiet, arguments.verbose) {
        (true, _) => Talk::Quiet,
        (_, true) => Talk::Verbose,
        _ => plan.talk(),
    };
    let telemetry = Telemetry::for_rank(comm.rank(), talk);
    let text = match job::run(comm, plan, arguments.on_existing, &telemetry)? {
        Ending::Finished(finished) => {
            telemetry.note(performance::table(&finished.contents.timing).trim_end());
            answer(&finished)
        }
        Ending::Found(path) => format!("{}: holds this job's results already\n", path.display()),
    };
    comm::agree(comm, voice.answer(&text))
}

fn dry(forecast: &Forecast) -> String {
    let shape = &forecast.shape;
    let mut text = format!("{}\n# data: {}\n", forecast.job, forecast.data);
    if let Some(search) = &forecast.search {
        text += &format!("{}{}{}", announced(search), rungs(search), shares(search));
    }
    let (blocks, ranks) = (counted(shape.n_blocks(), "block"), counted(forecast.slices.len(), "rank"));
    text += &format!("# {blocks} on {ranks}\n");
    let head = ["# rank", "blocks", "rows", "memory"].map(str::to_owned).to_vec();
    let row = |rank: usize| {
        let blocks = &forecast.slices[rank].blocks;
        let rows = if blocks.is_empty() {
            0
        } else {
            shape.rows(blocks.end - 1).end - shape.rows(blocks.start).start
        };
        let memory = bytes(forecast.memory_bytes[rank]);
        vec![format!("# {rank}"), blocks.len().to_string(), rows.to_string(), memory]
    };
    let n_ranks = forecast.slices.len();
    let mut rows = vec![head];
    rows.extend((0..n_ranks.min(MOST_RANKS)).map(row));
    text += &columns(&rows, "");
    if n_ranks > MOST_RANKS {
        let most = forecast.memory_bytes.iter().copied().max().unwrap_or(0);
        text += &format!("# … and {} more ranks, at most {} each\n", n_ranks - MOST_RANKS, bytes(most));
    }
    if let Some(fault) = &forecast.output_fault {
        text += &format!("# a run as it is called here would be refused: {}\n", fault.replace('\n', " "));
    }
    text
}

fn announced(search: &SearchForecast) -> String {
    let (candidates, folds) = (counted(search.n_candidates, "candidate"), counted(search.n_folds, "fold"));
    format!("# search: {}, {candidates} on {folds}, scored by {}\n", search.kind, search.scores.join(", "))
}

/// How many candidates get how much, in a search in rungs.
fn rungs(search: &SearchForecast) -> String {
    if search.brackets.is_empty() {
        return String::new();
    }
    let mut rows =
        vec![["# bracket", "rung", "candidates", search.resource.as_str()].map(str::to_owned).to_vec()];
    for (number, bracket) in search.brackets.iter().enumerate() {
        rows.extend(bracket.rungs.iter().enumerate().map(|(rung, of)| {
            [format!("# {number}"), rung.to_string(), of.n_candidates.to_string(), of.n_resources.to_string()]
                .to_vec()
        }));
    }
    let refit = if search.refits { ", and the refit of the best one" } else { "" };
    columns(&rows, "") + &format!("# who does what is planned rung by rung{refit}\n")
}

/// What each rank would do of a search.
fn shares(search: &SearchForecast) -> String {
    let shares = &search.shares;
    if shares.is_empty() {
        return String::new();
    }
    let seconds = |share: &Share| share.estimated_s.map_or_else(|| "?".into(), |s| format!("{s:.3}"));
    let mut rows = vec![["# rank", "chains", "fits", "part %", "estimated s"].map(str::to_owned).to_vec()];
    rows.extend(shares.iter().take(MOST_RANKS).enumerate().map(|(rank, share)| {
        let (chains, fits) = (share.n_chains.to_string(), share.n_fits.to_string());
        vec![format!("# {rank}"), chains, fits, format!("{:.1}", 100.0 * share.part), seconds(share)]
    }));
    let mut text = columns(&rows, "");
    if shares.len() > MOST_RANKS {
        text += &format!("# … and {} more ranks\n", shares.len() - MOST_RANKS);
    }
    let longest = shares.iter().max_by(|a, b| a.part.total_cmp(&b.part));
    let (most, time) = longest.map_or((0.0, "?".into()), |share| (share.part, seconds(share)));
    let busy = if most > 0.0 { 100.0 / (most * shares.len() as f64) } else { 100.0 };
    text += &format!(
        "# the search ends after about {time} s with ranks {busy:.0} % busy: an estimate by a cost model whose unit \
         was timed on a small fit\n"
    );
    if search.refits {
        let refit = search.refit_s.map_or_else(|| "?".into(), |s| format!("{s:.3}"));
        text += &format!("# the refit of the best candidate takes about {refit} s more\n");
    }
    text
}

fn answer(finished: &Finished) -> String {
    let mut rows = Vec::new();
    let contents = &finished.contents;
    if let Some(table) = &contents.cv_results {
        for (name, value) in table.attributes.iter().filter(|(name, _)| name.starts_with("best_")) {
            rows.push((name.as_str(), scalar(value)));
        }
    }
    for (name, value) in contents.model.iter().flat_map(|model| &model.attributes) {
        match (name.as_str(), value.shape.is_empty()) {
            ("n_iter_" | "inertia_", true) => rows.push((name, scalar(value))),
            ("n_support_", _) if contents.cv_results.is_none() => rows.push((name, list(value))),
            _ => {}
        }
    }
    let sizes = finished
        .cluster_sizes
        .as_ref()
        .map(|sizes| sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
    rows.extend(sizes.map(|sizes| ("cluster sizes", sizes)));
    rows.push(("results", finished.path.display().to_string()));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text: String = rows.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect();
    if let Some(table) = &contents.cv_results {
        text += &format!("\n{}", candidates::table(&SearchTable::of_results(table), ""));
    }
    text
}

fn scalar(array: &Array) -> String {
    match &array.values {
        Values::F64(v) => format!("{:?}", v[0]),
        Values::Text(v) => v[0].clone(),
        _ => list(array),
    }
}

fn list(array: &Array) -> String {
    let numbers = array.to_f64().unwrap_or_default();
    numbers.into_iter().map(short).collect::<Vec<_>>().join(" ")
}
