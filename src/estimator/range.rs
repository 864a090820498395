//! The least and the greatest value of each column.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::columns::column_range;

/// Between which values the columns lie, `(n_features,)` each.
#[derive(Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) least: Vec<f64>,
    pub(crate) greatest: Vec<f64>,
}

impl Partial for Range {
    fn merge(&mut self, right: Self) {
        let keep = |left: &mut f64, right: f64, better: bool| *left = if better { right } else { *left };
        self.least.iter_mut().zip(right.least).for_each(|(l, r)| keep(l, r, r < *l));
        self.greatest.iter_mut().zip(right.greatest).for_each(|(l, r)| keep(l, r, r > *l));
    }
}

/// Finds them.
pub(crate) struct RangePass;

impl<T: Real> Pass<T> for RangePass {
    type Partial = Range;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Range> {
        let (least, greatest) = column_range(&block.x, block.n_features);
        let wide = |values: Vec<T>| values.into_iter().map(T::to_f64).collect();
        Ok(Range { least: wide(least), greatest: wide(greatest) })
    }
}
