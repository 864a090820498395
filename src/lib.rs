//! `rankfit` fits machine-learning models on data larger than memory and searches hyper-parameters, as an
//! SPMD program of N identical ranks: the same bits come out for any number of them.
//!
//! Two engines carry everything. The [pass engine](engine::pass) runs a kernel over blocks of rows and reduces
//! what they contribute in block order; the [sweep engine](engine::sweep) partitions independent fits over the
//! ranks. Estimators plug into one or both and know neither MPI nor files. See `ARCHITECTURE.md`.

pub mod cli;
pub mod comm;
pub mod data;
pub mod engine;
pub mod error;
pub mod estimator;
pub mod job;
pub mod kernel;
pub mod metrics;
pub mod model_selection;
pub mod partition;
pub mod report;
pub mod results;
pub mod rng;
pub mod telemetry;

pub use error::{Error, Result};
