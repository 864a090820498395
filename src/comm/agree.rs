//! Agreement on errors, so that no rank goes on alone into a collective.

use super::{Communicator, decode, encode};
use crate::error::{Error, ExitCode, Result};

/// Returns `Ok` on every rank when every rank is `Ok`, else an error on every rank.
///
/// The rank that failed returns its own error, the others [`Error::Remote`] with the message of the lowest rank
/// that failed; rank 0 so has a message to print whichever rank met the fault. Every result of an operation that
/// can fail on one rank alone passes through here before the next collective.
///
/// # Collective
/// One allgather: a byte from each rank that succeeded, the message from each that failed.
///
/// # Errors
/// The first error of any rank.
pub fn agree<T>(comm: &dyn Communicator, result: Result<T>) -> Result<T> {
    if comm.size() == 1 {
        return result;
    }
    let mine = result.as_ref().err().map(|error| (error.exit_code(), error.to_string()));
    let all = comm.allgather(&encode(&mine)?);
    let value = result?;
    for (rank, bytes) in all.iter().enumerate() {
        if let Some((code, message)) = decode::<Option<(ExitCode, String)>>(bytes)? {
            return Err(Error::Remote { rank, code, message });
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_threads;

    #[test]
    fn every_rank_learns_of_one_ranks_error() {
        let results = run_threads(4, |comm| {
            let mine = if comm.rank() == 2 { Err(Error::job("C", "a number", "x")) } else { Ok(comm.rank()) };
            agree(comm, mine).map_err(|e| (e.exit_code(), e.to_string()))
        });
        for (rank, result) in results.into_iter().enumerate() {
            let (code, message) = result.unwrap_err();
            assert_eq!(code, ExitCode::Config);
            assert_eq!(message.starts_with("rank 2: "), rank != 2, "{message}");
        }
    }

    #[test]
    fn agreement_keeps_each_ranks_value() {
        let results = run_threads(3, |comm| agree(comm, Ok(comm.rank())).unwrap());
        assert_eq!(results, [0, 1, 2]);
    }
}
