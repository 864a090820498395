//! Forests in a job: trees spread over the ranks. A single tree is a forest of one.

use std::sync::Arc;

use super::fit::{Fitted, table};
use super::spec::Job;
use crate::comm::{self, Communicator, agree};
use crate::data::BlockSource;
use crate::error::Result;
use crate::estimator::ensemble::{Forest, ForestData, ForestModel};
use crate::estimator::tree::Tree;
use crate::kernel::Real;
use crate::partition::Slice;
use crate::results::Contents;
use crate::telemetry::{Phase, Telemetry};

/// Fits a forest, each rank its share of the trees.
///
/// # Collective
/// That of reading the data, two agreements, and every tree once, to rank 0.
///
/// # Errors
/// What the data and the parameters make impossible.
pub(super) fn fit<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    forest: &Forest,
    source: &dyn BlockSource<T>,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let table = table(comm, job, source, telemetry)?;
    let _unkept = telemetry.unkept();
    let share = Slice::of(forest.n_trees(), comm.rank(), comm.size()).blocks;
    let grown = telemetry.time(Phase::Compute, || {
        let data = ForestData::new(Arc::new(table), forest.params().kind)?;
        let trees = forest.fit_trees(&data, share)?;
        Ok((data, comm::encode(&trees)?))
    });
    let (data, mine) = agree(comm, grown.map_err(|error| job.place("estimator", error)))?;
    let all = telemetry.communicate(comm, || comm::to_root(comm, mine));
    let model = if comm.is_root() {
        let trees: Result<Vec<Vec<Tree>>> = all.iter().map(|bytes| comm::decode(bytes)).collect();
        trees.and_then(|trees| forest.assemble(&data, trees.concat())).map(Some)
    } else {
        Ok(None)
    };
    let model = agree(comm, model)?;
    let n_without = model.as_ref().map_or(0, ForestModel::n_without_oob);
    if n_without > 0 {
        telemetry.warn(&format!(
            "{n_without} rows are in the sample of every tree: their out-of-bag predictions are 0, and oob_score_ counts \
             them so"
        ));
    }
    let contents = Contents { model: model.map(|model| model.export()), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes: None, report: None, writer: None })
}
