//! A source whose features may be missing.

use std::sync::Arc;

use super::{Block, BlockSource, Shape};
use crate::error::Result;
use crate::kernel::Real;

/// Another source, of which a feature may be NaN: what an imputer is fitted on. Infinite values are still refused.
pub struct WithMissing<T: Real>(Arc<dyn BlockSource<T>>);

impl<T: Real> WithMissing<T> {
    /// The same rows.
    pub fn new(source: Arc<dyn BlockSource<T>>) -> Self {
        Self(source)
    }
}

impl<T: Real> BlockSource<T> for WithMissing<T> {
    fn shape(&self) -> &Shape {
        self.0.shape()
    }

    fn part_rows(&self) -> usize {
        self.0.part_rows()
    }

    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        self.0.fill(block)
    }

    fn unchanged(&self) -> Result<()> {
        self.0.unchanged()
    }

    fn may_miss_features(&self) -> bool {
        true
    }

    fn origin(&self) -> String {
        self.0.origin()
    }

    fn target_origin(&self) -> String {
        self.0.target_origin()
    }

    fn target_name(&self) -> Option<String> {
        self.0.target_name()
    }

    fn weight_name(&self) -> Option<String> {
        self.0.weight_name()
    }

    fn weight_origin(&self) -> String {
        self.0.weight_origin()
    }

    fn column_name(&self, column: usize) -> String {
        self.0.column_name(column)
    }

    fn class_names(&self) -> Option<&[String]> {
        self.0.class_names()
    }

    fn waits_for_input(&self) -> bool {
        self.0.waits_for_input()
    }
}
