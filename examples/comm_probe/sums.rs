//! Sums whose bits show the order of addition; `tests/mpi_comm.rs` forms them on threads too.

use rankfit::comm::{Communicator, OrderedReduction, allgather};
use rankfit::partition::Slice;

/// One line for each number of blocks, equal on all ranks.
pub(crate) fn digests(comm: &dyn Communicator) -> rankfit::Result<Vec<String>> {
    let mut lines = Vec::new();
    for n_blocks in [1, 2, 5, 13, 100, 257] {
        let mut reduction = OrderedReduction::new(n_blocks);
        for block in Slice::of(n_blocks, comm.rank(), comm.size()).blocks {
            // A long partial, so that it travels in pieces.
            reduction.push(block, (0..600).map(|i| value(block, i)).collect::<Vec<f64>>());
        }
        let sums = reduction.finish(comm, Ok(()))?.expect("there are blocks");
        let digest = sums.iter().fold(0u64, |hash, sum| hash.rotate_left(5) ^ sum.to_bits());
        let digests = allgather(comm, &digest)?;
        assert!(digests.iter().all(|other| *other == digest), "the ranks differ");
        lines.push(format!("{n_blocks} {digest:016x}"));
    }
    Ok(lines)
}

/// Numbers of very different sizes and either sign.
fn value(block: usize, i: usize) -> f64 {
    ((block * 600 + i) as f64 * 0.737).sin() * 10f64.powi(((block + i) % 17) as i32)
}
