//! A source whose rows go through a map: what a fitted transformer makes of a data set.

use std::sync::{Arc, Mutex, PoisonError};

use super::feed::check_values;
use super::{Block, BlockSource, Shape};
use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// A map from rows to rows.
pub trait RowMap<T: Real>: Send + Sync {
    /// Features of a row that it takes.
    fn n_inputs(&self) -> usize;

    /// Features of a row that it gives.
    fn n_outputs(&self) -> usize;

    /// Whether output `j` is input `j` changed, so that the input's name still fits.
    fn keeps_columns(&self) -> bool;

    /// What it is, for messages.
    fn name(&self) -> &str;

    /// Whether inputs may be NaN, of which it makes numbers.
    fn takes_missing(&self) -> bool {
        false
    }

    /// Maps the rows `x` `(n_rows, n_inputs)` to `out` `(n_rows, n_outputs)`, each by itself.
    fn map(&self, x: &[T], out: &mut [T]);
}

/// The rows of another source, mapped; targets, weights and the cut into blocks stay as they are.
pub struct Mapped<T: Real> {
    source: Arc<dyn BlockSource<T>>,
    map: Arc<dyn RowMap<T>>,
    shape: Shape,
    /// Blocks before the map, kept for their buffers.
    spare: Mutex<Vec<Block<T>>>,
}

impl<T: Real> Mapped<T> {
    /// `source` seen through `map`.
    ///
    /// # Errors
    /// [`Error::Data`] when the map takes rows of another length.
    pub fn new(source: Arc<dyn BlockSource<T>>, map: Arc<dyn RowMap<T>>) -> Result<Self> {
        let found = source.shape().n_features;
        if found != map.n_inputs() {
            let expected = format!("{} features, as {} was fitted with", map.n_inputs(), map.name());
            return Err(Error::data(source.origin(), Place::default(), expected, found.to_string()));
        }
        let shape = Shape { n_features: map.n_outputs(), ..source.shape().clone() };
        Ok(Self { source, map, shape, spare: Mutex::default() })
    }
}

impl<T: Real> BlockSource<T> for Mapped<T> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        let mut before = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        before.reshape(self.source.shape(), block.index);
        self.source.fill(&mut before)?;
        // After the map a fault could no longer be told by its column.
        check_values(&*self.source, &before, self.map.takes_missing())?;
        self.map.map(&before.x, &mut block.x);
        block.y.clone_from(&before.y);
        block.weights.clone_from(&before.weights);
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(before);
        Ok(())
    }

    fn unchanged(&self) -> Result<()> {
        self.source.unchanged()
    }

    fn origin(&self) -> String {
        format!("{} after {}", self.source.origin(), self.map.name())
    }

    fn target_origin(&self) -> String {
        self.source.target_origin()
    }

    fn weight_origin(&self) -> String {
        self.source.weight_origin()
    }

    fn target_name(&self) -> Option<String> {
        self.source.target_name()
    }

    fn weight_name(&self) -> Option<String> {
        self.source.weight_name()
    }

    fn column_name(&self, column: usize) -> String {
        if self.map.keeps_columns() { self.source.column_name(column) } else { column.to_string() }
    }

    fn doubt(&self) -> Option<&str> {
        self.source.doubt()
    }

    fn class_names(&self) -> Option<&[String]> {
        self.source.class_names()
    }

    fn waits_for_input(&self) -> bool {
        self.source.waits_for_input()
    }
}
