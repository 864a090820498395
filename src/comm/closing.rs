//! How the ranks of an MPI job come to their end together.
//!
//! `MPI_Finalize` waits for every rank, so a rank that leaves alone, with an error that nobody else knows of, would
//! wait for ever. Instead every rank tells rank 0 how its work ended and waits for the verdict; whoever holds an
//! error waits for [`patience`] only and then aborts the job. Rank 0 speaks as soon as it knows of an error and says
//! that it has, so the others speak only when rank 0 cannot be reached.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::launch::say;
use super::mpi::{MpiComm, Tag};
use super::{Communicator, decode, encode};
use crate::error::{Error, ExitCode, Result};

/// How a rank's work has ended.
#[derive(Serialize, Deserialize)]
struct Ending {
    /// Notes that are on their way to rank 0, which takes them all before MPI is finalised.
    notes: u64,
    failure: Option<(ExitCode, String)>,
}

/// What rank 0 tells the others.
#[derive(Serialize, Deserialize)]
enum Verdict {
    /// The error has been printed; rank 0 waits for the rest.
    Spoken,
    /// Every rank has ended: finalise and exit.
    End(ExitCode),
}

/// How long a rank with an error waits for the others to come to their end as well.
fn patience(code: ExitCode) -> Duration {
    match code {
        // A stop is agreed upon by all; some may still be writing what they have.
        ExitCode::Stopped => Duration::from_secs(30),
        _ => Duration::from_secs(2),
    }
}

/// The error as rank 0 will print it.
fn describe(rank: usize, error: &Error) -> (ExitCode, String) {
    let message = match error {
        _ if rank == 0 => error.to_string(),
        Error::Remote { .. } => error.to_string(),
        own => format!("rank {rank}: {own}"),
    };
    (error.exit_code(), message)
}

/// Brings all ranks to their end and returns the exit code of the job.
///
/// # Collective
/// One short message from each rank to rank 0 and one or two back.
///
/// # Errors
/// When a message cannot be understood.
pub(super) fn close(comm: &MpiComm, outcome: Result<()>) -> Result<ExitCode> {
    let failure = outcome.err().map(|error| describe(comm.rank(), &error));
    let _waiting = comm.clock().wait();
    if comm.is_root() { Root::new(comm).close(failure) } else { follow(comm, failure) }
}

/// The end of every rank but rank 0.
fn follow(comm: &MpiComm, failure: Option<(ExitCode, String)>) -> Result<ExitCode> {
    let ending = Ending { notes: comm.notes_posted(), failure };
    comm.post_to(0, Tag::Ending, &encode(&ending)?);
    // Ranks that err at the same time do not speak at the same time: the first to speak ends the others.
    let turn = Duration::from_millis(100 * comm.rank().min(10) as u64);
    let start = Instant::now();
    let mut spoken = false;
    loop {
        match comm.poll_tag(Tag::Verdict).map(|(_, bytes)| decode(&bytes)).transpose()? {
            Some(Verdict::End(code)) => return Ok(code),
            Some(Verdict::Spoken) => spoken = true,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
        if let Some((code, message)) = &ending.failure
            && !spoken
            && start.elapsed() > patience(*code) + turn
        {
            say(message);
            comm.abort(*code);
        }
    }
}

/// The end of rank 0.
struct Root<'a> {
    comm: &'a MpiComm,
    failure: Option<(ExitCode, Instant)>,
    /// Ranks that have not ended.
    missing: usize,
    /// Notes that the ranks that have ended say they sent.
    notes: u64,
}

impl<'a> Root<'a> {
    fn new(comm: &'a MpiComm) -> Self {
        Self { comm, failure: None, missing: comm.size() - 1, notes: 0 }
    }

    fn close(mut self, failure: Option<(ExitCode, String)>) -> Result<ExitCode> {
        self.learn(failure)?;
        loop {
            while let Some((_, bytes)) = self.comm.poll_tag(Tag::Ending) {
                let ending: Ending = decode(&bytes)?;
                self.missing -= 1;
                self.notes += ending.notes;
                self.learn(ending.failure)?;
            }
            while self.comm.poll().is_some() {}
            if self.missing == 0 && self.comm.notes_taken() == self.notes {
                break;
            }
            if let Some((code, since)) = self.failure
                && since.elapsed() > patience(code)
            {
                self.comm.abort(code);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let code = self.failure.map_or(ExitCode::Ok, |(code, _)| code);
        self.tell(&Verdict::End(code))?;
        Ok(code)
    }

    /// Speaks at the first failure and says so to the others.
    fn learn(&mut self, failure: Option<(ExitCode, String)>) -> Result<()> {
        let Some((code, message)) = failure else { return Ok(()) };
        if self.failure.is_some() {
            return Ok(());
        }
        self.failure = Some((code, Instant::now()));
        say(&message);
        self.tell(&Verdict::Spoken)
    }

    fn tell(&self, verdict: &Verdict) -> Result<()> {
        let bytes = encode(verdict)?;
        (1..self.comm.size()).for_each(|rank| self.comm.post_to(rank, Tag::Verdict, &bytes));
        Ok(())
    }
}
