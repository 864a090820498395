//! The job's section `[data]`: where rows come from and how they are cut and kept.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::bytes::Bytes;
use super::document::Document;
use super::wording;
use crate::data::blobs::Centers;
use crate::data::{BlobsParams, ClassificationParams, CsvParams, Hdf5Params, RegressionParams};
use crate::error::Result;

/// Keys that every source knows.
const COMMON: [&str; 5] = ["source", "block_rows", "dtype", "residency", "memory_per_rank"];

/// The sources, as they are called in a job.
pub const SOURCES: [&str; 5] = ["blobs", "classification", "regression", "hdf5", "csv"];

/// The type of the features in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Double precision.
    #[default]
    F64,
    /// Single precision.
    F32,
}

impl Dtype {
    /// Bytes of one feature.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
        }
    }
}

/// Whether blocks stay in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResidencyChoice {
    /// All of them.
    Memory,
    /// None.
    Stream,
    /// As many as `memory_per_rank` allows.
    #[default]
    Auto,
}

/// The keys that every source knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cut {
    /// Rows of a block; when absent, a function of the data's size alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_rows: Option<usize>,
    /// The type of the features in memory.
    pub dtype: Dtype,
    /// Whether blocks stay in memory.
    pub residency: ResidencyChoice,
    /// Memory that a rank may use for blocks; when absent, its part of half of what is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_per_rank: Option<Bytes>,
}

/// The parameters of one source.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SourceParams {
    /// Gaussian blobs.
    Blobs(BlobsParams),
    /// A random classification problem.
    Classification(ClassificationParams),
    /// A random regression problem.
    Regression(RegressionParams),
    /// Datasets of an HDF5 file.
    Hdf5(Hdf5Params),
    /// A file of comma-separated values.
    Csv(CsvParams),
}

impl SourceParams {
    /// The source's name in a job.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Blobs(_) => SOURCES[0],
            Self::Classification(_) => SOURCES[1],
            Self::Regression(_) => SOURCES[2],
            Self::Hdf5(_) => SOURCES[3],
            Self::Csv(_) => SOURCES[4],
        }
    }
}

/// The section `[data]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DataJob {
    /// How rows are cut and kept.
    pub cut: Cut,
    /// Where they come from.
    pub source: SourceParams,
}

impl DataJob {
    /// Reads the section.
    ///
    /// # Errors
    /// [`crate::Error::Job`] for what cannot be used.
    pub(super) fn read(document: &Document) -> Result<Self> {
        let mut table = document.section("data")?.clone();
        let source = match table.remove("source") {
            Some(Value::String(source)) => source,
            found => {
                let found = found.as_ref().map_or_else(|| "nothing".into(), wording::describe);
                return Err(document.fault("data.source", wording::one_of(&SOURCES), found, None));
            }
        };
        let mut common = Table::new();
        for key in COMMON {
            if let Some(value) = table.remove(key) {
                common.insert(key.into(), value);
            }
        }
        let read = |table| -> Result<SourceParams> {
            Ok(match source.as_str() {
                "blobs" => SourceParams::Blobs(document.read("data", table, &COMMON)?),
                "classification" => SourceParams::Classification(document.read("data", table, &COMMON)?),
                "regression" => SourceParams::Regression(document.read("data", table, &COMMON)?),
                "hdf5" => SourceParams::Hdf5(document.read("data", table, &COMMON)?),
                "csv" => SourceParams::Csv(document.read("data", table, &COMMON)?),
                other => {
                    let hint =
                        wording::nearest(other, &SOURCES).map(|near| format!("did you mean \"{near}\"?"));
                    let found = format!("the text {other:?}");
                    return Err(document.fault("data.source", wording::one_of(&SOURCES), found, hint));
                }
            })
        };
        let source = read(table)?;
        let cut: Cut = document.read("data", common, &[])?;
        if cut.block_rows == Some(0) {
            return Err(document.fault("data.block_rows", "a positive integer", "0", None));
        }
        Ok(Self { cut, source })
    }

    /// The section with all defaults, of an estimator that may need targets.
    pub(super) fn to_table(&self, needs_targets: bool) -> Result<Table, toml::ser::Error> {
        let mut table = Table::new();
        table.insert("source".into(), self.source.name().into());
        table.extend(Table::try_from(&self.source)?);
        match &self.source {
            // A file of centres says how many features there are.
            SourceParams::Blobs(params) if matches!(params.centers, Centers::Number(_)) => {
                table.entry("n_features").or_insert_with(|| Value::Integer(2));
            }
            SourceParams::Hdf5(_) if needs_targets => {
                table.entry("y").or_insert_with(|| "y".into());
            }
            _ => {}
        }
        table.extend(Table::try_from(&self.cut)?);
        Ok(table)
    }
}
