//! What a search's schedule would come to on more ranks, from the seconds of its chains in a results file.
//!
//! `cargo run --release --example schedule RESULT.h5`

use std::path::Path;
use std::process::ExitCode;

use rankfit::engine::sweep::simulate;
use rankfit::error::{Error, Place, Result};
use rankfit::results::{ResultsFile, schema};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: schedule RESULT.h5");
        return ExitCode::from(2);
    };
    match table(Path::new(&path)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("schedule: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The mean of the chains' errors, each weighing as much as the chain takes.
fn error(predicted: &[f64], seconds: &[f64]) -> f64 {
    let apart: f64 = predicted.iter().zip(seconds).map(|(predicted, real)| (predicted - real).abs()).sum();
    apart / seconds.iter().sum::<f64>()
}

/// Tasks are the chains and the parts of those that are cut. Utilisation is the ranks' busy share of the time; what no
/// schedule can beat is the mean of the ranks' times or the longest task. Foreseen is what a plan by the real seconds comes to.
fn table(path: &Path) -> Result<String> {
    let timing = ResultsFile::open(path)?.group(schema::TIMING, usize::MAX)?;
    let column = |name: &str| {
        let items = timing.iter().flat_map(|group| &group.items);
        let array = items.filter(|item| item.name == name).find_map(|item| item.array.as_ref()?.to_f64());
        let missing =
            || Error::data(path.display(), Place::default(), format!("timing/{name} of a search"), "none");
        array.ok_or_else(missing)
    };
    let (predicted, seconds) = (column("chain_predicted")?, column("chain_seconds")?);
    let parts: Vec<usize> = column("chain_parts")?.into_iter().map(|parts| parts as usize).collect();
    let total: f64 = seconds.iter().sum();
    let mut text = format!("{} chains, {total:.3} s\n", seconds.len());
    text +=
        &format!("error of a chain's prediction: {:.1} % of its time\n", 100.0 * error(&predicted, &seconds));
    text += "ranks  tasks a rank  makespan s  lower bound s  utilisation %  of the bound %  foreseen %\n";
    for n_ranks in (1..=12).map(|power| 1usize << power) {
        let real = simulate(&predicted, &seconds, &parts, n_ranks);
        let foreseen = simulate(&seconds, &seconds, &parts, n_ranks);
        text += &format!(
            "{n_ranks:>5}  {:>12.2}  {:>10.4}  {:>13.4}  {:>13.1}  {:>14.1}  {:>10.1}\n",
            real.n_tasks as f64 / n_ranks as f64,
            real.makespan_s,
            real.lower_bound_s,
            100.0 * real.utilisation,
            100.0 * real.lower_bound_s / real.makespan_s,
            100.0 * foreseen.utilisation,
        );
    }
    Ok(text)
}
