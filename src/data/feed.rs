//! One rank's way through its blocks, part by part: in memory, or re-made on each pass and read ahead.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{Block, BlockSource, Parts};
use crate::error::{Error, Place, Result};
use crate::kernel::Real;
use crate::partition::Slice;
use crate::telemetry::{Phase, Telemetry};

/// Whether a rank keeps its blocks in memory between passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residency {
    /// All of them.
    Memory,
    /// None: each pass makes or reads them anew.
    Stream,
    /// As many as fit in this many bytes.
    Auto {
        /// Memory that this rank may use for blocks.
        budget_bytes: u64,
    },
}

/// A rank's slice of a data set.
pub struct Feed<T: Real> {
    source: Arc<dyn BlockSource<T>>,
    parts: Parts,
    slice: Slice,
    /// How many of the slice's first parts stay in memory.
    n_resident: usize,
    resident: Vec<Block<T>>,
    checked: bool,
}

impl<T: Real> Feed<T> {
    /// The slice of rank `rank` of `size`.
    pub fn new(source: Arc<dyn BlockSource<T>>, residency: Residency, rank: usize, size: usize) -> Self {
        let parts = Parts::of(&*source);
        let (shape, slice) = (parts.shape(), parts.slice(rank, size));
        let n_resident = match residency {
            Residency::Memory => slice.len(),
            Residency::Stream => 0,
            Residency::Auto { budget_bytes } => {
                let block = shape.block_bytes::<T>().max(1);
                let all = block.saturating_mul(slice.len() as u64);
                // Streaming the rest needs two parts in flight.
                let room = if all <= budget_bytes {
                    all
                } else {
                    budget_bytes.saturating_sub(block.saturating_mul(2))
                };
                ((room / block) as usize).min(slice.len())
            }
        };
        Self { source, parts, slice, n_resident, resident: Vec::new(), checked: false }
    }

    /// The source of the blocks.
    pub fn source(&self) -> &Arc<dyn BlockSource<T>> {
        &self.source
    }

    /// How blocks are cut into the parts that are handed out.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The parts this rank owns: those of its blocks.
    pub fn slice(&self) -> &Slice {
        &self.slice
    }

    /// How many of them stay in memory.
    pub fn n_resident(&self) -> usize {
        self.n_resident
    }

    /// Hands every owned part to `visit`, in order, with its position in the slice.
    ///
    /// The first time round every value is checked to be finite.
    ///
    /// # Errors
    /// The first error of the source, of the check or of `visit`.
    pub fn for_each(
        &mut self,
        telemetry: &Telemetry,
        mut visit: impl FnMut(usize, &Block<T>) -> Result<()>,
    ) -> Result<()> {
        self.make_resident(telemetry)?;
        for (position, block) in self.resident.iter().enumerate() {
            telemetry.count_memory(block.size_bytes());
            telemetry.count_bytes(Phase::Compute, block.size_bytes());
            visit(position, block)?;
        }
        let rest = self.n_resident..self.slice.len();
        if self.source.waits_for_input() && rest.len() > 1 {
            self.read_ahead(telemetry, &mut visit)?;
        } else {
            let mut block = Block::default();
            for position in rest {
                telemetry.time(Phase::Load, || self.load(position, &mut block, telemetry))?;
                telemetry.count_bytes(Phase::Compute, block.size_bytes());
                visit(position, &block)?;
            }
        }
        self.checked = true;
        Ok(())
    }

    /// Hands the one part at `position` of the slice to `visit`: from memory, or made or read for this once.
    ///
    /// # Errors
    /// The error of the source, of the check or of `visit`.
    pub fn with_block<R>(
        &mut self,
        telemetry: &Telemetry,
        position: usize,
        visit: impl FnOnce(&Block<T>) -> Result<R>,
    ) -> Result<R> {
        if let Some(block) = self.resident.get(position) {
            return visit(block);
        }
        let mut block = Block::default();
        telemetry.time(Phase::Load, || self.load(position, &mut block, telemetry))?;
        visit(&block)
    }

    fn make_resident(&mut self, telemetry: &Telemetry) -> Result<()> {
        while self.resident.len() < self.n_resident {
            let mut block = Block::default();
            telemetry.time(Phase::Load, || self.load(self.resident.len(), &mut block, telemetry))?;
            self.resident.push(block);
        }
        Ok(())
    }

    /// Fills `block` with the part at `position` of the slice.
    fn load(&self, position: usize, block: &mut Block<T>, telemetry: &Telemetry) -> Result<()> {
        block.reshape(self.parts.shape(), self.slice.blocks.start + position);
        // The last part is loaded when all others have been.
        let ends = position + 1 == self.slice.len();
        fill(&*self.source, block, !self.checked, ends)?;
        telemetry.count_bytes(Phase::Load, block.size_bytes());
        Ok(())
    }

    /// Streams the blocks that are not resident: while one is visited, a thread reads the next.
    fn read_ahead(
        &self,
        telemetry: &Telemetry,
        visit: &mut impl FnMut(usize, &Block<T>) -> Result<()>,
    ) -> Result<()> {
        std::thread::scope(|scope| {
            let (full_in, full_out) = sync_channel(1);
            let (empty_in, empty_out) = sync_channel(2);
            for _ in 0..2 {
                empty_in.send(Block::default()).map_err(|_| Error::internal("the reader has no buffers"))?;
            }
            scope.spawn(move || self.read(&full_in, &empty_out, telemetry));
            for position in self.n_resident..self.slice.len() {
                let block = telemetry
                    .time(Phase::Wait, || full_out.recv())
                    .map_err(|_| Error::internal("the reading thread has died"))??;
                telemetry.count_bytes(Phase::Compute, block.size_bytes());
                visit(position, &block)?;
                // The reader may have finished already and need no more buffers.
                let _ = empty_in.send(block);
            }
            Ok(())
        })
    }

    fn read(&self, full: &SyncSender<Result<Block<T>>>, empty: &Receiver<Block<T>>, telemetry: &Telemetry) {
        for position in self.n_resident..self.slice.len() {
            // Either channel closes when the visitor has given up.
            let Ok(mut block) = empty.recv() else { return };
            let loaded = telemetry.time(Phase::Load, || self.load(position, &mut block, telemetry));
            let failed = loaded.is_err();
            if full.send(loaded.map(|()| block)).is_err() || failed {
                return;
            }
        }
    }
}

/// Fills `block`, checks its values if `check`, and looks whether the input has changed where this block `ends` the way
/// through the source.
///
/// # Errors
/// Those of the source and of the check. Of an input that has changed only that is told: a fault that is found in it need not
/// be one of the data that were opened.
pub(super) fn fill<T: Real>(
    source: &dyn BlockSource<T>,
    block: &mut Block<T>,
    check: bool,
    ends: bool,
) -> Result<()> {
    let filled = source.fill(block).and_then(|()| match check {
        true => check_values(source, block, source.may_miss_features()),
        false => Ok(()),
    });
    if ends || filled.is_err() {
        source.unchanged()?;
    }
    filled
}

/// The first value that is not finite, nor NaN where that may be `missing`.
fn first_fault<T: Real>(values: &[T], missing: bool) -> Option<usize> {
    // Without a way out of a piece its test vectorises.
    let whole = |piece: &[T]| piece.iter().fold(true, |finite, v| finite & v.is_finite());
    let piece = values.chunks(PIECE).position(|piece| !whole(piece))?;
    let is_fault = |v: &T| !(v.is_finite() || missing && v.to_f64().is_nan());
    values[piece * PIECE..].iter().position(is_fault).map(|i| piece * PIECE + i)
}

/// Values that are checked together.
const PIECE: usize = 512;

/// Checks that every feature, target and weight of a block is finite, and no weight below 0; a feature may be NaN if it
/// may be `missing`.
///
/// # Errors
/// [`Error::Data`] with the row and column of the first that is not.
pub(super) fn check_values<T: Real>(
    source: &dyn BlockSource<T>,
    block: &Block<T>,
    missing: bool,
) -> Result<()> {
    let fault = |origin: String, row: usize, column: Option<String>, value: String| {
        let place = Place::at(block.first_row + row as u64, column);
        Err(Error::data(origin, place, "a finite number", value))
    };
    if let Some(i) = first_fault(&block.x, missing) {
        let (row, column) = (i / block.n_features, i % block.n_features);
        return fault(source.origin(), row, Some(source.column_name(column)), block.x[i].to_string());
    }
    if let Some(row) = block.y.iter().position(|v| !v.is_finite()) {
        return fault(source.target_origin(), row, source.target_name(), block.y[row].to_string());
    }
    if let Some(row) = block.weights.iter().position(|v| !(v.is_finite() && *v >= 0.0)) {
        let weight = block.weights[row];
        if !weight.is_finite() {
            return fault(source.weight_origin(), row, source.weight_name(), weight.to_string());
        }
        let place = Place::at(block.first_row + row as u64, source.weight_name());
        return Err(Error::data(source.weight_origin(), place, "a weight of 0 or more", weight.to_string()));
    }
    Ok(())
}
