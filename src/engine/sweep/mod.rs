//! The sweep engine: independent chains of fits, spread over the ranks by a table that every rank computes.
//!
//! A caller describes the work as [`Chain`]s and does them through [`Fits`]. The engine decides who does what
//! ([`SweepPlan`]), hands each finished fit to rank 0 for progress and for the journal, leaves its fits after a
//! request to stop, takes up a stopped sweep where it ended, and gathers all outcomes on every rank ([`Swept`]).
//! Since a chain is a property of the search and never of the rank count, neither are the scores.

mod desk;
mod plan;
mod report;
mod run;
mod simulate;
mod task;

pub use plan::{SweepPlan, Task};
pub use report::{ChainReport, RankReport, SharedWork, SweepReport};
pub use run::{Sweep, Swept};
pub use simulate::{Simulated, simulate};
pub use task::{Chain, FitFailure, FitId, FitOutcome, Fits, OnFailure, Watch};
