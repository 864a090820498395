//! One value a row, streamed from every rank to rank 0 in pieces that fit in memory.

use crate::comm::{Communicator, agree};
use crate::data::{Block, Feed, Parts};
use crate::error::Result;
use crate::kernel::Real;
use crate::telemetry::Telemetry;

/// What takes the rows on rank 0, in no particular order of blocks.
pub trait RowSink {
    /// Takes the values of the rows that start at global row `first_row`.
    ///
    /// # Errors
    /// When they cannot be written.
    fn put(&mut self, first_row: u64, values: &[u8]) -> Result<()>;
}

/// Maps every block (or part of one) to bytes (one value a row) and hands them all to `sink` on rank 0.
///
/// Ranks go through their slices side by side; rank 0 takes one part from each at every step, so no rank holds
/// more than a part's values.
///
/// # Collective
/// Every value once, to rank 0; one agreement a step.
///
/// # Errors
/// The first error of any rank.
pub fn stream_rows<T: Real>(
    comm: &dyn Communicator,
    feed: &mut Feed<T>,
    telemetry: &Telemetry,
    mut map: impl FnMut(usize, &Block<T>) -> Result<Vec<u8>>,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let parts = feed.parts().clone();
    let steps = parts.most(comm.size());
    let mut done = 0;
    // Whether every rank knows of the error already.
    let mut agreed = false;
    let walked = feed.for_each(telemetry, |position, block| {
        let values = map(position, block);
        done += 1;
        let step = exchange(comm, &parts, position, Some(values), sink);
        agreed = step.is_err();
        step
    });
    match walked {
        // A rank with a shorter slice still takes part in the last step.
        Ok(()) => (done..steps).try_for_each(|step| exchange(comm, &parts, step, None, sink)),
        Err(error) if agreed => Err(error),
        // The source failed before the step's exchange: tell the others in its place.
        Err(error) => exchange(comm, &parts, done, Some(Err(error)), sink),
    }
}

/// Hands values that this rank keeps for each part of its slice to `sink` on rank 0, without making the blocks again.
///
/// # Collective
/// As [`stream_rows`].
///
/// # Errors
/// The first error of any rank.
pub fn stream_kept(
    comm: &dyn Communicator,
    parts: &Parts,
    mut values: impl FnMut(usize) -> Result<Vec<u8>>,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let n_local = parts.slice(comm.rank(), comm.size()).len();
    (0..parts.most(comm.size()))
        .try_for_each(|step| exchange(comm, parts, step, (step < n_local).then(|| values(step)), sink))
}

/// One step: every rank's current part goes to rank 0.
fn exchange(
    comm: &dyn Communicator,
    parts: &Parts,
    step: usize,
    values: Option<Result<Vec<u8>>>,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let values = agree(comm, values.transpose())?;
    let mut put = Ok(());
    if comm.is_root() {
        for rank in 0..comm.size() {
            let slice = parts.slice(rank, comm.size());
            if step >= slice.len() {
                continue;
            }
            let first_row = parts.shape().rows(slice.blocks.start + step).start;
            let bytes = if rank == 0 { values.clone().unwrap_or_default() } else { comm.recv(rank) };
            put = put.and_then(|()| sink.put(first_row, &bytes));
        }
    } else if let Some(values) = values {
        comm.send(0, &values);
    }
    agree(comm, put)
}
