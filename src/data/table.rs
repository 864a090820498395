//! A whole data set in memory, for estimators that fit on plain arrays.

use std::sync::Arc;

use ndarray::{Array2, Axis};

use super::{Block, BlockSource, RowMap, Shape, default_block_rows};
use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// Features, targets and weights of all rows, in double precision.
#[derive(Clone, Debug)]
pub struct Table {
    /// Features `(n_samples, n_features)`.
    pub x: Array2<f64>,
    /// Targets `(n_samples,)`, or empty.
    pub y: Vec<f64>,
    /// Weights `(n_samples,)`, or empty.
    pub weights: Vec<f64>,
    /// Names of the classes when targets are given as text.
    pub class_names: Option<Vec<String>>,
    /// What the data are, for messages.
    pub origin: String,
}

impl Table {
    /// Reads every block of `source`. Each rank reads for itself; values are checked to be finite (features that
    /// [may be missing](BlockSource::may_miss_features) to be finite or NaN).
    ///
    /// # Errors
    /// What [`BlockSource::fill`] returns, a value that is not finite, or more data than memory can hold.
    pub fn read<T: Real>(source: &dyn BlockSource<T>) -> Result<Self> {
        let shape = source.shape().clone();
        let too_large = || {
            Error::data(
                source.origin(),
                Default::default(),
                "data that fit in memory",
                format!("{} x {} values", shape.n_samples, shape.n_features),
            )
        };
        let rows = usize::try_from(shape.n_samples).map_err(|_| too_large())?;
        let count = rows.checked_mul(shape.n_features).ok_or_else(too_large)?;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|_| too_large())?;
        let (mut y, mut weights) = (Vec::new(), Vec::new());
        let mut block = Block::default();
        for index in 0..shape.n_blocks() {
            block.reshape(&shape, index);
            super::feed::fill(source, &mut block, true, index + 1 == shape.n_blocks())?;
            values.extend(block.x.iter().map(|v| v.to_f64()));
            y.extend_from_slice(&block.y);
            weights.extend_from_slice(&block.weights);
        }
        let x = Array2::from_shape_vec((rows, shape.n_features), values)
            .map_err(|e| Error::internal(format!("a table of the wrong shape: {e}")))?;
        let class_names = source.class_names().map(<[String]>::to_vec);
        Ok(Self { x, y, weights, class_names, origin: source.origin() })
    }

    /// Bytes of its numbers.
    pub fn size_bytes(&self) -> u64 {
        ((self.x.len() + self.y.len() + self.weights.len()) * size_of::<f64>()) as u64
    }

    /// The weights of the listed rows, or none where rows have none.
    pub(crate) fn weights_of(&self, rows: &[usize]) -> Vec<f64> {
        rows.iter().filter_map(|&row| self.weights.get(row)).copied().collect()
    }

    /// The listed rows, in the order of the list.
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = |values: &[f64]| {
            if values.is_empty() { Vec::new() } else { rows.iter().map(|&row| values[row]).collect() }
        };
        Self {
            x: self.x.select(Axis(0), rows),
            y: of(&self.y),
            weights: of(&self.weights),
            class_names: self.class_names.clone(),
            origin: self.origin.clone(),
        }
    }

    /// The same rows with the features that `map` makes of theirs.
    ///
    /// # Errors
    /// [`Error::Data`] when the map takes another number of features, or makes values that are not finite.
    pub fn mapped(&self, map: &dyn RowMap<f64>) -> Result<Self> {
        let (n, d) = self.x.dim();
        if d != map.n_inputs() {
            let expected = format!("{} features, as {} was fitted with", map.n_inputs(), map.name());
            return Err(Error::data(&self.origin, Default::default(), expected, d.to_string()));
        }
        let mut x = Array2::zeros((n, map.n_outputs()));
        let rows = self.x.as_standard_layout();
        if let (Some(from), Some(to)) = (rows.as_slice(), x.as_slice_mut()) {
            map.map(from, to);
        }
        if let Some(at) = x.iter().position(|value| !value.is_finite()) {
            let (place, name) = (Place::cell((at / x.ncols()) as u64, at % x.ncols()), map.name());
            return Err(Error::data(&self.origin, place, format!("finite values after {name}"), "others"));
        }
        Ok(Self {
            x,
            y: self.y.clone(),
            weights: self.weights.clone(),
            class_names: self.class_names.clone(),
            origin: self.origin.clone(),
        })
    }
}

/// A table as a source of blocks, so that a pass runs over it.
pub struct TableSource {
    table: Arc<Table>,
    shape: Shape,
}

impl TableSource {
    /// The rows of `table`, cut as their number says.
    pub fn new(table: Arc<Table>) -> Self {
        let (n_samples, n_features) = (table.x.nrows() as u64, table.x.ncols());
        let shape = Shape {
            n_samples,
            n_features,
            block_rows: default_block_rows(n_samples, n_features, size_of::<f64>()),
            has_targets: !table.y.is_empty(),
            has_weights: !table.weights.is_empty(),
        };
        Self { table, shape }
    }
}

impl BlockSource<f64> for TableSource {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn fill(&self, block: &mut Block<f64>) -> Result<()> {
        let first = block.first_row as usize;
        let rows = first..first + block.n_rows;
        let x = self.table.x.slice(ndarray::s![rows.clone(), ..]);
        block.x.iter_mut().zip(x.iter()).for_each(|(to, from)| *to = *from);
        if self.shape.has_targets {
            block.y.copy_from_slice(&self.table.y[rows.clone()]);
        }
        if self.shape.has_weights {
            block.weights.copy_from_slice(&self.table.weights[rows]);
        }
        Ok(())
    }

    /// What may be missing in a table was decided when it was read.
    fn may_miss_features(&self) -> bool {
        true
    }

    fn origin(&self) -> String {
        self.table.origin.clone()
    }

    fn class_names(&self) -> Option<&[String]> {
        self.table.class_names.as_deref()
    }

    fn waits_for_input(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_read_back_through_its_blocks_is_the_same_rows() {
        let n = 700;
        let table = Table {
            x: Array2::from_shape_fn((n, 3), |(i, j)| (i * 3 + j) as f64),
            y: (0..n).map(|i| i as f64 * 0.5).collect(),
            weights: (0..n).map(|i| 1.0 + (i % 4) as f64).collect(),
            class_names: None,
            origin: "a test".into(),
        };
        let rows: Vec<usize> = (0..n).filter(|row| row % 5 != 2).collect();
        let part = Arc::new(table.select(&rows));
        let source = TableSource::new(part.clone());
        assert!(source.shape().n_blocks() > 1);
        let back = Table::read(&source).unwrap();
        assert_eq!((&back.x, &back.y, &back.weights), (&part.x, &part.y, &part.weights));
        assert_eq!((back.x[[3, 1]], back.y[3]), (table.x[[4, 1]], table.y[4]));
    }
}
