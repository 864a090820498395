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
    let mut text = format!("{} chains, {:.3} s\n", seconds.len(), seconds.iter().sum::<f64>());
    text += "ranks  chains a rank  makespan s  lower bound s  utilisation %  foreseen %\n";
    for n_ranks in (1..=12).map(|power| 1usize << power) {
        let real = simulate(&predicted, &seconds, n_ranks);
        let foreseen = simulate(&seconds, &seconds, n_ranks);
        text += &format!(
            "{n_ranks:>5}  {:>13.2}  {:>10.4}  {:>13.4}  {:>13.1}  {:>10.1}\n",
            seconds.len() as f64 / n_ranks as f64,
            real.makespan_s,
            real.lower_bound_s,
            100.0 * real.utilisation,
            100.0 * foreseen.utilisation,
        );
    }
    Ok(text)
}
