//! The command line: one file a subcommand.
//!
//! stdout carries the answer, stderr the talk, and only rank 0 speaks.

mod candidates;
mod existing;
mod info;
mod inspect;
mod method;
mod performance;
mod predict;
mod report;
mod run;
mod score;
mod table;
mod voice;

use clap::{Parser, Subcommand};

use crate::comm::{self, Communicator, launch};
use crate::error::{Error, Result};
use crate::telemetry::let_long_files_fail;
use voice::Voice;

/// Fits machine-learning models on N ranks: data larger than memory, and cross-validated searches.
///
/// Every subcommand works alone, under `mpirun -n N` and under `srun`.
#[derive(Parser)]
#[command(name = "rankfit", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Predict(predict::Arguments),
    Score(score::Arguments),
    Inspect(inspect::Arguments),
    Report(report::Arguments),
    /// Shows the program, its libraries and the machine it runs on.
    Info,
}

/// Runs the program: the whole of `main`.
pub fn main() -> std::process::ExitCode {
    // Before MPI, which makes files too.
    let prepared = let_long_files_fail();
    launch::with_world(|comm| {
        comm::agree(comm, prepared)?;
        match Arguments::try_parse() {
            Ok(arguments) => dispatch(comm, arguments.command),
            Err(error) => refuse(comm, &error),
        }
    })
}

fn dispatch(comm: &dyn Communicator, command: Command) -> Result<()> {
    match command {
        Command::Run(arguments) => run::run(comm, arguments),
        Command::Predict(arguments) => predict::run(comm, arguments),
        Command::Score(arguments) => score::run(comm, arguments),
        Command::Inspect(arguments) => inspect::run(comm, &arguments),
        Command::Report(arguments) => report::run(comm, &arguments),
        Command::Info => info::run(comm),
    }
}

/// Help and version go to stdout; anything else is a wrong argument.
fn refuse(comm: &dyn Communicator, error: &clap::Error) -> Result<()> {
    if error.use_stderr() {
        let text = error.render().to_string();
        let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned();
        return Err(Error::Usage { message });
    }
    let answer = Voice::new(comm).answer(&error.render().to_string());
    comm::agree(comm, answer)
}
