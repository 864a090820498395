//! What the first lines of a file tell of its columns, before its rows are counted.

use super::columns::Columns;
use super::input::Input;
use super::params::CsvParams;
use crate::error::Result;

/// The columns of a file as one way of reading it sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOutline {
    /// All columns.
    pub n_columns: usize,
    /// The column of each feature, counted from 0.
    pub features: Vec<usize>,
    /// The names of all columns, where the first line holds them.
    pub names: Option<Vec<String>>,
}

impl CsvOutline {
    /// Reads the first lines of the file; no other rank takes part.
    ///
    /// # Errors
    /// As [`CsvSource::open`](super::CsvSource::open), of what shows in the first lines.
    pub fn read(params: &CsvParams, wants_targets: bool) -> Result<Self> {
        let (columns, _) = Columns::read(&Input::open(&params.path)?, params, wants_targets)?;
        let names = columns.names().map(<[String]>::to_vec);
        Ok(Self { n_columns: columns.roles.len(), features: columns.features, names })
    }

    /// The names of the features, where columns have names.
    pub fn feature_names(&self) -> Option<Vec<String>> {
        let names = self.names.as_ref()?;
        Some(self.features.iter().map(|&column| names[column].clone()).collect())
    }
}
