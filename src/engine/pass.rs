//! The pass engine: a kernel over every block, one ordered reduction, the same total on every rank.
//!
//! An estimator describes a [`Pass`]: what one block (or a cache-sized part of one, which is a block to it) contributes. The engine brings the blocks, checks them,
//! keeps the time, merges the partials in block order and tells every rank the total or the error. Several fits
//! share a pass when the pass's partial is a list.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keeper::{Keeper, keep, stopped};
use crate::comm::{self, Communicator, OrderedReduction, Partial, agree};
use crate::data::{Block, Feed, Parts, Shape};
use crate::error::{Error, Result};
use crate::kernel::Real;
use crate::telemetry::{Phase, Telemetry, check_interrupt, stop_requested};

/// What a block contributes.
pub trait Pass<T: Real> {
    /// A block's contribution, and after merging that of all blocks.
    type Partial: Partial;
    /// What is kept with each owned block from pass to pass, such as labels; `()` for nothing.
    type Memory: Default;

    /// The contribution of `block`.
    ///
    /// Must depend on nothing but the block, its memory and the replicated state in `self`.
    ///
    /// # Errors
    /// When the block holds something that the estimator cannot take.
    fn block(&self, block: &Block<T>, memory: &mut Self::Memory) -> Result<Self::Partial>;

    /// Floating-point operations for each row of `n_features`, for the table of speeds: those that the method asks for, not
    /// those of one implementation. 0 where nobody has counted them.
    fn flops_per_row(&self, _n_features: usize) -> f64 {
        0.0
    }

    /// Rows of the blocks so far that were neither read nor computed with, for the table of speeds.
    fn rows_left_alone(&self) -> u64 {
        0
    }

    /// Bytes of the blocks so far that were not read because less of them did, for the table of speeds.
    fn bytes_spared(&self) -> u64 {
        0
    }
}

/// Runs passes over one rank's blocks.
pub struct PassEngine<'a, T: Real> {
    comm: &'a dyn Communicator,
    feed: Feed<T>,
    telemetry: &'a Telemetry,
    keeper: Option<&'a dyn Keeper>,
    /// Bytes that an estimator may keep beside the resident blocks to save work.
    spare_bytes: u64,
    /// Whether some rank was asked to stop before the end of the last pass or visit; equal on all ranks.
    stop: Option<i32>,
}

impl<'a, T: Real> PassEngine<'a, T> {
    /// An engine over `feed`, which is this rank's slice.
    pub fn new(comm: &'a dyn Communicator, feed: Feed<T>, telemetry: &'a Telemetry) -> Self {
        Self { comm, feed, telemetry, keeper: None, spare_bytes: u64::MAX, stop: None }
    }

    /// Keeps the state of unfinished work with `keeper`.
    pub fn with_keeper(mut self, keeper: &'a dyn Keeper) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// Says how many bytes this rank may keep beside the resident blocks to save work; without it, as many as it likes.
    pub fn with_spare(mut self, bytes: u64) -> Self {
        self.spare_bytes = bytes;
        self
    }

    /// Bytes that may be kept beside the resident blocks to save work.
    pub fn spare_bytes(&self) -> u64 {
        self.spare_bytes
    }

    /// The data set's size and its cut into what passes are handed: blocks, or parts of them where the source says so.
    pub fn shape(&self) -> &Shape {
        self.feed.parts().shape()
    }

    /// How blocks are cut, and whose parts are whose.
    pub fn parts(&self) -> &Parts {
        self.feed.parts()
    }

    /// What the data are, for messages.
    pub fn origin(&self) -> String {
        self.feed.source().origin()
    }

    /// What the targets are, for messages.
    pub fn target_origin(&self) -> String {
        self.feed.source().target_origin()
    }

    /// What the weights are, for messages.
    pub fn weight_origin(&self) -> String {
        self.feed.source().weight_origin()
    }

    /// The name of the targets' column, for messages, if there is more than one where they come from.
    pub fn target_name(&self) -> Option<String> {
        self.feed.source().target_name()
    }

    /// Names of the classes when targets are text.
    pub fn class_names(&self) -> Option<Vec<String>> {
        self.feed.source().class_names().map(<[String]>::to_vec)
    }

    /// Whether every block of this rank stays in memory.
    pub fn all_resident(&self) -> bool {
        self.feed.n_resident() == self.n_owned()
    }

    /// How many blocks this rank owns.
    pub fn n_owned(&self) -> usize {
        self.feed.slice().len()
    }

    /// An upper bound of the rows of this rank's blocks.
    pub fn most_rows(&self) -> u64 {
        (self.n_owned() as u64).saturating_mul(self.shape().block_rows as u64)
    }

    /// Room for what a pass keeps with each owned block.
    pub fn memory<M: Default>(&self) -> Vec<M> {
        (0..self.n_owned()).map(|_| M::default()).collect()
    }

    /// Runs `pass` over every block and returns the total, equal on all ranks.
    ///
    /// # Collective
    /// One ordered reduction: at most 2·log₂(n_blocks) partials a message up a tree of ranks, one broadcast.
    ///
    /// # Errors
    /// The error of any rank's blocks, on every rank; [`Error::Data`] when the data set has no rows.
    pub fn run<P: Pass<T>>(&mut self, pass: &P, memory: &mut [P::Memory]) -> Result<P::Partial> {
        let telemetry = self.telemetry;
        let start = self.feed.slice().blocks.start;
        let mut reduction = OrderedReduction::new(self.feed.slice().n_blocks);
        let flops_per_row = pass.flops_per_row(self.feed.parts().shape().n_features);
        let (mut left_alone, mut spared) = (0, 0);
        let local = self.feed.for_each(telemetry, |position, block| {
            check_interrupt()?;
            let partial = telemetry.time(Phase::Compute, || pass.block(block, &mut memory[position]))?;
            let left = pass.rows_left_alone() - std::mem::replace(&mut left_alone, pass.rows_left_alone());
            let row_bytes = block.size_bytes() / block.n_rows.max(1) as u64;
            telemetry.count_flops((flops_per_row * (block.n_rows as f64 - left as f64)) as u64);
            let less = pass.bytes_spared() - std::mem::replace(&mut spared, pass.bytes_spared());
            telemetry.leave_out(left * row_bytes + less);
            reduction.push(start + position, Tagged { partial, stop: stop_requested() });
            Ok(())
        });
        let total = telemetry.communicate(self.comm, || reduction.finish(self.comm, local))?;
        let total = total.ok_or_else(|| {
            Error::data(self.origin(), Default::default(), "at least one row", "an empty data set")
        })?;
        self.stop = total.stop;
        Ok(total.partial)
    }

    /// Runs a pass that keeps nothing with its blocks.
    ///
    /// # Collective
    /// As [`run`](Self::run).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_once<P: Pass<T, Memory = ()>>(&mut self, pass: &P) -> Result<P::Partial> {
        let mut memory = self.memory();
        self.run(pass, &mut memory)
    }

    /// What `work` returns on rank 0, on every rank.
    ///
    /// For dense decompositions by a library whose bits may differ from machine to machine: replicated state must
    /// not come from them on each rank alone.
    ///
    /// # Collective
    /// One broadcast of the value.
    ///
    /// # Errors
    /// Rank 0's error, on every rank.
    pub fn replicate<R: Serialize + DeserializeOwned>(&self, work: impl FnOnce() -> Result<R>) -> Result<R> {
        if self.comm.size() == 1 {
            return work();
        }
        let value = if self.comm.is_root() { work().map(Some) } else { Ok(None) };
        comm::broadcast(self.comm, 0, agree(self.comm, value)?)
    }

    /// Calls `visit` on each of the listed blocks, on the rank that owns it, and returns what it gave, in the
    /// order of the list, on every rank. For a few blocks: it costs no pass over the data.
    ///
    /// # Collective
    /// One agreement and one allgather of the values, with a request to stop.
    ///
    /// # Errors
    /// The error of any rank's blocks, on every rank.
    pub fn at_blocks<R: Serialize + DeserializeOwned>(
        &mut self,
        blocks: &[usize],
        mut visit: impl FnMut(&Block<T>) -> Result<R>,
    ) -> Result<Vec<R>> {
        let owned = self.feed.slice().blocks.clone();
        let telemetry = self.telemetry;
        let mut local = || -> Result<Vec<(usize, R)>> {
            let mut values = Vec::new();
            for (i, block) in blocks.iter().enumerate().filter(|(_, block)| owned.contains(block)) {
                values.push((i, self.feed.with_block(telemetry, block - owned.start, &mut visit)?));
            }
            Ok(values)
        };
        let values = agree(self.comm, local())?;
        let told = comm::allgather(self.comm, &(values, stop_requested()))?;
        // A fit may visit blocks for hours without a pass.
        self.stop = self.stop.or_else(|| told.iter().find_map(|(_, stop)| *stop));
        let mut all: Vec<(usize, R)> = told.into_iter().flat_map(|(values, _)| values).collect();
        all.sort_by_key(|(i, _)| *i);
        if all.len() != blocks.len() {
            return Err(Error::internal("a block that nobody owns was asked for"));
        }
        Ok(all.into_iter().map(|(_, value)| value).collect())
    }

    /// The state that an earlier, stopped run left, equal on all ranks.
    ///
    /// # Collective
    /// One broadcast of the state.
    ///
    /// # Errors
    /// When the state cannot be read, or is no `S`.
    pub fn resume<S: Serialize + DeserializeOwned>(&self) -> Result<Option<S>> {
        let loaded = match self.keeper {
            Some(keeper) if self.comm.is_root() => keeper.load(),
            _ => Ok(None),
        };
        let bytes = comm::broadcast(self.comm, 0, Some(agree(self.comm, loaded)?))?;
        bytes.map(|bytes: Vec<u8>| comm::decode(&bytes)).transpose()
    }

    /// Keeps the replicated `state` if it is time to, and ends the job when a stop was requested.
    ///
    /// Call it between iterations with all that the fit needs to go on.
    ///
    /// # Collective
    /// One agreement on whether the state could be written.
    ///
    /// # Errors
    /// [`Error::Stopped`] after a request to stop; an I/O error when the state cannot be written.
    pub fn checkpoint<S: Serialize>(&mut self, state: &S) -> Result<()> {
        let Some(keeper) = self.keeper else { return Ok(()) };
        let urgent = self.stop.is_some();
        let kept = if self.comm.is_root() { keep(keeper, urgent, || comm::encode(state)) } else { Ok(()) };
        agree(self.comm, kept)?;
        match self.stop {
            Some(signal) => Err(stopped(signal, Some(keeper))),
            None => Ok(()),
        }
    }

    /// Takes the engine apart into its feed, for streaming out one value a row.
    pub fn feed_mut(&mut self) -> &mut Feed<T> {
        &mut self.feed
    }

    /// The ranks.
    pub fn comm(&self) -> &'a dyn Communicator {
        self.comm
    }

    /// This rank's timers.
    pub fn telemetry(&self) -> &'a Telemetry {
        self.telemetry
    }
}

/// A partial with the request to stop that travels along.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(bound = "P: Partial")]
struct Tagged<P> {
    partial: P,
    stop: Option<i32>,
}

impl<P: Partial> Partial for Tagged<P> {
    fn merge(&mut self, right: Self) {
        self.partial.merge(right.partial);
        self.stop = self.stop.or(right.stop);
    }
}
