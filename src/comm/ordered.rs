//! Reduction in block order: the same bits for every number of ranks.
//!
//! Floating-point addition is not associative, so a sum formed rank by rank depends on how many ranks there are.
//! Here the partials of blocks 0 … n−1 are merged along one binary tree over the block *indices*: node (ℓ, i)
//! stands for the blocks i·2^ℓ … (i+1)·2^ℓ − 1, and the result is the tree's root, whoever owns the blocks. A rank
//! merges what it can of its own contiguous range and is left with O(log n) finished subtrees; these travel up a
//! binomial tree of ranks, merging on the way.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Communicator, decode, encode};
use crate::error::{Error, ExitCode, Result};

/// What a block contributes to a pass: something that merges with its right neighbour.
///
/// `merge` need not be associative: it is always called along the same tree.
pub trait Partial: Serialize + DeserializeOwned + Send {
    /// Adds the contribution of the blocks that follow this one's.
    fn merge(&mut self, right: Self);
}

impl Partial for () {
    #[inline]
    fn merge(&mut self, (): Self) {}
}

impl Partial for f64 {
    #[inline]
    fn merge(&mut self, right: Self) {
        *self += right;
    }
}

impl Partial for u64 {
    #[inline]
    fn merge(&mut self, right: Self) {
        *self += right;
    }
}

/// Elementwise: the contributions of several fits that share a pass, or a vector of sums.
impl<P: Partial> Partial for Vec<P> {
    #[inline]
    fn merge(&mut self, right: Self) {
        debug_assert_eq!(self.len(), right.len());
        self.iter_mut().zip(right).for_each(|(left, right)| left.merge(right));
    }
}

impl<A: Partial, B: Partial> Partial for (A, B) {
    #[inline]
    fn merge(&mut self, right: Self) {
        self.0.merge(right.0);
        self.1.merge(right.1);
    }
}

/// A finished subtree: its level, its index on that level and its value.
#[derive(Serialize, Deserialize)]
struct Node<P> {
    level: u32,
    index: usize,
    value: P,
}

/// Merges partials of consecutive blocks, then those of all ranks.
pub struct OrderedReduction<P> {
    n_blocks: usize,
    nodes: Vec<Node<P>>,
}

impl<P: Partial> OrderedReduction<P> {
    /// A reduction over `n_blocks` blocks, of which this rank will push its slice in order.
    pub fn new(n_blocks: usize) -> Self {
        Self { n_blocks, nodes: Vec::new() }
    }

    /// Adds the partial of `block`, which follows the block pushed before.
    pub fn push(&mut self, block: usize, value: P) {
        self.append(Node { level: 0, index: block, value });
    }

    fn append(&mut self, node: Node<P>) {
        self.nodes.push(node);
        self.settle();
    }

    /// Merges siblings, and lifts left children that have no sibling because the tree ends there.
    fn settle(&mut self) {
        while let Some(last) = self.nodes.last_mut() {
            let right_edge = (last.index + 1) << last.level;
            if last.index.is_multiple_of(2) {
                // A left child waits for its sibling, unless no block is left to make one.
                if right_edge < self.n_blocks || last.index == 0 {
                    return;
                }
                last.level += 1;
                last.index /= 2;
                continue;
            }
            let (level, parent) = (last.level, last.index / 2);
            match self.nodes.len().checked_sub(2).map(|i| &self.nodes[i]) {
                Some(left) if left.level == level && left.index + 1 == 2 * parent + 1 => {}
                _ => return,
            }
            let right = self.nodes.pop().expect("two nodes were just seen");
            let left = self.nodes.last_mut().expect("two nodes were just seen");
            left.value.merge(right.value);
            left.level += 1;
            left.index = parent;
        }
    }

    /// The value of the whole tree on every rank, or every rank's error when one rank has one.
    ///
    /// `local` is what this rank's blocks ended with; an error travels with the reduction, so no agreement is
    /// needed beforehand. Returns `None` when there are no blocks.
    ///
    /// # Collective
    /// Up a binomial tree of ranks, at most 2·log₂(n_blocks) partials a message, and one broadcast of the result.
    ///
    /// # Errors
    /// This rank's own error, or [`Error::Remote`] with the lowest failing rank's.
    pub fn finish(mut self, comm: &dyn Communicator, local: Result<()>) -> Result<Option<P>> {
        if comm.size() == 1 {
            local?;
            return self.into_root();
        }
        let (rank, size) = (comm.rank(), comm.size());
        let mut failure =
            local.as_ref().err().map(|e| Failure { rank, code: e.exit_code(), message: e.to_string() });
        let mut step = 1;
        while step < size {
            if rank % (2 * step) == step {
                let message: Message<P> = match failure.take() {
                    Some(failure) => Err(failure),
                    None => Ok(std::mem::take(&mut self.nodes)),
                };
                comm.send(rank - step, &encode(&message)?);
                break;
            }
            if rank + step < size {
                match decode::<Message<P>>(&comm.recv(rank + step))? {
                    Ok(nodes) => nodes.into_iter().for_each(|node| self.append(node)),
                    Err(theirs) => {
                        failure.get_or_insert(theirs);
                    }
                }
            }
            step *= 2;
        }
        let mut bytes = Vec::new();
        if rank == 0 {
            let result: Result<Option<P>, Failure> = match failure {
                Some(failure) => Err(failure),
                None => Ok(self.into_root()?),
            };
            bytes = encode(&result)?;
        }
        comm.broadcast(0, &mut bytes);
        local?;
        decode::<Result<Option<P>, Failure>>(&bytes)?.map_err(Failure::into_error)
    }

    fn into_root(mut self) -> Result<Option<P>> {
        if self.nodes.len() > 1 {
            return Err(Error::internal("blocks are missing from a reduction"));
        }
        Ok(self.nodes.pop().map(|node| node.value))
    }
}

type Message<P> = Result<Vec<Node<P>>, Failure>;

/// An error on its way to the other ranks.
#[derive(Serialize, Deserialize)]
struct Failure {
    rank: usize,
    code: ExitCode,
    message: String,
}

impl Failure {
    fn into_error(self) -> Error {
        Error::Remote { rank: self.rank, code: self.code, message: self.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_threads;
    use crate::partition::Slice;

    /// Numbers whose sum depends on the order of addition.
    fn value(block: usize) -> f64 {
        (block as f64 * 0.737).sin() * 10f64.powi((block % 17) as i32)
    }

    fn reduce(n_blocks: usize, size: usize) -> Vec<Option<f64>> {
        run_threads(size, |comm| {
            let mut reduction = OrderedReduction::new(n_blocks);
            for block in Slice::of(n_blocks, comm.rank(), size).blocks {
                reduction.push(block, value(block));
            }
            reduction.finish(comm, Ok(())).unwrap()
        })
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_ranks() {
        for n_blocks in [0, 1, 2, 3, 5, 8, 13, 100, 257] {
            let alone = reduce(n_blocks, 1)[0].map(f64::to_bits);
            assert_eq!(alone.is_none(), n_blocks == 0);
            for size in [2, 3, 4, 5, 7, 16, 33] {
                for got in reduce(n_blocks, size) {
                    assert_eq!(got.map(f64::to_bits), alone, "{n_blocks} blocks on {size} ranks");
                }
            }
        }
    }

    #[test]
    fn the_tree_is_the_documented_one() {
        // ((0 + 1) + (2 + 3)) + 4
        let v: Vec<f64> = (0..5).map(value).collect();
        let expected = ((v[0] + v[1]) + (v[2] + v[3])) + v[4];
        assert_eq!(reduce(5, 3)[0].unwrap().to_bits(), expected.to_bits());
    }

    #[test]
    fn one_ranks_error_reaches_all() {
        let results = run_threads(5, |comm| {
            let local = if comm.rank() == 3 { Err(Error::internal("three")) } else { Ok(()) };
            let mut reduction = OrderedReduction::new(5);
            reduction.push(comm.rank(), 1.0);
            reduction.finish(comm, local).unwrap_err().to_string()
        });
        assert!(results.iter().all(|message| message.contains("three")), "{results:?}");
        assert!(results[0].starts_with("rank 3"));
    }
}
